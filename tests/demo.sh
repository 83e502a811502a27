#!/bin/sh
# Sets avatars on the three systems of the sandbox, as a person would type it. The sandbox gives addresses and
# credentials in the environment; see `make demo`.
set -eu

run() {
    printf '\n$ avatarctl %s\n' "$*"
    "$AVATARCTL" "$@"
}

run jira set --user robot --avatar-id 24880
run jira set --user build-bot --image "$FACES/build-bot.png"
run jira show --user robot
run jira show --user build-bot
run rocketchat set --user build-bot --image "$FACES/build-bot.png"
run rocketchat show --user build-bot
run navixy set --employee-id 2132 --icon-id 3654
run navixy set --employee-id 2133 --image "$FACES/driver.jpg"
run navixy show --employee-id 2132
run navixy show --employee-id 2133
