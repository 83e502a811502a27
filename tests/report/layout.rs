//! The page of a batch as a browser lays it out: on a laptop and on a phone, by day and by night, and what its filter
//! leaves.

use serde_json::{Value, json};

use crate::support::browser::{LAPTOP, PHONE, Screen, measure};
use crate::support::{World, pictures};

/// A page of fifty accounts that all change, some with warnings, some that fail, one with a long name; by `diff`, with what
/// they show now.
fn fifty() -> World {
    let mut world = World::with_bots(24);
    let long = "a-service-account-with-a-name-that-says-what-it-does-where-and-for-whom";
    let mut accounts: Vec<String> = Vec::new();
    for n in 0..24 {
        world
            .scratch
            .write(&format!("faces/{n}.png"), pictures::png(64, 64, n + 100));
        for server in ["jira", "chat"] {
            accounts.push(format!(
                "{{\"server\": \"{server}\", \"user\": \"bot-{n}\", \"image\": \"faces/{n}.png\"}}"
            ));
        }
    }
    world
        .scratch
        .write("faces/wide.png", pictures::png(96, 64, 1));
    accounts
        .push(r#"{"server": "jira", "user": "build-bot", "image": "faces/wide.png"}"#.to_owned());
    accounts.push(format!(
        "{{\"server\": \"jira\", \"user\": \"{long}\", \"image\": \"faces/wide.png\"}}"
    ));
    world.declare(&accounts.join(","));
    let told = world.run("diff m.json -q --html p.html").output();
    assert_eq!(told.status, 67, "{told:?}");
    world
}

const SCREENS: [Screen; 2] = [LAPTOP, PHONE];

/// Has the browser lay out every account, also those that nobody has scrolled to: until then they have a height that is
/// a guess, which one of them are is a race between the browser's first picture and the script, and what is too wide in
/// them is clipped.
const LAID_OUT: &str =
    "page.querySelectorAll('article').forEach(one => one.style.contentVisibility = 'visible');";

#[test]
fn fifty_accounts_fit_on_two_screens_of_a_laptop_and_no_line_is_wider_than_a_phone() {
    let world = fifty();
    for screen in SCREENS {
        let body = format!(
            "{LAID_OUT} const all = page.documentElement;
            return [all.scrollWidth, all.scrollHeight, page.querySelectorAll('article').length];"
        );
        let Some(size) = measure(&world.scratch, "p.html", screen, &body) else {
            return;
        };
        let (width, height) = (size[0].as_u64(), size[1].as_u64().unwrap_or(u64::MAX));
        assert_eq!(width, Some(u64::from(screen.width)), "{screen:?}");
        assert_eq!(size[2], json!(50));
        let screens = if screen.width < 1000 { 8 } else { 2 };
        assert!(
            height <= u64::from(screen.height) * screens,
            "{screen:?}: {height}"
        );
    }
}

/// An account that is open has every size in both shapes on both grounds, in the pixels that stand below it.
#[test]
fn every_size_has_the_pixels_that_stand_below_it() {
    let world = fifty();
    for screen in SCREENS {
        let body = format!(
            "{LAID_OUT} const details = page.querySelectorAll('details')[3];
            details.open = true;
            const all = page.documentElement;
            const boxes = [...details.querySelectorAll('.all .size')].map(size => {{
                const box = size.querySelector('i').getBoundingClientRect();
                return [box.width, box.height, Number(size.textContent)];
            }});
            const wrong = boxes.filter(([width, height, said]) => width != said || height != said);
            return [boxes.length, wrong, all.scrollWidth];"
        );
        let Some(seen) = measure(&world.scratch, "p.html", screen, &body) else {
            return;
        };
        // One of them is what is shown now.
        assert_eq!(seen, json!([21, [], screen.width]), "{screen:?}");
    }
}

#[test]
fn the_filter_leaves_what_it_says_and_is_reached_by_keys() {
    let world = fifty();
    let body = "const shown = () => [...page.querySelectorAll('article')].filter(one => one.checkVisibility()).length;
        const servers = () => [...page.querySelectorAll('section')].filter(one => one.checkVisibility()).length;
        return [...page.querySelectorAll('input')].map(input => {
            input.focus();
            const reached = page.activeElement == input && input.checkVisibility();
            input.click();
            return [input.labels[0].textContent, input.name, reached, shown(), servers()];
        });";
    let Some(seen) = measure(&world.scratch, "p.html", LAPTOP, body) else {
        return;
    };
    assert_eq!(
        seen,
        json!([
            ["all 50", "show", true, 50, 2],
            ["changed 49", "show", true, 49, 2],
            ["warnings 2", "show", true, 2, 1],
            ["failed 1", "show", true, 1, 1],
        ])
    );
}

/// Every text against the ground it stands on: 4.5 to 1 (WCAG 2.2, 1.4.3), by day and by night.
#[test]
fn every_text_has_contrast() {
    let world = fifty();
    let body = "const rgb = color => color.match(/[\\d.]+/g).map(Number);
        const light = color => {
            const [r, g, b] = rgb(color).map(value => value / 255)
                .map(value => value <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4);
            return .2126 * r + .7152 * g + .0722 * b;
        };
        const style = one => page.defaultView.getComputedStyle(one);
        const ground = one => {
            for (; one; one = one.parentElement) {
                const color = style(one).backgroundColor;
                if (rgb(color)[3] !== 0) return color;
            }
        };
        page.querySelectorAll('details')[2].open = true;
        const bad = [];
        let count = 0;
        const texts = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const one = texts.currentNode.parentElement;
            if (!texts.currentNode.data.trim() || !one.checkVisibility()) continue;
            const [a, b] = [light(style(one).color), light(ground(one))];
            const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
            count++;
            if (ratio < 4.5 && !one.closest('label')?.control.disabled) bad.push([one.outerHTML, ratio]);
        }
        return [count, bad, style(page.body).backgroundColor];";
    let mut grounds = Vec::new();
    for screen in [LAPTOP, LAPTOP.in_the_dark()] {
        let Some(seen) = measure(&world.scratch, "p.html", screen, body) else {
            return;
        };
        assert!(seen[0].as_u64() > Some(400), "{seen}");
        assert_eq!(seen[1], json!([]), "{screen:?}");
        grounds.push(seen[2].clone());
    }
    assert_ne!(grounds[0], grounds[1], "there is a night");
}

/// What a reader hears that sees nothing: headings in their order, and a name for everything that is a picture or opens.
#[test]
fn a_page_can_be_heard() {
    let world = fifty();
    let body = "const levels = [...page.querySelectorAll('h1, h2, h3')].map(one => Number(one.tagName[1]));
        const jumps = levels.filter((level, at) => level > (levels[at - 1] || 0) + 1);
        const nameless = [...page.querySelectorAll('summary, [role=img]')].filter(one => !one.ariaLabel);
        const inputs = [...page.querySelectorAll('input')].filter(one => one.labels.length != 1);
        return [levels.length, levels.slice(0, 3), jumps, nameless.length, inputs.length, page.documentElement.lang];";
    let Some(seen) = measure(&world.scratch, "p.html", LAPTOP, body) else {
        return;
    };
    assert_eq!(seen, json!([53, [1, 2, 3], [], 0, 0, "en"]) as Value);
}
