#!/bin/sh
# Puts what is released where it is used: the packages on an old and a new Debian that nobody has touched, where they
# are installed, run, upgraded, removed and purged; the unit under the systemd of the new one; the image into an empty
# root; the program beside busybox. Takes root, and debootstrap for the Debians.
#
#     machines.sh fetch BUILDS              put the Debians under BUILDS, unless they are there
#     machines.sh run BUILDS DIST VERSION SANDBOX
#                                           do that, and then all the rest
set -eu

builds=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$builds/machines
suites="bullseye trixie"

fail() {
    echo "machines.sh: $*" >&2
    exit 1
}

# Debian's own files, kept as one archive so that each run begins with what debootstrap made.
debian() {
    if [ ! -e "$work/$1.tar" ]; then
        rm -rf "${work:?}/$1"
        debootstrap --variant=minbase --include=systemd "$1" "$work/$1" >"$work/$1.log" 2>&1 ||
            fail "debootstrap cannot make $1; see $work/$1.log"
        tar --create --file "$work/$1.part" --directory "$work/$1" .
        mv "$work/$1.part" "$work/$1.tar"
        rm -rf "${work:?}/$1"
    fi
}

mkdir -p "$work"
for suite in $suites; do
    debian "$suite"
done
[ "$1" = run ] || exit 0
dist=$3 version=$4 sandbox=$5

# A newer package of the same, to upgrade to.
cd "$root"
rm -rf "$work/newer"
mkdir "$work/newer"
sh tests/release/deb.sh "$work/newer" "$builds" "$version+1" x86_64-unknown-linux-musl aarch64-unknown-linux-musl

inside() {
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive chroot "$work/$suite" "$@"
}

for suite in $suites; do
    rm -rf "${work:?}/$suite"
    mkdir "$work/$suite"
    tar --extract --file "$work/$suite.tar" --directory "$work/$suite"
    cp "$dist/avatarctl_${version}_amd64.deb" "$dist/avatarctl_${version}_arm64.deb" "$work"/newer/*.deb "$work/$suite"
    inside dpkg --add-architecture arm64
    for architecture in amd64 arm64; do
        # No kernel here starts the machine code of another processor, so the emulator is named.
        run() {
            case $architecture in
                amd64) inside avatarctl "$@" ;;
                arm64) qemu-aarch64-static "$work/$suite/usr/bin/avatarctl" "$@" ;;
            esac
        }
        inside dpkg --install "/avatarctl_${version}_$architecture.deb" >"$work/dpkg.log" 2>&1 ||
            fail "$suite $architecture: not installed; see $work/dpkg.log"
        run --version | grep -q "^avatarctl $version (.* .*-unknown-linux-musl)\$" ||
            fail "$suite $architecture: no version"
        inside cp /usr/share/doc/avatarctl/examples/avatars.json /etc/avatarctl/avatars.json
        run check - <"$work/$suite/etc/avatarctl/avatars.json" >/dev/null ||
            fail "$suite $architecture: the example is no manifest"
        inside dpkg --install "/avatarctl_${version}+1_$architecture.deb" >"$work/dpkg.log" 2>&1 ||
            fail "$suite $architecture: not upgraded; see $work/dpkg.log"
        run --version | grep -q "^avatarctl $version " || fail "$suite $architecture: not run after the upgrade"
        [ -e "$work/$suite/etc/avatarctl/avatars.json" ] || fail "$suite $architecture: the manifest went"
        inside dpkg --remove "avatarctl:$architecture" >"$work/dpkg.log" 2>&1 ||
            fail "$suite $architecture: not removed; see $work/dpkg.log"
        [ ! -e "$work/$suite/usr/bin/avatarctl" ] || fail "$suite $architecture: the program stays"
        rm "$work/$suite/etc/avatarctl/avatars.json"
        inside dpkg --purge "avatarctl:$architecture" >>"$work/dpkg.log" 2>&1 ||
            fail "$suite $architecture: not purged; see $work/dpkg.log"
        left=$(find "$work/$suite" -path "$work/$suite/var/lib/dpkg" -prune -o \
            -name '*avatarctl*' ! -name '*.deb' -print)
        [ -z "$left" ] || fail "$suite $architecture: $left stays"
        echo "$suite $architecture: installed, run, upgraded, removed, purged"
    done
    if [ "$suite" = trixie ]; then
        inside dpkg --install "/avatarctl_${version}_amd64.deb" >"$work/dpkg.log"
        sh tests/release/boot.sh "$work/$suite" "$sandbox"
    fi
    rm -rf "${work:?}/$suite"
done

# The image: what its index says is there, and each layer is a root in which the program runs.
rm -rf "$work/image"
mkdir "$work/image"
tar --extract --file "$dist/avatarctl-$version-image.tar" --directory "$work/image"
python3 - "$work/image" <<'END' >"$work/layers" || fail "the image is none"
import gzip, hashlib, json, os, sys

blobs = os.path.join(sys.argv[1], "blobs", "sha256")
used = set()

def blob(of):
    path = os.path.join(blobs, of["digest"].removeprefix("sha256:"))
    data = open(path, "rb").read()
    assert len(data) == of["size"] and "sha256:" + hashlib.sha256(data).hexdigest() == of["digest"], of
    used.add(os.path.basename(path))
    return path, data

index = json.load(open(os.path.join(sys.argv[1], "index.json")))
[index] = index["manifests"]
for entry in json.loads(blob(index)[1])["manifests"]:
    manifest = json.loads(blob(entry)[1])
    config = json.loads(blob(manifest["config"])[1])
    [layer] = manifest["layers"]
    path, data = blob(layer)
    plain = "sha256:" + hashlib.sha256(gzip.decompress(data)).hexdigest()
    assert config["rootfs"]["diff_ids"] == [plain]
    assert config["architecture"] == entry["platform"]["architecture"]
    print(config["architecture"], path, *config["config"]["Entrypoint"])
assert used == set(os.listdir(blobs)), "a blob that nobody names"
END
while read -r architecture layer entry; do
    rm -rf "$work/layer"
    mkdir "$work/layer"
    tar --extract --gzip --file "$layer" --directory "$work/layer"
    [ "$(find "$work/layer" -type f)" = "$work/layer/avatarctl" ] || fail "image $architecture: more than the program"
    case $architecture in
        amd64) said=$(env -i "$(command -v chroot)" --userspec=65534:65534 "$work/layer" "$entry" --version) ;;
        arm64) said=$(env -i qemu-aarch64-static "$work/layer$entry" --version) ;;
        *) fail "image: which architecture is $architecture?" ;;
    esac
    echo "image $architecture: $said"
done <"$work/layers"

# A machine of busybox alone.
command -v busybox >/dev/null || fail "there is no busybox; Debian's busybox-static has it"
rm -rf "$work/busybox"
mkdir -p "$work/busybox/bin"
cp "$(command -v busybox)" "$work/busybox/bin/busybox"
ln -s busybox "$work/busybox/bin/sh"
install -m 755 "$builds/x86_64-unknown-linux-musl/release/avatarctl" "$work/busybox/bin/avatarctl"
said=$(env -i PATH=/bin "$(command -v chroot)" "$work/busybox" sh -euc 'avatarctl example | avatarctl check -')
echo "busybox: $said"
