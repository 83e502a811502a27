#!/bin/sh
# Holds the recipes against what their engines say of themselves: published schemas of GitLab, GitHub and Kubernetes,
# systemd's own reading of the units and its score for them, Ansible's run of the play on the sandbox.
#
#     recipes.sh BUILDS AVATARCTL SANDBOX
#
# What is missing is installed where that can be done, Debian's packages with apt-get, the schemas from PyPI. In CI what
# is from Debian must be there; elsewhere, and for the schemas, what cannot be had is left out, and that is said.
set -eu

builds=$1 avatarctl=$2 sandbox=$3
cd "$(dirname "$0")/recipes"
work=$builds/recipes
mkdir -p "$work"

fail() {
    echo "recipes.sh: $*" >&2
    exit 1
}

missing() {
    for program in shellcheck yamllint ansible-playbook systemd-analyze; do
        command -v "$program" >/dev/null || printf '%s ' "$program"
    done
}

if [ -n "$(missing)" ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    packages=$(missing | sed 's/ansible-playbook/ansible-core/; s/systemd-analyze/systemd/')
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null || true
fi

# Whether a program is there; if not, that is said, and in CI it is a failure.
have() {
    command -v "$1" >/dev/null && return
    echo "recipes.sh: $1 is missing; what it would see is left out" >&2
    [ "${CI:-}" != true ] || exit 1
    return 1
}

if have shellcheck; then
    # Errors in all of them, and everything in the later ones.
    shellcheck --severity=error ../*.sh
    shellcheck ../recipes.sh ../readme/*.sh ../release/*.sh
    echo "scripts: as shellcheck wants them"
fi
if have yamllint; then
    yamllint --strict --config-data "{extends: default, rules: {line-length: {max: 130}, document-start: disable,
        truthy: {check-keys: false}}}" ./*.yml ./*.yaml
    echo "YAML: yamllint finds nothing"
fi

# The units as they are installed, in a root where the program is where they say.
if have systemd-analyze; then
    mkdir -p "$work/units/etc/systemd/system" "$work/units/usr/local/bin"
    cp avatarctl.service avatarctl.timer "$work/units/etc/systemd/system"
    cp "$avatarctl" "$work/units/usr/local/bin/avatarctl"
    # Units of the system that these name, and the manual page, are not in that root.
    for unit in network-online.target sysinit.target basic.target shutdown.target timers.target time-set.target \
        time-sync.target -.mount tmp.mount; do
        [ "${unit#*.}" = target ] && printf '[Unit]\n' >"$work/units/etc/systemd/system/$unit"
    done
    SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no --root="$work/units" avatarctl.service avatarctl.timer \
        >"$work/verify" 2>&1 || fail "systemd-analyze verify: $(cat "$work/verify")"
    [ ! -s "$work/verify" ] || fail "systemd-analyze verify: $(cat "$work/verify")"
    # The threshold is in tenths: an exposure of at most 1.5.
    systemd-analyze security --offline=true --threshold=15 --no-pager ./avatarctl.service >"$work/security" ||
        fail "systemd-analyze security: $(tail -n 1 "$work/security")"
    echo "units: verified, $(tail -n 1 "$work/security" | tr -dc ' -~' | sed 's/^[^O]*//')"
fi

# In a virtual environment under target/, and only when asked for the first time.
schemas=$work/venv/bin
if [ ! -e "$work/schemas" ]; then
    rm -rf "$work/venv"
    if python3 -m venv "$work/venv" >"$work/install.log" 2>&1 &&
        "$schemas/pip" install --quiet --disable-pip-version-check --no-cache-dir \
            check-jsonschema==0.39.0 kubernetes-validate==1.37.0 >>"$work/install.log" 2>&1; then
        touch "$work/schemas"
    else
        echo "recipes.sh: no schemas can be had from PyPI (see $work/install.log); they are left out" >&2
    fi
fi
if [ -e "$work/schemas" ]; then
    "$schemas/check-jsonschema" --quiet --builtin-schema vendor.gitlab-ci gitlab-ci.yml
    "$schemas/check-jsonschema" --quiet --builtin-schema vendor.github-workflows github.yml
    "$schemas/kubernetes-validate" --quiet --strict kubernetes.yaml kubernetes-indexed.yaml
    echo "GitLab, GitHub, Kubernetes: as their schemas say"
fi

# Ansible runs its play for real: it changes what is not as declared, and then finds nothing to do.
if have ansible-playbook; then
    rm -rf "$work/ansible"
    mkdir -p "$work/ansible/bin"
    "$sandbox" --pictures "$work/ansible" >/dev/null
    cp ansible.yml avatars.json "$work/ansible"
    ln -s "$avatarctl" "$work/ansible/bin/avatarctl"
    cat >"$work/ansible/run" <<'END'
set -eu
# The play brings a token.
unset JIRA_USER JIRA_PASSWORD
sed -i -e "s|https://jira.your-company.com|$JIRA_URL|" -e "s|https://chat.your-company.com|$ROCKETCHAT_URL|" \
    -e "s|https://api.eu.navixy.com/v2|$NAVIXY_URL|" avatars.json
play() {
    ansible-playbook -i localhost, -c local ansible.yml "$@" -e jira_token=ROBOTTOKEN \
        -e "rocketchat_user_id=$ROCKETCHAT_USER_ID" -e "rocketchat_auth_token=$ROCKETCHAT_AUTH_TOKEN" \
        -e "fleet_hash=$NAVIXY_HASH" >play.log 2>&1 || { cat play.log >&2; exit 1; }
    grep '^localhost ' play.log | tr -s ' '
}
play --check | grep ' changed=1 ' | grep -q ' failed=0 '
play | grep ' changed=2 ' | grep -q ' failed=0 '
play | grep ' changed=0 ' | grep -q ' failed=0 '
END
    (cd "$work/ansible" && LC_ALL=C.UTF-8 ANSIBLE_NOCOLOR=1 PATH="$work/ansible/bin:$PATH" "$sandbox" -- sh run) ||
        fail "Ansible's runs end otherwise; the last one is in $work/ansible/play.log"
    echo "Ansible: would change, changes, finds nothing to do"
fi
