#!/bin/sh
# What the binary is made of, in CycloneDX's JSON: every crate of the lock file that is linked into it or builds it.
# cargo-cyclonedx writes into the source tree, so it is given a copy of what it reads.
#
#     sbom.sh FILE CARGO-CYCLONEDX
set -eu

file=$1 tool=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
# Always the same place, for the place is written down.
mkdir "$copy/avatarctl"
cp -r "$root/Cargo.toml" "$root/Cargo.lock" "$root/.cargo" "$root/src" "$copy/avatarctl"
mkdir "$copy/avatarctl/tests"
cp "$root/tests/main.rs" "$root/tests/sandbox.rs" "$copy/avatarctl/tests"
cd "$copy/avatarctl"
"$tool" cyclonedx --quiet --format json --spec-version 1.5 --target x86_64-unknown-linux-musl --override-filename sbom
sed "s|$copy|.|g" sbom.json >"$file"
