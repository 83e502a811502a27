#!/bin/sh
# Shows the program at work on the sandbox, as a person would type it. The sandbox gives addresses and
# credentials in the environment, `make demo` the program and a folder with pictures.
set -eu

run() {
    printf '\n$ avatarctl %s\n' "$*"
    status=0
    "$AVATARCTL" "$@" || status=$?
    [ "$status" -eq "${wanted:-0}" ] || {
        echo "demo: ended with $status, not with ${wanted:-0}" >&2
        exit 1
    }
    [ "$status" -eq 0 ] || echo "(exit status $status)"
}

say() {
    printf '\n# %s\n' "$*"
}

cd "$DEMO"

say "whose credentials these are, and what they may change"
run jira whoami
run rocketchat whoami
run navixy whoami
run matrix whoami

say "one account, now"
run jira set --user robot --avatar-id 24880 --dry-run
run jira set --user robot --avatar-id 24880
run jira set --user build-bot --image faces/build-bot.png
run rocketchat set --user build-bot --image faces/build-bot.png
run navixy set --employee-id 2132 --icon-id 3654
run navixy set --employee-id 2133 --image faces/driver.jpg
run matrix set --user build-bot --image faces/small.png
run jira show --user robot
run rocketchat show --user build-bot
run navixy show --employee-id 2133
run matrix show --user build-bot
run rocketchat reset --user build-bot

say "many accounts, declared in a file"
cat > avatars.json <<MANIFEST
{
  "servers": {
    "jira":  {"system": "jira", "url": "$JIRA_URL"},
    "chat":  {"system": "rocketchat", "url": "$ROCKETCHAT_URL"},
    "fleet": {"system": "navixy", "url": "$NAVIXY_URL"},
    "hs":    {"system": "matrix", "url": "$MATRIX_URL"}
  },
  "accounts": [
    {"server": "jira",  "user": "robot", "avatar_id": "24880"},
    {"server": "jira",  "user": "build-bot", "image": "faces/build-bot.png"},
    {"server": "jira",  "user": "deploy-bot", "image": "faces/robot.png"},
    {"server": "chat",  "user": "build-bot", "image": "faces/build-bot.png"},
    {"server": "chat",  "user": "retired-bot", "reset": true},
    {"server": "fleet", "employee_id": 2132, "icon_id": 3654},
    {"server": "fleet", "employee_id": 2133, "image": "faces/driver.jpg"},
    {"server": "fleet", "employee_id": 2134, "image": "faces/night-shift.webp"},
    {"server": "hs",    "user": "build-bot", "image": "faces/small.png"},
    {"server": "hs",    "user": "deploy-bot", "reset": true}
  ]
}
MANIFEST
run check avatars.json
run apply avatars.json

say "what they show now, as a manifest that gives it back"
run pull avatars.json --to backup
run diff backup/avatars.json
run navixy pull --to drivers

say "a picture changes; diff sees it and ends with 2"
cp faces/small.png faces/build-bot.png
wanted=2 run diff avatars.json
run apply avatars.json --html avatars.html

say "a third run sends no write"
printf '\n$ avatarctl apply avatars.json -v 2> third.log\n'
"$AVATARCTL" apply avatars.json -v > third.txt 2> third.log
cat third.txt
grep -qE '^GET .*: 200, ' third.log # a trace there is
if grep -E '^(PUT|DELETE|POST .*(temporary|setAvatar|resetAvatar|assign|upload))' third.log; then
    echo "demo: the third run wrote" >&2
    exit 1
fi
printf '\n$ grep -cE "^(PUT|POST .*(temporary|setAvatar|resetAvatar|assign|upload))" third.log\n'
grep -cE '^(PUT|POST .*(temporary|setAvatar|resetAvatar|assign|upload))' third.log || true
