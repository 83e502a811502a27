#!/bin/sh
# How fast and how large: figures for a person, no assertions. AVATARCTL is the static binary, SANDBOX the models as
# a program (built with --release, or it is the models that are measured). Every part runs inside a sandbox, which
# gives addresses and credentials in the environment. A part may be named: bench.sh [one|many|requests|uploads].
set -eu

AVATARCTL=$(realpath "$AVATARCTL")
SANDBOX=$(realpath "$SANDBOX")
export AVATARCTL SANDBOX
HERE=$(realpath "$0")

# time's own output, in words; the command's goes nowhere.
measure() {
    label=$1
    shift
    if [ -x /usr/bin/time ]; then
        /usr/bin/time -o time.txt -f '%e s, %U s user, %S s system, %M kB' "$@" >out.txt 2>err.txt || status=$?
        printf '%-44s %s\n' "$label" "$(tail -n 1 time.txt)"
    else
        begun=$(date +%s)
        "$@" >out.txt 2>err.txt || status=$?
        printf '%-44s %s s (no /usr/bin/time here)\n' "$label" "$(($(date +%s) - begun))"
    fi
    if [ "${status:-0}" -ne 0 ]; then
        printf '  ended with %s: %s\n' "$status" "$(head -n 1 err.txt)"
        status=0
    fi
}

# Many runs of each command, which is one word to a shell.
compare() {
    if command -v hyperfine >/dev/null; then
        hyperfine --shell=none --warmup 20 --runs 300 --export-csv runs.csv "$@" >/dev/null 2>hyperfine.txt ||
            cat hyperfine.txt
        awk -F, 'NR > 1 { printf "  %7.2f ms (median %.2f)  %s\n", $(NF - 6) * 1000, $(NF - 4) * 1000, substr($0, 1, 110) }' runs.csv
    else
        for command in "$@"; do
            begun=$(date +%s%N)
            n=0
            while [ $n -lt 300 ]; do
                eval "$command" >/dev/null 2>&1
                n=$((n + 1))
            done
            printf '  %7s us  %s\n' "$((($(date +%s%N) - begun) / 300000))" "$command"
        done
    fi
}

# servers and accounts FROM..TO of the systems named, as a manifest
manifest() {
    awk -v from="$1" -v to="$2" -v systems="$3" -v picture="$4" \
        -v jira="$JIRA_URL" -v chat="$ROCKETCHAT_URL" -v fleet="$NAVIXY_URL" 'BEGIN {
        printf "{\"servers\": {\n"
        printf "\"jira\": {\"system\": \"jira\", \"url\": \"%s\"},\n", jira
        printf "\"chat\": {\"system\": \"rocketchat\", \"url\": \"%s\"},\n", chat
        printf "\"fleet\": {\"system\": \"navixy\", \"url\": \"%s\"}},\n\"accounts\": [", fleet
        count = split(systems, kinds, " ")
        comma = ""
        for (n = from; n < to; n++) {
            name = kinds[n % count + 1]
            if (name == "fleet") who = "\"employee_id\": " 5000 + n
            else who = "\"user\": \"bot-" n "\""
            printf "%s\n{\"server\": \"%s\", %s, \"image\": \"%s\"}", comma, name, who, picture
            comma = ","
        }
        printf "\n]}\n"
    }'
}

part_one() {
    icon=$NAVIXY_URL/employee/avatar/assign
    printf '{"employee_id":2132,"icon_id":3654}' >icon.json
    one="curl -sS -o curl.out -H \"Authorization: NVX $NAVIXY_HASH\" -H Content-Type:application/json -d @icon.json $icon"
    printf '\none start\n'
    compare "$AVATARCTL --version" "curl --version"
    printf '\none icon: avatarctl looks, assigns and looks again; curl only assigns\n'
    compare "$AVATARCTL navixy set --employee-id 2132 --icon-id 3654 --force" \
        "$AVATARCTL navixy set --employee-id 2132 --icon-id 3654 --force --no-verify" "$one"
    printf '\n'
    measure 'avatarctl --version' "$AVATARCTL" --version
    measure 'curl --version' curl --version
    measure 'avatarctl navixy set --icon-id' "$AVATARCTL" navixy set --employee-id 2132 --icon-id 3654 --force
    measure 'curl, one assignment' curl -sS -o curl.out -H "Authorization: NVX $NAVIXY_HASH" \
        -H Content-Type:application/json -d @icon.json "$icon"
}

part_many() {
    for systems in 'jira chat fleet' jira chat fleet; do
        manifest 0 "$1" "$systems" faces/robot.png >many.json
        rm -f many.json.state
        printf '\n%s accounts on %s\n' "$1" "$systems"
        measure '  check' "$AVATARCTL" check many.json
        if [ "$systems" = 'jira chat fleet' ]; then
            measure '  first apply' "$AVATARCTL" apply many.json
        else
            # Written without a look, proven by nobody: only what an unchanged diff needs.
            measure '  apply --no-verify' "$AVATARCTL" apply many.json --no-verify
            measure '  apply, nothing to do' "$AVATARCTL" apply many.json -q
        fi
        measure '  unchanged diff' "$AVATARCTL" diff many.json
        tail -n 1 out.txt
    done
}

# Requests of a run, counted by its own trace.
requests() {
    "$AVATARCTL" "$@" -v 2>&1 >/dev/null | grep -cE '^(GET|POST|PUT|DELETE) /' || true
}

part_requests() {
    printf '\nrequests: for the server, then for each account (from 10 and 30 of them)\n'
    for system in jira chat fleet; do
        for count in 10 30; do
            manifest 0 $count $system faces/build-bot.png >m$count.json
            manifest 0 $count $system faces/robot.png >n$count.json
        done
        first10=$(requests apply m10.json)
        same10=$(requests diff m10.json)
        first30=$(requests apply n30.json --state fresh)
        same30=$(requests diff n30.json --state fresh)
        awk -v name=$system -v a="$first10" -v b="$first30" -v c="$same10" -v d="$same30" 'BEGIN {
            changed = (b - a) / 20
            same = (d - c) / 20
            printf "  %-6s changed: %d + %.2f an account; unchanged: %d + %.2f an account\n",
                name, a - 10 * changed, changed, c - 10 * same, same
        }'
        rm -f m10.json.state fresh
    done
}

part_uploads() {
    manifest 0 1000 chat faces/robot.png >uploads.json
    sed -i "s|\"url\": \"https|\"ca_file\": \"$CERTIFICATE\", &|" uploads.json
    awk -v url="$ROCKETCHAT_URL" -v ca="$CERTIFICATE" -v id="$ROCKETCHAT_USER_ID" -v token="$ROCKETCHAT_AUTH_TOKEN" 'BEGIN {
        for (n = 0; n < 1000; n++) {
            if (n) print "next"
            printf "url = \"%s/api/v1/users.setAvatar\"\ncacert = \"%s\"\nsilent\nshow-error\n", url, ca
            printf "header = \"X-User-Id: %s\"\nheader = \"X-Auth-Token: %s\"\n", id, token
            printf "form = \"userId=id%015d\"\nform = \"image=@faces/robot.png;type=image/png\"\noutput = \"curl.out\"\n", n
        }
    }' >uploads.curl
    printf '\n1,000 uploads of %s bytes over TLS on one connection\n' "$(wc -c <faces/robot.png)"
    measure 'curl -K with next, uploads alone' curl -K uploads.curl
    measure 'avatarctl apply --no-verify, uploads alone' "$AVATARCTL" apply uploads.json --no-verify
    rm -f uploads.json.state
    measure 'avatarctl apply, with a look on either side' "$AVATARCTL" apply uploads.json
    measure 'avatarctl apply, nothing to do' "$AVATARCTL" apply uploads.json
}

if [ "${1:-}" = --inside ]; then
    part=$2
    shift 2
    "part_$part" "$@"
    exit
fi

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
cd "$WORK"
"$SANDBOX" --pictures . >/dev/null
for part in ${1:-one many requests uploads}; do
    case $part in
    one) "$SANDBOX" -- sh "$HERE" --inside one ;;
    many)
        for count in 1000 10000; do
            "$SANDBOX" --accounts $count -- sh "$HERE" --inside many $count
        done
        ;;
    requests) "$SANDBOX" --accounts 30 -- sh "$HERE" --inside requests ;;
    uploads)
        CERTIFICATE=$WORK/ca.pem "$SANDBOX" --accounts 1000 --tls "$WORK/ca.pem" -- sh "$HERE" --inside uploads
        ;;
    *) printf 'usage: bench.sh [one|many|requests|uploads]\n' >&2 && exit 64 ;;
    esac
done
