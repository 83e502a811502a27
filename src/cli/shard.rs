//! Which part of a batch this agent does: `--shard`, with the variables by which CI engines number their agents.
//! Pure. A set-up that is half there must never mean everything, because then every agent would do it.

use crate::error::{Class, Error, Result};
use crate::terminal::quote;

/// Part I of N, from 1.
pub type Part = (usize, usize);

/// How an engine numbers the agents of a job.
struct Engine {
    name: &'static str,
    index: &'static str,
    total: Option<&'static str>,
    first: First,
    /// Whether a job that is not divided has a total of 1 and no index.
    whole: bool,
}

/// The index of the first agent.
enum First {
    At(usize),
    /// In the first variable; the second has the step from one index to the next, and 1 if it is not set.
    In(&'static str, &'static str),
}

const fn engine(
    name: &'static str,
    index: &'static str,
    total: &'static str,
    first: usize,
) -> Engine {
    Engine {
        name,
        index,
        total: Some(total),
        first: First::At(first),
        whole: false,
    }
}

#[rustfmt::skip] // a table
static ENGINES: [Engine; 7] = [
    Engine { whole: true, ..engine("GitLab", "CI_NODE_INDEX", "CI_NODE_TOTAL", 1) },
    engine("Buildkite", "BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0),
    engine("CircleCI", "CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0),
    engine("Semaphore", "SEMAPHORE_JOB_INDEX", "SEMAPHORE_JOB_COUNT", 1),
    engine("Azure", "SYSTEM_JOBPOSITIONINPHASE", "SYSTEM_TOTALJOBSINPHASE", 1),
    Engine {
        first: First::In("SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP"),
        ..engine("Slurm", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", 0)
    },
    Engine { total: None, ..engine("Kubernetes", "JOB_COMPLETION_INDEX", "", 0) },
];

/// What `--shard` asks for: `2/3`, `auto`, or `auto/3`; `variable` reads one of the environment. None is the
/// whole.
///
/// Errors: usage.
pub fn part(text: &str, variable: &dyn Fn(&str) -> Result<Option<String>>) -> Result<Option<Part>> {
    let (index, total) = text.split_once('/').unwrap_or((text, ""));
    let given = number(total).filter(|total| *total >= 1);
    match (index, given) {
        ("auto", None) if text == "auto" => auto(text, None, variable),
        ("auto", Some(_)) => auto(text, given, variable),
        (_, Some(total)) => match number(index) {
            Some(index) if (1..=total).contains(&index) => Ok(Some((index, total))),
            _ => Err(unreadable(text)),
        },
        _ => Err(unreadable(text)),
    }
}

fn unreadable(text: &str) -> Error {
    let what = "--shard takes I/N with I from 1 to N, auto, or auto/N";
    Error::new(Class::Usage, format!("{what}, not {}", quote(text)))
}

/// Digits only.
fn number(text: &str) -> Option<usize> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn auto(
    typed: &str,
    given: Option<usize>,
    variable: &dyn Fn(&str) -> Result<Option<String>>,
) -> Result<Option<Part>> {
    let refuse = |why: String| {
        Error::new(Class::Usage, format!("--shard {typed}: {why}"))
            .hint("run the job with the CI engine's parallelism, or give --shard I/N")
    };
    // A value that is not text is set, and is not a number.
    let read = |name: &str| match variable(name) {
        Ok(value) => Ok(value),
        Err(error) => Err(refuse(error.message())),
    };
    let count = |name: &str| match read(name)? {
        None => Ok(None),
        Some(text) => match number(&text) {
            Some(number) => Ok(Some(number)),
            None if text.is_empty() => Err(refuse(format!("{name} is empty"))),
            None => Err(refuse(format!("{name} is {}, not a number", quote(&text)))),
        },
    };
    let mut present: Vec<(&Engine, &str)> = Vec::new();
    for engine in &ENGINES {
        for name in engine.variables() {
            if read(name)?.is_some() {
                present.push((engine, name));
                break;
            }
        }
    }
    let engine = match present[..] {
        [(engine, _)] => engine,
        [] => {
            return Err(refuse(format!(
                "no variable of {} is set",
                ENGINES.each_ref().map(|engine| engine.name).join(", ")
            )));
        }
        [(one, first), (other, second), ..] => {
            return Err(refuse(format!(
                "{first} of {} and {second} of {} are both set",
                one.name, other.name
            )));
        }
    };
    let told = match engine.total {
        Some(name) => count(name)?.map(|total| (name, total)),
        None => None,
    };
    let total = match (given, told) {
        (_, Some((name, 0))) => return Err(refuse(format!("{name} is 0"))),
        (Some(given), Some((name, total))) if given != total => {
            return Err(refuse(format!("{name} is {total}, not {given}")));
        }
        (Some(total), _) | (None, Some((_, total))) => total,
        (None, None) => {
            let index = engine.index;
            return Err(match engine.total {
                Some(total) => refuse(format!("{total} is not set")),
                None => refuse(format!(
                    "{index} is set, and {} tells no total",
                    engine.name
                ))
                .hint("give it: --shard auto/N"),
            });
        }
    };
    let Some(index) = count(engine.index)? else {
        return match engine.whole && told.is_some_and(|(_, total)| total == 1) {
            true => Ok(None),
            false => Err(refuse(format!("{} is not set", engine.index))),
        };
    };
    let (first, step) = match engine.first {
        First::At(first) => (first, 1),
        First::In(first, step) => match (count(first)?, count(step)?) {
            (None, _) => return Err(refuse(format!("{first} is not set"))),
            (_, Some(0)) => return Err(refuse(format!("{step} is 0"))),
            (Some(first), step) => (first, step.unwrap_or(1)),
        },
    };
    let place = index.checked_sub(first).filter(|off| off % step == 0);
    match place.map(|off| off / step) {
        Some(place) if place < total => Ok(Some((place + 1, total))),
        _ => {
            let last = (total - 1).saturating_mul(step).saturating_add(first);
            let steps = match step {
                1 => String::new(),
                _ => format!(" in steps of {step}"),
            };
            Err(refuse(format!(
                "{} is {index}, not from {first} to {last}{steps}",
                engine.index
            )))
        }
    }
}

impl Engine {
    fn variables(&self) -> impl Iterator<Item = &'static str> {
        let more = match self.first {
            First::At(_) => [None, None],
            First::In(first, step) => [Some(first), Some(step)],
        };
        [Some(self.index), self.total]
            .into_iter()
            .chain(more)
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The part, or what is said: `--shard`, and the variables as `NAME=value` between commas.
    fn read(text: &str, set: &str) -> std::result::Result<Option<Part>, String> {
        let pairs: Vec<(&str, &str)> = set
            .split(", ")
            .filter_map(|pair| pair.split_once('='))
            .collect();
        let variable = |name: &str| match pairs.iter().find(|(known, _)| *known == name) {
            Some((_, "broken")) => Err(Error::new(
                Class::Configuration,
                format!("{name} is not valid UTF-8"),
            )),
            found => Ok(found.map(|(_, value)| (*value).to_owned())),
        };
        part(text, &variable).map_err(|error| {
            assert_eq!(error.class, Class::Usage, "{text} {set}");
            let prefix = format!("--shard {text}: ");
            error
                .message()
                .strip_prefix(&prefix)
                .unwrap_or(&error.message())
                .to_owned()
        })
    }

    #[test]
    fn a_part_is_given() {
        for (text, wanted) in [
            ("1/1", (1, 1)),
            ("2/3", (2, 3)),
            ("3/3", (3, 3)),
            ("02/3", (2, 3)),
        ] {
            assert_eq!(
                read(text, "CI_NODE_INDEX=7, CI_NODE_TOTAL=9"),
                Ok(Some(wanted))
            );
        }
        for text in [
            "",
            "/",
            "3",
            "0/3",
            "4/3",
            "1/0",
            "a/b",
            "1/3/5",
            "+1/3",
            "1/+3",
            " 1/3",
            "1/3 ",
            "-1/3",
            "1/",
            "/3",
            "1/99999999999999999999",
            "auto/",
            "auto/0",
            "auto/+3",
            "auto/ 3",
            "auto/x",
            "auto/3/3",
            "Auto",
            "auto3",
        ] {
            let message =
                format!("--shard takes I/N with I from 1 to N, auto, or auto/N, not \"{text}\"");
            assert_eq!(read(text, ""), Err(message));
        }
    }

    /// Every line of an engine: `--shard`, what is set, the part.
    #[rustfmt::skip] // a table
    const GOOD: &[(&str, &str, Option<Part>)] = &[
        ("auto", "CI_NODE_TOTAL=1", None),
        ("auto", "CI_NODE_INDEX=1, CI_NODE_TOTAL=1", Some((1, 1))),
        ("auto", "CI_NODE_INDEX=1, CI_NODE_TOTAL=3", Some((1, 3))),
        ("auto", "CI_NODE_INDEX=3, CI_NODE_TOTAL=3", Some((3, 3))),
        ("auto", "BUILDKITE_PARALLEL_JOB=0, BUILDKITE_PARALLEL_JOB_COUNT=3", Some((1, 3))),
        ("auto", "BUILDKITE_PARALLEL_JOB=2, BUILDKITE_PARALLEL_JOB_COUNT=3", Some((3, 3))),
        ("auto", "CIRCLE_NODE_INDEX=0, CIRCLE_NODE_TOTAL=1", Some((1, 1))),
        ("auto", "CIRCLE_NODE_INDEX=3, CIRCLE_NODE_TOTAL=4", Some((4, 4))),
        ("auto", "SEMAPHORE_JOB_INDEX=1, SEMAPHORE_JOB_COUNT=2", Some((1, 2))),
        ("auto", "SEMAPHORE_JOB_INDEX=2, SEMAPHORE_JOB_COUNT=2", Some((2, 2))),
        ("auto", "SYSTEM_JOBPOSITIONINPHASE=1, SYSTEM_TOTALJOBSINPHASE=2", Some((1, 2))),
        ("auto", "SYSTEM_JOBPOSITIONINPHASE=2, SYSTEM_TOTALJOBSINPHASE=2", Some((2, 2))),
        ("auto", "SLURM_ARRAY_TASK_ID=0, SLURM_ARRAY_TASK_COUNT=4, SLURM_ARRAY_TASK_MIN=0", Some((1, 4))),
        ("auto", "SLURM_ARRAY_TASK_ID=7, SLURM_ARRAY_TASK_COUNT=4, SLURM_ARRAY_TASK_MIN=1, SLURM_ARRAY_TASK_STEP=2", Some((4, 4))),
        ("auto", "SLURM_ARRAY_TASK_ID=12, SLURM_ARRAY_TASK_COUNT=4, SLURM_ARRAY_TASK_MIN=10, SLURM_ARRAY_TASK_STEP=1", Some((3, 4))),
        ("auto/3", "JOB_COMPLETION_INDEX=0", Some((1, 3))),
        ("auto/3", "JOB_COMPLETION_INDEX=2", Some((3, 3))),
        ("auto/3", "CI_NODE_INDEX=2", Some((2, 3))),
        ("auto/3", "CI_NODE_INDEX=2, CI_NODE_TOTAL=3", Some((2, 3))),
        ("auto/1", "CI_NODE_TOTAL=1", None),
        ("auto/3", "BUILDKITE_PARALLEL_JOB=2", Some((3, 3))),
        ("auto/2", "SLURM_ARRAY_TASK_ID=6, SLURM_ARRAY_TASK_MIN=5", Some((2, 2))),
    ];

    #[rustfmt::skip] // a table
    const BAD: &[(&str, &str, &str)] = &[
        ("auto", "", "no variable of GitLab, Buildkite, CircleCI, Semaphore, Azure, Slurm, Kubernetes is set"),
        ("auto/3", "", "no variable of GitLab, Buildkite, CircleCI, Semaphore, Azure, Slurm, Kubernetes is set"),
        // half
        ("auto", "CI_NODE_INDEX=1", "CI_NODE_TOTAL is not set"),
        ("auto", "CI_NODE_TOTAL=2", "CI_NODE_INDEX is not set"),
        ("auto", "BUILDKITE_PARALLEL_JOB=0", "BUILDKITE_PARALLEL_JOB_COUNT is not set"),
        ("auto", "BUILDKITE_PARALLEL_JOB_COUNT=1", "BUILDKITE_PARALLEL_JOB is not set"),
        ("auto", "CIRCLE_NODE_TOTAL=2", "CIRCLE_NODE_INDEX is not set"),
        ("auto", "SEMAPHORE_JOB_INDEX=1", "SEMAPHORE_JOB_COUNT is not set"),
        ("auto", "SYSTEM_TOTALJOBSINPHASE=2", "SYSTEM_JOBPOSITIONINPHASE is not set"),
        ("auto", "SLURM_ARRAY_TASK_ID=1, SLURM_ARRAY_TASK_COUNT=2", "SLURM_ARRAY_TASK_MIN is not set"),
        ("auto", "SLURM_ARRAY_TASK_ID=1, SLURM_ARRAY_TASK_MIN=1", "SLURM_ARRAY_TASK_COUNT is not set"),
        ("auto", "SLURM_ARRAY_TASK_COUNT=2, SLURM_ARRAY_TASK_MIN=1", "SLURM_ARRAY_TASK_ID is not set"),
        ("auto", "SLURM_ARRAY_TASK_STEP=2", "SLURM_ARRAY_TASK_COUNT is not set"),
        ("auto/2", "SLURM_ARRAY_TASK_ID=1", "SLURM_ARRAY_TASK_MIN is not set"),
        ("auto", "JOB_COMPLETION_INDEX=0", "JOB_COMPLETION_INDEX is set, and Kubernetes tells no total"),
        ("auto/3", "CI_NODE_TOTAL=3", "CI_NODE_INDEX is not set"),
        // out of range
        ("auto", "CI_NODE_INDEX=0, CI_NODE_TOTAL=4", "CI_NODE_INDEX is 0, not from 1 to 4"),
        ("auto", "CI_NODE_INDEX=5, CI_NODE_TOTAL=4", "CI_NODE_INDEX is 5, not from 1 to 4"),
        ("auto", "BUILDKITE_PARALLEL_JOB=3, BUILDKITE_PARALLEL_JOB_COUNT=3", "BUILDKITE_PARALLEL_JOB is 3, not from 0 to 2"),
        ("auto", "CIRCLE_NODE_INDEX=1, CIRCLE_NODE_TOTAL=1", "CIRCLE_NODE_INDEX is 1, not from 0 to 0"),
        ("auto", "SEMAPHORE_JOB_INDEX=0, SEMAPHORE_JOB_COUNT=2", "SEMAPHORE_JOB_INDEX is 0, not from 1 to 2"),
        ("auto", "SYSTEM_JOBPOSITIONINPHASE=3, SYSTEM_TOTALJOBSINPHASE=2", "SYSTEM_JOBPOSITIONINPHASE is 3, not from 1 to 2"),
        ("auto/3", "JOB_COMPLETION_INDEX=3", "JOB_COMPLETION_INDEX is 3, not from 0 to 2"),
        ("auto", "SLURM_ARRAY_TASK_ID=4, SLURM_ARRAY_TASK_COUNT=4, SLURM_ARRAY_TASK_MIN=5", "SLURM_ARRAY_TASK_ID is 4, not from 5 to 8"),
        ("auto", "SLURM_ARRAY_TASK_ID=4, SLURM_ARRAY_TASK_COUNT=4, SLURM_ARRAY_TASK_MIN=1, SLURM_ARRAY_TASK_STEP=2", "SLURM_ARRAY_TASK_ID is 4, not from 1 to 7 in steps of 2"),
        ("auto", "CI_NODE_INDEX=1, CI_NODE_TOTAL=0", "CI_NODE_TOTAL is 0"),
        ("auto", "SLURM_ARRAY_TASK_ID=1, SLURM_ARRAY_TASK_COUNT=2, SLURM_ARRAY_TASK_MIN=1, SLURM_ARRAY_TASK_STEP=0", "SLURM_ARRAY_TASK_STEP is 0"),
        // a total that is another
        ("auto/3", "CI_NODE_INDEX=1, CI_NODE_TOTAL=4", "CI_NODE_TOTAL is 4, not 3"),
        ("auto/3", "CI_NODE_TOTAL=1", "CI_NODE_TOTAL is 1, not 3"),
        ("auto/3", "CIRCLE_NODE_INDEX=0, CIRCLE_NODE_TOTAL=1", "CIRCLE_NODE_TOTAL is 1, not 3"),
        // not numbers
        ("auto", "CI_NODE_INDEX=, CI_NODE_TOTAL=1", "CI_NODE_INDEX is empty"),
        ("auto", "CI_NODE_INDEX=1, CI_NODE_TOTAL=", "CI_NODE_TOTAL is empty"),
        ("auto", "CI_NODE_TOTAL=", "CI_NODE_TOTAL is empty"),
        ("auto", "CI_NODE_INDEX=+1, CI_NODE_TOTAL=4", "CI_NODE_INDEX is \"+1\", not a number"),
        ("auto", "CI_NODE_INDEX= 1, CI_NODE_TOTAL=4", "CI_NODE_INDEX is \" 1\", not a number"),
        ("auto", "CI_NODE_INDEX=-1, CI_NODE_TOTAL=4", "CI_NODE_INDEX is \"-1\", not a number"),
        ("auto", "CI_NODE_INDEX=1/1, CI_NODE_TOTAL=4", "CI_NODE_INDEX is \"1/1\", not a number"),
        ("auto", "CI_NODE_INDEX=٣, CI_NODE_TOTAL=4", "CI_NODE_INDEX is \"٣\", not a number"),
        ("auto", "CI_NODE_INDEX=1, CI_NODE_TOTAL=99999999999999999999", "CI_NODE_TOTAL is \"99999999999999999999\", not a number"),
        ("auto", "CI_NODE_INDEX=broken, CI_NODE_TOTAL=1", "CI_NODE_INDEX is not valid UTF-8"),
        // two at once, whatever they say
        ("auto", "CI_NODE_TOTAL=1, CIRCLE_NODE_INDEX=0, CIRCLE_NODE_TOTAL=2", "CI_NODE_TOTAL of GitLab and CIRCLE_NODE_INDEX of CircleCI are both set"),
        ("auto/2", "JOB_COMPLETION_INDEX=0, CI_NODE_INDEX=1, CI_NODE_TOTAL=2", "CI_NODE_INDEX of GitLab and JOB_COMPLETION_INDEX of Kubernetes are both set"),
        ("auto", "SEMAPHORE_JOB_INDEX=1, SEMAPHORE_JOB_COUNT=2, SLURM_ARRAY_TASK_STEP=", "SEMAPHORE_JOB_INDEX of Semaphore and SLURM_ARRAY_TASK_STEP of Slurm are both set"),
    ];

    #[test]
    fn every_engine_is_read_and_half_of_one_is_not() {
        for (text, set, wanted) in GOOD {
            assert_eq!(read(text, set), Ok(*wanted), "{text} {set}");
        }
        for (text, set, wanted) in BAD {
            assert_eq!(read(text, set), Err((*wanted).to_owned()), "{text} {set}");
        }
    }

    /// Whatever the engine, its agents do everything once.
    #[test]
    fn the_agents_of_an_engine_make_a_whole() {
        for engine in &ENGINES {
            let total = engine
                .total
                .map_or(String::new(), |name| format!(", {name}=5"));
            let (indices, more): (Vec<usize>, _) = match engine.first {
                First::At(first) => ((first..first + 5).collect(), String::new()),
                First::In(first, step) => (
                    (30..45).step_by(3).collect(),
                    format!(", {first}=30, {step}=3"),
                ),
            };
            let parts: BTreeSet<_> = indices
                .iter()
                .map(|index| read("auto/5", &format!("{}={index}{total}{more}", engine.index)))
                .map(|part| part.expect("it is complete").expect("a part"))
                .collect();
            let wanted: BTreeSet<Part> = (1..=5).map(|part| (part, 5)).collect();
            assert_eq!(parts, wanted, "{}", engine.name);
        }
    }
}
