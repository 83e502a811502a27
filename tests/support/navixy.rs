//! A small Navixy: employees with an icon or an uploaded picture, sessions and API keys.
//!
//! Failures are told by the code in the body, and their HTTP status can be changed per code, because the real
//! platform's own documents contradict each other there. Uploading a picture does not show it while an icon is set.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::batch::World;
use super::encoding::{base64, html, pairs, percent_encode};
use super::model::{Model, Running};
use super::pictures;
use super::server::{Part, Reply, Request};
use super::systems::{self, Kept, Secrets, System};

const PICTURE_TYPES: [(&str, &str); 5] = [
    ("image/jpeg", "jpg"),
    ("image/pjpeg", "jpg"),
    ("image/png", "png"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
];

pub static SYSTEM: System = System {
    name: "navixy",
    title: "Navixy",
    server: "fleet",
    start: |bots| systems::started(Navixy::default(), bots),
    kept: |secrets| systems::kept(Navixy::default(), secrets),
    logins: [
        &[("NAVIXY_HASH", "22eac1c27af4be7b9d04da2ce1af111b")],
        &[
            ("NAVIXY_LOGIN", "bot@example.com"),
            ("NAVIXY_PASSWORD", "secret"),
        ],
    ],
    begins: ["ask who the caller is", "log in as \"bot@example.com\""],
    show: ("navixy show --employee-id=2132", "navixy 2132: icon 12\n"),
    verbs: &[
        "set --employee-id 7 --icon-id 5",
        "show --employee-id 7",
        "list",
        "whoami",
    ],
    targets: &["--employee-id"],
    aimed: &["set", "show"],
    sources: &["--icon-id", "--image"],
};

impl World {
    pub fn fleet(&self) -> &Running<Navixy> {
        self.of()
    }
}

pub struct Navixy {
    pub context: String,
    pub employees: Vec<Employee>,
    /// Uploaded pictures by stored name, those that were replaced included.
    pub files: BTreeMap<String, Picture>,
    /// Who is let in by which hash.
    pub hashes: BTreeMap<String, Access>,
    pub logins: Vec<Login>,
    /// HTTP statuses by code, where they are not the ones of the platform's table.
    pub statuses: BTreeMap<u32, u16>,
    /// Null fields are written; otherwise they are left out.
    pub explicit_nulls: bool,
    /// The documents do not say that an upload takes the icon away; perhaps it does.
    pub upload_clears_icon: bool,
    /// Installations before the end of 2021 refuse it.
    pub takes_webp: bool,
    /// The largest `icon_id`, if there is one.
    pub icon_limit: Option<i64>,
    /// The most items a page of a list holds, whatever the caller asks for.
    pub page_limit: usize,
    /// What somebody does to the employees while they are listed: one of these just before each page but a first.
    pub edits: Vec<Edit>,
    /// Sessions one login may have open.
    pub session_limit: usize,
    /// The answer to a login has no `type`, as on old installations.
    pub untyped_login: bool,
    /// Where pictures lie, which an installation may change.
    pub static_path: &'static str,
    issued: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Employee {
    pub id: i64,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub icon_id: Option<i64>,
    pub avatar_file_name: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub enum Edit {
    Add,
    /// The first of the list.
    Delete,
}

#[derive(Clone, Debug)]
pub struct Picture {
    pub content_type: String,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    pub kind: Kind,
    /// The rights of a sub-user; absent for the owner, who has every right.
    pub rights: Option<Vec<String>>,
    pub login: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    ApiKey,
    /// One that was there before: ending it is somebody else's business.
    Session,
    /// One that `user/auth` made.
    LoggedIn,
}

#[derive(Clone, Debug)]
pub struct Login {
    pub login: String,
    pub password: String,
    pub second_factor: bool,
    pub rights: Option<Vec<String>>,
    pub failed: u32,
    /// Refused with this code, whatever the password.
    pub refusal: Option<u32>,
}

type Answer = Result<Reply, Reply>;
type Fields = Map<String, Value>;

impl Employee {
    pub fn new(id: i64, first_name: &str, last_name: &str) -> Employee {
        let email = format!("{}@bot.example", first_name.to_lowercase());
        Employee {
            id,
            first_name: first_name.into(),
            last_name: last_name.into(),
            email,
            ..Employee::default()
        }
    }
}

impl Default for Navixy {
    /// Three employees, the owner's API key, and a login with which the owner gets a session.
    fn default() -> Navixy {
        let owner = |kind| Access {
            kind,
            rights: None,
            login: "bot@example.com".into(),
        };
        Navixy {
            context: "/v2".into(),
            employees: vec![
                Employee {
                    icon_id: Some(12),
                    ..Employee::new(2132, "Build", "Robot")
                },
                Employee::new(2133, "Dana", "Driver"),
                Employee::new(2134, "Night", "Shift"),
            ],
            files: BTreeMap::new(),
            hashes: BTreeMap::from([
                (
                    "22eac1c27af4be7b9d04da2ce1af111b".into(),
                    owner(Kind::ApiKey),
                ),
                (
                    "a6aa75587e5c59c32d347da438505fc3".into(),
                    owner(Kind::Session),
                ),
            ]),
            logins: vec![Login {
                login: "bot@example.com".into(),
                password: "secret".into(),
                second_factor: false,
                rights: None,
                failed: 0,
                refusal: None,
            }],
            statuses: BTreeMap::new(),
            explicit_nulls: false,
            upload_clears_icon: false,
            takes_webp: true,
            icon_limit: None,
            page_limit: usize::MAX,
            edits: Vec::new(),
            session_limit: 20,
            untyped_login: false,
            static_path: "static",
            issued: 0,
        }
    }
}

pub fn fleet() -> Running<Navixy> {
    Navixy::start()
}

pub fn fleet_with(change: impl FnOnce(&mut Navixy)) -> Running<Navixy> {
    let mut model = Navixy::default();
    change(&mut model);
    model.start()
}

impl Navixy {
    pub fn start() -> Running<Navixy> {
        Running::start(Navixy::default())
    }

    pub fn employee(&self, id: i64) -> &Employee {
        self.employees
            .iter()
            .find(|employee| employee.id == id)
            .unwrap_or_else(|| panic!("an employee {id}"))
    }

    pub fn employee_mut(&mut self, id: i64) -> &mut Employee {
        self.employees
            .iter_mut()
            .find(|employee| employee.id == id)
            .unwrap_or_else(|| panic!("an employee {id}"))
    }

    /// Gives an employee a picture, and no icon; tells the stored name.
    pub fn give(&mut self, id: i64, bytes: Vec<u8>) -> String {
        let content_type = pictures::size(&bytes).expect("a picture").0.to_owned();
        let name = self.store(&content_type, bytes);
        let employee = self.employee_mut(id);
        (employee.icon_id, employee.avatar_file_name) = (None, Some(name.clone()));
        name
    }

    /// Lets a sub-user in who has these rights; tells the hash of the session.
    pub fn admit(&mut self, login: &str, rights: &[&str]) -> String {
        let rights = Some(rights.iter().map(|&right| right.to_owned()).collect());
        self.open(Access {
            kind: Kind::Session,
            rights,
            login: login.to_owned(),
        })
    }

    fn open(&mut self, access: Access) -> String {
        let hash = self.digits() + &self.digits();
        self.hashes.insert(hash.clone(), access);
        hash
    }

    fn store(&mut self, content_type: &str, bytes: Vec<u8>) -> String {
        let extension = PICTURE_TYPES
            .iter()
            .find(|(kind, _)| *kind == content_type)
            .map_or("bin", |(_, end)| end);
        let name = format!("{}.{extension}", &self.digits()[1..]);
        self.files.insert(
            name.clone(),
            Picture {
                content_type: content_type.to_owned(),
                bytes,
            },
        );
        name
    }

    /// Sixteen hexadecimal digits, the same in every run.
    fn digits(&mut self) -> String {
        self.issued += 1;
        format!("{:016x}", self.issued.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn failure(&self, code: u32) -> Reply {
        let (status, description) = match code {
            3 => (400, "Invalid user session hash or user API key hash"),
            4 => (400, "User or API key not found or session ended"),
            5 => (400, "Unexpected error in request format"),
            7 => (400, "Invalid parameters"),
            11 => (403, "Access denied"),
            13 => (403, "Operation not permitted"),
            103 => (400, "User not activated"),
            102 => (400, "Wrong login or password"),
            104 => (400, "Allowed sessions number exceeded"),
            105 => (400, "Allowed attempts exceeded, try later"),
            111 => (400, "Wrong handler"),
            201 => (400, "Not found in the database"),
            233 => (400, "No data file"),
            234 => (400, "Invalid data format"),
            _ => (500, "Server error"),
        };
        let status = self.statuses.get(&code).copied().unwrap_or(status);
        Reply::json(
            status,
            json!({"success": false, "status": {"code": code, "description": description}}),
        )
    }

    fn invalid(&self, parameter: &str, error: &str) -> Reply {
        let mut reply = self.failure(7);
        let mut body = serde_json::from_slice::<Value>(&reply.body).expect("it was just written");
        body["errors"] = json!([{"parameter": parameter, "error": error}]);
        reply.body = body.to_string().into_bytes();
        reply
    }
}

impl Model for Navixy {
    fn context(&self) -> &str {
        &self.context
    }

    fn settings(&self, url: &str) -> Vec<(&'static str, String)> {
        let key = self
            .hashes
            .iter()
            .find(|(_, access)| access.kind == Kind::ApiKey)
            .expect("an API key");
        vec![
            ("NAVIXY_URL", url.to_owned()),
            ("NAVIXY_HASH", key.0.clone()),
        ]
    }

    fn system() -> &'static System {
        &SYSTEM
    }

    fn add_bot(&mut self, number: usize) {
        let id = 5000 + i64::try_from(number).expect("a few accounts");
        let name = format!("bot-{number}");
        self.employees.push(Employee::new(id, &name, "Robot"));
    }

    fn keep(&mut self, secrets: &Secrets) -> Kept {
        self.context = String::new();
        let access = self.hashes.values().next().expect("an access").clone();
        self.hashes.insert(secrets.hash.into(), access);
        self.logins[0].password = secrets.password.into();
        self.give(2133, secrets.picture.clone());
        Kept {
            logins: [
                vec![("NAVIXY_HASH", secrets.hash)],
                vec![
                    ("NAVIXY_LOGIN", "bot@example.com"),
                    ("NAVIXY_PASSWORD", secrets.password),
                ],
            ],
            session: "/hash",
        }
    }

    fn open_logins(&self) -> usize {
        let accesses = self.hashes.values();
        accesses
            .filter(|access| access.kind == Kind::LoggedIn)
            .count()
    }

    fn written(request: &Request) -> Option<String> {
        let path = request.path().strip_prefix("/v2/employee/avatar/")?;
        Some(format!("{path} {}", request.field("employee_id")))
    }

    fn handle(&mut self, request: &Request) -> Reply {
        let Some(path) = request
            .path()
            .strip_prefix(&self.context)
            .map(str::to_owned)
        else {
            return Reply::html(404, "404 Not Found");
        };
        let pictures = format!("/{}/employee/avatars/", self.static_path);
        if let Some(name) = path.strip_prefix(&pictures) {
            let reply = match self.files.get(name) {
                Some(picture) => Reply::text(200, &picture.content_type, &picture.bytes),
                None => Reply::html(404, "404 Not Found"),
            };
            let credential = request.header("authorization").is_some();
            return if credential {
                reply.complain("a credential sent for a public picture")
            } else {
                reply
            };
        }
        let route = path.trim_matches('/');
        if route.is_empty() || !route.contains('/') {
            return Reply::html(if route.is_empty() { 200 } else { 404 }, "Navixy API");
        }
        let reply = self.call(request, route).unwrap_or_else(|refusal| refusal);
        let query = request
            .queries()
            .into_iter()
            .any(|(name, _)| name == "hash" || name == "password");
        if query {
            reply.complain("a credential in a query string")
        } else {
            reply
        }
    }
}

impl Navixy {
    fn call(&mut self, request: &Request, route: &str) -> Answer {
        let upload = route == "employee/avatar/upload";
        let methods: &[&str] = if upload || route == "user/auth" {
            &["POST"]
        } else {
            &["POST", "GET"]
        };
        if !methods.contains(&request.method.as_str()) {
            return Err(Reply::html(405, "405 Method Not Allowed"));
        }
        if upload {
            return self.upload(request);
        }
        let fields = self.fields(request)?;
        match route {
            "base/ping" => return Ok(good(json!({}))),
            "user/auth" => return self.login(&fields),
            _ => {}
        }
        let (hash, complaint) =
            self.authenticate(request, fields.get("hash").and_then(Value::as_str))?;
        let known: &[&str] = match route {
            "employee/avatar/assign" => &["employee_id", "icon_id"],
            "employee/read" => &["employee_id"],
            "employee/list" => &["limit", "offset", "sort", "filter"],
            _ => &[],
        };
        let outcome = match route {
            "employee/avatar/assign" => self.assign(&fields, &hash),
            "employee/read" => self.read(&fields),
            "employee/list" => self.list(&fields),
            "user/get_info" => Ok(self.get_info(&hash)),
            "user/logout" => self.logout(&hash),
            "user/session/renew" => self.renew(&hash),
            _ => Err(self.failure(111)),
        };
        let unknown = fields
            .keys()
            .find(|key| *key != "hash" && !known.contains(&key.as_str()));
        let unknown = unknown.map(|key| format!("{route} knows no {key}"));
        let reply = outcome.unwrap_or_else(|refusal| refusal);
        Ok(complaint
            .into_iter()
            .chain(unknown)
            .fold(reply, Reply::complain))
    }

    /// What was sent along, wherever it stands: the query, and a body of JSON or of form fields.
    fn fields(&self, request: &Request) -> Result<Fields, Reply> {
        let mut fields = Fields::new();
        let texts = |texts: Vec<(String, String)>| {
            texts
                .into_iter()
                .map(|(name, value)| (name, Value::String(value)))
        };
        fields.extend(texts(request.queries()));
        if request.method == "POST" {
            let json = request
                .header("content-type")
                .is_some_and(|kind| kind.starts_with("application/json"));
            if json && !request.body.is_empty() {
                let body = request.try_json().map_err(|_| self.failure(5))?;
                let body = body.as_object().cloned().ok_or_else(|| self.failure(5))?;
                // Text is how a form says a number; in JSON it is a mistake.
                for number in ["employee_id", "icon_id", "limit", "offset"] {
                    if body.get(number).is_some_and(Value::is_string) {
                        return Err(self.invalid(number, "must be a whole number"));
                    }
                }
                fields.extend(body);
            } else if !json {
                let body = String::from_utf8_lossy(&request.body);
                fields.extend(texts(pairs(&body).unwrap_or_default()));
            }
        }
        Ok(fields)
    }

    /// The hash that lets the caller in, and a complaint where there is more than one.
    fn authenticate(
        &self,
        request: &Request,
        body: Option<&str>,
    ) -> Result<(String, Option<String>), Reply> {
        let header = match request.header("authorization") {
            None => None,
            Some(value) => Some(value.strip_prefix("NVX ").ok_or_else(|| self.failure(3))?),
        };
        let complaint =
            (header.is_some() && body.is_some()).then(|| "a credential sent twice".to_owned());
        let hash = body.or(header).unwrap_or_default();
        if hash.len() != 32 || !hash.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(self.failure(3));
        }
        if !self.hashes.contains_key(hash) {
            return Err(self.failure(4));
        }
        Ok((hash.to_owned(), complaint))
    }

    fn check_right(&self, hash: &str) -> Result<(), Reply> {
        let rights = &self.hashes[hash].rights;
        let may = rights
            .as_ref()
            .is_none_or(|rights| rights.iter().any(|right| right == "employee_update"));
        if may { Ok(()) } else { Err(self.failure(13)) }
    }

    /// The position of the employee that is meant.
    fn target(&self, given: Option<&Value>) -> Result<usize, Reply> {
        let id = given.ok_or_else(|| self.invalid("employee_id", "must not be null"))?;
        let id = whole(id).ok_or_else(|| self.invalid("employee_id", "must be a whole number"))?;
        if id < 1 {
            return Err(self.invalid("employee_id", "must be greater than or equal to 1"));
        }
        self.employees
            .iter()
            .position(|employee| employee.id == id)
            .ok_or_else(|| self.failure(201))
    }

    // ---------------------------------------------------------------------------------------------- avatars

    fn assign(&mut self, fields: &Fields, hash: &str) -> Answer {
        self.check_right(hash)?;
        let target = self.target(fields.get("employee_id"))?;
        let icon = match fields.get("icon_id") {
            None => return Ok(good(json!({})).complain("icon_id left out, which promises nothing")),
            Some(Value::Null) => None,
            // A null among form fields is its four letters.
            Some(Value::String(text)) if text == "null" => None,
            Some(value) => match whole(value) {
                Some(icon) if icon >= 0 && self.icon_limit.is_none_or(|limit| icon <= limit) => {
                    Some(icon)
                }
                _ => return Err(self.invalid("icon_id", "out of range")),
            },
        };
        self.employees[target].icon_id = icon;
        Ok(good(json!({})))
    }

    fn upload(&mut self, request: &Request) -> Answer {
        if request.boundary().is_none() {
            return Err(self.failure(5));
        }
        let parts = request
            .try_form()
            .map_err(|how| self.failure(5).complain(how))?;
        let part = |name: &str| parts.iter().find(|part| part.name == name);
        let reply = self
            .uploaded(request, &parts)
            .unwrap_or_else(|refusal| refusal);
        if let Some(address) = part("redirect_target") {
            let answer = percent_encode(&String::from_utf8_lossy(&reply.body));
            let location = format!("{}?response={answer}", address.text());
            return Ok(Reply::empty(302)
                .header("Location", location)
                .complain("redirect_target is for browsers"));
        }
        let known = ["employee_id", "file", "hash"];
        let unknown = parts
            .iter()
            .find(|part| !known.contains(&part.name.as_str()));
        let unknown = unknown.map(|part| format!("employee/avatar/upload knows no {}", part.name));
        Ok(unknown.into_iter().fold(reply, Reply::complain))
    }

    fn uploaded(&mut self, request: &Request, parts: &[Part]) -> Answer {
        let part = |name: &str| parts.iter().find(|part| part.name == name);
        let query = request.query("hash");
        let given = part("hash").map(|part| part.text()).or(query.as_deref());
        let (hash, complaint) = self.authenticate(request, given)?;
        self.check_right(&hash)?;
        let id = part("employee_id").map(|part| Value::String(part.text().to_owned()));
        let target = self.target(id.as_ref())?;
        let file = part("file")
            .filter(|part| part.filename.is_some())
            .ok_or_else(|| self.failure(233))?;
        let kind = file.content_type.as_deref().unwrap_or_default();
        let listed = PICTURE_TYPES.iter().any(|(known, _)| *known == kind)
            && (self.takes_webp || kind != "image/webp");
        if !listed {
            return Err(self.failure(234));
        }
        let name = self.store(kind, file.body.clone());
        let employee = &mut self.employees[target];
        employee.avatar_file_name = Some(name.clone());
        if self.upload_clears_icon {
            employee.icon_id = None;
        }
        let reply = good(json!({"value": name}));
        Ok(complaint.into_iter().fold(reply, Reply::complain))
    }

    // ----------------------------------------------------------------------------------------------- looking

    fn read(&self, fields: &Fields) -> Answer {
        let target = self.target(fields.get("employee_id"))?;
        Ok(good(json!({"value": self.object(&self.employees[target])})))
    }

    fn object(&self, employee: &Employee) -> Value {
        let mut object = json!({
            "id": employee.id,
            "first_name": employee.first_name,
            "middle_name": "",
            "last_name": employee.last_name,
            "email": employee.email,
            "phone": "491700000000",
            "personnel_number": format!("R-{}", employee.id),
            "hardware_key": null,
            "icon_id": employee.icon_id,
            "avatar_file_name": employee.avatar_file_name,
            "department_id": null,
            "tags": [],
        });
        if !self.explicit_nulls
            && let Some(fields) = object.as_object_mut()
        {
            fields.retain(|_, value| !value.is_null());
        }
        object
    }

    fn list(&mut self, fields: &Fields) -> Answer {
        if fields.get("offset").and_then(whole) > Some(0) {
            match self.edits.pop() {
                None => {}
                Some(Edit::Add) => {
                    let last = self.employees.iter().map(|employee| employee.id).max();
                    let id = last.unwrap_or_default() + 1;
                    let name = format!("First{id}");
                    self.employees.push(Employee::new(id, &name, "Last"));
                }
                Some(Edit::Delete) => {
                    self.employees.remove(0);
                }
            }
        }
        let filter = fields
            .get("filter")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_lowercase();
        if filter.chars().count() > 100 {
            return Err(self.invalid("filter", "size must be between 0 and 100"));
        }
        let matches = |employee: &&Employee| {
            if filter.is_empty() {
                return true;
            }
            let Employee {
                id,
                first_name,
                last_name,
                email,
                ..
            } = employee;
            format!("{id}\n{first_name}\n{last_name}\n{email}\nR-{id}\n491700000000")
                .to_lowercase()
                .contains(&filter)
        };
        let mut found = self.employees.iter().filter(matches).collect::<Vec<_>>();
        // In a query the shape of the list is not known: one text is taken for a list of one.
        let keys = match fields.get("sort") {
            None => Vec::new(),
            Some(Value::Array(keys)) => keys.clone(),
            Some(key) => vec![key.clone()],
        };
        if keys.len() > 2 {
            return Err(self.invalid("sort", "size must be between 0 and 2"));
        }
        for key in keys.iter().rev() {
            let (field, order) = key
                .as_str()
                .and_then(|key| key.split_once('='))
                .unwrap_or_default();
            match field {
                "id" => found.sort_by_key(|employee| employee.id),
                "first_name" => found.sort_by_key(|employee| employee.first_name.clone()),
                "last_name" => found.sort_by_key(|employee| employee.last_name.clone()),
                _ => return Err(self.invalid("sort", "unknown field")),
            }
            if order == "desc" {
                found.reverse();
            }
        }
        let number = |name: &str, default: usize| match fields.get(name) {
            None => Ok(default),
            Some(value) => whole(value)
                .and_then(|value| usize::try_from(value).ok())
                .ok_or_else(|| self.invalid(name, "must be a whole number")),
        };
        let (limit, offset) = (
            number("limit", usize::MAX)?.min(self.page_limit),
            number("offset", 0)?,
        );
        let page = found
            .iter()
            .skip(offset)
            .take(limit)
            .map(|employee| self.object(employee))
            .collect::<Vec<_>>();
        Ok(good(json!({"list": page, "count": found.len()})))
    }

    // ---------------------------------------------------------------------------------------------- sessions

    fn login(&mut self, fields: &Fields) -> Answer {
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let password = text("password");
        if !(1..=40).contains(&password.chars().count()) {
            return Err(self.invalid("password", "size must be between 1 and 40"));
        }
        let wrong = self.failure(102);
        let Some(position) = self
            .logins
            .iter()
            .position(|known| known.login == text("login"))
        else {
            return Err(wrong);
        };
        if let Some(code) = self.logins[position].refusal {
            return Err(self.failure(code));
        }
        if self.logins[position].failed >= 10 {
            return Err(self.failure(105));
        }
        if self.logins[position].password != password {
            self.logins[position].failed += 1;
            return Err(wrong);
        }
        let Login {
            login,
            second_factor,
            rights,
            ..
        } = self.logins[position].clone();
        if second_factor {
            let hash = self.digits() + &self.digits();
            return Ok(good(
                json!({"type": "second_factor_required", "factor_type": "email", "hash": hash}),
            ));
        }
        let open = self
            .hashes
            .values()
            .filter(|access| access.login == login && access.kind != Kind::ApiKey)
            .count();
        if open >= self.session_limit {
            return Err(self.failure(104));
        }
        let hash = self.open(Access {
            kind: Kind::LoggedIn,
            rights,
            login,
        });
        Ok(good(if self.untyped_login {
            json!({"hash": hash})
        } else {
            json!({"type": "authenticated", "hash": hash})
        }))
    }

    fn logout(&mut self, hash: &str) -> Answer {
        match self.hashes[hash].kind {
            Kind::ApiKey => Err(self.failure(4)),
            kind => {
                self.hashes.remove(hash);
                let reply = good(json!({}));
                let own = kind == Kind::LoggedIn;
                Ok(if own {
                    reply
                } else {
                    reply.complain("a logout of a session that was given")
                })
            }
        }
    }

    fn renew(&self, hash: &str) -> Answer {
        if self.hashes[hash].kind == Kind::ApiKey {
            Err(self.failure(4))
        } else {
            Ok(good(json!({})))
        }
    }

    fn get_info(&self, hash: &str) -> Reply {
        let access = &self.hashes[hash];
        let user = json!({"id": 43568, "login": access.login, "title": "Build Bot"});
        let mut body = json!({"paas_id": 7, "user_info": user});
        if let Some(rights) = &access.rights {
            body["master"] = json!({"id": 1234});
            body["privileges"] = json!({"rights": rights});
        }
        good(body)
    }

    /// What a person would see of an employee, as HTML without outside references.
    pub fn picture_html(&self, id: i64, side: u32) -> String {
        let employee = self.employee(id);
        let file = employee
            .avatar_file_name
            .as_ref()
            .and_then(|name| self.files.get(name));
        let icon = icon_svg(employee.icon_id);
        let (kind, bytes) = match (employee.icon_id, file) {
            (None, Some(picture)) => (picture.content_type.as_str(), picture.bytes.as_slice()),
            _ => ("image/svg+xml", icon.as_bytes()),
        };
        format!(
            "<img width=\"{side}\" height=\"{side}\" style=\"object-fit:cover\" alt=\"employee {id}\" src=\"data:{};base64,{}\">",
            html(kind),
            base64(bytes)
        )
    }
}

/// A built-in icon; a grey outline where there is none.
pub fn icon_svg(icon: Option<i64>) -> String {
    let (colour, label) = match icon {
        Some(icon) => (
            format!("hsl({},50%,40%)", (icon * 37).rem_euclid(360)),
            icon.to_string(),
        ),
        None => ("#cbd5e1".to_owned(), String::new()),
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 48 48\"><rect width=\"48\" height=\"48\" rx=\"10\" fill=\"{colour}\"/>\
         <circle cx=\"24\" cy=\"17\" r=\"8\" fill=\"#fff\"/><path d=\"M8 40a16 13 0 0 1 32 0z\" fill=\"#fff\"/>\
         <text x=\"24\" y=\"38\" font-size=\"9\" font-family=\"sans-serif\" text-anchor=\"middle\">{label}</text></svg>"
    )
}

fn good(mut body: Value) -> Reply {
    body["success"] = json!(true);
    Reply::json(200, body)
}

/// A whole number, or, among form fields, its digits.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "Authorization: NVX 22eac1c27af4be7b9d04da2ce1af111b\n";

    fn post(fleet: &Running<Navixy>, route: &str, headers: &str, body: &str) -> (u16, Value) {
        let heard = fleet.ask(
            &format!("POST /v2/{route}"),
            &format!("{headers}Content-Type: application/json"),
            body,
        );
        (heard.status, heard.json())
    }

    /// The parts in the order given: a text, or the file.
    fn upload(fleet: &Running<Navixy>, headers: &str, parts: &[(&str, &str)]) -> Value {
        let mut body = Vec::new();
        for (name, value) in parts {
            body.extend(format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"").bytes());
            if *name == "file" {
                body.extend(
                    format!("; filename=\"avatar.png\"\r\nContent-Type: {value}\r\n\r\n").bytes(),
                );
                body.extend(pictures::png(8, 8, 1));
            } else {
                body.extend(format!("\r\n\r\n{value}").bytes());
            }
            body.extend(b"\r\n");
        }
        body.extend(b"--b--\r\n");
        let headers = format!("{headers}Content-Type: multipart/form-data; boundary=b");
        fleet
            .ask("POST /v2/employee/avatar/upload", &headers, body)
            .json()
    }

    #[test]
    fn the_documented_assignments_work_and_the_one_with_a_hash_in_its_query_is_complained_about() {
        let fleet = Navixy::start();
        let body = "{\"hash\": \"22eac1c27af4be7b9d04da2ce1af111b\", \"employee_id\": 2132, \"icon_id\": 3654}";
        assert_eq!(
            post(&fleet, "employee/avatar/assign", "", body),
            (200, json!({"success": true}))
        );
        assert_eq!(fleet.model().employee(2132).icon_id, Some(3654));
        let query = "hash=a6aa75587e5c59c32d347da438505fc3&employee_id=2132&icon_id=3655";
        assert_eq!(
            fleet
                .ask(&format!("GET /v2/employee/avatar/assign?{query}"), "", "")
                .body,
            "{\"success\":true}"
        );
        assert_eq!(fleet.model().employee(2132).icon_id, Some(3655));
        assert_eq!(fleet.take_violations(), ["a credential in a query string"]);
    }

    #[test]
    fn a_picture_shows_only_once_the_icon_is_gone() {
        let fleet = Navixy::start();
        let answer = upload(
            &fleet,
            KEY,
            &[("file", "image/png"), ("employee_id", "2132")],
        );
        let name = answer["value"].as_str().expect("a name").to_owned();
        let read = |id: u32| {
            post(
                &fleet,
                "employee/read",
                KEY,
                &format!("{{\"employee_id\":{id}}}"),
            )
            .1["value"]
                .clone()
        };
        assert_eq!(
            (&read(2132)["icon_id"], &read(2132)["avatar_file_name"]),
            (&json!(12), &json!(name))
        );
        post(
            &fleet,
            "employee/avatar/assign",
            KEY,
            "{\"employee_id\":2132,\"icon_id\":null}",
        );
        assert_eq!(read(2132).get("icon_id"), None);
        assert_eq!(
            fleet
                .ask(&format!("GET /v2/static/employee/avatars/{name}"), "", "")
                .status,
            200
        );
    }

    #[test]
    fn refusals_carry_a_code() {
        let fleet = Navixy::start();
        let reader = format!(
            "Authorization: NVX {}\n",
            fleet.model().admit("sub@example.com", &["tag_update"])
        );
        let code = |answer: &Value| answer["status"]["code"].as_u64();
        for (headers, parts, expected) in [
            (
                KEY,
                &[("employee_id", "2132"), ("file", "image/jpg")][..],
                234,
            ),
            (KEY, &[("employee_id", "2132")], 233),
            (KEY, &[("employee_id", "9"), ("file", "image/png")], 201),
            (KEY, &[("employee_id", "0"), ("file", "image/png")], 7),
            (
                &reader,
                &[("employee_id", "2132"), ("file", "image/png")],
                13,
            ),
            (
                "Authorization: Bearer 22eac1c27af4be7b9d04da2ce1af111b\n",
                &[("employee_id", "2132")],
                3,
            ),
            (
                "Authorization: NVX 00000000000000000000000000000000\n",
                &[("employee_id", "2132")],
                4,
            ),
        ] {
            assert_eq!(
                code(&upload(&fleet, headers, parts)),
                Some(expected),
                "{headers} {parts:?}"
            );
        }
        fleet.model().statuses.insert(201, 404);
        let (status, answer) = post(&fleet, "employee/read", KEY, "{\"employee_id\":9}");
        assert_eq!((status, code(&answer)), (404, Some(201)));
        let (_, answer) = post(&fleet, "employee/read", KEY, "{\"employee_id\":\"2132\"}");
        assert_eq!(code(&answer), Some(7));
        let (_, answer) = post(&fleet, "user/logout", KEY, "{}");
        assert_eq!(code(&answer), Some(4));
    }

    #[test]
    fn a_list_comes_in_pages_and_filters_by_any_part() {
        let fleet = Navixy {
            page_limit: 2,
            ..Navixy::default()
        }
        .start();
        let list = |body: &str| {
            let answer = post(&fleet, "employee/list", KEY, body).1;
            let ids = answer["list"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|item| item["id"].clone());
            (Value::Array(ids.collect()), answer["count"].clone())
        };
        assert_eq!(
            list("{\"limit\":100,\"sort\":[\"id=desc\"]}"),
            (json!([2134, 2133]), json!(3))
        );
        assert_eq!(
            list("{\"limit\":100,\"offset\":2,\"sort\":[\"id=asc\"]}"),
            (json!([2134]), json!(3))
        );
        assert_eq!(list("{\"filter\":\"driv\"}"), (json!([2133]), json!(1)));
    }

    #[test]
    fn a_login_gives_a_session_that_can_be_ended() {
        let fleet = Navixy::start();
        let login = |password: &str| {
            let body = json!({"login": "bot@example.com", "password": password}).to_string();
            post(&fleet, "user/auth", "", &body).1
        };
        assert_eq!(login("wrong")["status"]["code"], 102);
        let hash = login("secret")["hash"].as_str().expect("a hash").to_owned();
        let headers = format!("Authorization: NVX {hash}\n");
        assert_eq!(
            post(&fleet, "user/get_info", &headers, "{}").1["user_info"]["login"],
            "bot@example.com"
        );
        assert_eq!(post(&fleet, "user/logout", &headers, "{}").0, 200);
        assert_eq!(
            post(&fleet, "user/get_info", &headers, "{}").1["status"]["code"],
            4
        );
    }
}
