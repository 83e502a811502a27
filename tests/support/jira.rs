//! A small Jira Data Center: users, their avatars, and the upload in two steps that lives in an HTTP session.
//!
//! Answers as Jira does, its surprises included: any avatar id can be selected, known or not; an upload is stored
//! by the confirmation and not selected by it; a token's session is dead as soon as its request is answered.
//! It keeps pictures as they were sent and remembers the crop beside them; it decodes nothing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::batch::World;
use super::encoding::{base64, from_base64, html, percent_decode, percent_encode};
use super::model::{Model, Running};
use super::pictures;
use super::server::{Reply, Request};
use super::systems::{self, Kept, Secrets, System};

const JSON: &str = "application/json;charset=UTF-8";
const UPLOAD_TYPES: [&str; 5] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/pjpeg",
    "image/x-png",
];
const BEAN: [&str; 4] = ["id", "isSelected", "isSystemAvatar", "urls"];

pub static SYSTEM: System = System {
    name: "jira",
    title: "Jira",
    server: "jira",
    start: |bots| systems::started(Jira::default(), bots),
    kept: |secrets| systems::kept(Jira::default(), secrets),
    logins: [
        &[("JIRA_TOKEN", "ROBOTTOKEN")],
        &[("JIRA_USER", "robot"), ("JIRA_PASSWORD", "secret")],
    ],
    begins: ["ask what server this is"; 2],
    show: ("jira show", "jira robot: avatar 10122 (system)\n"),
    verbs: &[
        "set --avatar-id 5",
        "show",
        "list",
        "delete --avatar-id 5",
        "whoami",
    ],
    targets: &["--user"],
    aimed: &["set", "show", "list", "delete"],
    sources: &["--avatar-id", "--image"],
};

impl World {
    pub fn jira(&self) -> &Running<Jira> {
        self.of()
    }
}

pub struct Jira {
    pub context: String,
    /// The configured address, which Jira puts into every answer; deliberately not the one it is served at.
    pub base_url: String,
    pub version: String,
    /// `Server`, `Cloud`, or absent as on very old servers.
    pub deployment: Option<String>,
    pub users: Vec<User>,
    pub system: Vec<u64>,
    pub custom: Vec<Custom>,
    /// Shown for whoever selected an avatar that nobody has.
    pub default_avatar: u64,
    pub next_id: u64,
    /// The JVM switch that keeps the session of a token request.
    pub token_sessions_survive: bool,
    /// A dead session's cookie beside a token is refused with 401 rather than ignored.
    pub dead_cookie_is_refused: bool,
    /// How PUT and DELETE say "not permitted": 401 or 403.
    pub not_permitted: u16,
    /// PUT answers 200 and the bean, not 204.
    pub put_answers_bean: bool,
    /// Newer servers might refuse to select an avatar that nobody has.
    pub put_refuses_unknown: bool,
    /// How PUT refuses an id that is no number: 400 or 500.
    pub bad_id_status: u16,
    /// Beans carry `selected`, `isDeletable` and `fileName` too.
    pub newer_beans: bool,
    /// Which avatar is selected is told by `selected` alone, and ids are numbers.
    pub only_selected: bool,
    pub numeric_ids: bool,
    /// Headers of every answer, such as those of a rate limit.
    pub headers: Vec<(&'static str, String)>,
    pub external_user_management: bool,
    pub gravatar: bool,
    /// What a token gets where the pictures are.
    pub token_pages: TokenPages,
    /// Whoever is not logged in sees users, and so their pictures; otherwise the default in place of each.
    pub everybody_browses: bool,
    /// The same of whoever is logged in.
    pub callers_browse: bool,
    pub sizes: Sizes,
    /// Pictures are SVG drawings where they are the server's own; otherwise PNG, as long ago.
    pub drawn_avatars: bool,
    /// Beans say whose an avatar is.
    pub owners_in_beans: bool,
    /// As on 11.0, where Basic is off until an administrator turns it on.
    pub basic_disabled: bool,
    pub captcha_after: u32,
    pub attachment_limit: usize,
    /// Width times height that the server is ready to decode.
    pub pixel_limit: u64,
    /// A picture that is to be stored gets no answer: it is stored just before the list of avatars is given out
    /// for this number of times after it. So slow a server outlasts a client's patience without a clock.
    pub stores_at_look: Option<usize>,
    /// Pictures that are being stored: the looks that are left, the owner, the picture and its crop.
    storing: Vec<(usize, String, Upload, Crop)>,
    sessions: BTreeMap<String, Session>,
    next_session: u64,
}

#[derive(Clone, Debug)]
pub struct User {
    pub name: String,
    pub key: String,
    pub display_name: String,
    pub password: Option<String>,
    pub token: Option<String>,
    pub admin: bool,
    /// Any id at all, whether or not there is such an avatar.
    pub selected: u64,
    pub failed_logins: u32,
}

#[derive(Clone, Debug)]
pub struct Custom {
    pub id: u64,
    /// The key of a user.
    pub owner: String,
    pub picture: Vec<u8>,
    pub content_type: String,
    /// What was cut out, of the picture as shrunk.
    pub crop: Crop,
    pub shrunk: (u32, u32),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crop {
    pub x: u32,
    pub y: u32,
    pub side: u32,
}

#[derive(Clone, Debug, Default)]
struct Session {
    upload: Option<Upload>,
    dead: bool,
}

#[derive(Clone, Debug)]
struct Upload {
    picture: Vec<u8>,
    content_type: String,
    shrunk: (u32, u32),
}

/// How `/secure/` takes a token, which is an address older than tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TokenPages {
    Taken,
    /// A redirect to the login page.
    Redirect,
    /// The login page itself, as if all were well.
    LoginPage,
}

/// What becomes of a size that is asked for by a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sizes {
    Known,
    /// 404.
    Refused,
    /// Whoever asks for another size than the usual one gets the smallest.
    Smallest,
}

/// Who asks, and by which way.
struct Caller {
    user: usize,
    token: bool,
}

type Answer = Result<Reply, Reply>;

impl User {
    pub fn new(name: &str, key: &str, display_name: &str) -> User {
        User {
            name: name.to_owned(),
            key: key.to_owned(),
            display_name: display_name.to_owned(),
            password: None,
            token: None,
            admin: false,
            selected: 10122,
            failed_logins: 0,
        }
    }
}

impl Default for Jira {
    /// `robot` is the administrator; `build-bot` and `deploy-bot` may change themselves; an old account has its name
    /// for a key.
    fn default() -> Jira {
        let mut robot = User::new("robot", "JIRAUSER10100", "Build Robot");
        robot.password = Some("secret".into());
        robot.token = Some("ROBOTTOKEN".into());
        robot.admin = true;
        let mut build = User::new("build-bot", "JIRAUSER10101", "Build Bot");
        build.password = Some("build:secret".into());
        build.token = Some("BUILDTOKEN".into());
        Jira {
            context: "/jira".into(),
            base_url: "https://jira.example.com/jira".into(),
            version: "9.12.4".into(),
            deployment: Some("Server".into()),
            users: vec![
                robot,
                build,
                User::new("deploy-bot", "deploy-bot", "Deploy Bot"),
            ],
            system: (10122..=10132).chain(24871..=24882).collect(),
            custom: Vec::new(),
            default_avatar: 10122,
            next_id: 24901,
            token_sessions_survive: false,
            dead_cookie_is_refused: false,
            not_permitted: 401,
            put_answers_bean: false,
            put_refuses_unknown: false,
            bad_id_status: 400,
            newer_beans: false,
            only_selected: false,
            numeric_ids: false,
            headers: Vec::new(),
            external_user_management: false,
            gravatar: false,
            token_pages: TokenPages::Taken,
            everybody_browses: true,
            callers_browse: true,
            sizes: Sizes::Known,
            drawn_avatars: true,
            owners_in_beans: true,
            basic_disabled: false,
            captcha_after: 3,
            attachment_limit: 10 * 1024 * 1024,
            pixel_limit: 5_000_000,
            stores_at_look: None,
            storing: Vec::new(),
            sessions: BTreeMap::new(),
            next_session: 0x0f3a_51c2,
        }
    }
}

impl Jira {
    pub fn start() -> Running<Jira> {
        Running::start(Jira::default())
    }

    pub fn user(&self, name: &str) -> &User {
        self.users
            .iter()
            .find(|user| user.name == name)
            .unwrap_or_else(|| panic!("a user named {name}"))
    }

    pub fn user_mut(&mut self, name: &str) -> &mut User {
        self.users
            .iter_mut()
            .find(|user| user.name == name)
            .unwrap_or_else(|| panic!("a user named {name}"))
    }

    /// Gives a user a custom avatar, not selected, and tells its id.
    pub fn give(&mut self, name: &str, picture: Vec<u8>) -> u64 {
        let (content_type, width, height) = pictures::size(&picture).expect("a picture");
        let side = width.min(height);
        let crop = Crop {
            x: (width - side) / 2,
            y: (height - side) / 2,
            side,
        };
        let upload = Upload {
            picture,
            content_type: content_type.to_owned(),
            shrunk: (width, height),
        };
        let owner = self.user(name).key.clone();
        self.store(owner, upload, crop)
    }

    pub fn custom(&self, id: u64) -> Option<&Custom> {
        self.custom.iter().find(|custom| custom.id == id)
    }

    fn is_known(&self, id: u64) -> bool {
        self.system.contains(&id) || self.custom(id).is_some()
    }

    /// Stores an upload; no answer, if it is stored later.
    fn store_in_time(&mut self, owner: &str, upload: Upload, crop: Crop) -> Result<u64, Reply> {
        match self.stores_at_look {
            None => Ok(self.store(owner.to_owned(), upload, crop)),
            Some(look) => {
                self.storing.push((look, owner.to_owned(), upload, crop));
                Err(Reply::hang())
            }
        }
    }

    /// Somebody looks: a picture whose time has come is stored.
    fn look(&mut self) {
        for (left, ..) in &mut self.storing {
            *left -= 1;
        }
        let (due, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.storing)
            .into_iter()
            .partition(|(left, ..)| *left == 0);
        self.storing = rest;
        for (_, owner, upload, crop) in due {
            self.store(owner, upload, crop);
        }
    }

    fn store(&mut self, owner: String, upload: Upload, crop: Crop) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let Upload {
            picture,
            content_type,
            shrunk,
        } = upload;
        self.custom.push(Custom {
            id,
            owner,
            picture,
            content_type,
            crop,
            shrunk,
        });
        id
    }
}

impl Model for Jira {
    fn context(&self) -> &str {
        &self.context
    }

    fn settings(&self, url: &str) -> Vec<(&'static str, String)> {
        let admin = self
            .users
            .iter()
            .find(|user| user.admin && user.password.is_some())
            .expect("an administrator");
        vec![
            ("JIRA_URL", url.to_owned()),
            ("JIRA_USER", admin.name.clone()),
            ("JIRA_PASSWORD", admin.password.clone().unwrap_or_default()),
        ]
    }

    fn system() -> &'static System {
        &SYSTEM
    }

    fn add_bot(&mut self, number: usize) {
        let (name, key) = (format!("bot-{number}"), format!("JIRAUSER2{number:05}"));
        self.users
            .push(User::new(&name, &key, &format!("Bot {number}")));
    }

    fn keep(&mut self, secrets: &Secrets) -> Kept {
        self.context = String::new();
        let robot = self.user_mut("robot");
        robot.token = Some(secrets.token.into());
        robot.password = Some(secrets.password.into());
        let id = self.give("robot", secrets.picture.clone());
        self.user_mut("robot").selected = id;
        self.token_sessions_survive = true;
        Kept {
            logins: [
                vec![("JIRA_TOKEN", secrets.token)],
                vec![("JIRA_USER", "robot"), ("JIRA_PASSWORD", secrets.password)],
            ],
            session: "0F3A51",
        }
    }

    fn open_logins(&self) -> usize {
        0
    }

    fn written(request: &Request) -> Option<String> {
        if request.is_look() {
            return None;
        }
        let user = request.query("username").unwrap_or_default();
        let path = request.path().rsplit_once("/user/");
        let path = path.map_or("", |(_, end)| end);
        Some(format!("{} {path} {user}", request.method))
    }

    fn handle(&mut self, request: &Request) -> Reply {
        let Some(path) = request
            .path()
            .strip_prefix(&self.context)
            .map(str::to_owned)
        else {
            return Reply::html(404, "HTTP Status 404 – Not Found");
        };
        let rest = path
            .strip_prefix("/rest/api/2/")
            .or_else(|| path.strip_prefix("/rest/api/latest/"));
        let Some(rest) = rest else {
            return self.page(request, &path);
        };
        let mut reply = self.rest(request, rest).unwrap_or_else(|refusal| refusal);
        for (name, value) in &self.headers {
            reply = reply.header(name, value);
        }
        // A jar that hands the cookie round would one day send it with a token, and be refused.
        if request.header("cookie").is_some()
            && (request.method.as_str(), rest) != ("POST", "user/avatar")
        {
            reply = reply.complain(format!(
                "a cookie belongs to the confirmation only: {}",
                request.target
            ));
        }
        if request
            .header("x-atlassian-token")
            .is_some_and(|value| value != "no-check")
        {
            reply = reply.complain("X-Atlassian-Token is spelled no-check");
        }
        reply
    }
}

impl Jira {
    fn rest(&mut self, request: &Request, rest: &str) -> Answer {
        let method = request.method.as_str();
        let known = match rest {
            "serverInfo" | "myself" | "mypermissions" => vec![],
            "user" => vec!["username", "key"],
            "user/avatars" | "user/avatar" => vec!["username"],
            "user/avatar/temporary" => vec!["username", "filename", "size"],
            "avatar/user/system" | "avatar/project/system" | "avatar/issuetype/system" => vec![],
            _ if rest.starts_with("user/avatar/") => vec!["username"],
            _ => return Err(Reply::html(404, "dead link")),
        };
        let methods = match rest {
            "user/avatar" => "POST PUT",
            "user/avatar/temporary" => "POST",
            _ if rest.starts_with("user/avatar/") => "DELETE",
            _ => "GET",
        };
        if !methods.contains(method)
            || (self.deployment.as_deref() == Some("Cloud") && rest.starts_with("user/avatar"))
        {
            return Err(
                Reply::html(405, "Method Not Allowed").header("Allow", methods.replace(' ', ", "))
            );
        }
        if method == "POST" {
            check_xsrf(request)?;
        }
        let caller = self.caller(request)?;
        let outcome = match (method, rest, &caller) {
            ("GET", "serverInfo", _) => Ok(self.server_info()),
            (_, _, None) => Err(unauthenticated()),
            ("GET", "myself", Some(caller)) => Ok(self.user_bean(&self.users[caller.user])),
            ("GET", "user", Some(_)) => self.one_user(request),
            ("GET", "user/avatars", Some(_)) => self.avatars(request),
            ("GET", "mypermissions", Some(caller)) => Ok(self.permissions(caller)),
            ("GET", ..) => Ok(answer(200, json!({"system": self.system_beans(None)}))),
            ("POST", "user/avatar/temporary", Some(caller)) => self.temporary(request, caller),
            ("POST", _, Some(caller)) => self.confirm(request, caller),
            ("PUT", _, Some(caller)) => self.select(request, caller),
            (_, _, Some(caller)) => {
                self.delete(request, caller, rest.trim_start_matches("user/avatar/"))
            }
        };
        let mut reply = outcome.unwrap_or_else(|refusal| refusal);
        if let Some(caller) = caller {
            reply = self.dress(request, &caller, reply);
        }
        if let Some((name, _)) = request
            .queries()
            .iter()
            .find(|(name, _)| !known.contains(&name.as_str()))
        {
            reply = reply.complain(format!("{rest} knows no {name}"));
        }
        Ok(reply)
    }

    /// The headers of every answer to somebody who is logged in, a new session among them.
    fn dress(&mut self, request: &Request, caller: &Caller, reply: Reply) -> Reply {
        let name = percent_encode(&self.users[caller.user].name);
        let reply = reply
            .header("X-AREQUESTID", "1x1x1")
            .header("X-AUSERNAME", name);
        let reply = reply.header("X-Seraph-LoginReason", "OK");
        if caller.token && !self.token_sessions_survive {
            for (id, session) in &mut self.sessions {
                session.dead |= request.cookies().get("JSESSIONID") == Some(id);
            }
        }
        // Only `temporary` made one beforehand, to put the upload into it.
        if request.header("cookie").is_some()
            || reply.headers.iter().any(|(name, _)| name == "Set-Cookie")
        {
            return reply;
        }
        let id = self.new_session(caller);
        self.with_cookies(reply, &id)
    }

    fn new_session(&mut self, caller: &Caller) -> String {
        let id = format!("{:08X}", self.next_session);
        self.next_session += 1;
        let dead = caller.token && !self.token_sessions_survive;
        self.sessions
            .insert(id.clone(), Session { upload: None, dead });
        id
    }

    fn with_cookies(&self, reply: Reply, id: &str) -> Reply {
        let path = if self.context.is_empty() {
            "/"
        } else {
            &self.context
        };
        reply
            .header(
                "Set-Cookie",
                format!("JSESSIONID={id}; Path={path}; Secure; HttpOnly"),
            )
            .header(
                "Set-Cookie",
                format!("atlassian.xsrf.token=B2XY-1234|{id}|lin; Path={path}; Secure"),
            )
            .header("Set-Cookie", "route=node1; Path=/")
    }

    /// Nobody, somebody, or a refusal.
    fn caller(&mut self, request: &Request) -> Result<Option<Caller>, Reply> {
        let Some(authorization) = request.header("authorization") else {
            return Ok(None);
        };
        if let Some(token) = authorization.strip_prefix("Bearer ") {
            let found = self
                .users
                .iter()
                .position(|user| user.token.as_deref() == Some(token));
            return found
                .map(|user| Some(Caller { user, token: true }))
                .ok_or_else(unauthenticated);
        }
        let credentials = authorization.strip_prefix("Basic ").and_then(from_base64);
        let credentials = credentials.and_then(|bytes| String::from_utf8(bytes).ok());
        let Some((name, password)) = credentials.as_deref().and_then(|pair| pair.split_once(':'))
        else {
            return Err(unauthenticated().complain("neither Basic nor Bearer"));
        };
        if self.basic_disabled {
            return Err(Reply::html(403, "Basic authentication is disabled"));
        }
        let wrong = Reply::html(401, "Unauthorized (401)")
            .header("X-Seraph-LoginReason", "AUTHENTICATED_FAILED");
        let wrong = wrong.header(
            "WWW-Authenticate",
            "OAuth realm=\"https%3A%2F%2Fjira.example.com\"",
        );
        let Some(user) = self.find(name) else {
            return Err(wrong);
        };
        if self.users[user].failed_logins >= self.captcha_after {
            let login = format!("CAPTCHA_CHALLENGE; login-url={}/login.jsp", self.base_url);
            return Err(Reply::html(403, "Forbidden (403)")
                .header("X-Seraph-LoginReason", "AUTHENTICATION_DENIED")
                .header("X-Authentication-Denied-Reason", login));
        }
        if self.users[user].password.as_deref() != Some(password) {
            self.users[user].failed_logins += 1;
            return Err(wrong);
        }
        self.users[user].failed_logins = 0;
        Ok(Some(Caller { user, token: false }))
    }

    fn find(&self, name: &str) -> Option<usize> {
        // By its exact name first, because a bench asks for ten thousand of them.
        let exact = self.users.iter().position(|user| user.name == name);
        exact.or_else(|| {
            let name = name.to_lowercase();
            self.users
                .iter()
                .position(|user| user.name.to_lowercase() == name)
        })
    }

    /// The user an avatar call is about.
    fn target(&self, request: &Request) -> Result<usize, Reply> {
        let name = request.query("username").unwrap_or_default();
        self.find(&name)
            .ok_or_else(|| refusal(404, &format!("The user named '{name}' does not exist")))
    }

    fn may_change(&self, caller: &Caller, target: usize) -> bool {
        !self.external_user_management && (caller.user == target || self.users[caller.user].admin)
    }

    // ------------------------------------------------------------------------------------------------ looking

    fn server_info(&self) -> Reply {
        let numbers = self
            .version
            .split(['.', '-'])
            .filter_map(|number| number.parse::<u32>().ok());
        let mut info = json!({
            "baseUrl": self.base_url,
            "version": self.version,
            "versionNumbers": numbers.collect::<Vec<_>>(),
            "buildNumber": 912_004,
            "serverTitle": "Example Jira",
        });
        if let Some(deployment) = &self.deployment {
            info["deploymentType"] = json!(deployment);
        }
        answer(200, info)
    }

    fn one_user(&self, request: &Request) -> Answer {
        let user = match (request.query("username"), request.query("key")) {
            (Some(_), Some(_)) => {
                return Err(refusal(400, "Only one of username and key may be given."));
            }
            (Some(_), None) => self.target(request)?,
            (None, key) => {
                let key = key.unwrap_or_default();
                let found = self.users.iter().position(|user| user.key == key);
                found.ok_or_else(|| {
                    refusal(404, &format!("The user with key '{key}' does not exist"))
                })?
            }
        };
        Ok(self.user_bean(&self.users[user]))
    }

    fn user_bean(&self, user: &User) -> Reply {
        let shown = if self.is_known(user.selected) {
            user.selected
        } else {
            self.default_avatar
        };
        let urls = if self.gravatar {
            let sizes = [("16x16", 16), ("24x24", 24), ("32x32", 32), ("48x48", 48)];
            let url = |size| {
                format!(
                    "https://www.gravatar.com/avatar/0bc83cb571cd1c50ba6f3e8a78ef1346?d=mm&s={size}"
                )
            };
            sizes
                .into_iter()
                .map(|(name, size)| (name.to_owned(), json!(url(size))))
                .collect()
        } else {
            self.urls(shown)
        };
        answer(
            200,
            json!({
                "self": format!("{}/rest/api/2/user?username={}", self.base_url, percent_encode(&user.name)),
                "key": user.key,
                "name": user.name,
                "emailAddress": format!("{}@example.com", user.key.to_lowercase()),
                "displayName": user.display_name,
                "active": true,
                "timeZone": "Europe/Berlin",
                "locale": "en_US",
                "avatarUrls": urls,
                "groups": {"size": 1, "items": []},
                "applicationRoles": {"size": 1, "items": []},
            }),
        )
    }

    fn urls(&self, id: u64) -> Value {
        let owner = self
            .custom(id)
            .map(|custom| format!("ownerId={}&", percent_encode(&custom.owner)));
        let owner = owner.unwrap_or_default();
        let url = |size: &str| {
            format!(
                "{}/secure/useravatar?{size}{owner}avatarId={id}",
                self.base_url
            )
        };
        json!({
            "16x16": url("size=xsmall&"),
            "24x24": url("size=small&"),
            "32x32": url("size=medium&"),
            "48x48": url(""),
        })
    }

    fn bean(&self, id: u64, selected: bool) -> Value {
        let custom = self.custom(id);
        let mut bean = json!({
            "id": id.to_string(),
            "isSystemAvatar": custom.is_none(),
            "isSelected": selected,
            "urls": self.urls(id),
        });
        if let Some(custom) = custom.filter(|_| self.owners_in_beans) {
            bean["owner"] = json!(custom.owner);
        }
        if self.newer_beans {
            bean["selected"] = json!(selected);
            bean["isDeletable"] = json!(custom.is_some());
            bean["fileName"] = json!(format!("{id}.png"));
        }
        if self.only_selected
            && let Some(fields) = bean.as_object_mut()
            && let Some(selected) = fields.remove("isSelected")
        {
            fields.insert("selected".into(), selected);
        }
        if self.numeric_ids {
            bean["id"] = json!(id);
        }
        bean
    }

    fn system_beans(&self, selected: Option<u64>) -> Vec<Value> {
        self.system
            .iter()
            .map(|id| self.bean(*id, selected == Some(*id)))
            .collect()
    }

    fn avatars(&mut self, request: &Request) -> Answer {
        self.look();
        let user = &self.users[self.target(request)?];
        let own = self.custom.iter().filter(|custom| custom.owner == user.key);
        let custom = own
            .map(|custom| self.bean(custom.id, custom.id == user.selected))
            .collect::<Vec<_>>();
        Ok(answer(
            200,
            json!({"system": self.system_beans(Some(user.selected)), "custom": custom}),
        ))
    }

    fn permissions(&self, caller: &Caller) -> Reply {
        let permission = |id: &str, key: &str, name: &str, kind: &str, have: bool| json!({"id": id, "key": key, "name": name, "type": kind, "havePermission": have});
        let admin = self.users[caller.user].admin;
        answer(
            200,
            json!({"permissions": {
                "ADMINISTER": permission("0", "ADMINISTER", "Jira Administrators", "GLOBAL", admin),
                "BROWSE_PROJECTS": permission("10", "BROWSE_PROJECTS", "Browse Projects", "PROJECT", true),
            }}),
        )
    }

    // ----------------------------------------------------------------------------------------------- changing

    fn temporary(&mut self, request: &Request, caller: &Caller) -> Answer {
        let target = self.target(request)?;
        if !self.may_change(caller, target) {
            return Err(wordless(403));
        }
        let form = request
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("multipart/form-data"));
        let upload = if form {
            self.posted_form(request)
        } else {
            self.posted_bytes(request)
        };
        let upload = match upload {
            Err(error) if form && error.status == 400 => return Err(in_textarea(200, &error.body)),
            other => other?,
        };
        let owner = self.users[target].key.clone();
        let (width, height) = upload.shrunk;
        let (bean, session) = if width == height && width <= 48 {
            let crop = Crop {
                x: 0,
                y: 0,
                side: width,
            };
            let id = self.store_in_time(&owner, upload, crop)?;
            let bean = json!({"id": id.to_string(), "owner": owner, "isSystemAvatar": false, "isSelected": false});
            (
                if form {
                    json!({"id": id.to_string()})
                } else {
                    bean
                },
                None,
            )
        } else {
            let crop = proposed_crop(width, height);
            let session = self.new_session(caller);
            self.sessions.entry(session.clone()).or_default().upload = Some(upload);
            let url = format!(
                "{}/secure/temporaryavatar?cropped=true&magic=1722470400000",
                self.base_url
            );
            let bean = if form {
                json!({"url": url, "cropperWidth": crop.side.to_string(), "cropperOffsetX": crop.x.to_string(),
                    "cropperOffsetY": crop.y.to_string(), "isCroppingNeeded": "true"})
            } else {
                json!({"url": url, "cropperWidth": crop.side, "cropperOffsetX": crop.x, "cropperOffsetY": crop.y,
                    "needsCropping": true})
            };
            (bean, Some(session))
        };
        let reply = if form {
            in_textarea(201, bean.to_string().as_bytes())
        } else {
            answer(201, bean)
        };
        Ok(match session {
            Some(session) => self.with_cookies(reply, &session),
            None => reply,
        })
    }

    fn posted_bytes(&self, request: &Request) -> Result<Upload, Reply> {
        let filename = request.query("filename").unwrap_or_default();
        if filename.trim().is_empty() {
            return Err(wordless(400));
        }
        if filename.contains(['/', '\\', ':', '?', '*', '"', '<', '>', '|'])
            || filename.contains(char::is_control)
        {
            return Err(refusal(
                400,
                "The filename contains characters that are not allowed.",
            ));
        }
        if request
            .query("size")
            .is_some_and(|size| size != request.body.len().to_string())
        {
            return Err(refusal(400, "The size given is not the size of the file."));
        }
        self.accept(
            request.header("content-type").unwrap_or_default(),
            &request.body,
        )
    }

    fn posted_form(&self, request: &Request) -> Result<Upload, Reply> {
        if request
            .header("accept")
            .is_some_and(|accept| !accept.contains("*/*") && !accept.contains("text/html"))
        {
            return Err(Reply::html(406, "Not Acceptable"));
        }
        let parts = request
            .try_form()
            .map_err(|how| refusal(400, &how).complain(how))?;
        let [part] = &parts[..] else {
            return Err(refusal(400, "One file is expected."));
        };
        let Some(kind) = part
            .content_type
            .as_deref()
            .filter(|_| part.name == "avatar" && part.filename.is_some())
        else {
            return Err(refusal(400, "The part must be a file named avatar."));
        };
        self.accept(kind, &part.body)
    }

    fn accept(&self, kind: &str, picture: &[u8]) -> Result<Upload, Reply> {
        let unsupported = || {
            refusal(
                400,
                "The uploaded file is not an image of a supported type.",
            )
        };
        if !UPLOAD_TYPES.contains(&kind.to_ascii_lowercase().as_str()) {
            return Err(unsupported());
        }
        if picture.len() > self.attachment_limit {
            return Err(refusal(400, "The uploaded file is too large."));
        }
        let (found, width, height) = pictures::size(picture).ok_or_else(unsupported)?;
        if found == "image/webp" || width == 0 || height == 0 {
            return Err(unsupported());
        }
        if u64::from(width) * u64::from(height) > self.pixel_limit {
            return Err(refusal(400, "The uploaded image has too many pixels."));
        }
        Ok(Upload {
            picture: picture.to_vec(),
            content_type: found.to_owned(),
            shrunk: shrunk(width, height),
        })
    }

    fn confirm(&mut self, request: &Request, caller: &Caller) -> Answer {
        let target = self.target(request)?;
        if !self.may_change(caller, target) {
            return Err(wordless(403));
        }
        check_json(request)?;
        let body = request.try_json().map_err(|error| refusal(400, &error))?;
        let cookies = request.cookies();
        let session = cookies
            .get("JSESSIONID")
            .and_then(|id| self.sessions.get_mut(id));
        if session.as_ref().is_some_and(|session| session.dead)
            && caller.token
            && self.dead_cookie_is_refused
        {
            let said = "Encountered a \"401 - Unauthorized\" error: an invalid session cookie was sent. Remove the cookie, or use os_authType.";
            return Err(Reply::json(
                401,
                json!({"message": said, "status-code": 401}),
            ));
        }
        // Without the load balancer's cookie the request reaches another node, and that one has no such session.
        let session = session.filter(|session| {
            !session.dead && cookies.get("route").is_some_and(|route| route == "node1")
        });
        let Some(session) = session.filter(|session| session.upload.is_some()) else {
            return Err(refusal(500, "Internal server error"));
        };
        let (width, height) = session.upload.as_ref().expect("it was looked for").shrunk;
        let crop = read_crop(&body).filter(|crop| {
            let reaches = |offset: u32, limit: u32| {
                offset
                    .checked_add(crop.side)
                    .is_some_and(|end| end <= limit)
            };
            crop.x <= 452
                && crop.y <= 452
                && crop.side > 0
                && reaches(crop.x, width)
                && reaches(crop.y, height)
        });
        let crop = crop.ok_or_else(|| refusal(400, "The cropping parameters are invalid."))?;
        let upload = session.upload.take().expect("it was looked for");
        let owner = self.users[target].key.clone();
        let id = self.store_in_time(&owner, upload, crop)?;
        let bean = json!({"id": id.to_string(), "owner": owner, "isSystemAvatar": false, "isSelected": false});
        let reply = answer(201, bean);
        let missing = !cookies.contains_key("atlassian.xsrf.token");
        Ok(if missing {
            reply.complain("the confirmation lacks a cookie that the upload set")
        } else {
            reply
        })
    }

    fn select(&mut self, request: &Request, caller: &Caller) -> Answer {
        let target = self.target(request)?;
        if !self.may_change(caller, target) {
            return Err(self.not_permitted());
        }
        check_json(request)?;
        let body = request.try_json().map_err(|error| refusal(400, &error))?;
        let fields = body
            .as_object()
            .ok_or_else(|| refusal(400, "An object is expected."))?;
        if let Some(field) = fields.keys().find(|field| !BEAN.contains(&field.as_str())) {
            return Err(refusal(400, &format!("Unrecognized field \"{field}\"")));
        }
        let id = fields
            .get("id")
            .and_then(Value::as_str)
            .ok_or_else(|| refusal(400, "The id must be text."))?;
        let id = id
            .parse::<u64>()
            .map_err(|_| refusal(self.bad_id_status, &format!("For input string: \"{id}\"")))?;
        if self.put_refuses_unknown && !self.is_known(id) {
            return Err(refusal(400, &format!("No avatar with id {id}.")));
        }
        self.users[target].selected = id;
        Ok(if self.put_answers_bean {
            answer(200, self.bean(id, true))
        } else {
            Reply::empty(204)
        })
    }

    fn delete(&mut self, request: &Request, caller: &Caller, id: &str) -> Answer {
        let target = self.target(request)?;
        let id = percent_decode(id, false).and_then(|id| id.parse::<u64>().ok());
        let id = id.ok_or_else(|| Reply::html(404, "dead link"))?;
        if !self.is_known(id) {
            return Err(refusal(404, &format!("No avatar with id {id}.")));
        }
        let own = self
            .custom(id)
            .is_some_and(|custom| custom.owner == self.users[target].key);
        if !own || !self.may_change(caller, target) {
            return Err(self.not_permitted());
        }
        self.custom.retain(|custom| custom.id != id);
        Ok(Reply::empty(204))
    }

    fn not_permitted(&self) -> Reply {
        match self.not_permitted {
            403 => wordless(403),
            status => answer(status, json!({"errorMessages": [], "errors": {}})),
        }
    }

    // ------------------------------------------------------------------------------------------------- pages

    /// What a browser may look at: the pictures, and a greeting.
    fn page(&mut self, request: &Request, path: &str) -> Reply {
        match path {
            "/secure/useravatar" => self.user_avatar(request).unwrap_or_else(|refusal| refusal),
            "" | "/" => Reply::html(200, "Example Jira"),
            _ => Reply::html(404, "dead link"),
        }
    }

    /// The one address that gives bytes. To who may not see users it gives the default, without a word.
    fn user_avatar(&mut self, request: &Request) -> Answer {
        let caller = self.caller(request)?;
        let login = format!(
            "{}/login.jsp?permissionViolation=true&os_destination=%2Fsecure%2Fuseravatar",
            self.base_url
        );
        match (&caller, self.token_pages) {
            (Some(Caller { token: true, .. }), TokenPages::Redirect) => {
                return Err(Reply::empty(302).header("Location", login));
            }
            (Some(Caller { token: true, .. }), TokenPages::LoginPage) => {
                return Err(Reply::html(200, "Log in - Example Jira"));
            }
            _ => {}
        }
        let id = request
            .query("avatarId")
            .and_then(|id| id.parse().ok())
            .unwrap_or(self.default_avatar);
        let browses = match caller {
            Some(_) => self.callers_browse,
            None => self.everybody_browses,
        };
        let size = request.query("size");
        if size.is_some() && self.sizes == Sizes::Refused {
            return Err(Reply::html(404, "dead link"));
        }
        let small = size.is_some() && self.sizes == Sizes::Smallest;
        let mut complaints = Vec::new();
        if request.target.contains('@') {
            complaints.push("a size that is not percent-encoded".to_owned());
        }
        let owner = self.custom(id).map(|custom| custom.owner.clone());
        if request.query("avatarId").is_some() && request.query("ownerId") != owner {
            complaints.push(format!("the owner of avatar {id} is {owner:?}"));
        }
        let reply = match self.custom(id).filter(|_| browses) {
            Some(_) if small => Reply::text(200, "image/png", pictures::png(16, 16, id)),
            Some(custom) => Reply::text(200, &custom.content_type, &custom.picture),
            None => {
                let known = self.system.contains(&id);
                let id = if known { id } else { self.default_avatar };
                match self.drawn_avatars {
                    true => Reply::text(200, "image/svg+xml", system_svg(id)),
                    false if small => Reply::text(200, "image/png", pictures::png(16, 16, id)),
                    false => Reply::text(200, "image/png", pictures::png(48, 48, id)),
                }
            }
        };
        Ok(complaints.into_iter().fold(reply, Reply::complain))
    }

    /// What a person would see of a user, as HTML without outside references: a square of that many pixels.
    pub fn picture_html(&self, id: u64, side: u32) -> String {
        let Some(Custom {
            picture,
            content_type,
            crop,
            shrunk,
            ..
        }) = self.custom(id)
        else {
            let svg = base64(system_svg(id).as_bytes());
            return format!(
                "<img width=\"{side}\" height=\"{side}\" alt=\"system avatar {id}\" src=\"data:image/svg+xml;base64,{svg}\">"
            );
        };
        let scale = f64::from(side) / f64::from(crop.side);
        let px = |length: u32| f64::from(length) * scale;
        format!(
            "<span style=\"display:inline-block;overflow:hidden;width:{side}px;height:{side}px\"><img alt=\"avatar {id}\" \
             style=\"width:{:.2}px;height:{:.2}px;margin-left:-{:.2}px;margin-top:-{:.2}px\" src=\"data:{};base64,{}\"></span>",
            px(shrunk.0),
            px(shrunk.1),
            px(crop.x),
            px(crop.y),
            html(content_type),
            base64(picture),
        )
    }
}

/// A system avatar that nobody mistakes for another.
pub fn system_svg(id: u64) -> String {
    let hue = id * 47 % 360;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 48 48\"><rect width=\"48\" height=\"48\" fill=\"hsl({hue},55%,45%)\"/>\
         <circle cx=\"24\" cy=\"18\" r=\"9\" fill=\"#fff\"/><path d=\"M6 48a18 18 0 0 1 36 0z\" fill=\"#fff\"/>\
         <text x=\"24\" y=\"45\" font-size=\"9\" font-family=\"sans-serif\" text-anchor=\"middle\">{id}</text></svg>"
    )
}

fn answer(status: u16, body: Value) -> Reply {
    Reply::text(status, JSON, body.to_string())
}

fn refusal(status: u16, message: &str) -> Reply {
    answer(status, json!({"errorMessages": [message], "errors": {}}))
}

/// A refusal with a null where the reason would be, as some come.
fn wordless(status: u16) -> Reply {
    answer(status, json!({"errorMessages": [null], "errors": {}}))
}

fn unauthenticated() -> Reply {
    let said = "Client must be authenticated to access this resource.";
    answer(401, json!({"message": said, "status-code": 401}))
}

fn in_textarea(status: u16, text: &[u8]) -> Reply {
    let text = html(&String::from_utf8_lossy(text));
    Reply::text(
        status,
        "text/html;charset=UTF-8",
        format!("<html><body><textarea>{text}</textarea></body></html>"),
    )
}

fn check_xsrf(request: &Request) -> Result<(), Reply> {
    let token = matches!(
        request.header("x-atlassian-token"),
        Some("no-check" | "nocheck")
    );
    let browser = request
        .header("user-agent")
        .is_some_and(|agent| agent.starts_with("Mozilla/"));
    if token && !browser {
        Ok(())
    } else {
        Err(Reply::text(403, "text/plain", "XSRF check failed"))
    }
}

fn check_json(request: &Request) -> Result<(), Reply> {
    match request.header("content-type") {
        Some("application/json") => Ok(()),
        _ => Err(Reply::html(415, "Unsupported Media Type")),
    }
}

/// How large the picture is once its longer side fits 500.
fn shrunk(width: u32, height: u32) -> (u32, u32) {
    match width.max(height) {
        0..=500 => (width, height),
        longest => (width * 500 / longest, height * 500 / longest),
    }
}

/// The server's own proposal, off centre as it is.
fn proposed_crop(width: u32, height: u32) -> Crop {
    let offset = |length: u32| length.saturating_sub(48) / 5;
    Crop {
        x: offset(width),
        y: offset(height),
        side: 48 + width.min(height).saturating_sub(48) / 3,
    }
}

/// Three whole numbers, as numbers or as digits; what else the body holds is ignored.
fn read_crop(body: &Value) -> Option<Crop> {
    let number = |name: &str| match &body[name] {
        Value::Number(number) => number
            .as_u64()
            .and_then(|number| u32::try_from(number).ok()),
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    };
    Some(Crop {
        x: number("cropperOffsetX")?,
        y: number("cropperOffsetY")?,
        side: number("cropperWidth")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASIC: &str = "Authorization: Basic cm9ib3Q6c2VjcmV0\nX-Atlassian-Token: no-check\n";
    const BEARER: &str = "Authorization: Bearer ROBOTTOKEN\nX-Atlassian-Token: no-check\n";
    const TEMPORARY: &str =
        "POST /jira/rest/api/2/user/avatar/temporary?username=build-bot&filename=avatar.png";
    const AVATAR: &str = "/jira/rest/api/2/user/avatar?username=build-bot";

    fn upload(jira: &Running<Jira>, headers: &str, picture: &[u8]) -> super::super::server::Heard {
        jira.ask(
            TEMPORARY,
            &format!("{headers}Content-Type: image/png"),
            picture,
        )
    }

    fn confirm(jira: &Running<Jira>, headers: &str, cookies: &[&str], crop: &str) -> u16 {
        let pairs = cookies
            .iter()
            .map(|cookie| cookie.split(';').next().unwrap_or_default());
        let cookie = pairs.collect::<Vec<_>>().join("; ");
        let headers = format!("{headers}Content-Type: application/json\nCookie: {cookie}");
        jira.ask(&format!("POST {AVATAR}"), &headers, crop).status
    }

    #[test]
    fn the_proposed_crop_is_the_one_that_servers_were_seen_to_make() {
        assert_eq!(
            proposed_crop(256, 256),
            Crop {
                x: 41,
                y: 41,
                side: 117
            }
        );
        assert_eq!(shrunk(1024, 768), (500, 375));
        assert_eq!(
            proposed_crop(500, 375),
            Crop {
                x: 90,
                y: 65,
                side: 157
            }
        );
    }

    #[test]
    fn an_upload_is_confirmed_once_and_within_the_shrunk_picture() {
        let jira = Jira::start();
        let heard = upload(&jira, BASIC, &pictures::png(1024, 768, 1));
        assert_eq!(heard.status, 201);
        assert_eq!(heard.json()["cropperWidth"], 157);
        let cookies = heard.all("Set-Cookie");
        let crop = |side: u32, x: u32| {
            format!("{{\"cropperWidth\":\"{side}\",\"cropperOffsetX\":{x},\"cropperOffsetY\":0}}")
        };
        assert_eq!(confirm(&jira, BASIC, &cookies[..2], &crop(374, 63)), 500);
        assert_eq!(confirm(&jira, BASIC, &cookies, &crop(376, 0)), 400);
        assert_eq!(confirm(&jira, BASIC, &cookies, &crop(375, 126)), 400);
        assert_eq!(confirm(&jira, BASIC, &cookies, &crop(374, 63)), 201);
        assert_eq!(confirm(&jira, BASIC, &cookies, &crop(374, 63)), 500);
        let model = jira.model();
        assert_eq!(
            model.custom[0].crop,
            Crop {
                x: 63,
                y: 0,
                side: 374
            }
        );
        assert_eq!(model.custom[0].owner, "JIRAUSER10101");
        assert_eq!(model.user("build-bot").selected, 10122);
    }

    #[test]
    fn a_token_loses_its_upload_unless_the_switch_is_set() {
        let crop = "{\"cropperWidth\":99,\"cropperOffsetX\":0,\"cropperOffsetY\":0}";
        for (survive, status) in [(false, 500), (true, 201)] {
            let jira = Jira {
                token_sessions_survive: survive,
                ..Jira::default()
            }
            .start();
            let heard = upload(&jira, BEARER, &pictures::png(100, 100, 1));
            assert_eq!(heard.status, 201);
            assert_eq!(
                confirm(&jira, BEARER, &heard.all("Set-Cookie"), crop),
                status
            );
        }
    }

    #[test]
    fn a_small_square_is_stored_at_once() {
        let jira = Jira::start();
        assert_eq!(
            upload(&jira, BEARER, &pictures::png(48, 48, 1)).json()["id"],
            "24901"
        );
        assert_eq!(jira.model().custom.len(), 1);
    }

    #[test]
    fn uploads_are_refused_for_their_type_name_size_and_agent() {
        let jira = Jira::start();
        let picture = pictures::png(64, 64, 1);
        for (query, headers, status) in [
            ("&filename=a.png", "Content-Type: image/png", 201),
            ("&filename=a.png", "Content-Type: image/jpg", 400),
            (
                "&filename=a.png",
                "Content-Type: image/png; charset=binary",
                400,
            ),
            (
                "&filename=a.png",
                "Content-Type: image/png\nUser-Agent: Mozilla/5.0",
                403,
            ),
            ("", "Content-Type: image/png", 400),
            ("&filename=a%2Fb.png", "Content-Type: image/png", 400),
            ("&filename=a.png&size=5", "Content-Type: image/png", 400),
        ] {
            let line = format!("POST /jira/rest/api/2/user/avatar/temporary?username=robot{query}");
            let heard = jira.ask(&line, &format!("{BASIC}{headers}"), &picture);
            assert_eq!(heard.status, status, "{query} {headers}: {}", heard.body);
        }
        assert_eq!(
            upload(&jira, BASIC, &picture[..picture.len() - 3]).status,
            400
        );
    }

    #[test]
    fn an_upload_by_form_is_answered_in_a_textarea() {
        let jira = Jira::start();
        let form = |name: &str| {
            let head = format!(
                "--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.png\"\r\n"
            );
            let head = head + "Content-Type: image/png\r\n\r\n";
            [
                head.as_bytes(),
                &pictures::png(256, 256, 1),
                b"\r\n--b--\r\n",
            ]
            .concat()
        };
        let headers = format!("{BASIC}Content-Type: multipart/form-data; boundary=b");
        let heard = jira.ask(TEMPORARY, &headers, form("avatar"));
        assert_eq!(
            (heard.status, heard.all("Content-Type")),
            (201, vec!["text/html;charset=UTF-8"])
        );
        assert!(
            heard
                .body
                .contains("&quot;cropperWidth&quot;:&quot;117&quot;"),
            "{}",
            heard.body
        );
        let heard = jira.ask(TEMPORARY, &headers, form("file"));
        assert_eq!(heard.status, 200);
        assert!(
            heard.body.contains("&quot;errorMessages&quot;"),
            "{}",
            heard.body
        );
        let headers = format!("{headers}\nAccept: application/json");
        assert_eq!(jira.ask(TEMPORARY, &headers, form("avatar")).status, 406);
    }

    #[test]
    fn any_id_can_be_selected_and_only_a_known_one_shows() {
        let jira = Jira::start();
        let put = |body: &str| {
            let headers = format!("{BASIC}Content-Type: application/json");
            jira.ask(&format!("PUT {AVATAR}"), &headers, body).status
        };
        assert_eq!(put("{\"id\":\"99999\"}"), 204);
        assert_eq!(jira.model().user("build-bot").selected, 99999);
        let avatars = jira
            .ask(
                "GET /jira/rest/api/latest/user/avatars?username=build-bot",
                BASIC,
                "",
            )
            .json();
        assert!(
            avatars["system"]
                .as_array()
                .is_some_and(|beans| beans.iter().all(|bean| bean["isSelected"] == false))
        );
        assert_eq!(put("{\"id\":24880}"), 400);
        assert_eq!(put("{\"id\":\"24880\",\"owner\":\"x\"}"), 400);
        // White space as editors leave it does no harm.
        assert_eq!(
            put(
                "{\r\n\t\"id\": \"24880\",\r\n\t\"isSelected\": false,\r\n\t\"isSystemAvatar\": true,\r\n\t\"urls\": {}\r\n}"
            ),
            204
        );
        let user = jira
            .ask("GET /jira/rest/api/2/user?username=build-bot", BASIC, "")
            .json();
        let shown = "https://jira.example.com/jira/secure/useravatar?avatarId=24880";
        assert_eq!(user["avatarUrls"]["48x48"], shown);
    }

    #[test]
    fn failed_logins_end_in_a_captcha_that_the_right_password_does_not_pass() {
        let jira = Jira::start();
        let login = |authorization: &str| {
            jira.ask(
                "GET /jira/rest/api/2/myself",
                &format!("Authorization: {authorization}"),
                "",
            )
        };
        for _ in 0..3 {
            let heard = login("Basic cm9ib3Q6d3Jvbmc=");
            assert_eq!(
                (heard.status, heard.all("X-Seraph-LoginReason")),
                (401, vec!["AUTHENTICATED_FAILED"])
            );
        }
        let heard = login("Basic cm9ib3Q6c2VjcmV0");
        assert_eq!(
            (heard.status, heard.all("X-Seraph-LoginReason")),
            (403, vec!["AUTHENTICATION_DENIED"])
        );
        assert_eq!(login("Bearer ROBOTTOKEN").status, 200);
    }

    #[test]
    fn only_an_own_custom_avatar_can_be_deleted() {
        let jira = Jira::start();
        let id = jira.model().give("robot", pictures::png(64, 64, 1));
        let delete = |id: u64, name: &str| {
            jira.ask(
                &format!("DELETE /jira/rest/api/2/user/avatar/{id}?username={name}"),
                BASIC,
                "",
            )
            .status
        };
        assert_eq!(delete(24880, "robot"), 401);
        assert_eq!(delete(id, "build-bot"), 401);
        assert_eq!(delete(id + 1, "robot"), 404);
        assert_eq!(delete(id, "robot"), 204);
        assert_eq!(delete(id, "robot"), 404);
    }

    #[test]
    #[should_panic(expected = "a cookie belongs to the confirmation only")]
    fn a_cookie_elsewhere_fails_the_test() {
        Jira::start().ask(
            "GET /jira/rest/api/2/myself",
            &format!("{BASIC}Cookie: JSESSIONID=1"),
            "",
        );
    }
}
