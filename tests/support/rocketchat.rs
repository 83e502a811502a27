//! A small Rocket.Chat: accounts with a picture or a generated letter, tokens, and a limiter.
//!
//! Keeps the order in which the real one does things, because that order shows: a picture of a refused type, or one
//! that cannot be decoded, has already cost the account its present one, whose etag stays; and the new etag is written
//! only some time after the answer. Pictures are served as they were sent, although the real one scales them.
//!
//! Where versions differ the model answers as the one it is told to be.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::batch::World;
use super::encoding::{base64, html, http_date, now, percent_decode, percent_encode};
use super::model::{Model, Running};
use super::pictures;
use super::server::{Part, Reply, Request};
use super::systems::{self, Kept, Secrets, System};

pub static SYSTEM: System = System {
    name: "rocketchat",
    title: "Rocket.Chat",
    server: "chat",
    start: |bots| {
        let mut chat = RocketChat::default();
        chat.publish("http://pictures.example/a.jpg", pictures::jpeg(64, 64, 3));
        systems::started(chat, bots)
    },
    kept: |secrets| systems::kept(RocketChat::default(), secrets),
    logins: [
        &[
            ("ROCKETCHAT_USER_ID", "aobEdbYhXfu5hkeqG"),
            (
                "ROCKETCHAT_AUTH_TOKEN",
                "9HqLlyZOugoStsXCUfD_0YdwnNnunAJF8V47U3QHXSq",
            ),
        ],
        &[
            ("ROCKETCHAT_USER", "robot-admin"),
            ("ROCKETCHAT_PASSWORD", "secret"),
        ],
    ],
    begins: ["ask who the caller is", "log in as \"robot-admin\""],
    show: (
        "rocketchat show",
        "rocketchat robot-admin: no avatar, the generated letter shows\n",
    ),
    verbs: &[
        "set --avatar-url http://a/b",
        "show",
        "list",
        "reset",
        "whoami",
    ],
    targets: &["--user", "--user-id"],
    aimed: &["set", "show", "reset"],
    sources: &["--image", "--avatar-url"],
};

impl World {
    pub fn chat(&self) -> &Running<RocketChat> {
        self.of()
    }
}

pub struct RocketChat {
    pub context: String,
    /// What the server believes its address to be; not necessarily where it is reached.
    pub site_url: String,
    /// Which one it is; see `VERSIONS` for those that are known from runs.
    pub version: String,
    pub users: Vec<User>,
    pub tokens: Vec<Token>,
    /// The addresses that the server can download, and what is there.
    pub downloads: BTreeMap<String, Download>,
    /// The caller's suggestions, by service.
    pub suggestions: Map<String, Value>,
    /// How long after the answer etag and origin are written.
    pub settle: Duration,
    /// Between answer and write the old etag is gone already, instead of being still there.
    pub blank_while_settling: bool,
    /// Calls per window, route and method; none where absent.
    pub limit: Option<u32>,
    pub window: Duration,
    /// Whether administrators and bots pass the limiter, as they are meant to.
    pub bypass: bool,
    /// The limiter's refusals come as 429, or, long ago, as 400.
    pub limited_status: u16,
    /// The clock of the server against ours, in seconds; answers carry a `Date` when it is set.
    pub clock_skew: Option<i64>,
    pub max_file_size: usize,
    pub allow_avatar_change: bool,
    /// The code of a refused login is a number, as some versions have it.
    pub numeric_refusals: bool,
    /// Nobody may see pictures: as if the cookies did not arrive.
    pub pictures_closed: bool,
    /// The address of the file store that has the pictures, which the server redirects to.
    pub store: Option<String>,
    started: Instant,
    counters: BTreeMap<String, (u128, u32)>,
    issued: u64,
}

#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub username: String,
    pub name: String,
    pub password: Option<String>,
    /// Asks for this code at login.
    pub two_factor: Option<String>,
    /// `totp` or `email`; every login that is refused for want of a code sends a mail.
    pub two_factor_method: &'static str,
    pub mails: u32,
    pub wrong_codes: u32,
    asked_for_code: bool,
    pub roles: Vec<String>,
    pub picture: Option<Picture>,
    pub etag: Option<String>,
    /// `rest` or `url`.
    pub origin: Option<String>,
    pub failed_logins: u32,
    settling: Option<(Instant, String, String)>,
}

#[derive(Clone, Debug)]
pub struct Picture {
    pub content_type: String,
    pub bytes: Vec<u8>,
    /// Seconds since 1970.
    pub uploaded: u64,
}

#[derive(Clone, Debug)]
pub struct Token {
    pub user_id: String,
    pub token: String,
    /// A personal access token, which a logout would delete for good.
    pub personal: bool,
}

/// What an address gives to the server that downloads it.
#[derive(Clone, Debug)]
pub enum Download {
    File {
        content_type: String,
        bytes: Vec<u8>,
    },
    Status(u16),
    /// To another address.
    Redirect(String),
}

/// The versions whose behaviour is known from runs.
pub const VERSIONS: [&str; 3] = ["3.11.4", "6.13.1", "8.6.1"];

/// What opens a picture in the file store.
pub const SIGNATURE: &str = "X-Amz-Expires=120&X-Amz-Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";

/// When the letter picture was last changed, says the server.
const LETTER_TIME: &str = "Thu, 01 Jan 2015 00:00:00 GMT";

/// Wrong passwords, and wrong codes, after which right ones are refused too.
const FAILED_LOGINS: u32 = 10;
const WRONG_CODES: u32 = 5;

type Answer = Result<Reply, Reply>;

impl User {
    pub fn new(id: &str, username: &str, name: &str, roles: &[&str]) -> User {
        User {
            id: id.to_owned(),
            username: username.to_owned(),
            name: name.to_owned(),
            password: None,
            two_factor: None,
            two_factor_method: "totp",
            mails: 0,
            wrong_codes: 0,
            asked_for_code: false,
            roles: roles.iter().map(|&role| role.to_owned()).collect(),
            picture: None,
            etag: None,
            origin: None,
            failed_logins: 0,
            settling: None,
        }
    }

    fn may(&self, permission: &str) -> bool {
        let holders: &[&str] = match permission {
            "api-bypass-rate-limit" => &["admin", "bot", "app"],
            _ => &["admin"],
        };
        self.roles
            .iter()
            .any(|role| holders.contains(&role.as_str()))
    }
}

impl Default for RocketChat {
    /// `robot-admin` may change everybody; `build-bot` and `retired-bot` themselves.
    fn default() -> RocketChat {
        let mut admin = User::new(
            "aobEdbYhXfu5hkeqG",
            "robot-admin",
            "Robot Admin",
            &["user", "admin"],
        );
        admin.password = Some("secret".into());
        let mut build = User::new("BsNr28znDkG8aeo7W", "build-bot", "Build Bot", &["user"]);
        build.password = Some("build-secret".into());
        let retired = User::new("rbAXPnMktTFbNpwtJ", "retired-bot", "Retired Bot", &["user"]);
        let token = |user: &User, token: &str| Token {
            user_id: user.id.clone(),
            token: token.into(),
            personal: true,
        };
        let tokens = vec![
            token(&admin, "9HqLlyZOugoStsXCUfD_0YdwnNnunAJF8V47U3QHXSq"),
            token(&build, "RScctEHSmLGZGywfIhWyRpyofhKOiMoUIpimhvheU3f"),
        ];
        RocketChat {
            context: "/chat".into(),
            site_url: "https://chat.example.com/chat".into(),
            version: "7.5.1".into(),
            users: vec![admin, build, retired],
            tokens,
            downloads: BTreeMap::new(),
            suggestions: Map::new(),
            settle: Duration::from_millis(500),
            blank_while_settling: false,
            limit: Some(10),
            window: Duration::from_secs(60),
            bypass: true,
            limited_status: 429,
            clock_skew: None,
            max_file_size: 104_857_600,
            allow_avatar_change: true,
            numeric_refusals: false,
            pictures_closed: false,
            store: None,
            started: Instant::now(),
            counters: BTreeMap::new(),
            issued: 0,
        }
    }
}

/// A server that shows a change at once.
pub fn chat() -> Running<RocketChat> {
    chat_with(|_| {})
}

pub fn chat_with(change: impl FnOnce(&mut RocketChat)) -> Running<RocketChat> {
    let mut model = RocketChat {
        settle: Duration::ZERO,
        ..RocketChat::default()
    };
    change(&mut model);
    model.start()
}

impl RocketChat {
    pub fn start() -> Running<RocketChat> {
        Running::start(RocketChat::default())
    }

    /// Whether it is this version, or a later one.
    fn since(&self, major: u32, minor: u32) -> bool {
        let mut parts = self.version.split('.').map(|part| part.parse().ok());
        let mut next = || parts.next().flatten().expect("a version of numbers");
        (next(), next()) >= (major, minor)
    }

    /// The account as it stands now.
    pub fn user(&mut self, username: &str) -> &mut User {
        self.settle_what_is_due();
        self.users
            .iter_mut()
            .find(|user| user.username == username)
            .unwrap_or_else(|| panic!("a user named {username}"))
    }

    /// Gives an account a picture, as if uploaded long ago.
    pub fn give(&mut self, username: &str, bytes: Vec<u8>) -> String {
        let content_type = pictures::size(&bytes).expect("a picture").0.to_owned();
        let etag = self.etag();
        let user = self.user(username);
        user.picture = Some(Picture {
            content_type,
            bytes,
            uploaded: 1_722_470_400,
        });
        user.etag = Some(etag.clone());
        user.origin = Some("rest".into());
        etag
    }

    /// Shows this of an account which nobody uploaded there: a provider's picture, or one that has lost its etag.
    pub fn provide(&mut self, username: &str, content_type: &str, bytes: Vec<u8>) {
        self.user(username).picture = Some(Picture {
            content_type: content_type.to_owned(),
            bytes,
            uploaded: 1_722_470_400,
        });
    }

    /// A picture that the server can download from that address.
    pub fn publish(&mut self, url: &str, bytes: Vec<u8>) {
        let content_type = pictures::size(&bytes).expect("a picture").0.to_owned();
        self.downloads.insert(
            url.to_owned(),
            Download::File {
                content_type,
                bytes,
            },
        );
    }

    /// Text that looks random and is the same in every run.
    fn random(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTWXYZabcdefghijkmnopqrstuvwxyz";
        self.issued += 1;
        let mut state = self.issued.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995;
        let letter = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(LETTERS[(state >> 20) as usize % LETTERS.len()])
        };
        (0..length).map(letter).collect()
    }

    fn etag(&mut self) -> String {
        self.random(17)
    }

    fn settle_what_is_due(&mut self) {
        for user in &mut self.users {
            if let Some((_, etag, origin)) =
                user.settling.take_if(|(due, ..)| *due <= Instant::now())
            {
                (user.etag, user.origin) = (Some(etag), Some(origin));
            }
        }
    }
}

impl Model for RocketChat {
    fn context(&self) -> &str {
        &self.context
    }

    fn settings(&self, url: &str) -> Vec<(&'static str, String)> {
        let token = self.tokens.first().expect("an administrator's token");
        vec![
            ("ROCKETCHAT_URL", url.to_owned()),
            ("ROCKETCHAT_USER_ID", token.user_id.clone()),
            ("ROCKETCHAT_AUTH_TOKEN", token.token.clone()),
        ]
    }

    fn system() -> &'static System {
        &SYSTEM
    }

    fn add_bot(&mut self, number: usize) {
        let (id, name) = (format!("id{number:015}"), format!("bot-{number}"));
        let title = format!("Bot {number}");
        self.users.push(User::new(&id, &name, &title, &["user"]));
    }

    fn keep(&mut self, secrets: &Secrets) -> Kept {
        self.context = String::new();
        self.tokens[0].token = secrets.auth_token.into();
        self.tokens[0].user_id = secrets.user_id.into();
        (self.limit, self.settle) = (None, Duration::ZERO);
        self.give("retired-bot", secrets.picture.clone());
        self.publish(&secrets.address, secrets.picture.clone());
        let admin = &mut self.users[0];
        admin.id = secrets.user_id.into();
        admin.password = Some(secrets.password.into());
        admin.two_factor = Some(secrets.code.into());
        Kept {
            logins: [
                vec![
                    ("ROCKETCHAT_USER_ID", secrets.user_id),
                    ("ROCKETCHAT_AUTH_TOKEN", secrets.auth_token),
                ],
                vec![
                    ("ROCKETCHAT_USER", "robot-admin"),
                    ("ROCKETCHAT_2FA_CODE", secrets.code),
                    ("ROCKETCHAT_PASSWORD", secrets.password),
                ],
            ],
            session: "/data/authToken",
        }
    }

    fn open_logins(&self) -> usize {
        self.tokens.iter().filter(|token| !token.personal).count()
    }

    fn written(request: &Request) -> Option<String> {
        if request.is_look() {
            return None;
        }
        let path = request.path().rsplit_once('/').map_or("", |(_, end)| end);
        Some(format!("{path} {}", request.field("userId")))
    }

    fn handle(&mut self, request: &Request) -> Reply {
        self.settle_what_is_due();
        let Some(path) = request.path().strip_prefix(&self.context) else {
            return Reply::html(404, "404 Not Found");
        };
        let reply = match path.strip_prefix("/api/") {
            Some("info") => Ok(self.info(request)),
            Some(route) => self.api(request, route.strip_prefix("v1/").unwrap_or_default()),
            None => Ok(self.page(request, path)),
        };
        let reply = reply.unwrap_or_else(|refusal| refusal);
        match self.clock_skew {
            None => reply,
            Some(skew) => {
                let date = http_date(now().as_secs().saturating_add_signed(skew));
                reply.header("Date", date)
            }
        }
    }
}

impl RocketChat {
    fn api(&mut self, request: &Request, route: &str) -> Answer {
        let (method, wants_login) = match route {
            "users.setAvatar" | "users.resetAvatar" | "logout" => ("POST", true),
            "login" => ("POST", false),
            "users.info" | "me" | "users.getAvatarSuggestion" => ("GET", true),
            "users.getAvatar" => ("GET", self.since(8, 0)),
            _ => return Err(self.no_such_route(404, "Resource not found")),
        };
        if request.method != method {
            return Err(self.no_such_route(405, "Method not allowed"));
        }
        let caller = self.caller(request);
        if wants_login && caller.is_none() {
            return Err(self.logged_out());
        }
        let counted = self.count(&format!("{method} {route}"), caller)?;
        let outcome = match (route, caller) {
            ("users.setAvatar", Some(caller)) => self.set_avatar(request, caller),
            ("users.resetAvatar", Some(caller)) => self.reset_avatar(request, caller),
            ("users.info", Some(_)) => self.users_info(request),
            ("users.getAvatar", _) => self.get_avatar(request),
            ("users.getAvatarSuggestion", Some(_)) => {
                Ok(good(json!({"suggestions": self.suggestions})))
            }
            ("me", Some(caller)) => Ok(self.me(caller)),
            ("logout", Some(_)) => Ok(self.logout(request)),
            _ => self.login(request),
        };
        let mut reply = outcome.unwrap_or_else(|refusal| refusal);
        for (name, value) in counted {
            reply = reply.header(name, value);
        }
        Ok(reply)
    }

    fn no_such_route(&self, status: u16, error: &str) -> Reply {
        match self.since(8, 6) {
            true => Reply::text(404, "text/plain", "404 Not Found"),
            false => bare(status, error),
        }
    }

    /// The one user who has that id and that token.
    fn caller(&self, request: &Request) -> Option<usize> {
        self.holder(
            request.header("x-user-id")?,
            request.header("x-auth-token")?,
        )
    }

    fn holder(&self, id: &str, token: &str) -> Option<usize> {
        let known = self
            .tokens
            .iter()
            .any(|known| known.user_id == id && known.token == token);
        self.users.iter().position(|user| known && user.id == id)
    }

    fn logged_out(&self) -> Reply {
        let said = "You must be logged in to do this.";
        let mut body = json!({"status": "error", "message": said});
        if self.since(7, 6) {
            body["success"] = json!(false);
            body["error"] = json!(match self.since(8, 6) {
                true => said,
                false => "Unauthorized",
            });
        }
        Reply::json(401, body)
    }

    /// Counts the call in the fixed window of its route; the headers that say so, or the refusal.
    fn count(
        &mut self,
        route: &str,
        caller: Option<usize>,
    ) -> Result<Vec<(&'static str, String)>, Reply> {
        let Some(limit) = self.limit else {
            return Ok(Vec::new());
        };
        if self.bypass
            && caller.is_some_and(|caller| self.users[caller].may("api-bypass-rate-limit"))
        {
            return Ok(Vec::new());
        }
        let window = self.window.as_millis().max(1);
        let elapsed = self.started.elapsed().as_millis();
        let counter = self.counters.entry(route.to_owned()).or_default();
        if counter.0 != elapsed / window {
            *counter = (elapsed / window, 0);
        }
        counter.1 += 1;
        let left = window - elapsed % window;
        let server_now = now().as_millis() as i64 + self.clock_skew.unwrap_or_default() * 1000;
        let headers = vec![
            ("X-RateLimit-Limit", limit.to_string()),
            (
                "X-RateLimit-Remaining",
                limit.saturating_sub(counter.1).to_string(),
            ),
            ("X-RateLimit-Reset", (server_now + left as i64).to_string()),
        ];
        if counter.1 <= limit {
            return Ok(headers);
        }
        let seconds = left.div_ceil(1000);
        let said = format!(
            "Error, too many requests. Please slow down. You must wait {seconds} seconds before trying this endpoint again. [error-too-many-requests]"
        );
        let refusal = Reply::json(
            self.limited_status,
            json!({"success": false, "error": said}),
        );
        Err(headers.into_iter().fold(refusal, |refusal, (name, value)| {
            refusal.header(name, value)
        }))
    }

    // ----------------------------------------------------------------------------------------------- avatars

    fn set_avatar(&mut self, request: &Request, caller: usize) -> Answer {
        match request.header("content-type") {
            None => Err(bare(400, "Missing Content-Type")),
            Some(kind) if kind.split(';').next() == Some("application/json") => {
                self.set_from_address(request, caller)
            }
            Some(kind) if kind.starts_with("multipart/form-data") => {
                self.set_from_form(request, caller)
            }
            Some(kind) => Err(bare(400, &format!("Unsupported content type: {kind}"))),
        }
    }

    fn set_from_address(&mut self, request: &Request, caller: usize) -> Answer {
        // What cannot be parsed counts as nothing having been sent.
        let body = request.try_json().unwrap_or_else(|_| json!({}));
        let fields = body
            .as_object()
            .ok_or_else(|| refusal("must be object", "invalid-params"))?;
        if self.since(5, 0)
            && fields
                .keys()
                .any(|key| !["avatarUrl", "userId", "username"].contains(&key.as_str()))
        {
            return Err(refusal(
                "must NOT have additional properties",
                "invalid-params",
            ));
        }
        if !fields.values().all(Value::is_string) {
            return Err(refusal("must be string", "invalid-params"));
        }
        let given = |name: &str| fields.get(name).and_then(Value::as_str);
        let complaints = careless_target(given("userId"), given("username"));
        let (id, username) = (filled(given("userId")), filled(given("username")));
        let own = &self.users[caller];
        let oneself = id.is_none() && username.is_none()
            || id == Some(&own.id)
            || id.is_none() && username == Some(&own.username);
        if !oneself && !own.may("edit-other-user-avatar") {
            return Err(bare(403, "unauthorized"));
        }
        let target = if oneself {
            caller
        } else {
            self.find(id, username)?
        };
        self.check_change_allowed(caller)?;
        let Some(url) = filled(given("avatarUrl")) else {
            return Err(bare(400, "Unsupported content type: application/json"));
        };
        let invalid = || {
            let mut body = error(
                "Invalid avatar URL: ".to_owned() + url,
                "error-avatar-invalid-url",
            );
            body["details"] = json!({"url": url});
            Reply::json(400, body)
        };
        let found = match self.downloads.get(url) {
            // An error of the download, from one version on until another.
            Some(Download::Redirect(_)) if self.since(6, 13) && !self.since(8, 6) => None,
            Some(Download::Redirect(to)) => self.downloads.get(to),
            found => found,
        };
        let outcome = match found.cloned() {
            Some(Download::File {
                content_type,
                bytes,
            }) if content_type.starts_with("image/") => {
                self.replace(target, &content_type, bytes, "url")
            }
            Some(Download::Status(status)) if status != 404 => {
                let username = &self.users[target].username;
                let said = format!(
                    "Error while handling avatar setting from a URL ({url}) for {username}"
                );
                Err(refusal(&said, "error-avatar-url-handling"))
            }
            _ => Err(invalid()),
        };
        let reply = outcome.unwrap_or_else(|refusal| refusal);
        Ok(complaints.into_iter().fold(reply, Reply::complain))
    }

    fn set_from_form(&mut self, request: &Request, caller: usize) -> Answer {
        if request.boundary().is_none() {
            return Err(bare(400, "Multipart: Boundary not found"));
        }
        let parts = request
            .try_form()
            .map_err(|how| bare(400, "Unexpected end of form").complain(how))?;
        let is_file = |part: &&Part| {
            part.filename.is_some()
                || part.content_type.as_deref() == Some("application/octet-stream")
        };
        let (files, fields): (Vec<&Part>, Vec<&Part>) = parts.iter().partition(is_file);
        if files.iter().any(|file| file.name != "image") {
            return Err(refusal("", "invalid-field"));
        }
        let file = match files[..] {
            [] => return Err(refusal("", "No file uploaded")),
            [file] => file,
            _ => return Err(bare(400, "Just 1 file is allowed")),
        };
        if self.since(5, 0) && file.body.len() >= self.max_file_size {
            return Err(refusal("", "error-file-too-large"));
        }
        // Long ago the target was read when the file ended.
        let read = match self.since(5, 0) {
            true => &fields[..],
            false => {
                let before = parts.iter().take_while(|part| !is_file(part)).count();
                &fields[..before]
            }
        };
        let field = |name: &str| {
            read.iter()
                .find(|part| part.name == name)
                .map(|part| part.text())
        };
        let (id, username) = (filled(field("userId")), filled(field("username")));
        let target = if id.is_none() && username.is_none() {
            caller
        } else {
            self.find(id, username)?
        };
        if target != caller && !self.users[caller].may("edit-other-user-avatar") {
            return Err(refusal("Not allowed", "error-not-allowed"));
        }
        self.check_change_allowed(caller)?;
        let mut complaints = careless_target(field("userId"), field("username"));
        if let Some(part) = fields
            .iter()
            .find(|part| !["userId", "username"].contains(&part.name.as_str()))
        {
            complaints.push(format!("users.setAvatar needs no part named {}", part.name));
        }
        let kind = settled_type(file);
        let outcome = self.replace(target, &kind, file.body.clone(), "rest");
        let reply = outcome.unwrap_or_else(|refusal| refusal);
        Ok(complaints.into_iter().fold(reply, Reply::complain))
    }

    /// By exact id, else by user name whatever its case.
    fn find(&self, id: Option<&str>, username: Option<&str>) -> Result<usize, Reply> {
        let found = self.users.iter().position(|user| match id {
            Some(id) => user.id == id,
            None => {
                username.is_some_and(|name| user.username.to_lowercase() == name.to_lowercase())
            }
        });
        let said =
            "The required \"userId\" or \"username\" param provided does not match any users";
        found.ok_or_else(|| refusal(said, "error-invalid-user"))
    }

    fn check_change_allowed(&self, caller: usize) -> Result<(), Reply> {
        let above = self.since(5, 0) && self.users[caller].may("edit-other-user-avatar");
        if self.allow_avatar_change || above {
            return Ok(());
        }
        let mut body = error("Not allowed".into(), "error-not-allowed");
        body["details"] = json!({"method": "setUserAvatar"});
        Err(Reply::json(400, body))
    }

    /// Takes the old picture away first, and only then looks at the new one. A refusal leaves the etag of a picture
    /// that is gone.
    fn replace(&mut self, target: usize, kind: &str, bytes: Vec<u8>, origin: &str) -> Answer {
        let etag = self.etag();
        let due = Instant::now() + self.settle;
        let typed = self.since(8, 6);
        let user = &mut self.users[target];
        (user.picture, user.settling) = (None, None);
        if !kind.starts_with("image/") || kind.starts_with("image/tif") {
            return Err(refusal("Invalid file type", "error-invalid-file-type"));
        }
        // That of a form was looked at before.
        if origin == "url" && bytes.len() > self.max_file_size {
            return Err(refusal("", "error-file-too-large"));
        }
        if pictures::size(&bytes).is_none() && kind != "image/svg+xml" {
            let said = "Input buffer contains unsupported image format";
            return Err(match typed {
                true => refusal(&format!("Error: {said}"), "ufs: cannot upload file"),
                false => bare(400, said),
            });
        }
        user.picture = Some(Picture {
            content_type: kind.to_owned(),
            bytes,
            uploaded: now().as_secs(),
        });
        user.settling = Some((due, etag, origin.to_owned()));
        if self.blank_while_settling {
            (user.etag, user.origin) = (None, None);
        }
        self.settle_what_is_due();
        Ok(good(json!({})))
    }

    fn reset_avatar(&mut self, request: &Request, caller: usize) -> Answer {
        let body = request.try_json().unwrap_or_else(|_| json!({}));
        let given = |name: &str| body[name].as_str();
        if filled(given("userId")).is_none() && filled(given("username")).is_none() {
            let said = "The required \"userId\" or \"username\" param was not provided";
            return Err(refusal(said, "error-user-param-not-provided"));
        }
        let target = self.find(filled(given("userId")), filled(given("username")))?;
        if target != caller && !self.users[caller].may("edit-other-user-avatar") {
            return Err(refusal("Not allowed", "error-not-allowed"));
        }
        self.check_change_allowed(caller)?;
        let user = &mut self.users[target];
        (user.picture, user.etag, user.origin, user.settling) = (None, None, None, None);
        let complaints = careless_target(given("userId"), given("username"));
        Ok(complaints
            .into_iter()
            .fold(good(json!({})), Reply::complain))
    }

    // ----------------------------------------------------------------------------------------------- looking

    fn info(&self, request: &Request) -> Reply {
        let full = self
            .caller(request)
            .is_some_and(|caller| self.users[caller].may("view-statistics"));
        let short = self
            .version
            .split('.')
            .take(2)
            .collect::<Vec<_>>()
            .join(".");
        good(json!({"version": if full { &self.version } else { &short }}))
    }

    fn users_info(&self, request: &Request) -> Answer {
        let (id, username) = (request.query("userId"), request.query("username"));
        if id.is_none() && username.is_none() {
            return Err(refusal(
                "must have required property 'userId'",
                "invalid-params",
            ));
        }
        // A name is found as an id, too, and an id as a name.
        let asked = id.or(username).unwrap_or_default();
        let found = self
            .users
            .iter()
            .find(|user| user.id == asked || user.username == asked);
        let user = found.ok_or_else(|| bare(400, "User not found."))?;
        let mut body = json!({"_id": user.id, "username": user.username, "name": user.name, "type": "user",
            "active": true, "status": "offline"});
        if let Some(etag) = &user.etag {
            body["avatarETag"] = json!(etag);
        }
        Ok(good(json!({"user": body})))
    }

    fn me(&self, caller: usize) -> Reply {
        let user = &self.users[caller];
        let mut body = self.own_fields(user);
        body["active"] = json!(true);
        body["avatarUrl"] = json!(self.picture_url(user));
        if let (Some(etag), Some(origin)) = (&user.etag, &user.origin) {
            body["avatarETag"] = json!(etag);
            body["avatarOrigin"] = json!(origin);
        }
        good(body)
    }

    fn own_fields(&self, user: &User) -> Value {
        json!({"_id": user.id, "username": user.username, "name": user.name, "roles": user.roles})
    }

    fn picture_url(&self, user: &User) -> String {
        format!(
            "{}/avatar/{}",
            self.site_url,
            percent_encode(&user.username)
        )
    }

    fn get_avatar(&self, request: &Request) -> Answer {
        let (id, username) = (request.query("userId"), request.query("username"));
        let url = self.picture_url(&self.users[self.find(id.as_deref(), username.as_deref())?]);
        Ok(Reply::json(307, json!(url)).header("Location", url))
    }

    // ----------------------------------------------------------------------------------------------- sessions

    fn login(&mut self, request: &Request) -> Answer {
        let body = request
            .try_json()
            .ok()
            .filter(|_| request.header("content-type") == Some("application/json"));
        let body = body.ok_or_else(|| self.login_refused())?;
        let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
        let known = ["user", "username", "email", "password", "code", "resume"];
        if body
            .as_object()
            .is_none_or(|fields| fields.keys().any(|key| !known.contains(&key.as_str())))
        {
            return Err(self
                .login_refused()
                .complain("login with a key that changes its meaning"));
        }
        let name = text("user")
            .or(text("username"))
            .or(text("email"))
            .ok_or_else(|| self.login_refused())?;
        let email = |user: &User| format!("{}@example.com", user.username);
        let found = self
            .users
            .iter()
            .position(|user| user.username == name || email(user) == name);
        let user = found.ok_or_else(|| self.login_refused())?;
        let right = self.users[user].password.is_some()
            && self.users[user].password.as_deref() == text("password");
        if self.users[user].failed_logins >= FAILED_LOGINS {
            let code = "error-login-blocked-for-user";
            let said = "Login has been temporarily blocked For User";
            return Err(self.login_refused_as(code, said));
        }
        if !right {
            self.users[user].failed_logins += 1;
            return Err(self.login_refused());
        }
        let code = request.header("x-2fa-code").or(text("code"));
        // A code makes another kind of login of it where a directory is asked first.
        let unasked = code.is_some() && !self.users[user].asked_for_code;
        let refused = self.second_factor(user, code);
        if unasked {
            let reply = refused.err().unwrap_or_else(|| self.login_refused());
            return Err(reply.complain("a code for a second factor that nobody asked for"));
        }
        refused?;
        self.users[user].failed_logins = 0;
        let token = self.random(43);
        let user = &self.users[user];
        self.tokens.push(Token {
            user_id: user.id.clone(),
            token: token.clone(),
            personal: false,
        });
        let data = json!({"userId": user.id, "authToken": token, "me": self.own_fields(user)});
        let mut body = json!({"status": "success", "data": data});
        if self.since(7, 6) {
            body["success"] = json!(true);
        }
        Ok(Reply::json(200, body))
    }

    /// Whether the code is the one that is wanted, if one is.
    fn second_factor(&mut self, user: usize, code: Option<&str>) -> Result<(), Reply> {
        let user = &mut self.users[user];
        let Some(wanted) = &user.two_factor else {
            return Ok(());
        };
        let method = user.two_factor_method;
        let mut details = json!({"method": method});
        let Some(code) = code else {
            user.asked_for_code = true;
            user.mails += u32::from(method == "email");
            details["availableMethods"] = json!([method]);
            return Err(two_factor("totp-required", "TOTP Required", &details));
        };
        if user.wrong_codes >= WRONG_CODES {
            let said = "TOTP Maximum Failed Attempts Reached";
            return Err(two_factor("totp-max-attempts", said, &details));
        }
        if code != wanted {
            user.wrong_codes += 1;
            return Err(two_factor("totp-invalid", "TOTP Invalid", &details));
        }
        Ok(())
    }

    fn login_refused(&self) -> Reply {
        self.login_refused_as("Unauthorized", "Unauthorized")
    }

    fn login_refused_as(&self, code: &str, message: &str) -> Reply {
        let mut body = json!({"status": "error", "error": code, "message": message});
        if self.numeric_refusals {
            body["error"] = json!(403);
        }
        if self.since(7, 6) {
            body["success"] = json!(false);
        }
        Reply::json(401, body)
    }

    fn logout(&mut self, request: &Request) -> Reply {
        let used = request.header("x-auth-token").unwrap_or_default();
        let personal = self
            .tokens
            .iter()
            .any(|token| token.token == used && token.personal);
        self.tokens.retain(|token| token.token != used);
        let reply = match self.since(8, 6) {
            true => Reply::empty(200),
            false => Reply::json(
                200,
                json!({"status": "success", "data": {"message": "You've been logged out!"}}),
            ),
        };
        if personal {
            reply.complain("a logout that deletes a personal access token")
        } else {
            reply
        }
    }

    // ------------------------------------------------------------------------------------------------- pages

    fn page(&self, request: &Request, path: &str) -> Reply {
        let Some(name) = path.strip_prefix("/avatar/") else {
            return match path {
                "" | "/" => Reply::html(200, "Example Chat"),
                _ => Reply::html(404, "404 Not Found"),
            };
        };
        let name = percent_decode(name, false).unwrap_or_default();
        let by_id = name.strip_prefix("uid/");
        let user = self
            .users
            .iter()
            .find(|user| by_id.map_or(user.username == name, |id| user.id == id));
        if by_id.is_some() && user.is_none() {
            return Reply::text(404, "text/plain", "Not Found");
        }
        let shown = user.map_or(name.trim_start_matches('@'), |user| &user.username);
        let letter = Reply::text(200, "image/svg+xml", letter_svg(shown));
        let cookies = request.cookies();
        let given = |name| cookies.get(name).map_or("", String::as_str);
        let known = self.holder(given("rc_uid"), given("rc_token")).is_some();
        match self.since(6, 12) {
            true if !known || self.pictures_closed => return letter,
            false if self.pictures_closed => return Reply::text(403, "text/plain", "Forbidden"),
            _ => {}
        }
        let Some(picture) = user.and_then(|user| user.picture.as_ref()) else {
            return letter.header("Last-Modified", LETTER_TIME);
        };
        let modified = http_date(picture.uploaded);
        if request.header("if-modified-since") == Some(&modified) {
            return Reply::empty(304).header("Last-Modified", modified);
        }
        // Good for two minutes, and for whoever has it.
        if let Some(store) = &self.store {
            let place = format!("{store}/avatars/{}?{SIGNATURE}", percent_encode(&name));
            return Reply::empty(302).header("Location", place);
        }
        let reply = Reply::text(200, &picture.content_type, &picture.bytes);
        reply
            .header("Last-Modified", modified)
            .header("Cache-Control", "public, max-age=3600")
    }

    /// What a person would see of a user, as HTML without outside references.
    pub fn picture_html(&mut self, username: &str, side: u32) -> String {
        let user = self.user(username);
        let letter = letter_svg(&user.username);
        let (kind, bytes) = match &user.picture {
            Some(picture) => (picture.content_type.as_str(), picture.bytes.as_slice()),
            None => ("image/svg+xml", letter.as_bytes()),
        };
        format!(
            "<img width=\"{side}\" height=\"{side}\" style=\"object-fit:cover\" alt=\"{}\" src=\"data:{};base64,{}\">",
            html(username),
            html(kind),
            base64(bytes)
        )
    }
}

/// The generated picture: the initial on a colour that follows from the name.
pub fn letter_svg(name: &str) -> String {
    let hue = name
        .bytes()
        .fold(0u32, |hue, byte| (hue * 31 + u32::from(byte)) % 360);
    let initial = name
        .chars()
        .next()
        .unwrap_or('?')
        .to_uppercase()
        .collect::<String>();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 200 200\"><rect width=\"200\" height=\"200\" fill=\"hsl({hue},60%,42%)\"/>\
         <text x=\"100\" y=\"141\" font-size=\"120\" font-family=\"sans-serif\" fill=\"#fff\" text-anchor=\"middle\">{}</text></svg>",
        html(&initial)
    )
}

/// The type that a newer server settles on: the declared one, unless that says nothing and the name says more.
fn settled_type(file: &Part) -> String {
    let declared = file
        .content_type
        .clone()
        .unwrap_or_else(|| "text/plain".into())
        .to_ascii_lowercase();
    if declared != "application/octet-stream" {
        return declared;
    }
    let extension = file
        .filename
        .as_deref()
        .unwrap_or_default()
        .rsplit('.')
        .next()
        .unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => "image/jpeg".into(),
        image @ ("png" | "gif" | "webp") => format!("image/{image}"),
        _ => declared,
    }
}

/// An empty target means the caller to the server, and the administrator's picture is gone.
fn careless_target(id: Option<&str>, username: Option<&str>) -> Vec<String> {
    let mut complaints = Vec::new();
    if id == Some("") || username == Some("") {
        complaints.push("an empty target, which the server takes for the caller".to_owned());
    }
    if id.is_some() && username.is_some() {
        complaints.push("both userId and username, where one is the target".to_owned());
    }
    complaints
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

fn good(mut body: Value) -> Reply {
    body["success"] = json!(true);
    Reply::json(200, body)
}

/// A failure that has a text and no code.
fn bare(status: u16, text: &str) -> Reply {
    Reply::json(status, json!({"success": false, "error": text}))
}

/// A failure with a code, which stands in brackets at the end of the text as well.
fn refusal(text: &str, code: &str) -> Reply {
    Reply::json(400, error(text.to_owned(), code))
}

fn error(text: String, code: &str) -> Value {
    let gap = if text.is_empty() { "" } else { " " };
    json!({"success": false, "error": format!("{text}{gap}[{code}]"), "errorType": code})
}

fn two_factor(code: &str, message: &str, details: &Value) -> Reply {
    Reply::json(
        401,
        json!({"status": "error", "error": code, "message": message, "details": details}),
    )
}

#[cfg(test)]
mod tests {
    use super::super::model::Fault;
    use super::*;

    const ADMIN: &str =
        "X-User-Id: aobEdbYhXfu5hkeqG\nX-Auth-Token: 9HqLlyZOugoStsXCUfD_0YdwnNnunAJF8V47U3QHXSq\n";
    const BUILD: &str =
        "X-User-Id: BsNr28znDkG8aeo7W\nX-Auth-Token: RScctEHSmLGZGywfIhWyRpyofhKOiMoUIpimhvheU3f\n";
    const SET: &str = "POST /chat/api/v1/users.setAvatar";

    /// Settled at once, so that no test waits.
    fn quick() -> Running<RocketChat> {
        quick_as("7.5.1")
    }

    fn quick_as(version: &str) -> Running<RocketChat> {
        RocketChat {
            settle: Duration::ZERO,
            version: version.into(),
            ..RocketChat::default()
        }
        .start()
    }

    fn form(
        chat: &Running<RocketChat>,
        headers: &str,
        fields: &[(&str, &str)],
        kind: &str,
        file: &[u8],
    ) -> String {
        let mut body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"avatar.png\"\r\nContent-Type: {kind}\r\n\r\n"
        )
        .into_bytes();
        body.extend(file);
        for (name, value) in fields {
            body.extend(
                format!(
                    "\r\n--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}"
                )
                .bytes(),
            );
        }
        body.extend(b"\r\n--b--\r\n");
        chat.ask(
            SET,
            &format!("{headers}Content-Type: multipart/form-data; boundary=b"),
            body,
        )
        .body
    }

    #[test]
    fn a_form_sets_the_picture_of_whoever_it_names_wherever_it_names_them() {
        let chat = quick();
        let picture = pictures::png(64, 64, 1);
        assert_eq!(
            form(
                &chat,
                ADMIN,
                &[("userId", "BsNr28znDkG8aeo7W")],
                "image/png",
                &picture
            ),
            "{\"success\":true}"
        );
        let first = chat.model().user("build-bot").etag.clone();
        assert_eq!(first.as_ref().map(String::len), Some(17));
        assert_eq!(
            form(
                &chat,
                ADMIN,
                &[("username", "BUILD-bot")],
                "image/png",
                &picture
            ),
            "{\"success\":true}"
        );
        assert_ne!(chat.model().user("build-bot").etag, first);
        assert_eq!(chat.model().user("robot-admin").etag, None);
        assert_eq!(
            form(
                &chat,
                BUILD,
                &[("username", "BUILD-bot")],
                "image/png",
                &picture
            ),
            "{\"success\":true}"
        );
        assert_eq!(
            form(
                &chat,
                BUILD,
                &[("username", "robot-admin")],
                "image/png",
                &picture
            ),
            "{\"error\":\"Not allowed [error-not-allowed]\",\"errorType\":\"error-not-allowed\",\"success\":false}"
        );
    }

    #[test]
    fn a_refused_picture_has_already_cost_the_old_one() {
        for (kind, file) in [
            ("text/plain", &b"\x89PNG"[..]),
            ("image/png", b"no picture"),
        ] {
            let chat = quick();
            let etag = chat.model().give("robot-admin", pictures::png(64, 64, 1));
            assert!(form(&chat, ADMIN, &[], kind, file).contains("\"success\":false"));
            assert!(chat.model().user("robot-admin").picture.is_none());
            // Nobody tells the account.
            assert_eq!(chat.model().user("robot-admin").etag, Some(etag));
        }
    }

    #[test]
    fn the_head_of_a_picture_tells_who_wears_one_to_those_who_may_look() {
        const COOKIES: &str = "Cookie: rc_uid=aobEdbYhXfu5hkeqG; rc_token=9HqLlyZOugoStsXCUfD_0YdwnNnunAJF8V47U3QHXSq";
        for version in VERSIONS {
            let chat = quick_as(version);
            chat.model().give("build-bot", pictures::png(64, 64, 1));
            let head = |name: &str, headers: &str| {
                let heard = chat.ask(&format!("HEAD /chat/avatar/{name}"), headers, "");
                assert_eq!((heard.status, heard.body.as_str()), (200, ""));
                let kind = heard.all("Content-Type").concat();
                (kind, heard.all("Last-Modified").concat())
            };
            let wears = (
                "image/png".to_owned(),
                "Thu, 01 Aug 2024 00:00:00 GMT".to_owned(),
            );
            let letter = |time: &str| ("image/svg+xml".to_owned(), time.to_owned());
            assert_eq!(head("build-bot", COOKIES), wears);
            assert_eq!(head("retired-bot", COOKIES), letter(LETTER_TIME));
            // The two headers of the API count for nothing here.
            let (stranger, nobody) = match version {
                "3.11.4" => (wears, letter(LETTER_TIME)),
                _ => (letter(""), letter("")),
            };
            assert_eq!(head("build-bot", ADMIN), stranger);
            assert_eq!(head("retired-bot", ""), nobody);
        }
    }

    #[test]
    fn a_target_behind_the_file_is_lost_on_an_old_server() {
        for version in VERSIONS {
            let chat = quick_as(version);
            let picture = pictures::png(64, 64, 1);
            let fields = [("userId", "BsNr28znDkG8aeo7W")];
            form(&chat, ADMIN, &fields, "image/png", &picture);
            let lost = version == "3.11.4";
            assert_eq!(chat.model().user("robot-admin").picture.is_some(), lost);
            assert_eq!(chat.model().user("build-bot").picture.is_some(), !lost);
        }
    }

    #[test]
    fn an_address_is_set_by_json_and_judged_more_strictly() {
        let chat = quick();
        chat.model()
            .publish("http://domain.tld/a.jpg", pictures::jpeg(64, 64, 1));
        let set = |headers: &str, body: &str| {
            let heard = chat.ask(
                SET,
                &format!("{headers}Content-type: application/json"),
                body,
            );
            (
                heard.status,
                heard.json()["errorType"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            )
        };
        assert_eq!(
            set(ADMIN, "{\"avatarUrl\": \"http://domain.tld/a.jpg\"}"),
            (200, String::new())
        );
        assert_eq!(
            chat.model().user("robot-admin").origin.as_deref(),
            Some("url")
        );
        assert_eq!(
            set(
                BUILD,
                "{\"avatarUrl\":\"http://domain.tld/a.jpg\",\"username\":\"BUILD-bot\"}"
            ),
            (403, String::new())
        );
        assert_eq!(
            set(ADMIN, "{\"avatarURL\":\"http://domain.tld/a.jpg\"}"),
            (400, "invalid-params".into())
        );
        assert_eq!(
            set(ADMIN, "{\"avatarUrl\":\"http://10.0.0.5/a.png\"}"),
            (400, "error-avatar-invalid-url".into())
        );
        assert_eq!(
            set(ADMIN, "{\"avatarUrl\":\"x\",\"userId\":\"build-bot\"}"),
            (400, "error-invalid-user".into())
        );
    }

    #[test]
    fn the_etag_comes_only_after_a_while() {
        let chat = RocketChat {
            settle: Duration::from_secs(3600),
            ..RocketChat::default()
        }
        .start();
        let etag = chat.model().give("robot-admin", pictures::png(64, 64, 1));
        form(&chat, ADMIN, &[], "image/png", &pictures::png(64, 64, 2));
        let me = chat.ask("GET /chat/api/v1/me", ADMIN, "").json();
        assert_eq!(me["avatarETag"], etag.as_str());
    }

    #[test]
    fn the_limiter_counts_who_may_not_pass_it() {
        let chat = RocketChat {
            limit: Some(2),
            ..RocketChat::default()
        }
        .start();
        let info = |headers: &str| {
            chat.ask(
                "GET /chat/api/v1/users.info?username=build-bot",
                headers,
                "",
            )
        };
        assert_eq!(info("").status, 401);
        assert_eq!(info(BUILD).all("X-RateLimit-Remaining"), ["1"]);
        assert_eq!(info(BUILD).all("X-RateLimit-Remaining"), ["0"]);
        let heard = info(BUILD);
        assert_eq!(heard.status, 429);
        assert!(
            heard.body.contains("You must wait 60 seconds"),
            "{}",
            heard.body
        );
        let heard = info(ADMIN);
        assert_eq!(
            (heard.status, heard.all("X-RateLimit-Limit")),
            (200, vec![])
        );
        assert_eq!(chat.ask("GET /chat/api/v1/me", BUILD, "").status, 200);
    }

    #[test]
    fn a_login_is_asked_for_its_second_factor_and_can_be_ended() {
        let chat = quick();
        chat.model().user("build-bot").two_factor = Some("123456".into());
        let login = |headers: &str, password: &str| {
            let body = json!({"user": "build-bot", "password": password}).to_string();
            let headers = format!("{headers}Content-Type: application/json");
            chat.ask("POST /chat/api/v1/login", &headers, body)
        };
        assert_eq!(login("", "wrong").json()["error"], "Unauthorized");
        assert_eq!(login("", "build-secret").json()["error"], "totp-required");
        assert_eq!(
            login("x-2fa-code: 1\n", "build-secret").json()["error"],
            "totp-invalid"
        );
        let good = login("x-2fa-code: 123456\n", "build-secret").json();
        let token = good["data"]["authToken"].as_str().expect("a token");
        let headers = format!("X-User-Id: BsNr28znDkG8aeo7W\nX-Auth-Token: {token}");
        assert_eq!(
            chat.ask("POST /chat/api/v1/logout", &headers, "").status,
            200
        );
        assert_eq!(chat.ask("GET /chat/api/v1/me", &headers, "").status, 401);
    }

    #[test]
    fn a_lost_answer_was_carried_out_and_a_silence_was_not() {
        let chat = quick();
        chat.fault(Fault::on(&SET.replace("/chat", "")).lost());
        assert_eq!(
            form(&chat, ADMIN, &[], "image/png", &pictures::png(64, 64, 1)),
            ""
        );
        let etag = chat.model().user("robot-admin").etag.clone();
        assert!(etag.is_some());
        chat.fault(Fault::on(&SET.replace("/chat", "")).silent());
        assert_eq!(
            form(&chat, ADMIN, &[], "image/png", &pictures::png(64, 64, 1)),
            ""
        );
        assert_eq!(chat.model().user("robot-admin").etag, etag);
    }

    #[test]
    #[should_panic(expected = "an empty target")]
    fn a_target_lost_on_the_way_fails_the_test() {
        form(
            &quick(),
            ADMIN,
            &[("username", "")],
            "image/png",
            &pictures::png(64, 64, 1),
        );
    }
}
