#!/bin/sh
# Builds what is released once more, from a clone in another folder, and compares every byte. The commit is part of
# what is built, so there must be nothing that is not committed.
#
#     reproducible.sh DIST
set -eu

dist=$1
root=$(cd "$(dirname "$0")/../.." && pwd)

if [ -n "$(git -C "$root" status --porcelain)" ]; then
    echo "reproducible.sh: commit first; a clone has what is committed" >&2
    exit 1
fi
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git clone --quiet "$root" "$copy/elsewhere"
cd "$copy/elsewhere"
unset MAKEFLAGS MAKELEVEL # It is a make of its own.
CARGO_TARGET_DIR=$copy/builds make --silent dist deb image
cat "$copy/builds/dist/SHA256SUMS"
cmp "$dist/SHA256SUMS" "$copy/builds/dist/SHA256SUMS"
echo "the same bytes in both folders"
