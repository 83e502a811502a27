#!/bin/sh
# Puts the manifest of the README into this folder, for the servers of the sandbox, and goes on as the command that is
# given.
set -eu

sed -e "s|https://jira.your-company.com|$JIRA_URL|" -e "s|https://chat.your-company.com|$ROCKETCHAT_URL|" \
    -e "s|https://api.eu.navixy.com/v2|$NAVIXY_URL|" "$(dirname "$0")/../recipes/avatars.json" >avatars.json
export FLEET_HASH="$NAVIXY_HASH"
exec "$@"
