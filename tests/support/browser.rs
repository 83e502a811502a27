//! A page in the real Chromium: a screenshot of it, or what a script beside it measures. The page itself is shown as it is,
//! in a frame of the width of a screen; no browser window is as narrow as a phone.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::encoding::from_base64;
use super::run::Scratch;

/// What the page is shown on.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    pub width: u32,
    pub height: u32,
    pub dark: bool,
}

pub const LAPTOP: Screen = Screen {
    width: 1280,
    height: 800,
    dark: false,
};

pub const PHONE: Screen = Screen {
    width: 390,
    height: 844,
    dark: false,
};

impl Screen {
    pub fn in_the_dark(self) -> Screen {
        Screen { dark: true, ..self }
    }
}

/// A screenshot of `page` in the scratch directory; none where the machine has no browser and says so.
pub fn screenshot(scratch: &Scratch, page: &str, screen: Screen) -> Option<PathBuf> {
    let shot = scratch.join("shot.png");
    let shown = run(
        scratch,
        page,
        screen,
        &format!("--screenshot={}", shot.display()),
    )?;
    assert!(
        shown.status.success(),
        "{}",
        String::from_utf8_lossy(&shown.stderr)
    );
    Some(shot)
}

/// What the body of a function of `page`, the document, returns, as JSON; none where the machine has no browser and says
/// so.
pub fn measure(scratch: &Scratch, page: &str, screen: Screen, body: &str) -> Option<Value> {
    let Screen { width, height, .. } = screen;
    let frame = format!(
        "<!doctype html><body style=\"margin:0\"><iframe src=\"{page}\" style=\"width:{width}px;height:{height}px;border:0\"></iframe>\n\
         <script>onload = () => {{\n\
         const measured = (page => {{ {body} }})(document.querySelector('iframe').contentDocument);\n\
         const bytes = new TextEncoder().encode(JSON.stringify(measured));\n\
         document.body.textContent = '[' + btoa(String.fromCharCode(...bytes)) + ']';\n\
         }}</script>\n"
    );
    scratch.write("frame.html", frame);
    let shown = run(scratch, "frame.html", screen, "--dump-dom")?;
    let dumped = String::from_utf8_lossy(&shown.stdout);
    let told = dumped
        .split_once("<body style=\"margin:0\">[")
        .and_then(|(_, rest)| rest.split_once(']'))
        .and_then(|(text, _)| from_base64(text));
    let told = told.unwrap_or_else(|| {
        let said = String::from_utf8_lossy(&shown.stderr);
        panic!("the script measured nothing: {dumped}\n{said}")
    });
    Some(serde_json::from_slice(&told).expect("JSON"))
}

fn run(scratch: &Scratch, page: &str, screen: Screen, what: &str) -> Option<Output> {
    let chromium = installed()?;
    // 0 is dark, 1 is light, in the browser's own numbers.
    let scheme = u8::from(!screen.dark);
    // A browser that hangs must not hang the tests.
    let shown = Command::new("timeout")
        .args(["--kill-after=5", "50"])
        .arg(chromium)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args([
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--force-device-scale-factor=1",
            "--allow-file-access-from-files",
        ])
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!(
            "--user-data-dir={}",
            scratch.join("browser").display()
        ))
        .arg(format!("--window-size={},{}", screen.width, screen.height))
        .arg(what)
        .arg(format!("file://{}", scratch.join(page).display()))
        .env("HOME", scratch.path())
        .output();
    Some(shown.expect("timeout(1) starts"))
}

fn installed() -> Option<PathBuf> {
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .flat_map(|name| {
            ["/usr/bin", "/usr/local/bin", "/snap/bin"].map(|place| Path::new(place).join(name))
        })
        .find(|path| path.exists());
    assert!(
        found.is_some() || std::env::var_os("AVATARCTL_TESTS_WITHOUT_CHROMIUM").is_some(),
        "this test looks at a page in Chromium, which is not installed: install the package chromium, or set \
         AVATARCTL_TESTS_WITHOUT_CHROMIUM to do without"
    );
    found
}
