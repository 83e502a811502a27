//! The four systems to play with: the tests' own models as a program, on free ports of this machine, with a page
//! that shows what every account wears. Nothing is kept, and nothing real can be reached by mistake.
//!
//!     sandbox                  print settings for a shell, then serve until killed
//!     sandbox --until-eof      the same, until standard input closes
//!     sandbox --pictures DIR   write sample pictures into DIR and end
//!     sandbox [--page FILE] [--accounts N] [--tls FILE] -- COMMAND ARGUMENTS...
//!                              serve, run the command with the settings in its environment, keep the page as it is
//!                              then, and end as the command ended; --accounts gives each system so many more
//!                              accounts (bot-0 and so on, employees from 5000) and takes its limits away, --tls
//!                              serves over TLS and writes the certificate to trust into the file
//!
//! This is no place for tests: what it serves is told to be lenient, so that a browser may look at everything.
#![allow(unreachable_pub, unsafe_code)] // Nothing here is public; terminals and signals are set up by hand.

use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use support::server::{Wire, lock};
use support::{
    Jira, Matrix, Model, Navixy, Reply, RocketChat, Running, Server, encoding, pictures,
};

mod support;

/// An address that the sandbox's Rocket.Chat can download.
const PICTURE_ADDRESS: &str = "http://domain.tld/to/my/own/avatar.jpg";

fn main() -> ExitCode {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let words = arguments.iter().map(String::as_str).collect::<Vec<_>>();
    let outcome = match &words[..] {
        [] => serve(&Wishes::default(), false),
        ["--until-eof"] => serve(&Wishes::default(), true),
        ["--pictures", directory] => {
            write_pictures(Path::new(directory)).map(|()| ExitCode::SUCCESS)
        }
        [options @ .., _] if options.contains(&"--") => match wishes(&words) {
            Some((wishes, [command, rest @ ..])) => run(&wishes, command, rest),
            _ => return usage(),
        },
        _ => return usage(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("sandbox: {error}");
        ExitCode::FAILURE
    })
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: sandbox [--until-eof | --pictures DIR | [--page FILE] [--accounts N] [--tls FILE] -- COMMAND ARGUMENTS...]"
    );
    ExitCode::from(64)
}

/// What is asked for before the command.
#[derive(Default)]
struct Wishes {
    page: Option<String>,
    accounts: Option<usize>,
    tls: Option<String>,
}

/// The wishes, and the command behind them; none where they cannot be understood.
fn wishes<'a>(words: &'a [&'a str]) -> Option<(Wishes, &'a [&'a str])> {
    let mut wishes = Wishes::default();
    let mut rest = words;
    loop {
        rest = match rest {
            ["--", command @ ..] => return Some((wishes, command)),
            ["--page", page, rest @ ..] => {
                wishes.page = Some((*page).to_owned());
                rest
            }
            ["--accounts", count, rest @ ..] => {
                wishes.accounts = Some(count.parse().ok()?);
                rest
            }
            ["--tls", file, rest @ ..] => {
                wishes.tls = Some((*file).to_owned());
                rest
            }
            _ => return None,
        };
    }
}

/// Serves a model, over TLS where that is configured.
fn serve_one<M: Model>(model: M, tls: Option<&Arc<ServerConfig>>) -> Running<M> {
    let Some(config) = tls else {
        return Running::start(model);
    };
    let config = Arc::clone(config);
    let wrap = move |socket| -> io::Result<Box<dyn Wire>> {
        let session = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        Ok(Box::new(StreamOwned::new(session, socket)))
    };
    Running::start_over("https", wrap, model)
}

/// A certificate of this hour for this machine; it is written into the file.
fn certificate(file: &str) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
    let key = KeyPair::generate()?;
    let parameters = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
    let certificate = parameters.self_signed(&key)?;
    fs::write(file, certificate.pem()).map_err(|error| format!("{file}: {error}"))?;
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok(Arc::new(config))
}

/// Everything that serves; it stops when this value goes.
struct Sandbox {
    jira: Running<Jira>,
    chat: Running<RocketChat>,
    fleet: Running<Navixy>,
    matrix: Running<Matrix>,
    page: Server,
}

type Shared = (
    Arc<Mutex<Jira>>,
    Arc<Mutex<RocketChat>>,
    Arc<Mutex<Navixy>>,
    Arc<Mutex<Matrix>>,
);

impl Sandbox {
    fn start(wishes: &Wishes) -> Result<Sandbox, Box<dyn Error>> {
        let (mut jira, mut chat, mut fleet) =
            (Jira::default(), RocketChat::default(), Navixy::default());
        let mut matrix = Matrix::default();
        if let Some(count) = wishes.accounts {
            for number in 0..count {
                jira.add_bot(number);
                chat.add_bot(number);
                fleet.add_bot(number);
                matrix.add_bot(number);
            }
            (chat.settle, chat.limit) = (Duration::ZERO, None);
        }
        let tls = wishes.tls.as_deref().map(certificate).transpose()?;
        let (mut jira, mut chat, mut fleet) = (
            serve_one(jira, tls.as_ref()),
            serve_one(chat, tls.as_ref()),
            serve_one(fleet, tls.as_ref()),
        );
        let mut matrix = serve_one(matrix, tls.as_ref());
        // Unlike in a test, what is printed here should be good to click on.
        let url = jira.url();
        jira.model().base_url = url;
        let url = chat.url();
        chat.model().site_url = url;
        dress(&mut jira.model(), &mut chat.model(), &mut fleet.model());
        matrix
            .model()
            .give("deploy-bot", pictures::png_rgba(128, 128, 45));
        let models = (
            jira.shared(),
            chat.shared(),
            fleet.shared(),
            matrix.shared(),
        );
        let mut page = Server::start(move |request| match request.path() {
            "/" => Reply::text(200, "text/html;charset=UTF-8", page(&models))
                .header("Cache-Control", "no-store"),
            _ => Reply::html(404, "404 Not Found"),
        });
        jira.expect_anything();
        chat.expect_anything();
        fleet.expect_anything();
        matrix.expect_anything();
        page.expect_anything();
        Ok(Sandbox {
            jira,
            chat,
            fleet,
            matrix,
            page,
        })
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = [
            self.jira.settings(),
            self.chat.settings(),
            self.fleet.settings(),
            self.matrix.settings(),
        ]
        .concat();
        settings.push(("PAGE", self.page.url()));
        settings
    }

    fn page(&self) -> String {
        page(&(
            self.jira.shared(),
            self.chat.shared(),
            self.fleet.shared(),
            self.matrix.shared(),
        ))
    }
}

/// Somebody has been here before: a few accounts wear something already.
fn dress(jira: &mut Jira, chat: &mut RocketChat, fleet: &mut Navixy) {
    let id = jira.give("deploy-bot", pictures::png(320, 200, 41));
    jira.user_mut("deploy-bot").selected = id;
    chat.give("retired-bot", pictures::png_rgba(128, 128, 42));
    chat.publish(PICTURE_ADDRESS, pictures::jpeg(256, 256, 43));
    fleet.give(2134, pictures::png(128, 128, 44));
}

fn serve(wishes: &Wishes, until_eof: bool) -> Result<ExitCode, Box<dyn Error>> {
    let sandbox = Sandbox::start(wishes)?;
    let mut lines = String::from(
        "# paste this into another shell, or run make sandbox SH=bash; Ctrl-C ends it; PAGE shows who wears what\n\
         # these log in, too: ROCKETCHAT_USER=robot-admin, NAVIXY_LOGIN=bot@example.com, MATRIX_USER=admin, each with the password secret\n",
    );
    for (name, value) in sandbox.settings() {
        lines.push_str(&format!("export {name}={value}\n"));
    }
    let mut stdout = io::stdout().lock();
    stdout.write_all(lines.as_bytes())?;
    stdout.flush()?;
    if until_eof {
        io::stdin().lock().read_to_end(&mut Vec::new())?;
        return Ok(ExitCode::SUCCESS);
    }
    loop {
        thread::park();
    }
}

fn run(wishes: &Wishes, command: &str, arguments: &[&str]) -> Result<ExitCode, Box<dyn Error>> {
    let sandbox = Sandbox::start(wishes)?;
    let status = Command::new(command)
        .args(arguments)
        .envs(sandbox.settings())
        .status();
    let status = status.map_err(|error| format!("{command}: {error}"))?;
    if let Some(page) = &wishes.page {
        fs::write(page, sandbox.page()).map_err(|error| format!("{page}: {error}"))?;
    }
    // Ended by a signal, a command has no code of its own.
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Ok(ExitCode::from(code))
}

fn write_pictures(directory: &Path) -> Result<(), Box<dyn Error>> {
    let samples = [
        ("faces/build-bot.png", pictures::png(256, 256, 1)),
        ("faces/deploy-bot.gif", pictures::gif(200, 200, 2)),
        ("faces/driver.jpg", pictures::jpeg(256, 256, 3)),
        ("faces/night-shift.webp", pictures::webp(128, 128, 4)),
        ("faces/robot.png", pictures::png_rgba(256, 256, 5)),
        ("faces/wide.png", pictures::png(320, 200, 6)),
        ("faces/small.png", pictures::png(48, 48, 7)),
        ("faces/turned.jpg", pictures::jpeg_oriented(200, 256, 8, 6)),
        ("faces/winking.gif", pictures::gif_animated(96, 96, 9)),
    ];
    for (name, bytes) in samples {
        let path = directory.join(name);
        let parent = path.parent().unwrap_or(directory);
        fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
        fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Every account with what it wears now; the pictures are in the page, so that it can be kept and sent on.
fn page((jira, chat, fleet, matrix): &Shared) -> String {
    let mut rows = String::new();
    let mut section = |title: &str, cards: Vec<String>| {
        rows += &format!(
            "<h2>{title}</h2>\n<div class=\"cards\">\n{}</div>\n",
            cards.concat()
        );
    };
    {
        let jira = lock(jira);
        let wears = |id: u64| match jira.custom(id) {
            Some(_) => format!("avatar {id}, uploaded"),
            None if jira.system.contains(&id) => format!("avatar {id}, a system one"),
            None => format!("avatar {id}, which nobody has"),
        };
        let cards = jira.users.iter().map(|user| {
            let shown =
                if jira.custom(user.selected).is_some() || jira.system.contains(&user.selected) {
                    user.selected
                } else {
                    jira.default_avatar
                };
            card(
                &jira.picture_html(shown, 96),
                &user.name,
                &wears(user.selected),
            )
        });
        section("Jira", cards.collect());
        let offered = jira
            .system
            .iter()
            .map(|id| jira.picture_html(*id, 32))
            .collect::<String>();
        section(
            "Jira’s system avatars",
            vec![format!("<p class=\"offered\">{offered}</p>\n")],
        );
    }
    {
        let mut chat = lock(chat);
        let names = chat
            .users
            .iter()
            .map(|user| user.username.clone())
            .collect::<Vec<_>>();
        let cards = names.iter().map(|name| {
            let picture = chat.picture_html(name, 96);
            let user = chat.user(name);
            let wears = match (&user.picture, &user.etag) {
                (None, _) => "the generated letter".to_owned(),
                (Some(_), None) => "a picture, its etag still to come".to_owned(),
                (Some(_), Some(etag)) => format!("etag {etag}"),
            };
            card(&picture, name, &wears)
        });
        section("Rocket.Chat", cards.collect());
    }
    {
        let fleet = lock(fleet);
        let cards = fleet.employees.iter().map(|employee| {
            let wears = match (employee.icon_id, &employee.avatar_file_name) {
                (Some(icon), None) => format!("icon {icon}"),
                (Some(icon), Some(file)) => format!("icon {icon}, over {file}"),
                (None, Some(file)) => file.clone(),
                (None, None) => "nothing".to_owned(),
            };
            let name = format!(
                "{} {} {}",
                employee.id, employee.first_name, employee.last_name
            );
            card(&fleet.picture_html(employee.id, 96), &name, &wears)
        });
        section("Navixy", cards.collect());
    }
    {
        let matrix = lock(matrix);
        let cards = matrix.users.iter().map(|user| {
            let wears = user.avatar.as_deref().unwrap_or("the letter");
            let picture = matrix.picture_html(&user.localpart, 96);
            card(&picture, &user.localpart, wears)
        });
        section("Matrix", cards.collect());
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>avatarctl sandbox</title>\n<style>\n\
         body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1e293b }}\n\
         .cards {{ display: flex; flex-wrap: wrap; gap: 1rem }}\n\
         figure {{ margin: 0; width: 9rem; text-align: center; overflow-wrap: anywhere }}\n\
         figcaption small {{ display: block; color: #64748b }}\n\
         .offered img {{ margin: 2px }}\n\
         </style></head>\n<body>\n<h1>What everybody wears</h1>\n{rows}</body></html>\n"
    )
}

fn card(picture: &str, name: &str, wears: &str) -> String {
    let (name, wears) = (encoding::html(name), encoding::html(wears));
    format!("<figure>{picture}<figcaption>{name}<small>{wears}</small></figcaption></figure>\n")
}
