#!/bin/sh
# Runs every test. Some talk to real programs: a proxy, a browser, the openssl command, curl, shells, groff, strace,
# a Matrix homeserver; some make networks and roots.
# What is missing is installed where that can be done; elsewhere the tests of it are left out, and that is said. In CI
# nothing is.
set -eu

missing() {
    for program in tinyproxy chromium openssl curl bash zsh fish groff strace ip; do
        command -v "$program" >/dev/null || printf '%s ' "$program"
    done
}

if [ -n "$(missing)" ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "make test: installing $(missing)with apt-get" >&2
    apt-get update -qq
    # shellcheck disable=SC2046 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(missing | sed 's/\bip\b/iproute2/') \
        >/dev/null || true
fi

for program in $(missing); do
    echo "make test: $program is missing; the tests that need it are left out" >&2
    if [ "${CI:-}" = true ]; then
        exit 1
    fi
    case "$program" in
        tinyproxy) export AVATARCTL_TESTS_WITHOUT_TINYPROXY=1 ;;
        chromium) export AVATARCTL_TESTS_WITHOUT_CHROMIUM=1 ;;
        zsh) export AVATARCTL_TESTS_WITHOUT_ZSH=1 ;;
        fish) export AVATARCTL_TESTS_WITHOUT_FISH=1 ;;
        groff) export AVATARCTL_TESTS_WITHOUT_GROFF=1 ;;
        strace) export AVATARCTL_TESTS_WITHOUT_STRACE=1 ;;
        ip) export AVATARCTL_TESTS_WITHOUT_ROOT=1 ;;
        bash) exit 1 ;; # what most people complete in
        openssl | curl) exit 1 ;; # what makes certificates everywhere, and has the last word on netrc files
    esac
done

if ! sh tests/synapse.sh install; then
    echo "make test: there is no Matrix homeserver; the tests that need one are left out" >&2
    if [ "${CI:-}" = true ]; then
        exit 1
    fi
    export AVATARCTL_TESTS_WITHOUT_SYNAPSE=1
fi

# A machine of its own, with its root and its network, is root's to make.
if ! unshare --net --mount true 2>/dev/null; then
    echo "make test: no namespaces without root; the tests of other machines are left out" >&2
    if [ "${CI:-}" = true ]; then
        exit 1
    fi
    export AVATARCTL_TESTS_WITHOUT_ROOT=1
fi

# Most tests wait for a clock and not for a core.
RUST_TEST_THREADS=${RUST_TEST_THREADS:-$(($(nproc) * 3))} cargo test --locked "$@"
