#!/bin/sh
# Fuzzes each target in turn with libFuzzer, on the stable compiler, from the corpora of the repository: SECONDS_EACH=600
# for each of them, TARGET=... for one alone, RUNS=0 for the corpora and nothing random. Ends with a table, and fails if
# anything was found; what was found lies in target/fuzz/findings, what was learned in target/fuzz/corpus. With KEEP=1 that
# becomes the corpus of the repository, reduced to the inputs that cover the most.
#
# Left out: sanitizers of memory, which need a nightly compiler (the program has no unsafe code that parses anything);
# TLS handshakes, whose bytes are read by rustls.
set -eu
cd "$(dirname "$0")/../.."

seconds=${SECONDS_EACH:-600}
builds=$(realpath -m "${CARGO_TARGET_DIR:-target}")/fuzz
# From the root, because whole commands run in a folder of their own.
corpora=$PWD/tests/fuzz/corpus
host=$(rustc -vV | sed -n 's/^host: //p')
fuzzer="$builds/$host/release/fuzzer"
targets=$(sed -n 's/^    ("\([a-z-]*\)", .*),$/\1/p' tests/fuzz/targets/mod.rs)

if [ -n "${TARGET:-}" ]; then
    echo "$targets" | grep -qx "$TARGET" || { echo "make fuzz: no target $TARGET; there are:" $targets >&2; exit 1; }
    targets=$TARGET
fi

# libFuzzer itself is C++.
if ! command -v g++ >/dev/null && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "make fuzz: installing g++ with apt-get" >&2
    apt-get -o DPkg::Lock::Timeout=300 update -qq
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends g++ >/dev/null || true
fi
command -v g++ >/dev/null || { echo "make fuzz: g++ is missing" >&2; exit 1; }

# What `cargo fuzz build --sanitizer none` asks for. With a target, so that build scripts are built without it. Not
# --locked: what the package above depends on is taken over.
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares" CARGO_TARGET_DIR="$builds" \
    cargo build --quiet --release --target "$host" --manifest-path tests/fuzz/Cargo.toml

mkdir -p "$builds/findings" "$builds/logs"
# The words of the program, for what no comparison of bytes tells: keys of answers and of manifests, names of headers.
grep -rhoE '"[a-zA-Z_.-]{2,40}"' src/system src/plan src/http | sort -u >"$builds/words"
# Files of a fuzzer that ended without its last words.
TMPDIR="$builds/scratch"
export TMPDIR
rm -rf "$TMPDIR"
mkdir -p "$TMPDIR"

# A hang of a whole command is told by its target, which a signal cannot interrupt; any other by libFuzzer.
run() { # TARGET, ARGUMENTS...
    FUZZ_TARGET=$1
    export FUZZ_TARGET
    shift
    "$fuzzer" -dict="$builds/words" -timeout=25 -rss_limit_mb=0 "$@"
}

failed=0
table=
for target in $targets; do
    corpus="$builds/corpus/$target"
    log="$builds/logs/$target"
    mkdir -p "$corpus"
    echo "make fuzz: $target, $seconds s" >&2
    longest=4096
    case $target in answers-*) longest=20000 ;; esac
    found=-
    if ! run "$target" -max_total_time="$seconds" -runs="${RUNS:--1}" -max_len=$longest -print_final_stats=1 \
        -artifact_prefix="$builds/findings/$target-" "$corpus" "$corpora/$target" >"$log" 2>&1; then
        found=$(sed -n 's/.*Test unit written to .*\///p' "$log" | tail -n 1)
        [ -n "$found" ] || found="see $log"
        grep -a -A 3 'panicked at' "$log" >&2 || tail -n 5 "$log" >&2
        failed=1
    fi
    if [ "${KEEP:-}" = 1 ] && [ "$found" = - ]; then
        kept="$builds/kept"
        rm -rf "$kept"
        mkdir "$kept"
        # The fewest that reach every place, however often each of them does: a twentieth of the inputs.
        run "$target" -set_cover_merge=1 -use_counters=0 -max_len=$longest "$kept" "$corpora/$target" "$corpus" >/dev/null 2>&1
        rm -rf "$corpora/$target"
        mv "$kept" "$corpora/$target"
    fi
    last=$(grep -aE '^#[0-9]+' "$log" | tail -n 1)
    executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
    covered=$(echo "$last" | sed -n 's/.* cov: \([0-9]*\) .*/\1/p')
    inputs=$(echo "$last" | sed -n 's/.* corp: \([^ ]*\) .*/\1/p')
    table="$table$(printf '%-20s %10s %7s %6s %13s  %s' "$target" "${executed:--}" "${rate:--}" "${covered:--}" \
        "${inputs:--}" "$found")
"
done
rm -rf "$TMPDIR"
printf '%-20s %10s %7s %6s %13s  %s\n%s' target executions per_s places inputs/bytes found "$table"
exit "$failed"
