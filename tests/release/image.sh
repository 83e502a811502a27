#!/bin/sh
# A container image from nothing but the program: an archive of an OCI layout, for all targets at once, made without an
# engine. There is no shell in it, no user data base and no trust store; the roots of Mozilla are in the binary.
#
#     image.sh DIST BUILDS VERSION TARGET...
set -eu

dist=$1 builds=$2 version=$3
shift 3
layout=$dist/stage
created=$(date --utc --date="@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
archive() {
    tar --create --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
        --mtime="@$SOURCE_DATE_EPOCH" "$@"
}

# Files a blob under its digest, and describes it.
blob() {
    digest=$(sha256sum "$1" | cut -d ' ' -f 1)
    descriptor="{\"mediaType\":\"$2\",\"digest\":\"sha256:$digest\",\"size\":$(stat -c %s "$1")}"
    mv "$1" "$layout/blobs/sha256/$digest"
}

rm -rf "$layout"
mkdir -p "$layout/blobs/sha256" "$layout/files"
manifests=
for target in "$@"; do
    case $target in
        x86_64-*) architecture=amd64 ;;
        aarch64-*) architecture=arm64 ;;
        *)
            echo "image.sh: which architecture is $target?" >&2
            exit 1
            ;;
    esac
    install -m 755 "$builds/$target/release/avatarctl" "$layout/files/avatarctl"
    archive --directory "$layout/files" avatarctl >"$layout/layer"
    plain=$(sha256sum "$layout/layer" | cut -d ' ' -f 1)
    gzip -9 -n "$layout/layer"
    blob "$layout/layer.gz" application/vnd.oci.image.layer.v1.tar+gzip
    layer=$descriptor
    # Nobody's number: it writes where the caller has given it a volume to write to.
    cat >"$layout/config" <<END
{"created":"$created","architecture":"$architecture","os":"linux","config":{"User":"65534:65534","Entrypoint":["/avatarctl"],"WorkingDir":"/","Labels":{"org.opencontainers.image.title":"avatarctl","org.opencontainers.image.version":"$version","org.opencontainers.image.licenses":"MIT"}},"rootfs":{"type":"layers","diff_ids":["sha256:$plain"]},"history":[{"created":"$created","created_by":"COPY avatarctl /avatarctl"}]}
END
    blob "$layout/config" application/vnd.oci.image.config.v1+json
    printf '{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s]}\n' \
        application/vnd.oci.image.manifest.v1+json "$descriptor" "$layer" >"$layout/manifest"
    blob "$layout/manifest" application/vnd.oci.image.manifest.v1+json
    manifests="$manifests${manifests:+,}${descriptor%\}},\"platform\":{\"architecture\":\"$architecture\",\"os\":\"linux\"}}"
done
rm -r "$layout/files"
# One index of all targets; the layout names it by the version.
printf '{"schemaVersion":2,"mediaType":"%s","manifests":[%s]}\n' \
    application/vnd.oci.image.index.v1+json "$manifests" >"$layout/all"
blob "$layout/all" application/vnd.oci.image.index.v1+json
printf '{"schemaVersion":2,"mediaType":"%s","manifests":[%s]}\n' application/vnd.oci.image.index.v1+json \
    "${descriptor%\}},\"annotations\":{\"org.opencontainers.image.ref.name\":\"$version\"}}" >"$layout/index.json"
printf '{"imageLayoutVersion":"1.0.0"}\n' >"$layout/oci-layout"
archive --directory "$layout" blobs index.json oci-layout >"$dist/avatarctl-$version-image.tar"
rm -r "$layout"
