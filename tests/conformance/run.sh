#!/bin/sh
# Holds avatarctl against what others wrote: parsers of forms, validators, clients, readers of pictures, curl. Installs
# what it needs (Debian's packages where that can be done, Python's and Node's into target/conformance), says what it
# leaves out, and prints one table. With --short it takes seconds and tries fewer cases. In CI nothing is left out.
#
# Differences that are explained stand in the table with their reason; one that is not makes it fail.
set -eu
cd "$(dirname "$0")/../.."

SHORT=0
[ "${1:-}" = --short ] && SHORT=1
builds=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CONFORMANCE="$builds/conformance" SHORT
mkdir -p "$CONFORMANCE/npm"
rm -rf "$CONFORMANCE/results"

# ------------------------------------------------------------------------------------------------------- what is needed

wanted=
want() { # PROGRAM OR FILE, PACKAGE
    if ! command -v "$1" >/dev/null && ! [ -e "$1" ]; then
        wanted="$wanted $2"
    fi
}
want curl curl
want openssl openssl
want python3 python3-venv
want node nodejs
want npm npm
want php php-cli
want go golang-go
want javac default-jdk-headless
want /usr/share/java/tomcat9-catalina.jar libtomcat9-java
want /usr/share/java/jetty9-servlet.jar libjetty9-java
want /usr/bin/identify imagemagick
want mandoc mandoc
want shellcheck shellcheck
want tidy tidy
if [ -n "$wanted" ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "make conformance: installing$wanted with apt-get" >&2
    apt-get -o DPkg::Lock::Timeout=300 update -qq
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $wanted >/dev/null || true
fi

for program in curl openssl python3 node npm; do
    command -v "$program" >/dev/null || { echo "make conformance: $program is missing" >&2; exit 1; }
done

python="$CONFORMANCE/python/bin/python"
if ! [ -e "$CONFORMANCE/python/done" ]; then
    python3 -m venv "$CONFORMANCE/python"
    "$python" -m pip install --quiet --disable-pip-version-check \
        pillow==12.* werkzeug==3.1.* python-multipart==0.0.* cryptography junitparser==4.* jira==3.10.* \
        rocketchat_API==3.* html5lib==1.1
    touch "$CONFORMANCE/python/done"
fi

# One package in a folder of its own.
npm_package() { # FOLDER, PACKAGES...
    folder="$CONFORMANCE/npm/$1"
    shift
    [ -e "$folder/done" ] && return
    mkdir -p "$folder"
    echo '{"private": true}' >"$folder/package.json"
    (cd "$folder" && npm install --silent --no-fund --no-audit --ignore-scripts "$@" >/dev/null)
    touch "$folder/done"
}
npm_package busboy-1.6.0 busboy@1.6.0
npm_package busboy-0.2.14 busboy@0.2.14
npm_package har har-validator@5
npm_package bundler esbuild ajv@8 ajv-formats@3

# The validators alone, bundled: the packages need a bundler, and want more packages than they use.
for version in 8.8.1 6.13.1 6.3.0; do
    folder="$CONFORMANCE/npm/rest-typings-$version"
    [ -e "$folder/bundle.cjs" ] && continue
    mkdir -p "$folder"
    (
        cd "$folder"
        npm pack --silent "@rocket.chat/rest-typings@$version" >/dev/null
        tar xzf ./*.tgz
        printf 'export * from "./package/dist/v1/users";\nexport * from "./package/dist/v1/auth";\n' >entry.js
        NODE_PATH=../bundler/node_modules ../bundler/node_modules/.bin/esbuild entry.js --bundle --platform=node \
            --format=cjs --log-level=error --outfile=bundle.cjs
    )
done

# ------------------------------------------------------------------------------------------------------------ the program

cargo build --locked --quiet --bin avatarctl --example ours --example sandbox
export AVATARCTL="${AVATARCTL_UNDER_TEST:-$builds/debug/avatarctl}"
export OURS="$builds/debug/examples/ours" SANDBOX="$builds/debug/examples/sandbox"

failed=0
for topic in parsers validators clients pictures settings tls; do
    echo "make conformance: $topic" >&2
    "$python" "tests/conformance/$topic.py" || failed=1
done
echo
"$python" tests/conformance/table.py || failed=1
exit "$failed"
