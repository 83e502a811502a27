#!/bin/sh
# Debian packages from binaries that are built: the program, its manual page, completions, units, an example. Nothing is
# started or enabled by installing them, because there is nothing to do before /etc/avatarctl/avatars.json is written.
# The maintainer is DEBFULLNAME and DEBEMAIL, as for Debian's own tools, or the author of the commit.
#
#     deb.sh DIST BUILDS VERSION TARGET...
set -eu

dist=$1 builds=$2 version=$3
shift 3
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
host=$builds/x86_64-unknown-linux-musl/release/avatarctl
maintainer="${DEBFULLNAME:-$(git log -1 --format=%an)} <${DEBEMAIL:-$(git log -1 --format=%ae)}>"
date=$(LC_ALL=C date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")

for target in "$@"; do
    case $target in
        x86_64-*) architecture=amd64 ;;
        aarch64-*) architecture=arm64 ;;
        *)
            echo "deb.sh: which architecture is $target?" >&2
            exit 1
            ;;
    esac
    stage=$dist/stage
    share=$stage/usr/share
    doc=$share/doc/avatarctl
    rm -rf "$stage"
    mkdir -p "$stage/DEBIAN" "$doc/examples" "$share/man/man1" "$stage/etc/avatarctl"
    install -D -m 755 "$builds/$target/release/avatarctl" "$stage/usr/bin/avatarctl"
    "$host" man | gzip -9 -n >"$share/man/man1/avatarctl.1.gz"
    mkdir -p "$share/bash-completion/completions" "$share/zsh/vendor-completions" "$share/fish/vendor_completions.d"
    "$host" completions bash >"$share/bash-completion/completions/avatarctl"
    "$host" completions zsh >"$share/zsh/vendor-completions/_avatarctl"
    "$host" completions fish >"$share/fish/vendor_completions.d/avatarctl.fish"
    "$host" example >"$doc/examples/avatars.json"
    mkdir -p "$stage/usr/lib/systemd/system"
    sed 's|/usr/local/bin/|/usr/bin/|' tests/recipes/avatarctl.service \
        >"$stage/usr/lib/systemd/system/avatarctl.service"
    cp tests/recipes/avatarctl.timer "$stage/usr/lib/systemd/system"
    {
        printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n'
        printf 'Upstream-Name: avatarctl\n\nFiles: *\n%s\nLicense: Expat\n' \
            "$(sed -n 's/^Copyright (c) /Copyright: /p' LICENSE)"
        sed -e '1,/^Copyright/d' -e '/./,$!d' LICENSE | sed -e 's/^$/./' -e 's/^/ /' | sed '1{/^ \.$/d}'
    } >"$doc/copyright"
    printf 'avatarctl (%s) stable; urgency=medium\n\n  * See /usr/share/doc/avatarctl/NEWS.gz.\n\n -- %s  %s\n' \
        "$version" "$maintainer" "$date" | gzip -9 -n >"$doc/changelog.gz"
    gzip -9 -n <CHANGELOG.md >"$doc/NEWS.gz"

    cat >"$stage/DEBIAN/control" <<END
Package: avatarctl
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(du -sk --apparent-size --exclude=DEBIAN "$stage" | cut -f1)
Recommends: ca-certificates
Section: admin
Priority: optional
Description: set the avatars of service accounts and prove it
 Sets the avatars of service and bot accounts on Jira Data Center,
 Rocket.Chat, Navixy and Matrix, one by one or as a manifest declares them,
 and reads back whether the server now shows them.
 .
 The program is one static binary. A systemd timer that applies
 /etc/avatarctl/avatars.json comes with it; it is not enabled.
END
    # Only a running systemd has to know of units that came, changed or went.
    cat >"$stage/DEBIAN/postinst" <<'END'
#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload || true
fi
END
    cat >"$stage/DEBIAN/prerm" <<'END'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    systemctl disable --now avatarctl.timer || true
fi
END
    cat >"$stage/DEBIAN/postrm" <<'END'
#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload || true
fi
# Of DynamicUser= and StateDirectory=.
if [ "$1" = purge ]; then
    rm -rf /var/lib/private/avatarctl /var/lib/avatarctl
fi
END
    find "$stage" -type d -exec chmod 755 {} +
    find "$stage" -type f ! -path '*/bin/*' -exec chmod 644 {} +
    chmod 755 "$stage/DEBIAN/postinst" "$stage/DEBIAN/prerm" "$stage/DEBIAN/postrm"
    find "$stage" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group -Zxz --build "$stage" "$dist/avatarctl_${version}_$architecture.deb" >/dev/null
done
rm -rf "$dist/stage"
