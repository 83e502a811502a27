#!/bin/sh
# Whether what is released is what it should be: sums, contents, linking, hardening, size.
#
#     verify.sh DIST VERSION TARGET...
set -eu

dist=$1 version=$2
shift 2
most=2200000 # bytes of a binary

fail() {
    echo "verify-dist: $*" >&2
    exit 1
}

# Whether a dynamic section or a program header has this.
has() {
    grep -qE "$2" "$1" || fail "$target: no $3"
}

cd "$dist"
sha256sum --check --quiet --strict SHA256SUMS || fail "a sum is wrong"
for file in *; do
    [ "$file" = SHA256SUMS ] || grep -q " [ *]$file\$" SHA256SUMS || fail "$file has no sum"
done
open=$(mktemp -d)
trap 'rm -rf "$open"' EXIT
for target in "$@"; do
    name=avatarctl-$version-$target
    tar --extract --gzip --file "$name.tar.gz" --directory "$open"
    (cd "$open/$name" && find . -type f | LC_ALL=C sort) >"$open/found"
    cat >"$open/wanted" <<END
./CHANGELOG.md
./LICENSE
./avatarctl
./avatarctl.1
./avatars.json
./completions/_avatarctl
./completions/avatarctl.bash
./completions/avatarctl.fish
./systemd/avatarctl.service
./systemd/avatarctl.timer
END
    diff "$open/wanted" "$open/found" || fail "$target: other files than expected"
    (cd "$open/$name" && find . -type f -empty) | grep . && fail "$target: an empty file"
    tar --list --verbose --gzip --file "$name.tar.gz" --numeric-owner |
        grep -vE '^(drwxr-xr-x|-rwxr-xr-x|-rw-r--r--) 0/0 ' && fail "$target: an owner or a mode"

    binary=$open/$name/avatarctl
    readelf --wide --file-header --program-headers --dynamic --sections "$binary" >"$open/elf"
    case $target in
        x86_64-*) has "$open/elf" 'Machine:.*X86-64' "x86_64 machine code" ;;
        aarch64-*) has "$open/elf" 'Machine:.*AArch64' "aarch64 machine code" ;;
        *) fail "$target: which machine is that?" ;;
    esac
    # Static and position independent: no loader, no library, flagged as PIE.
    grep -qE 'INTERP|\(NEEDED\)' "$open/elf" && fail "$target: linked dynamically"
    grep -qE '\.symtab|\.debug_' "$open/elf" && fail "$target: not stripped"
    has "$open/elf" 'Type: +DYN' PIE
    has "$open/elf" 'FLAGS_1.*PIE' PIE
    has "$open/elf" 'GNU_RELRO' RELRO
    has "$open/elf" 'BIND_NOW|FLAGS_1.*NOW' "full RELRO"
    has "$open/elf" 'GNU_STACK.* RW ' "stack without execution (NX)"
    grep -qE 'LOAD.* RWE ' "$open/elf" && fail "$target: memory that can be written and executed"
    # No path of whoever built it.
    strings -n 4 "$binary" | grep -qF -e "$HOME/" -e "$(pwd)" && fail "$target: a path of this machine"
    bytes=$(stat -c %s "$binary")
    [ "$bytes" -le "$most" ] || fail "$target: $bytes bytes, more than $most"
    echo "$name: static, PIE, RELRO, NX, $bytes bytes ($(stat -c %s "$name.tar.gz") packed)"
done
if [ "${BOM:-}" = none ]; then
    echo "verify-dist: no SBOM was asked for" >&2
    exit
fi
[ -e "avatarctl-$version.cdx.json" ] || fail "there is no SBOM"
python3 - "avatarctl-$version.cdx.json" <<'END' || fail "the SBOM is none"
import json, sys
bom = json.load(open(sys.argv[1]))
assert bom["bomFormat"] == "CycloneDX" and bom["metadata"]["component"]["name"] == "avatarctl"
names = {component["name"] for component in bom["components"]}
assert {"rustls", "ring", "ureq", "serde_json", "webpki-roots"} <= names, names
assert not {"rcgen", "multipart"} & names, "what only tests use is not shipped"
assert all(component["purl"].startswith("pkg:cargo/") for component in bom["components"])
print(f"SBOM: CycloneDX {bom['specVersion']}, {len(names)} crates")
END
