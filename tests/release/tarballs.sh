#!/bin/sh
# What is released, from binaries that are built: for each target a tarball with all that goes with the program. Two
# runs on the same commit give the same bytes: names are sorted, owners are numbers, times are those of the commit.
#
#     tarballs.sh DIST BUILDS VERSION TARGET...
set -eu

dist=$1 builds=$2 version=$3
shift 3
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
# Man page, completions and example are those of this machine's own binary, because they are the same for all.
host=$builds/x86_64-unknown-linux-musl/release/avatarctl

for target in "$@"; do
    name=avatarctl-$version-$target
    stage=$dist/stage/$name
    rm -rf "$stage"
    mkdir -p "$stage/completions" "$stage/systemd"
    install -m 755 "$builds/$target/release/avatarctl" "$stage/avatarctl"
    "$host" man >"$stage/avatarctl.1"
    "$host" completions bash >"$stage/completions/avatarctl.bash"
    "$host" completions zsh >"$stage/completions/_avatarctl"
    "$host" completions fish >"$stage/completions/avatarctl.fish"
    "$host" example >"$stage/avatars.json"
    cp LICENSE CHANGELOG.md "$stage"
    cp tests/recipes/avatarctl.service tests/recipes/avatarctl.timer "$stage/systemd"
    tar --create --directory "$dist/stage" --format=ustar --sort=name --owner=0 --group=0 --numeric-owner \
        --mode=u=rwX,go=rX --mtime="@$SOURCE_DATE_EPOCH" "$name" | gzip -9 -n >"$dist/$name.tar.gz"
done
rm -rf "$dist/stage"
