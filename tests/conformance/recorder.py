"""A server that keeps every request and says yes in the way of the system that is asked: what avatarctl sends, as it
sends it."""

import http.server
import json
import threading
import urllib.parse

USER_ID, TOKEN, HASH = "aobEdbYhXfu5hkeqG", "9HqLlyZOugoStsXCUfD", "22eac1c27af4be7b9d04da2ce1af111b"

# What lets avatarctl in here; the addresses are given by whoever starts a recorder.
CREDENTIALS = {"ROCKETCHAT_USER_ID": USER_ID, "ROCKETCHAT_AUTH_TOKEN": TOKEN, "NAVIXY_HASH": HASH}


class Request:
    def __init__(self, method, target, headers, body):
        self.method, self.headers, self.body = method, headers, body
        self.path, _, query = target.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))


class Recorder:
    """Use it with `with`; `url` is where it is, `requests` what came."""

    def __init__(self, address="127.0.0.1"):
        self.requests, self.etags = [], 0
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                request = Request(self.command, self.path, self.headers, self.rfile.read(length))
                recorder.requests.append(request)
                body = json.dumps(recorder.reply(request)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://{address}:{self.port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def reply(self, request):
        if "/employee/" in request.path or request.path.endswith("/user/get_info"):
            icon = {"id": 2133, "icon_id": None, "avatar_file_name": f"{len(self.requests)}.png",
                    "first_name": "A", "last_name": "B"}
            return {"success": True, "value": f"{len(self.requests)}.png" if "avatar" in request.path else icon}
        if request.path.endswith("/login"):
            return {"status": "success", "data": {"userId": USER_ID, "authToken": TOKEN}}
        if request.path.endswith("/users.getAvatarSuggestion"):
            return {"success": True, "suggestions": {}}
        self.etags += 1
        name = request.query.get("username", "robot")
        user = {"_id": request.query.get("userId", USER_ID), "username": name, "avatarETag": f"etag{self.etags}",
                "roles": ["admin"]}
        return {"success": True, "user": user, "version": "7.0.0", **user}
