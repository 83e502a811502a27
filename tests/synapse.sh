#!/bin/sh
# A real Matrix homeserver for the tests: Synapse in a virtual environment, with its own accounts, on this machine only.
#
#     synapse.sh install   put Synapse under target/, unless it is there
#     synapse.sh serve     do that, start one on a free port, print its address and tokens as shell assignments, and
#                          serve until standard input closes; then stop it and forget everything
#
# To try something by hand: sleep infinity | sh tests/synapse.sh serve
# Nothing is written outside target/. The folder of a run is removed with it; KEEP=1 leaves it for a look at its log.
set -eu

VERSION=1.163.2
root=$(cd "$(dirname "$0")/.." && pwd)
home=$(mkdir -p "${CARGO_TARGET_DIR:-$root/target}/synapse" && cd "${CARGO_TARGET_DIR:-$root/target}/synapse" && pwd)
python=$home/venv/bin/python
ready=$home/ready-$VERSION

fail() {
    echo "synapse.sh: $*" >&2
    exit 1
}

# Several may want to install at once: the first does, the others wait for it.
install() {
    [ -e "$ready" ] && return
    command -v python3 >/dev/null || fail "python3 is missing"
    exec 9>"$home/lock"
    flock 9
    if [ ! -e "$ready" ]; then
        rm -rf "$home/venv"
        python3 -m venv "$home/venv" >"$home/install.log" 2>&1 ||
            fail "python3 cannot make a virtual environment; see $home/install.log"
        "$python" -m pip install --quiet --disable-pip-version-check --no-cache-dir "matrix-synapse==$VERSION" \
            >>"$home/install.log" 2>&1 ||
            fail "matrix-synapse $VERSION cannot be installed from PyPI; see $home/install.log"
        touch "$ready"
    fi
    exec 9>&-
}

configure() {
    random() {
        od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
    }
    secret=$(random)
    as_token=$(random)
    # What --generate-config would write, without the second that it takes.
    printf 'ed25519 a_test %s\n' "$(head -c 32 /dev/urandom | base64 | tr -d '=\n')" >"$data/signing.key"
    cat >"$data/service.yaml" <<END
id: bridge
url: null
as_token: $as_token
hs_token: $(random)
sender_localpart: bridge
rate_limited: false
namespaces:
  users: [{exclusive: true, regex: '@bridge_.*:test\.local'}]
  aliases: []
  rooms: []
END
    cat >"$data/log.yaml" <<END
version: 1
disable_existing_loggers: false
formatters: {plain: {format: '%(asctime)s %(levelname)s %(name)s %(message)s'}}
handlers: {file: {class: logging.FileHandler, filename: $data/log, formatter: plain}}
root: {level: INFO, handlers: [file]}
END
    # One address asks for everybody here, so what is counted by address is not limited; failed logins are, as
    # installed. Who shall be limited is told so by name.
    cat >"$data/homeserver.yaml" <<END
server_name: test.local
pid_file: $data/pid
log_config: $data/log.yaml
signing_key_path: $data/signing.key
media_store_path: $data/media
registration_shared_secret: $secret
macaroon_secret_key: $(random)
form_secret: $(random)
report_stats: false
bcrypt_rounds: 4
trusted_key_servers: []
app_service_config_files: [$data/service.yaml]
max_upload_size: 200K
database: {name: sqlite3, args: {database: $data/db}}
listeners:
  - {port: 0, type: http, bind_addresses: [127.0.0.1], resources: [{names: [client, federation]}]}
rc_login: {address: {per_second: 1000, burst_count: 1000}, account: {per_second: 1000, burst_count: 1000}}
rc_message: {per_second: 1000, burst_count: 1000}
rc_registration: {per_second: 1000, burst_count: 1000}
END
}

# The accounts, over the calls that register_new_matrix_user makes; one process instead of one for each.
populate() {
    SECRET=$secret AS_TOKEN=$as_token "$python" - "$1" <<'END'
import hashlib, hmac, json, os, sys
from urllib.request import Request, urlopen

base = sys.argv[1]

def call(method, path, body=None, token=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = "Bearer " + token
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(base + path, data, headers, method=method), timeout=30) as answer:
        return json.load(answer)

def register(name, admin=False):
    nonce = call("GET", "/_synapse/admin/v1/register")["nonce"]
    parts = [nonce, name, "secret", "admin" if admin else "notadmin"]
    mac = hmac.new(os.environ["SECRET"].encode(), "\0".join(parts).encode(), hashlib.sha1).hexdigest()
    body = {"nonce": nonce, "username": name, "password": "secret", "admin": admin, "mac": mac}
    return call("POST", "/_synapse/admin/v1/register", body)["access_token"]

print("MATRIX_URL=" + base)
print("MATRIX_ADMIN_TOKEN=" + register("admin", True))
print("MATRIX_ROBOT_TOKEN=" + register("robot"))
register("build-bot")
print("MATRIX_SERVICE_TOKEN=" + os.environ["AS_TOKEN"])
for name in ["bridge_one", "bridge_two"]:
    body = {"type": "m.login.application_service", "username": name, "inhibit_login": True}
    call("POST", "/_matrix/client/v3/register", body, os.environ["AS_TOKEN"])
END
}

serve() {
    install
    data=$(mktemp -d "$home/run.XXXXXX")
    pid=
    # shellcheck disable=SC2329 # called by the trap
    stop() {
        status=$?
        trap - EXIT
        if [ -n "$pid" ]; then
            # It ends by itself in a second or so; nobody needs what it would still write.
            kill -9 "$pid" 2>/dev/null || true
            wait "$pid" 2>/dev/null || true
        fi
        [ -n "${KEEP:-}" ] || rm -rf "$data"
        exit "$status"
    }
    trap stop EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    configure
    : >"$data/log"
    (cd "$data" && exec "$python" -m synapse.app.homeserver -c homeserver.yaml) >"$data/out" 2>&1 </dev/null &
    pid=$!
    port=
    tries=0
    while [ -z "$port" ]; do
        port=$(sed -n 's/.*now listening on TCP port \([0-9]*\).*/\1/p' "$data/log")
        tries=$((tries + 1))
        if [ "$tries" -gt 1200 ] || ! kill -0 "$pid" 2>/dev/null; then
            tail -n 20 "$data/out" "$data/log" >&2
            fail "Synapse did not start"
        fi
        [ -n "$port" ] || sleep 0.1
    done
    populate "http://127.0.0.1:$port"
    # Nothing more comes: a reader sees the end of the list.
    exec >/dev/null
    cat
}

case "${1:-}" in
    install) install ;;
    serve) serve ;;
    *) fail "usage: synapse.sh install | serve" ;;
esac
