#!/bin/sh
# How fast: one table of ratios, avatarctl to others on the same work against an nginx with canned answers. Nothing is
# judged here. `make bench` sets AVATARCTL (the static binary), SANDBOX (for its pictures) and LIMIT (tests/limit.rs);
# an argument keeps the rows whose name holds it.
#
# Runs alternate, A B A B ..., so that a machine that has other things to do slows both. A ratio is the median of the
# ratios of the pairs. The server has one core and the clients another, where there are two.
set -eu

PAIRS=${PAIRS:-15}
ROWS=${1:-}
AVATARCTL=$(realpath "$AVATARCTL")
SANDBOX=$(realpath "$SANDBOX")
LIMIT=$(realpath "$LIMIT")

ECHO=/usr/lib/nginx/modules/ngx_http_echo_module.so
missing() {
    for program in curl hyperfine nginx openssl strace; do
        command -v $program >/dev/null || echo $program
    done
    [ -x /usr/bin/time ] || echo time
    [ -e $ECHO ] || echo libnginx-mod-http-echo
    python3 -c 'import ensurepip' 2>/dev/null || echo python3-venv
}
if [ -n "$(missing)" ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    # shellcheck disable=SC2046 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $(missing | sed 's/^nginx$/nginx-light/') >/dev/null
fi
if [ -n "$(missing)" ]; then
    echo "bench.sh: missing:" $(missing) >&2
    exit 1
fi

WORK=$(mktemp -d)
trap 'kill "$(cat "$WORK/nginx.pid")" 2>/dev/null || true; rm -rf "$WORK"' EXIT
cd "$WORK"
server= client=
if [ "$(nproc)" -gt 1 ]; then
    server='taskset -c 0' client='taskset -c 1'
fi

# --- the server ---

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 \
    -subj '/CN=bench root' -addext keyUsage=keyCertSign 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr \
    -subj /CN=localhost 2>/dev/null
echo 'subjectAltName=IP:127.0.0.1' >names
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names \
    -out server.pem 2>/dev/null
# A system's store that holds the private root: what update-ca-certificates makes.
cat /etc/ssl/certs/ca-certificates.crt ca.pem >store.pem

port=$((20000 + $$ % 20000))
cat >nginx.conf <<END
load_module $ECHO;
worker_processes 1;
pid nginx.pid;
error_log error.log;
events { worker_connections 64; }
http {
    access_log off;
    default_type application/json;
    keepalive_requests 1000000;
    client_max_body_size 10m;
    client_body_buffer_size 1m;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    ssl_certificate server.pem;
    ssl_certificate_key server.key;
    server {
        listen 127.0.0.1:$port;
        listen 127.0.0.1:$((port + 1)) ssl;
        location = /api/v1/users.setAvatar { echo_read_request_body; echo '{"success":true}'; }
        location = /api/v1/users.info {
            return 200 '{"success":true,"user":{"_id":"\$arg_userId","username":"bot","avatarETag":"etag"}}';
        }
        # The same with another etag each time: proof that a picture was set.
        location = /fresh/api/v1/users.setAvatar { echo_read_request_body; echo '{"success":true}'; }
        location = /fresh/api/v1/users.info {
            return 200 '{"success":true,"user":{"_id":"\$arg_userId","username":"bot","avatarETag":"\$request_id"}}';
        }
        location ~ /avatar/ { default_type image/png; return 200 picture; }
        location = /employee/read {
            echo_read_request_body;
            echo '{"success":true,"value":{"id":2132,"first_name":"A","last_name":"B","icon_id":12}}';
        }
        location = /rest/api/2/serverInfo { return 200 '{"baseUrl":"http://127.0.0.1:$port","version":"9.12.0","deploymentType":"Server"}'; }
        location = /rest/api/2/user { return 200 '{"name":"robot","key":"robot","avatarUrls":{"48x48":"http://127.0.0.1:$port/secure/useravatar?avatarId=24880"}}'; }
        location = /rest/api/2/user/avatars { return 200 '{"system":[{"id":"24880","isSystemAvatar":true,"isSelected":true,"selected":true}],"custom":[]}'; }
        location ~ ^/rest/api/(2|latest)/user/avatar$ { return 204; }
    }
}
END
$server nginx -p "$WORK" -c nginx.conf
http=127.0.0.1:$port
tls=127.0.0.1:$((port + 1))

# --- the work ---

"$SANDBOX" --pictures . >/dev/null
picture=faces/night-shift.webp
mkdir each
n=0
while [ $n -lt 1000 ]; do
    cp $picture each/$n.webp
    n=$((n + 1))
done

# BASE COUNT: as many accounts, each with a picture of its own
manifest() {
    awk -v base="$1" -v count="$2" 'BEGIN {
        printf "{\"servers\": {\"chat\": {\"system\": \"rocketchat\", \"url\": \"%s\", \"ca_file\": \"ca.pem\"}},\n\"accounts\": [", base
        for (n = 0; n < count; n++)
            printf "%s\n{\"server\": \"chat\", \"user_id\": \"id%015d\", \"image\": \"each/%d.webp\"}", n ? "," : "", n, n % 1000
        print "\n]}"
    }'
}
# BASE COUNT: the same uploads for curl
config() {
    awk -v base="$1" -v count="$2" 'BEGIN {
        for (n = 0; n < count; n++) {
            if (n) print "next"
            printf "url = \"%s/api/v1/users.setAvatar\"\ncacert = \"ca.pem\"\nsilent\nshow-error\nfail\n", base
            printf "header = \"X-User-Id: id\"\nheader = \"X-Auth-Token: token\"\noutput = \"curl.out\"\n"
            printf "form = \"userId=id%015d\"\nform = \"image=@each/%d.webp;type=image/webp\"\n", n, n
        }
    }'
}
# HOST COUNT: and for hurl
uploads() {
    awk -v host="$1" -v count="$2" 'BEGIN {
        for (n = 0; n < count; n++) {
            printf "POST http://%s/api/v1/users.setAvatar\nX-User-Id: id\nX-Auth-Token: token\n[MultipartFormData]\n", host
            printf "userId: id%015d\nimage: file,each/%d.webp; image/webp\nHTTP 200\n\n", n, n
        }
    }'
}
for scheme in http https; do
    base=$scheme://$http
    [ $scheme = http ] || base=$scheme://$tls
    manifest $base 1000 >$scheme.json
    manifest $base 100 >$scheme-100.json
    manifest $base/fresh 1000 >$scheme-looks.json
    config $base 1000 >$scheme.curl
done
manifest http://$http 10000 >many.json
cp http.json some.json
export ROCKETCHAT_USER_ID=id ROCKETCHAT_AUTH_TOKEN=token NAVIXY_HASH=hash-of-the-bench JIRA_TOKEN=token-of-the-bench
export JIRA_URL=http://$http NAVIXY_URL=http://$http ROCKETCHAT_URL=http://$http
unset SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE http_proxy https_proxy all_proxy
export NO_PROXY=127.0.0.1

cat >requests-call.py <<'END'
import os, requests
requests.post(os.environ["NAVIXY_URL"] + "/employee/read", json={"employee_id": 2132},
              headers={"Authorization": "NVX " + os.environ["NAVIXY_HASH"]}).json()
END
cat >requests-uploads.py <<'END'
import os, requests
session = requests.Session()
session.headers.update({"X-User-Id": "id", "X-Auth-Token": "token"})
for n in range(100):
    with open(f"each/{n}.webp", "rb") as picture:
        answer = session.post(os.environ["ROCKETCHAT_URL"] + "/api/v1/users.setAvatar", data={"userId": f"id{n:015}"},
                              files={"image": ("avatar.webp", picture, "image/webp")})
    assert answer.json()["success"]
END
cat >rocketchat-uploads.py <<'END'
import os, requests
from rocketchat_API.rocketchat import RocketChat
with requests.Session() as session:
    chat = RocketChat(user_id="id", auth_token="token", server_url=os.environ["ROCKETCHAT_URL"], session=session)
    for n in range(100):
        chat.users_set_avatar(f"each/{n}.webp", userId=f"id{n:015}")
END
cat >jira-call.py <<'END'
import os
from jira import JIRA
jira = JIRA(os.environ["JIRA_URL"], token_auth=os.environ["JIRA_TOKEN"], get_server_info=False)
jira.set_user_avatar("robot", "24880")
END
python3 -m venv venv && venv/bin/pip install -q requests jira rocketchat_API >pip.out 2>&1 ||
    echo 'bench.sh: the rows of Python are left out: pip does not install its packages' >&2

# --- measuring ---

# COMMAND: its wall time and its CPU time in seconds
once() {
    rm -f ./*.json.state
    $client hyperfine --shell=none --runs "$runs" --ignore-failure --export-csv once.csv "$1" >/dev/null 2>hyperfine.txt
    awk -F, 'NR == 2 { print $(NF - 4), $(NF - 3) + $(NF - 2) }' once.csv
}
# Once more for memory in kB and system calls, and whether it does its work at all
weight() {
    rm -f ./*.json.state
    # shellcheck disable=SC2086 # a command and its words
    $client /usr/bin/time -o time.txt -f %M $1 >out.txt 2>err.txt ||
        echo "bench.sh: $1 ended with $?: $(head -n 1 err.txt)" >&2
    rm -f ./*.json.state
    # shellcheck disable=SC2086
    strace -f -c -o calls.txt $1 >/dev/null 2>&1 || true
    echo "$(tail -n 1 time.txt) $(awk '$NF == "total" { print $4 }' calls.txt)"
}
# NAME OTHER RUNS A B: a row of the table; RUNS in a row are one of a pair, for what is over in a moment
row() {
    case "$1, beside $2" in *"$ROWS"*) ;; *) return 0 ;; esac
    runs=$3
    : >pairs.txt
    once "$4" >/dev/null
    once "$5" >/dev/null
    pair=0
    while [ $pair -lt "$PAIRS" ]; do
        echo "$(once "$4") $(once "$5")" >>pairs.txt
        pair=$((pair + 1))
    done
    echo "$(weight "$4") $(weight "$5")" >weights.txt
    awk -v name="$1" -v other="$2" '
        function median(list, n,   i, j, t) {
            for (i = 2; i <= n; i++)
                for (j = i; j > 1 && list[j - 1] > list[j]; j--) { t = list[j]; list[j] = list[j - 1]; list[j - 1] = t }
            return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
        }
        FNR == NR { n++; own[n] = $1; wall[n] = $1 / $3; cpu[n] = $2 / ($4 > 0 ? $4 : 1e-6); next }
        {
            ms = median(own, n) * 1000
            printf "| %s | %s | %.2f | %.2f | %.2f | %.2f | %s ms, %.1f MB, %d calls |\n", name, other, median(wall, n),
                median(cpu, n), $1 / $3, $2 / $4, ms < 10 ? sprintf("%.1f", ms) : sprintf("%.0f", ms), $1 / 1024, $2
        }' pairs.txt weights.txt
}

echo '| work | beside | wall time | CPU | memory | system calls | avatarctl itself |'
echo '| --- | --- | --- | --- | --- | --- | --- |'
show="$AVATARCTL navixy show --employee-id 2132"
ask='-s -o curl.out -H Content-Type:application/json -H Authorization:NVX -d {"employee_id":2132}'
row 'start (`--version`)' curl 20 "$AVATARCTL --version" 'curl --version'
row 'one call, http' curl 20 "$show" "curl $ask http://$http/employee/read"
row 'one call, https, `--ca-file`' curl 20 "$show --url https://$tls --ca-file ca.pem" \
    "curl $ask --cacert ca.pem https://$tls/employee/read"
export SSL_CERT_FILE=store.pem SSL_CERT_DIR=/etc/ssl/certs
row "one call, https, the system's store" curl 20 "$show --url https://$tls" \
    "curl $ask --cacert store.pem --capath /etc/ssl/certs https://$tls/employee/read"
unset SSL_CERT_FILE SSL_CERT_DIR
row '1,000 uploads of 49 kB, https' 'curl -K' 1 "$AVATARCTL apply https.json --no-verify" 'curl -K https.curl'
row '1,000 uploads of 49 kB, http' 'curl -K' 1 "$AVATARCTL apply http.json --no-verify" 'curl -K http.curl'
row 'the same with both looks, https' 'curl -K without' 1 "$AVATARCTL apply https-looks.json" 'curl -K https.curl'
row '1,000 uploads of 49 kB, https' 'the limit: one socket, rustls' 1 \
    "$AVATARCTL apply https.json --no-verify" "$LIMIT $tls $picture 1000 ca.pem"
row '1,000 uploads of 49 kB, http' 'the limit: one socket' 1 \
    "$AVATARCTL apply http.json --no-verify" "$LIMIT $http $picture 1000"
row 'one call, http' 'Python, requests' 1 "$show" 'venv/bin/python requests-call.py'
row '100 uploads of 49 kB, http' 'Python, requests' 1 \
    "$AVATARCTL apply http-100.json --no-verify" 'venv/bin/python requests-uploads.py'
row '100 uploads of 49 kB, http' 'Python, rocketchat_API' 1 \
    "$AVATARCTL apply http-100.json --no-verify" 'venv/bin/python rocketchat-uploads.py'
row 'select an avatar, with both looks' 'Python, jira, without' 1 \
    "$AVATARCTL jira set --user robot --avatar-id 24880 --force" 'venv/bin/python jira-call.py'
if command -v xh >/dev/null; then
    row 'one call, http' xh 20 "$show" "xh --ignore-stdin post http://$http/employee/read Authorization:NVX employee_id:=2132"
fi
if command -v hurl >/dev/null; then
    printf 'POST http://%s/employee/read\nAuthorization: NVX\n{"employee_id": 2132}\nHTTP 200\n' "$http" >call.hurl
    row 'one call, http' hurl 20 "$show" 'hurl --no-output call.hurl'
    uploads "$http" 100 >uploads.hurl
    row '100 uploads of 49 kB, http' hurl 1 "$AVATARCTL apply http-100.json --no-verify" 'hurl --no-output uploads.hurl'
fi

# What was set before: the state of the larger one serves both.
case '10,000 accounts, unchanged' in *"$ROWS"*)
    "$AVATARCTL" apply many.json --no-verify -q >/dev/null
    "$AVATARCTL" apply many.json -q
    mv many.json.state all.state
    row '10,000 accounts, unchanged' '1,000 of them' 1 \
        "$AVATARCTL diff many.json --state all.state" "$AVATARCTL diff some.json --state all.state"
    ;;
esac
