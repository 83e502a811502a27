#!/bin/sh
# Boots the systemd of a Debian in which the package is installed, in namespaces and a control group of its own, and has
# it start the unit twice: with secrets from its credential store, as a user made for it, under all that the unit denies
# itself, against the sandbox. Nothing of this machine is changed.
#
#     boot.sh ROOT SANDBOX
set -eu

root=$1 sandbox=$2

fail() {
    echo "boot.sh: $*" >&2
    cat "$root/result/log" "$root/result/out" >&2 || true
    exit 1
}

# systemd wants the second version of control groups, by themselves or beside the first.
groups=/sys/fs/cgroup
[ -e "$groups/cgroup.procs" ] || groups=$groups/unified
group=$groups/avatarctl-$$
if ! mkdir "$group" 2>/dev/null; then
    echo "boot.sh: no control group can be made here; the unit is not started by a systemd" >&2
    exit
fi
init=
end() {
    [ -z "$init" ] || kill -KILL "$init" 2>/dev/null || true
    # The last process of the group may take a moment to go.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
        sleep 0.2
    done
}
trap end EXIT

rm -rf "$root/result"
mkdir -p "$root/result" "$root/etc/credstore" "$root/etc/systemd/system/avatarctl.service.d"
chmod 700 "$root/etc/credstore"
cp "$sandbox" "$root/sandbox"
printf '[Unit]\nWants=try.service\n' >"$root/etc/systemd/system/try.target"
cat >"$root/etc/systemd/system/try.service" <<'END'
[Unit]
DefaultDependencies=no

[Service]
Type=oneshot
ExecStart=/bin/sh -eu /try.sh
StandardOutput=append:/result/log
StandardError=append:/result/log
END
printf '[Service]\nStandardOutput=append:/result/out\nStandardError=append:/result/out\n' \
    >"$root/etc/systemd/system/avatarctl.service.d/out.conf"
cat >"$root/try.sh" <<'END'
trap 'touch /result/end' EXIT
mkfifo /run/stop
exec 3<>/run/stop
/sandbox --until-eof <&3 >/run/settings &
while ! grep -qs PAGE /run/settings; do sleep 0.1; done
. /run/settings
umask 077
printf ROBOTTOKEN >/etc/credstore/avatarctl.jira_token
printf %s "$ROCKETCHAT_USER_ID" >/etc/credstore/avatarctl.rocketchat_user_id
printf %s "$ROCKETCHAT_AUTH_TOKEN" >/etc/credstore/avatarctl.rocketchat_auth_token
umask 022
cat >/etc/avatarctl/avatars.json <<MANIFEST
{
  "servers": {"jira": {"system": "jira", "url": "$JIRA_URL"}, "chat": {"system": "rocketchat", "url": "$ROCKETCHAT_URL"}},
  "accounts": [
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "chat", "user": "retired-bot", "reset": true}
  ]
}
MANIFEST
for _ in 1 2; do
    systemctl start avatarctl.service
    while systemctl is-active --quiet avatarctl.service; do sleep 0.1; done
    systemctl show --property=Result,ExecMainStatus avatarctl.service
done
systemctl start avatarctl.timer
systemctl is-active avatarctl.timer
stat --format='%a %F' /var/lib/private/avatarctl /var/lib/private/avatarctl/state
END

# Not a chroot but a root of its own, because a user namespace is not made in a chroot, and PrivateUsers= makes one.
# shellcheck disable=SC2016 # It is another shell that expands this.
sh -c 'echo $$ >"$1/cgroup.procs"
exec unshare --pid --mount --ipc --uts --cgroup --net --fork --kill-child sh -euc "$2" boot "$3"' start "$group" '
mount --make-rprivate /
ip link set lo up
cd "$1"
mount --bind . .
cd "$1"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 none sys/fs/cgroup
for folder in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs "$folder"; done
mkdir dev/shm dev/pts dev/mqueue dev/hugepages
mount -t devpts devpts dev/pts
ln -s pts/ptmx dev/ptmx
for device in null zero full random urandom tty; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mkdir -p old
pivot_root . old
cd /
umount -l /old
# As systemd has it itself where it is not in a container.
mount --make-rshared /
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /usr/lib/systemd/systemd --unit=try.target
' "$root" >"$root/result/boot" 2>&1 </dev/null &
init=$!

tries=0
until [ -e "$root/result/end" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || fail "systemd does not come to the unit: $(cat "$root/result/boot")"
    sleep 0.2
done
cat >"$root/result/wanted" <<'END'
Result=success
ExecMainStatus=0
Result=success
ExecMainStatus=0
active
700 directory
600 regular file
END
diff "$root/result/wanted" "$root/result/log" || fail "the unit ends otherwise"
# Once: the second run found nothing to do and was quiet.
[ "$(grep -c . "$root/result/out")" -eq 3 ] || fail "the second run was not quiet"
[ "$(tail -n 1 "$root/result/out")" = "2 changed, 0 unchanged" ] || fail "the first run changed something else"
echo "unit: started twice by systemd, with credentials and a state of its own"
