//! A small Matrix homeserver, as Synapse behaves: accounts with a profile each, tokens, a server admin, an
//! application service with users of its own, and a store of media that only grows.
//!
//! It tells the lies that the real one tells, because a client has to live with them: an admin's PUT for a user who
//! does not exist answers 200 and makes a profile, and so does one for a deactivated account; a refusal comes as 400;
//! a change that is answered 429 was carried out; any text is an avatar. tests/system/matrix holds this model and a real
//! Synapse against the same table. A client that walks into a lie gets a complaint, which fails the test.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::batch::World;
use super::encoding::{base64, html, percent_decode};
use super::model::{Model, Running};
use super::pictures;
use super::rocketchat::letter_svg;
use super::server::{Reply, Request};
use super::systems::{self, Kept, Secrets, System};

pub static SYSTEM: System = System {
    name: "matrix",
    title: "Matrix",
    server: "hs",
    start: |bots| systems::started(Matrix::default(), bots),
    kept: |secrets| systems::kept(Matrix::default(), secrets),
    logins: [
        &[("MATRIX_TOKEN", "syt_YWRtaW4_iCVVYyDpBQfNpaQrxiWT_11jrlV")],
        &[("MATRIX_USER", "admin"), ("MATRIX_PASSWORD", "secret")],
    ],
    begins: ["ask who the caller is", "ask how to log in"],
    show: (
        "matrix show",
        "matrix @admin:test.local: no avatar, a letter shows\n",
    ),
    verbs: &["set --mxc mxc://a/b", "show", "list", "reset", "whoami"],
    targets: &["--user"],
    aimed: &["set", "show", "reset"],
    sources: &["--mxc", "--image"],
};

impl World {
    pub fn hs(&self) -> &Running<Matrix> {
        self.of()
    }
}

pub struct Matrix {
    pub context: String,
    /// In user ids; another name than that of the host.
    pub server_name: String,
    pub version: String,
    pub users: Vec<User>,
    /// Profiles of users who do not exist, by user id: what an admin's PUT makes.
    pub ghosts: BTreeMap<String, String>,
    pub tokens: Vec<Token>,
    pub service: Service,
    /// By media id.
    pub media: BTreeMap<String, Media>,
    /// In bytes; none is told where it is absent.
    pub max_upload_size: Option<usize>,
    /// With what status "Cannot set another user's avatar_url" comes.
    pub forbidden_status: u16,
    /// So many profile changes in a row for one account, and then one is answered 429, although it is carried out.
    pub burst: Option<u32>,
    /// How long the next one has to wait then.
    pub pause: Duration,
    /// The same in the body, where that says something else.
    pub pause_in_body: Option<Duration>,
    /// `client/v1/media/...` is there, since 1.11 of the specification.
    pub media_v1: bool,
    /// `media/v3/config` is there.
    pub media_v3: bool,
    /// `/_synapse/admin/...` is there.
    pub synapse: bool,
    /// `federation/v1/version` is there on this listener.
    pub federation: bool,
    /// Passwords are taken; otherwise single sign-on only.
    pub passwords: bool,
    /// A refused login tells that the account is deactivated.
    pub tells_deactivated: bool,
    changes: BTreeMap<String, u32>,
    not_before: BTreeMap<String, Instant>,
    issued: u64,
}

#[derive(Clone, Debug)]
pub struct User {
    pub localpart: String,
    pub password: Option<String>,
    pub admin: bool,
    pub deactivated: bool,
    pub locked: bool,
    pub avatar: Option<String>,
    pub failed_logins: u32,
}

#[derive(Clone, Debug)]
pub struct Token {
    pub localpart: String,
    pub token: String,
    /// Made by a login, which has a device; one that was given lasts.
    pub login: bool,
}

/// An application service and the users it may act for.
#[derive(Clone, Debug)]
pub struct Service {
    pub token: String,
    pub sender: String,
    /// How the localparts of its users begin.
    pub namespace: String,
}

#[derive(Clone, Debug)]
pub struct Media {
    pub content_type: String,
    pub bytes: Vec<u8>,
}

/// Wrong passwords, after which right ones are not looked at.
const FAILED_LOGINS: u32 = 3;

type Answer = Result<Reply, Reply>;

/// Who asks, and as whom.
struct Caller {
    localpart: String,
    /// By the token of the application service.
    service: bool,
    device: bool,
}

impl User {
    pub fn new(localpart: &str) -> User {
        User {
            localpart: localpart.to_owned(),
            password: Some("secret".into()),
            admin: false,
            deactivated: false,
            locked: false,
            avatar: None,
            failed_logins: 0,
        }
    }
}

impl Default for Matrix {
    /// `admin` may change everybody, the application service its own two, the others themselves.
    fn default() -> Matrix {
        let mut users: Vec<User> = [
            "admin",
            "robot",
            "build-bot",
            "deploy-bot",
            "retired-bot",
            "gone-bot",
            "bridge",
            "bridge_one",
            "bridge_two",
        ]
        .map(User::new)
        .into();
        users[0].admin = true;
        users[5].deactivated = true;
        let token = |localpart: &str, token: &str| Token {
            localpart: localpart.into(),
            token: token.into(),
            login: false,
        };
        Matrix {
            context: "/hs".into(),
            server_name: "test.local".into(),
            version: "1.163.2".into(),
            users,
            ghosts: BTreeMap::new(),
            tokens: vec![
                token("admin", "syt_YWRtaW4_iCVVYyDpBQfNpaQrxiWT_11jrlV"),
                token("robot", "syt_cm9ib3Q_lBMJkxMOsOStOznctMqF_09fFzH"),
            ],
            service: Service {
                token: "3013736140fa3bde7f6c6a228f22a57e8c636c993fccc5a9".into(),
                sender: "bridge".into(),
                namespace: "bridge_".into(),
            },
            media: BTreeMap::new(),
            max_upload_size: Some(204_800),
            forbidden_status: 400,
            burst: None,
            pause: Duration::from_secs(1),
            pause_in_body: None,
            media_v1: true,
            media_v3: true,
            synapse: true,
            federation: true,
            passwords: true,
            tells_deactivated: false,
            changes: BTreeMap::new(),
            not_before: BTreeMap::new(),
            issued: 0,
        }
    }
}

impl Matrix {
    pub fn start() -> Running<Matrix> {
        Running::start(Matrix::default())
    }

    pub fn user(&mut self, localpart: &str) -> &mut User {
        self.users
            .iter_mut()
            .find(|user| user.localpart == localpart)
            .unwrap_or_else(|| panic!("a user named {localpart}"))
    }

    /// `@robot:test.local`
    pub fn id(&self, localpart: &str) -> String {
        format!("@{localpart}:{}", self.server_name)
    }

    /// A picture that the server has, by its address.
    pub fn store(&mut self, bytes: Vec<u8>) -> String {
        let content_type = pictures::size(&bytes).expect("a picture").0.to_owned();
        self.keep(&content_type, bytes)
    }

    /// Gives an account a picture, as if set long ago.
    pub fn give(&mut self, localpart: &str, bytes: Vec<u8>) -> String {
        let address = self.store(bytes);
        self.user(localpart).avatar = Some(address.clone());
        address
    }

    fn keep(&mut self, content_type: &str, bytes: Vec<u8>) -> String {
        let id = self.random(24);
        let address = format!("mxc://{}/{id}", self.server_name);
        self.media.insert(
            id,
            Media {
                content_type: content_type.to_owned(),
                bytes,
            },
        );
        address
    }

    /// Text that looks random and is the same in every run.
    fn random(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        self.issued += 1;
        let mut state = self.issued.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491;
        let letter = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(LETTERS[(state >> 20) as usize % LETTERS.len()])
        };
        (0..length).map(letter).collect()
    }

    /// What a person would see of a user, as HTML without outside references.
    pub fn picture_html(&self, localpart: &str, side: u32) -> String {
        let user = self.users.iter().find(|user| user.localpart == localpart);
        let worn = user.and_then(|user| user.avatar.as_deref()?.rsplit('/').next());
        let letter = letter_svg(localpart);
        let (kind, bytes) = match worn.and_then(|id| self.media.get(id)) {
            Some(media) => (media.content_type.as_str(), media.bytes.as_slice()),
            None => ("image/svg+xml", letter.as_bytes()),
        };
        format!(
            "<img width=\"{side}\" height=\"{side}\" style=\"object-fit:cover;border-radius:50%\" alt=\"{}\" src=\"data:{};base64,{}\">",
            html(localpart),
            html(kind),
            base64(bytes)
        )
    }
}

impl Model for Matrix {
    fn context(&self) -> &str {
        &self.context
    }

    fn settings(&self, url: &str) -> Vec<(&'static str, String)> {
        let token = self.tokens.first().expect("an administrator's token");
        vec![
            ("MATRIX_URL", url.to_owned()),
            ("MATRIX_TOKEN", token.token.clone()),
        ]
    }

    fn system() -> &'static System {
        &SYSTEM
    }

    fn add_bot(&mut self, number: usize) {
        self.users.push(User::new(&format!("bot-{number}")));
    }

    fn keep(&mut self, secrets: &Secrets) -> Kept {
        self.context = String::new();
        self.tokens[0].token = secrets.token.into();
        self.users[0].password = Some(secrets.password.into());
        self.give("robot", secrets.picture.clone());
        Kept {
            logins: [
                vec![("MATRIX_TOKEN", secrets.token)],
                vec![
                    ("MATRIX_USER", "admin"),
                    ("MATRIX_PASSWORD", secrets.password),
                ],
            ],
            session: "/access_token",
        }
    }

    fn open_logins(&self) -> usize {
        self.tokens.iter().filter(|token| token.login).count()
    }

    fn written(request: &Request) -> Option<String> {
        if request.is_look() {
            return None;
        }
        let mut parts = request.path().rsplit('/');
        let (call, user) = (parts.next()?, parts.next()?);
        let user = percent_decode(user, false).unwrap_or_default();
        Some(format!("{call} {user}"))
    }

    fn handle(&mut self, request: &Request) -> Reply {
        let Some(path) = request.path().strip_prefix(&self.context) else {
            return Reply::html(404, "404 Not Found");
        };
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let reply = self
            .route(request, &parts)
            .unwrap_or_else(|refusal| refusal);
        let mut complaints = Vec::new();
        if request.query("access_token").is_some() {
            complaints.push("a token in the query");
        }
        if request.path().contains(['@', ':']) {
            complaints.push("a user id that is not percent-encoded");
        }
        complaints.into_iter().fold(reply, Reply::complain)
    }
}

impl Matrix {
    fn route(&mut self, request: &Request, parts: &[&str]) -> Answer {
        let method = request.method.as_str();
        match parts {
            ["_matrix", "client", "versions"] => {
                only(method, &["GET"])?;
                let versions = [
                    "v1.1",
                    "v1.10",
                    if self.media_v1 { "v1.11" } else { "r0.6.1" },
                ];
                Ok(Reply::json(200, json!({ "versions": versions })))
            }
            ["_matrix", "client", "v3", "account", "whoami"] => {
                only(method, &["GET"])?;
                let caller = self.caller(request)?;
                let mut body = json!({"user_id": self.id(&caller.localpart), "is_guest": false});
                if caller.device {
                    body["device_id"] = json!("AAJVUYSKUS");
                }
                Ok(Reply::json(200, body))
            }
            ["_matrix", "client", "v3", "login"] => match method {
                "GET" => Ok(Reply::json(200, json!({ "flows": self.flows() }))),
                "POST" => self.login(request),
                _ => Err(unrecognized(405)),
            },
            ["_matrix", "client", "v3", "logout"] => {
                only(method, &["POST"])?;
                self.logout(request)
            }
            ["_matrix", "client", "v3", "profile", user, "avatar_url"] => {
                only(method, &["GET", "PUT"])?;
                let user = percent_decode(user, false).unwrap_or_default();
                match method {
                    "GET" => self.profile(request, &user),
                    _ => self.change(request, &user),
                }
            }
            ["_matrix", "client", "v1", "media", "config"] if self.media_v1 => {
                only(method, &["GET"])?;
                self.limits(request)
            }
            ["_matrix", "media", "v3", "config"] if self.media_v3 => {
                only(method, &["GET"])?;
                self.limits(request)
            }
            ["_matrix", "media", "v3", "upload"] => {
                only(method, &["POST"])?;
                self.upload(request)
            }
            ["_matrix", "client", "v1", "media", "download", server, id] if self.media_v1 => {
                only(method, &["GET", "HEAD"])?;
                self.caller(request)?;
                self.download(server, id)
            }
            ["_matrix", "media", "v3", "download", server, id] => {
                only(method, &["GET", "HEAD"])?;
                match self.media_v1 {
                    true => Err(refusal(404, "M_NOT_FOUND", "Not found")),
                    false => self.download(server, id),
                }
            }
            ["_matrix", "federation", "v1", "version"] if self.federation => {
                let version = format!("{} (b=matrix,6227640)", self.version);
                let server = json!({"name": "Synapse", "version": version});
                Ok(Reply::json(200, json!({ "server": server })))
            }
            ["_synapse", "admin", rest @ ..] if self.synapse => self.administer(request, rest),
            _ => Err(unrecognized(404)),
        }
    }

    // ----------------------------------------------------------------------------------------------- callers

    /// Who asks: an account, or the application service for one of its users.
    fn caller(&self, request: &Request) -> Result<Caller, Reply> {
        let unknown = || refusal(401, "M_UNKNOWN_TOKEN", "Invalid access token passed.");
        let Some(header) = request.header("authorization") else {
            return Err(refusal(401, "M_MISSING_TOKEN", "Missing access token"));
        };
        let token = header.strip_prefix("Bearer ").ok_or_else(unknown)?;
        let meant = request.query("user_id");
        if token == self.service.token {
            return self.masquerade(meant);
        }
        let known = self.tokens.iter().find(|known| known.token == token);
        let known = known.ok_or_else(unknown)?;
        let user = self.users.iter().find(|user| {
            // Whoever was deactivated has lost every token.
            user.localpart == known.localpart && !user.deactivated
        });
        let user = user.ok_or_else(unknown)?;
        if user.locked {
            return Err(refusal(
                401,
                "M_USER_LOCKED",
                "User account has been locked",
            ));
        }
        if meant.is_some() {
            // The server ignores it; whoever sends it believes to act for somebody else.
            let refusal = unknown();
            return Err(refusal.complain("user_id by somebody who is no application service"));
        }
        Ok(Caller {
            localpart: user.localpart.clone(),
            service: false,
            device: true,
        })
    }

    fn masquerade(&self, meant: Option<String>) -> Result<Caller, Reply> {
        let localpart = match meant {
            None => self.service.sender.clone(),
            Some(id) => {
                let own = self.local(&id).map(str::to_owned);
                let own = own.filter(|local| {
                    *local == self.service.sender || local.starts_with(&self.service.namespace)
                });
                let Some(localpart) = own else {
                    let said =
                        format!("Application service cannot masquerade as this user ({id}).");
                    return Err(refusal(403, "M_FORBIDDEN", &said));
                };
                if !self.users.iter().any(|user| user.localpart == localpart) {
                    let said = format!("Application service has not registered this user ({id})");
                    return Err(refusal(403, "M_FORBIDDEN", &said));
                }
                localpart
            }
        };
        Ok(Caller {
            localpart,
            service: true,
            device: false,
        })
    }

    /// The localpart of a user of this server.
    fn local<'a>(&self, id: &'a str) -> Option<&'a str> {
        let (localpart, server) = id.strip_prefix('@')?.split_once(':')?;
        (server == self.server_name).then_some(localpart)
    }

    fn is_admin(&self, caller: &Caller) -> bool {
        let mut users = self.users.iter();
        users.any(|user| user.admin && user.localpart == caller.localpart) && !caller.service
    }

    fn flows(&self) -> Value {
        match self.passwords {
            true => json!([{"type": "m.login.password"}, {"type": "m.login.application_service"}]),
            false => json!([{"type": "m.login.sso"}, {"type": "m.login.token"}]),
        }
    }

    fn login(&mut self, request: &Request) -> Answer {
        let body = request.try_json().unwrap_or(Value::Null);
        let known = [
            "type",
            "identifier",
            "password",
            "initial_device_display_name",
        ];
        let odd = body
            .as_object()
            .is_none_or(|keys| keys.keys().any(|key| !known.contains(&key.as_str())));
        let forbidden = || refusal(403, "M_FORBIDDEN", "Invalid username or password");
        if odd || request.header("content-type") != Some("application/json") {
            return Err(forbidden().complain("a login of another shape"));
        }
        if !self.passwords || body["type"] != "m.login.password" {
            let said = format!("Unknown login type {}", body["type"]);
            return Err(refusal(400, "M_UNKNOWN", &said)
                .complain("a password for a server that takes none"));
        }
        if body["identifier"]["type"] != "m.id.user" {
            return Err(refusal(
                400,
                "M_INVALID_PARAM",
                "Unknown login identifier type",
            ));
        }
        let name = body["identifier"]["user"].as_str().unwrap_or_default();
        let localpart = match name.starts_with('@') {
            true => self.local(name).ok_or_else(forbidden)?.to_owned(),
            // Unlike a user id, a name at login may be written in any case.
            false => name.to_lowercase(),
        };
        let tells = self.tells_deactivated;
        let mut users = self.users.iter_mut();
        let user = users.find(|user| user.localpart == localpart);
        let user = user.ok_or_else(forbidden)?;
        if user.failed_logins >= FAILED_LOGINS {
            let wait = Duration::from_millis(292_600);
            return Err(limited(wait, wait).complain("a login that was refused before"));
        }
        if user.deactivated && tells {
            let said = "This account has been deactivated";
            return Err(refusal(403, "M_USER_DEACTIVATED", said));
        }
        let right = user.password.as_deref() == body["password"].as_str() && !user.deactivated;
        if !right {
            user.failed_logins += 1;
            return Err(forbidden());
        }
        let token = format!("syt_{}", self.random(32));
        self.tokens.push(Token {
            localpart: localpart.clone(),
            token: token.clone(),
            login: true,
        });
        let body = json!({"user_id": self.id(&localpart), "access_token": token,
            "home_server": self.server_name, "device_id": "JLODSKOPYK"});
        Ok(Reply::json(200, body))
    }

    fn logout(&mut self, request: &Request) -> Answer {
        self.caller(request)?;
        let used = request.header("authorization").unwrap_or_default();
        let used = used.trim_start_matches("Bearer ").to_owned();
        let made = self
            .tokens
            .iter()
            .any(|token| token.token == used && token.login);
        self.tokens.retain(|token| token.token != used);
        let reply = Reply::json(200, "{}");
        Ok(match made {
            true => reply,
            false => reply.complain("a logout that ends a token which was given to last"),
        })
    }

    // ---------------------------------------------------------------------------------------------- profiles

    fn profile(&self, request: &Request, user: &str) -> Answer {
        self.caller(request)?;
        let avatar = match self.local(user) {
            None if !user.starts_with('@') || !user.contains(':') => {
                return Err(refusal(400, "M_INVALID_PARAM", "Invalid user id"));
            }
            None => {
                return Err(refusal(502, "M_UNKNOWN", "Failed to fetch profile")
                    .complain("a question about a user of another server"));
            }
            Some(localpart) => {
                let found = self.users.iter().find(|user| user.localpart == localpart);
                match (found, self.ghosts.get(user)) {
                    (Some(found), _) => found.avatar.clone(),
                    (None, Some(ghost)) => Some(ghost.clone()),
                    (None, None) => {
                        return Err(refusal(404, "M_NOT_FOUND", "Profile was not found"));
                    }
                }
            }
        };
        Ok(Reply::json(
            200,
            match avatar {
                Some(avatar) => json!({ "avatar_url": avatar }),
                None => json!({}),
            },
        ))
    }

    fn change(&mut self, request: &Request, id: &str) -> Answer {
        let caller = self.caller(request)?;
        let admin = self.is_admin(&caller);
        let body: Value = request
            .try_json()
            .map_err(|_| refusal(400, "M_NOT_JSON", "Content not JSON."))?;
        let Some(fields) = body.as_object() else {
            let said = "Content must be a JSON object.";
            return Err(refusal(400, "M_BAD_JSON", said));
        };
        let avatar = match fields.get("avatar_url") {
            None => {
                let said = "Missing key 'avatar_url'";
                return Err(refusal(400, "M_MISSING_PARAM", said));
            }
            Some(Value::String(avatar)) => avatar.clone(),
            Some(_) => {
                let said = "'avatar_url' must be a string";
                return Err(refusal(400, "M_INVALID_PARAM", said));
            }
        };
        let Some(localpart) = self.local(id).map(str::to_owned) else {
            let said = "User is not hosted on this homeserver";
            return Err(
                refusal(400, "M_UNKNOWN", said).complain("a change of a user of another server")
            );
        };
        if localpart != caller.localpart && !admin {
            let said = "Cannot set another user's avatar_url";
            return Err(refusal(self.forbidden_status, "M_FORBIDDEN", said));
        }
        if avatar.len() > 1000 {
            let said = "Avatar URL is too long (max 1000)";
            return Err(refusal(400, "M_UNKNOWN", said));
        }
        let mut complaints = Vec::new();
        if fields.len() != 1 || request.header("content-type") != Some("application/json") {
            complaints.push("a change with more than it needs".to_owned());
        }
        if !avatar.is_empty() && !is_media(&avatar) {
            complaints.push(format!("an avatar that no client shows: {avatar}"));
        }
        if caller.service != request.query("user_id").is_some() && localpart != self.service.sender
        {
            complaints.push("user_id where it is not due".to_owned());
        }
        let early = self.not_before.remove(&localpart);
        if early.is_some_and(|due| Instant::now() < due) {
            complaints.push("a change before the time that the server asked for".to_owned());
        }
        let new = Some(avatar.clone()).filter(|avatar| !avatar.is_empty());
        let mut users = self.users.iter_mut();
        match users.find(|user| user.localpart == localpart) {
            Some(user) => {
                if user.deactivated {
                    complaints.push("a change of an account that is deactivated".to_owned());
                }
                user.avatar = new;
            }
            None => {
                complaints.push("a change that makes a profile of nobody".to_owned());
                self.ghosts.insert(id.to_owned(), avatar);
            }
        }
        let reply = match self.spread(&localpart) {
            Some(refusal) => refusal,
            None => Reply::json(200, "{}"),
        };
        Ok(complaints.into_iter().fold(reply, Reply::complain))
    }

    /// The profile is changed; that every room hears of it is what is limited.
    fn spread(&mut self, localpart: &str) -> Option<Reply> {
        let burst = self.burst?;
        let changes = self.changes.entry(localpart.to_owned()).or_default();
        *changes += 1;
        if *changes <= burst {
            return None;
        }
        *changes = 0;
        let in_body = self.pause_in_body.unwrap_or(self.pause);
        let due = Instant::now() + self.pause.max(in_body);
        self.not_before.insert(localpart.to_owned(), due);
        Some(limited(self.pause, in_body))
    }

    // ------------------------------------------------------------------------------------------------- media

    fn limits(&self, request: &Request) -> Answer {
        self.caller(request)?;
        Ok(Reply::json(
            200,
            match self.max_upload_size {
                Some(size) => json!({ "m.upload.size": size }),
                None => json!({}),
            },
        ))
    }

    fn upload(&mut self, request: &Request) -> Answer {
        self.caller(request)?;
        if self
            .max_upload_size
            .is_some_and(|size| request.body.len() > size)
        {
            let said = "Upload request body is too large";
            return Err(refusal(413, "M_TOO_LARGE", said));
        }
        let kind = request.header("content-type").unwrap_or_default();
        let mut complaints = Vec::new();
        // Anything is taken; what it is nobody looks at.
        match pictures::size(&request.body) {
            None => complaints.push("an upload that is no picture".to_owned()),
            Some((true_kind, ..)) if true_kind != kind => {
                complaints.push(format!("a picture of {true_kind} as {kind}"));
            }
            Some(_) => {}
        }
        if request.query("filename").is_none() {
            complaints.push("an upload without a file name".to_owned());
        }
        let address = self.keep(kind, request.body.clone());
        let reply = Reply::json(200, json!({ "content_uri": address }));
        Ok(complaints.into_iter().fold(reply, Reply::complain))
    }

    fn download(&self, server: &str, id: &str) -> Answer {
        let media = self.media.get(id).filter(|_| server == self.server_name);
        match media {
            Some(media) => Ok(Reply::text(200, &media.content_type, &media.bytes)),
            None => Err(refusal(404, "M_NOT_FOUND", "Not found")),
        }
    }

    // ------------------------------------------------------------------------------------- Synapse's own calls

    fn administer(&mut self, request: &Request, parts: &[&str]) -> Answer {
        let caller = self.caller(request)?;
        if !self.is_admin(&caller) {
            return Err(refusal(403, "M_FORBIDDEN", "You are not a server admin"));
        }
        let method = request.method.as_str();
        match parts {
            ["v2", "users"] => {
                only(method, &["GET"])?;
                let number = |name: &str| request.query(name)?.parse::<usize>().ok();
                let (from, limit) = (number("from").unwrap_or(0), number("limit").unwrap_or(100));
                let mut users: Vec<&User> =
                    self.users.iter().filter(|user| !user.deactivated).collect();
                users.sort_by(|a, b| a.localpart.cmp(&b.localpart));
                let page: Vec<Value> = users
                    .iter()
                    .skip(from)
                    .take(limit)
                    .map(|user| self.account(user))
                    .collect();
                let mut body = json!({"users": page, "total": users.len()});
                if from + limit < users.len() {
                    body["next_token"] = json!((from + limit).to_string());
                }
                Ok(Reply::json(200, body))
            }
            ["v2", "users", id] => {
                if method != "GET" {
                    return Err(unrecognized(405).complain("a call that would make an account"));
                }
                let id = percent_decode(id, false).unwrap_or_default();
                let Some(localpart) = self.local(&id) else {
                    return Err(refusal(400, "M_UNKNOWN", "Can only look up local users"));
                };
                let user = self.users.iter().find(|user| user.localpart == localpart);
                match user {
                    Some(user) => Ok(Reply::json(200, self.account(user))),
                    None => Err(refusal(404, "M_NOT_FOUND", "User not found")),
                }
            }
            ["v1", "users", id, "admin"] => {
                only(method, &["GET"])?;
                let id = percent_decode(id, false).unwrap_or_default();
                let localpart = self.local(&id).unwrap_or_default();
                let admin = self
                    .users
                    .iter()
                    .any(|user| user.localpart == localpart && user.admin);
                Ok(Reply::json(200, json!({ "admin": admin })))
            }
            _ => Err(unrecognized(404)),
        }
    }

    fn account(&self, user: &User) -> Value {
        json!({"name": self.id(&user.localpart), "user_type": null, "is_guest": false,
            "admin": user.admin, "deactivated": user.deactivated, "shadow_banned": false,
            "displayname": user.localpart, "avatar_url": user.avatar, "locked": user.locked})
    }
}

/// `mxc://SERVER/ID`, each one plain segment.
fn is_media(text: &str) -> bool {
    let parts = text
        .strip_prefix("mxc://")
        .and_then(|rest| rest.split_once('/'));
    parts.is_some_and(|(server, id)| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        !server.is_empty() && !id.is_empty() && id.chars().all(plain)
    })
}

fn only(method: &str, known: &[&str]) -> Result<(), Reply> {
    match known.contains(&method) {
        true => Ok(()),
        false => Err(unrecognized(405)),
    }
}

fn unrecognized(status: u16) -> Reply {
    refusal(status, "M_UNRECOGNIZED", "Unrecognized request")
}

fn refusal(status: u16, code: &str, text: &str) -> Reply {
    Reply::json(status, json!({"errcode": code, "error": text}))
}

/// The header in whole seconds, the body in thousandths.
fn limited(in_header: Duration, in_body: Duration) -> Reply {
    let body = json!({"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests",
        "retry_after_ms": in_body.as_millis() as u64});
    Reply::json(429, body).header("Retry-After", in_header.as_millis().div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADMIN: &str = "Authorization: Bearer syt_YWRtaW4_iCVVYyDpBQfNpaQrxiWT_11jrlV\n";
    const ROBOT: &str = "Authorization: Bearer syt_cm9ib3Q_lBMJkxMOsOStOznctMqF_09fFzH\n";

    fn put(
        server: &Running<Matrix>,
        token: &str,
        localpart: &str,
        avatar: &str,
    ) -> (u16, Vec<String>) {
        let line =
            format!("PUT /hs/_matrix/client/v3/profile/%40{localpart}%3Atest.local/avatar_url");
        let headers = format!("{token}Content-Type: application/json");
        let heard = server.ask(&line, &headers, json!({ "avatar_url": avatar }).to_string());
        (heard.status, server.take_violations())
    }

    #[test]
    fn a_change_of_nobody_is_taken_and_complained_of() {
        let server = Matrix::start();
        let avatar = server.model().store(pictures::png(64, 64, 1));
        assert_eq!(
            put(&server, ADMIN, "ghost", &avatar),
            (
                200,
                vec!["a change that makes a profile of nobody".to_owned()]
            )
        );
        let read = server.ask(
            "GET /hs/_matrix/client/v3/profile/%40ghost%3Atest.local/avatar_url",
            ADMIN,
            "",
        );
        assert_eq!(read.json(), json!({ "avatar_url": avatar }));
        assert_eq!(
            put(&server, ADMIN, "gone-bot", &avatar),
            (
                200,
                vec!["a change of an account that is deactivated".to_owned()]
            )
        );
        assert_eq!(put(&server, ROBOT, "admin", &avatar), (400, vec![]));
        assert_eq!(put(&server, ROBOT, "robot", &avatar), (200, vec![]));
        assert_eq!(
            put(&server, ROBOT, "robot", "https://example.com/a.png"),
            (
                200,
                vec!["an avatar that no client shows: https://example.com/a.png".to_owned()]
            )
        );
    }

    #[test]
    fn a_change_that_is_one_too_many_is_carried_out_and_refused() {
        let server = Matrix {
            burst: Some(1),
            ..Matrix::default()
        }
        .start();
        let avatar = |n: u64| server.model().store(pictures::png(64, 64, n));
        let (first, second) = (avatar(1), avatar(2));
        assert_eq!(put(&server, ROBOT, "robot", &first), (200, vec![]));
        assert_eq!(put(&server, ROBOT, "robot", &second), (429, vec![]));
        assert_eq!(server.model().user("robot").avatar, Some(second.clone()));
        let (status, complaints) = put(&server, ROBOT, "robot", &second);
        assert_eq!(
            (status, complaints.len()),
            (200, 1),
            "it came before its time"
        );
    }

    #[test]
    fn the_application_service_acts_for_its_own() {
        let server = Matrix::start();
        let service = format!(
            "Authorization: Bearer {}\n",
            server.model().service.token.clone()
        );
        let whoami = |query: &str| {
            let line = format!("GET /hs/_matrix/client/v3/account/whoami{query}");
            let heard = server.ask(&line, &service, "");
            (heard.status, heard.json()["user_id"].clone())
        };
        assert_eq!(whoami(""), (200, json!("@bridge:test.local")));
        let (own, other) = ("%40bridge_one%3Atest.local", "%40robot%3Atest.local");
        assert_eq!(
            whoami(&format!("?user_id={own}")),
            (200, json!("@bridge_one:test.local"))
        );
        assert_eq!(whoami(&format!("?user_id={other}")), (403, Value::Null));
    }

    #[test]
    #[should_panic(expected = "a logout that ends a token")]
    fn a_logout_of_a_token_that_was_given_fails_the_test() {
        let server = Matrix::start();
        server.ask("POST /hs/_matrix/client/v3/logout", ROBOT, "{}");
    }
}
