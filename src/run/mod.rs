//! From the arguments and the environment to the exit status: one match over what was asked for.

mod account;
mod batch;
mod doctor;
mod files;
mod pull;
mod session;
mod sheet;

use std::ffi::OsString;
use std::time::Instant;

use crate::cli::{self, Action, Command, Options, Refusal, completions, help, manual};
use crate::error::Class;
use crate::plan::manifest;
use crate::report::{self, Colors, Report, Style};
use crate::settings::environment::Environment;
use crate::signals;
use crate::terminal::Color;

/// Carries out a command line, and returns the exit status of the process.
pub fn run(
    arguments: Vec<OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> u8 {
    let begun = Instant::now();
    signals::listen();
    let environment = Environment::new(environment);
    let exit = match cli::parse(arguments, &environment) {
        Ok(Command::Text(text)) => print(&text),
        Ok(Command::Completions(shell)) => print(&completions::script(&shell)),
        Ok(Command::Example) => print(&manifest::example()),
        Ok(Command::Manual) => print(&manual::page()),
        Ok(Command::Account(command)) => match &command.action {
            Action::Doctor(how) => doctor::run(&command, how, &environment, begun),
            _ => account::run(&command, &environment, begun),
        },
        Ok(Command::Batch(command)) => batch::run(&command, &environment, begun),
        Ok(Command::Pull(command)) => pull::run(&command, &environment, begun),
        Err(refusal) => refuse(&refusal, &environment),
    };
    report::status(exit)
}

fn print(text: &str) -> u8 {
    report::print(text);
    0
}

/// Says what is wrong with a command line; without one, the help is the answer.
fn refuse(refusal: &Refusal, environment: &Environment) -> u8 {
    let mut report = Report::new(Style {
        json: refusal.json,
        color: colors(refusal.color, environment),
        ..Style::default()
    });
    let Some(error) = &refusal.error else {
        help::main().trim_end().lines().for_each(report::complain);
        return Class::Usage.exit();
    };
    report.run_failed(error);
    report.finish()
}

fn style(options: &Options, environment: &Environment) -> Style {
    Style {
        json: options.json,
        quiet: options.quiet,
        verbose: options.verbose > 0,
        color: colors(options.color, environment),
        aside: false,
    }
}

fn colors(choice: Color, environment: &Environment) -> Colors {
    let dumb = matches!(environment.plain("TERM"), Ok(Some(value)) if value == "dumb");
    Colors::choose(choice, environment.is_set("NO_COLOR"), dumb)
}
