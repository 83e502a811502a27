//! The completion scripts: the tables of the command line as bash, zsh and fish read them. Pure, and no second
//! grammar: a script offers what the tables name, where the command line takes it, and nothing of its own.

use crate::cli::grammar::{self, Document, Flag, Form, GLOBAL, SHELLS, Value};
use crate::system;

/// A shell as the texts that a script is put together of. What stands in braces is filled in.
struct Shell {
    script: &'static str,
    /// Between the patterns of a case.
    or: &'static str,
    /// The words that may follow others: before them, each of them, behind them.
    words: [&'static str; 3],
    /// The same where a manifest follows.
    manifest: &'static str,
    /// The options that may follow: before them, what stands for the ones of all commands, behind them.
    options: [&'static str; 3],
    /// What `{when}` is: of the options behind certain words, and of those of all commands.
    when: [&'static str; 2],
    /// An option without a value, with a text, a file, a folder, one of some words.
    kinds: [&'static str; 5],
    /// Where the words that an option takes have a place of their own.
    choice: &'static str,
    /// What a backslash must stand before.
    special: &'static str,
}

/// Of the options of `GLOBAL`, the one that a manifest replaces.
const ADDRESS: &str = "--url";

/// The script for one of the shells that the verb names.
pub fn script(shell: &str) -> String {
    let shell = match shell {
        "bash" => &BASH,
        "zsh" => &ZSH,
        _ => &FISH,
    };
    let mut script = Script {
        shell,
        next: String::new(),
        options: String::new(),
        whole: String::new(),
    };
    let mut first = Vec::new();
    for system in system::ALL {
        first.push((system.name, system.title));
    }
    for verb in grammar::verbs_without_system() {
        first.push((verb.name, verb.about));
    }
    script.words("", &first);
    script.options("", &[], &["--help", "--version"], false);
    for system in system::ALL {
        let mut verbs = Vec::new();
        for verb in grammar::verbs_of(system) {
            verbs.push((verb.name, verb.about));
        }
        script.words(system.name, &verbs);
        script.options(system.name, &[], &["--help"], false);
        for verb in grammar::verbs_of(system) {
            let words = [system.name, verb.name].join(" ");
            script.options(&words, &verb.options(Some(system)), &[ADDRESS], true);
        }
    }
    for verb in grammar::verbs_without_system() {
        if verb.form.takes_manifest() {
            script.next += &fill(shell.manifest, &[("{at}", verb.name)]);
            script.options(verb.name, &verb.options(None), &[], true);
            continue;
        }
        if let Form::Alone(Document::Completions) = verb.form {
            script.words(verb.name, &SHELLS.map(|shell| (shell, verb.about)));
        }
        script.options(verb.name, &[], &["--help"], false);
    }
    script.text()
}

/// A script that is being made.
struct Script {
    shell: &'static Shell,
    next: String,
    options: String,
    /// The patterns of the commands that reach for accounts.
    whole: String,
}

impl Script {
    /// What may follow these words.
    fn words(&mut self, at: &str, words: &[(&str, &str)]) {
        let [before, each, behind] = self.shell.words;
        if words.is_empty() {
            return;
        }
        self.next += &fill(before, &[("{at}", at)]);
        for (word, about) in words {
            let about = self.about(about);
            let values = [("{at}", at), ("{word}", *word), ("{about}", &about)];
            self.next += &fill(each, &values);
        }
        close(&mut self.next, behind);
    }

    /// The options behind these words: its own, some of `GLOBAL`, and those of all commands where it is a
    /// whole one.
    fn options(&mut self, at: &str, own: &[Flag], some: &[&str], whole: bool) {
        let [before, common, behind] = self.shell.options;
        let star = if whole { "*" } else { "" };
        let at = [("{at}", at), ("{*}", star)];
        let when = fill(self.shell.when[0], &at);
        self.options += &fill(before, &at);
        for flag in own {
            self.options += &self.flag(&when, flag);
        }
        for flag in &GLOBAL {
            if some.contains(&flag.name) {
                self.options += &self.flag(&when, flag);
            }
        }
        if whole {
            self.options += common;
            self.whole += &fill(" '{at}*'", &at);
        }
        close(&mut self.options, behind);
    }

    /// An option, by its long name and by its short one.
    fn flag(&self, when: &str, flag: &Flag) -> String {
        let (kind, words) = match flag.value {
            Value::Switch => (0, String::new()),
            Value::Text(_) => (1, String::new()),
            Value::File(_) => (2, String::new()),
            Value::Folder(_) => (3, String::new()),
            Value::Words(_, words) => (4, words.join(" ")),
        };
        let about = self.about(flag.about);
        let short = flag.short.unwrap_or_default();
        let mut text = String::new();
        for name in [flag.name, short] {
            let (dashes, letters) = match name.strip_prefix("--") {
                Some(letters) => ("-l", letters),
                None => ("-s", name.trim_start_matches('-')),
            };
            // Of two names one is enough.
            let other = if short.is_empty() {
                ""
            } else {
                "({-q} {--quiet})"
            };
            if !name.is_empty() {
                let values = [
                    ("{when}", when),
                    ("{other}", other),
                    ("{-q}", short),
                    ("{--quiet}", flag.name),
                    ("{name}", name),
                    ("{dashes}", dashes),
                    ("{letters}", letters),
                    ("{value}", flag.value.name().unwrap_or_default()),
                    ("{words}", &words),
                    ("{about}", &about),
                ];
                text += &fill(self.shell.kinds[kind], &values);
            }
        }
        text
    }

    /// What is said about a word, as it may stand between single quotes.
    fn about(&self, about: &str) -> String {
        let mut text = String::new();
        for c in about.chars() {
            if c == '\'' {
                text += "'\\'";
            } else if self.shell.special.contains(c) {
                text.push('\\');
            }
            text.push(c);
        }
        text
    }

    fn text(&self) -> String {
        let shell = self.shell;
        let (mut valued, mut files, mut folders) = (Vec::new(), Vec::new(), Vec::new());
        let (mut choices, mut common) = (String::new(), String::new());
        for flag in grammar::flags() {
            match flag.value {
                Value::Switch => continue,
                Value::Text(_) => {}
                Value::File(_) => files.push(flag.name),
                Value::Folder(_) => folders.push(flag.name),
                Value::Words(_, words) => {
                    let values = [("{name}", flag.name), ("{words}", &words.join(" "))];
                    choices += &fill(shell.choice, &values);
                }
            }
            valued.push(flag.name);
        }
        for flag in &GLOBAL {
            if flag.name != ADDRESS {
                common += &self.flag(shell.when[1], flag);
            }
        }
        fill(
            shell.script,
            &[
                ("{valued}", &valued.join(shell.or)),
                ("{files}", &files.join(shell.or)),
                ("{folders}", &folders.join(shell.or)),
                ("{choices}", &choices),
                ("{common}", common.trim_end()),
                ("{next}", &self.next),
                ("{options}", &self.options),
                ("{whole}", &self.whole),
            ],
        )
    }
}

fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (name, value) in values {
        text = text.replace(name, value);
    }
    text
}

/// The end of a list, without what separates its members.
fn close(text: &mut String, behind: &str) {
    text.truncate(text.trim_end().len());
    *text += behind;
}

static BASH: Shell = Shell {
    script: r#"# Completion of avatarctl for bash, from 4.2 on; made by: avatarctl completions bash

_avatarctl() {
    # bash cuts words at = : and @; here they are whole again, up to the one at the cursor.
    local piece last='' line=() IFS=$' \t\n'
    for piece in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        if [[ ${#line[@]} -gt 0 && ($piece == [=:@]* || $last == *[=:@]) ]]; then
            line[${#line[@]} - 1]+=$piece
        else
            line+=("$piece")
        fi
        last=$piece
    done

    # The words before the cursor without the options and their values, and the option that waits for its value.
    local word words=() expects=''
    for word in "${line[@]:0:${#line[@]} - 1}"; do
        if [[ $expects ]]; then
            expects=''
            continue
        fi
        case $word in
            {valued}) expects=$word ;;
            -*) ;;
            *) words+=("$word") ;;
        esac
    done
    word=${line[${#line[@]} - 1]}
    if [[ -z $expects && $word == --*=* ]]; then
        expects=${word%%=*}
    fi

    local current=$2 before='' offered='' file=''
    if [[ $expects ]]; then
        # Where = does not cut words, the option is replaced together with its value.
        if [[ $current == "$expects="* ]]; then
            before=$expects=
            current=${current#"$before"}
        fi
        case $expects in
            {files}) file=-f ;;
            {folders}) file=-d ;;
{choices}        esac
    else
        case "${words[*]}" in
{next}        esac
        # Options where one was begun, and where nothing else can stand.
        if [[ $current == -* || -z $offered$file ]]; then
            file=''
            local common="{common}"
            case "${words[*]}" in
{options}            esac
        fi
    fi

    if [[ $file ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen "$file" -P "$before" -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -W "$offered" -P "$before" -- "$current")
    fi
}

complete -F _avatarctl avatarctl
"#,
    or: " | ",
    words: ["            '{at}') offered='", "{word} ", "' ;;\n"],
    manifest: "            '{at}') file=-f ;;\n",
    options: [
        "                '{at}'{*}) offered=\"",
        "$common",
        "\" ;;\n",
    ],
    when: ["", ""],
    kinds: ["{name} "; 5],
    choice: "            {name}) offered='{words}' ;;\n",
    special: "",
};

static ZSH: Shell = Shell {
    script: r#"#compdef avatarctl
# Completion of avatarctl for zsh; made by: avatarctl completions zsh

_avatarctl() {
    # The words before the cursor without the options and their values.
    local -a before
    local -i at
    for (( at = 2; at < CURRENT; at++ )); do
        case $words[at] in
            ({valued}) (( at++ )) ;;
            (-*) ;;
            (*) before+=("$words[at]") ;;
        esac
    done

    # A word may stand anywhere, or _arguments would look for no options behind it.
    local -a offered arguments common
    arguments=('*: : ')
    case "$before" in
{next}    esac
    if (( $#offered )); then
        arguments=('*: :{ _describe "command" offered }')
    fi

    common=(
{common}
    )
    case "$before" in
{options}    esac
    _arguments -S : $arguments
}

# As a file of fpath it is called to complete; where it was sourced, it is registered.
if [[ $funcstack[1] == _avatarctl ]]; then
    _avatarctl "$@"
else
    compdef _avatarctl avatarctl
fi
"#,
    or: "|",
    words: [
        "        ('{at}')\n            offered=(\n",
        "                '{word}:{about}'\n",
        "\n            )\n            ;;\n",
    ],
    manifest: "        ('{at}') arguments=('*:manifest:_files') ;;\n",
    options: [
        "        ('{at}'{*})\n            arguments+=(\n",
        "                $common\n",
        "\n            )\n            ;;\n",
    ],
    when: ["                ", "        "],
    kinds: [
        "{when}'{other}{name}[{about}]'\n",
        "{when}'{other}{name}=[{about}]:{value}: '\n",
        "{when}'{other}{name}=[{about}]:{value}:_files'\n",
        "{when}'{other}{name}=[{about}]:{value}:_files -/'\n",
        "{when}'{other}{name}=[{about}]:{value}:({words})'\n",
    ],
    choice: "",
    special: "[]:",
};

static FISH: Shell = Shell {
    script: r#"# Completion of avatarctl for fish; made by: avatarctl completions fish

# Whether the words before the cursor, without the options and their values, are like one of these.
function __avatarctl_at
    set -l before
    set -l value
    set -l line (commandline -opc)
    set -e line[1]
    for word in $line
        if test -n "$value"
            set value ''
            continue
        end
        switch $word
            case {valued}
                set value behind
            case '-*'
            case '*'
                set -a before $word
        end
    end
    for words in $argv
        if string match -q -- $words "$before"
            return 0
        end
    end
    return 1
end

complete -c avatarctl -f
{next}
{options}
# Options of every command that reaches for accounts.
set -l common "__avatarctl_at{whole}"
{common}
"#,
    or: " ",
    words: [
        "",
        "complete -c avatarctl -n \"__avatarctl_at '{at}'\" -a {word} -d '{about}'\n",
        "\n",
    ],
    manifest: "complete -c avatarctl -n \"__avatarctl_at '{at}'\" -F\n",
    options: ["", "", "\n\n"],
    when: ["\"__avatarctl_at '{at}{*}'\"", "$common"],
    kinds: [
        "complete -c avatarctl -n {when} {dashes} {letters} -d '{about}'\n",
        "complete -c avatarctl -n {when} {dashes} {letters} -x -d '{about}'\n",
        "complete -c avatarctl -n {when} {dashes} {letters} -r -F -d '{about}'\n",
        "complete -c avatarctl -n {when} {dashes} {letters} -x -a '(__fish_complete_directories)' -d '{about}'\n",
        "complete -c avatarctl -n {when} {dashes} {letters} -x -a '{words}' -d '{about}'\n",
    ],
    choice: "",
    special: "",
};
