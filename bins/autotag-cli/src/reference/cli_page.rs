//! `docs/cli.md`: every command with its options and examples.

use crate::cli::{command_line, groups, in_short, page_of};
use clap::{Arg, Command};
use std::fmt::Write as _;

const BEGIN: &str = "\
# Command line

<!-- `autotag reference` writes this page from the help texts of the program. A test says when it is out of date. -->

This page has every command and option of `autotag`. The same texts are in the help of each command (`autotag plan --help`) and in
the man pages of a release. [Output](output.md) describes the rows and summaries that the commands print.

`autotag completions SHELL` prints completions for `bash`, `elvish`, `fish`, `powershell` and `zsh`:

```sh
autotag completions bash -o ~/.local/share/bash-completion/completions/autotag
```
";

const COMMON: &str = "\
`--output` writes to a temporary file beside FILE and renames it at the end. If the command fails, an older FILE stays as it was.
`--quiet` hides what is on the standard error, except errors. A command that could not do everything then says so in one line, with the
number of parts of the input that it could not read.

The environment counts where no option says otherwise: `NO_COLOR` switches colours off, and `CLICOLOR_FORCE` switches them on where the
output is not a terminal. `COLUMNS` is the width of tables if the terminal does not know it. Credentials and region are those of
the tools of AWS (`AWS_PROFILE`, `AWS_REGION`, ...).
";

/// The page.
pub(super) fn page() -> String {
    let mut top = command_line();
    top.build();
    let mut text = BEGIN.to_owned();
    for (heading, commands) in groups(&top) {
        let _ = write!(text, "\n## {heading}\n\n| Command | What it does |\n|---|---|\n");
        for command in commands {
            let (name, what) = (command.get_name(), cell(&in_short(command)));
            let _ = writeln!(text, "| [`{name}`](#autotag-{name}) | {what} |");
        }
    }
    let _ =
        write!(text, "\n## Options of all commands\n\n{}\n{COMMON}", options(&top, clap::Arg::is_global_set));
    for (_, commands) in groups(&top) {
        for command in commands {
            section(&mut text, command, command.get_name());
        }
    }
    text
}

/// A command, and the commands below it.
fn section(text: &mut String, command: &Command, path: &str) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let _ = write!(
        text,
        "\n## autotag {path}\n\n{}.\n\n```text\n{usage}\n```\n",
        escaped(about.trim_end_matches('.'))
    );
    let own = options(command, |arg| !is_common(arg));
    if !own.is_empty() {
        let _ = write!(text, "\n{own}");
    }
    if let Some((examples, more)) = page_of(path) {
        text.push_str("\n```sh\n");
        for (what, example) in examples {
            let _ = writeln!(text, "# {what}");
            for line in example.lines() {
                let _ = writeln!(text, "{line}");
            }
        }
        let name = more.trim_start_matches("docs/");
        if name == "cli.md" {
            text.push_str("```\n");
        } else {
            let _ = writeln!(text, "```\n\nMore: [{more}]({name})");
        }
    }
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
    {
        section(text, below, &format!("{path} {}", below.get_name()));
    }
}

/// True if every command has the option.
fn is_common(arg: &Arg) -> bool {
    ["color", "help", "output", "quiet", "version"].iter().any(|name| arg.get_id() == *name)
}

/// A table of the arguments and options that are wanted; empty if there are none.
fn options(command: &Command, is_wanted: impl Fn(&Arg) -> bool) -> String {
    let mut table = String::new();
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set() && is_wanted(arg));
    for arg in shown {
        if table.is_empty() {
            table.push_str("| Option | What it does |\n|---|---|\n");
        }
        let _ = writeln!(table, "| {} | {} |", label(arg), meaning(arg));
    }
    table
}

/// The argument as people write it.
fn label(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let value = names.first().map(ToString::to_string).filter(|_| arg.get_action().takes_values());
    let value = value.unwrap_or_default();
    let Some(long) = arg.get_long() else { return format!("`{value}`") };
    let short = arg.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let space = if value.is_empty() { "" } else { " " };
    format!("{short}`--{long}{space}{value}`")
}

/// The purpose of the argument, with its values and its default.
fn meaning(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let (text, mut default) = match help.split_once(" [default: ") {
        Some((text, default)) => (text.to_owned(), Some(cell(default.trim_end_matches(']')))),
        None => (help, None),
    };
    let defaults = arg.get_default_values().iter().filter_map(|value| value.to_str());
    let defaults: Vec<String> = defaults.map(|value| format!("`{value}`")).collect();
    if default.is_none() && arg.get_action().takes_values() && !defaults.is_empty() {
        default = Some(defaults.join(", "));
    }
    let mut text = format!("{}.", cell(text.trim_end_matches('.')));
    let values: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set() && arg.get_action().takes_values())
        .map(|value| {
            let about =
                value.get_help().map(|help| format!(": {}", cell(&help.to_string()))).unwrap_or_default();
            format!("`{}`{about}", value.get_name())
        })
        .collect();
    if !values.is_empty() {
        let _ = write!(text, "<br>{}", values.join("<br>"));
    }
    if let Some(default) = default {
        let _ = write!(text, "<br>Default: {default}");
    }
    text
}

/// A text that fits into a table.
fn cell(text: &str) -> String {
    escaped(text).replace('|', "\\|")
}

/// A text without marks of Markdown, except within backticks.
fn escaped(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(at, part)| {
        if at % 2 == 1 { part.to_owned() } else { part.replace('*', "\\*").replace('<', "&lt;") }
    });
    parts.collect::<Vec<_>>().join("`")
}
