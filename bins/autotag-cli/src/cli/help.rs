//! The help texts: groups of commands, examples and the page that tells more, for the command line that clap derives.

use super::Cli;
#[cfg(any(feature = "manual", test))]
use super::pages::Example;
use super::pages::{ENDING, GROUPS, PAGES, Page};
use clap::builder::{StyledStr, Styles};
use clap::{Command, CommandFactory as _};
use std::fmt::Write as _;

/// The command line with all of its help.
pub(crate) fn command_line() -> Command {
    let command = with_pages(Cli::command(), "");
    let template = top_template(&command);
    command.help_template(template).after_help(ENDING)
}

/// The command line that shells complete: clap leaves out what is hidden in help, and `clap_complete` does not.
#[cfg(any(feature = "manual", test))]
pub(crate) fn completed() -> Command {
    shown(&Cli::command(), "autotag", "").version(autotag_model::VERSION)
}

/// A command without the commands and options that are hidden. The names of commands are those of their pages.
#[cfg(any(feature = "manual", test))]
fn shown(command: &Command, name: &'static str, path: &str) -> Command {
    let below = command.get_subcommands().filter(|below| !below.is_hide_set()).filter_map(|below| {
        let path = path_of(path, below.get_name());
        let page = PAGES.iter().find(|page| page.command == path)?;
        let name = page.command.rsplit(' ').next()?;
        Some(shown(below, name, &path))
    });
    let args = command.get_arguments().filter(|arg| !arg.is_hide_set()).cloned();
    let about = command.get_about().cloned().unwrap_or_default();
    Command::new(name).about(about).args(args).subcommands(below)
}

/// The name of a command with those of the commands above it.
fn path_of(above: &str, name: &str) -> String {
    if above.is_empty() { name.to_owned() } else { format!("{above} {name}") }
}

/// The groups of commands that this build has: a heading, and the commands.
pub(crate) fn groups(top: &Command) -> Vec<(&'static str, Vec<&Command>)> {
    let named =
        |names: &[&str]| names.iter().filter_map(|name| top.find_subcommand(name)).collect::<Vec<_>>();
    let groups = GROUPS.iter().map(|(heading, names)| (*heading, named(names)));
    groups.filter(|(_, commands)| !commands.is_empty()).collect()
}

/// The examples of a command, and the page that tells more. `path` is its name with those of the commands above it.
#[cfg(any(feature = "manual", test))]
pub(crate) fn page_of(path: &str) -> Option<(&'static [Example], &'static str)> {
    PAGES.iter().find(|page| page.command == path).map(|page| (page.examples, page.more))
}

/// The text of a command without what follows its first sentence.
pub(crate) fn in_short(command: &Command) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    about.split_once(". ").map_or(about.as_str(), |(first, _)| first).to_owned()
}

/// Adds the examples to the command and to all below it.
fn with_pages(command: Command, path: &str) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let command = names.into_iter().fold(command, |command, name| {
        let path = path_of(path, &name);
        command.mut_subcommand(name, |below| with_pages(below, &path))
    });
    let Some(page) = PAGES.iter().find(|page| page.command == path) else { return command };
    let short = command.get_after_help().cloned().unwrap_or_default();
    command.after_long_help(ending(page, &short))
}

/// The end of the long help of a command.
fn ending(page: &Page, before: &StyledStr) -> StyledStr {
    let styles = Styles::styled();
    let header = styles.get_header();
    let mut text = before.ansi().to_string();
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    // A text takes what is written into it.
    let _ = writeln!(text, "{header}Examples:{header:#}");
    for (what, example) in page.examples {
        let _ = writeln!(text, "  {what}:");
        for line in example.lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
    let _ = write!(text, "\n{header}More:{header:#} {}", page.more);
    text.into()
}

/// The top help. Clap has one list of commands; this has one for each group.
fn top_template(top: &Command) -> StyledStr {
    let styles = Styles::styled();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let groups = groups(top);
    let names = groups.iter().flat_map(|(_, commands)| commands).map(|command| command.get_name().len());
    let width = names.max().unwrap_or_default();
    let mut text = "{about-with-newline}\n{usage-heading} {usage}\n".to_owned();
    for (heading, commands) in groups {
        let _ = writeln!(text, "\n{header}{heading}:{header:#}");
        for command in commands {
            let (name, what) = (command.get_name(), in_short(command));
            let _ = writeln!(text, "  {literal}{name}{literal:#}{:1$}  {what}", "", width - name.len());
        }
    }
    let _ = write!(text, "\n{header}Options:{header:#}\n{{options}}{{after-help}}");
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Every command that people see, with its path.
    fn every(command: &Command, path: &str, all: &mut Vec<(String, Command)>) {
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            let path = path_of(path, below.get_name());
            every(below, &path, all);
            all.push((path, below.clone()));
        }
    }

    fn all() -> Vec<(String, Command)> {
        let mut all = Vec::new();
        every(&command_line(), "", &mut all);
        all
    }

    #[test]
    fn every_command_is_in_one_group() {
        let mut top = command_line();
        top.build();
        let grouped: Vec<&str> = groups(&top)
            .iter()
            .flat_map(|(_, commands)| commands.iter().map(|command| command.get_name()))
            .collect();
        let shown = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
        for command in top.get_subcommands().filter(shown) {
            let count = grouped.iter().filter(|name| **name == command.get_name()).count();
            assert_eq!(count, 1, "`{}` is in {count} groups of cli/pages.rs", command.get_name());
        }
        let help = command_line().render_help().to_string();
        for name in grouped {
            assert!(help.contains(&format!("\n  {name} ")), "`{name}` is not in the top help:\n{help}");
        }
    }

    #[test]
    fn shells_complete_what_is_shown_and_nothing_hidden() {
        let mut completed_commands = Vec::new();
        every(&completed(), "", &mut completed_commands);
        let paths = |commands: &[(String, Command)]| -> Vec<String> {
            commands.iter().map(|(path, _)| path.clone()).collect()
        };
        assert_eq!(paths(&completed_commands), paths(&all()));
        for (path, command) in completed_commands {
            let hidden: Vec<_> = command.get_arguments().filter(|arg| arg.is_hide_set()).collect();
            assert!(hidden.is_empty(), "{path}: {hidden:?}");
        }
        completed().debug_assert();
    }

    #[test]
    fn the_list_of_commands_fits_into_eighty_columns() {
        for line in command_line().render_help().to_string().split("Options").next().unwrap().lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn every_command_has_examples_and_a_page_that_exists() {
        for (path, mut command) in all() {
            let (examples, more) =
                page_of(&path).unwrap_or_else(|| panic!("`{path}` has no page in cli/pages.rs"));
            assert!(!examples.is_empty(), "{path}");
            let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(more);
            assert!(page.is_file(), "`{path}` points to {more}, which does not exist");
            let help = command.render_long_help().to_string();
            assert!(help.contains(more) && help.contains("Examples:"), "{path}: {help}");
            assert!(!command.render_help().to_string().contains("Examples:"), "-h of `{path}` is not short");
        }
    }

    #[test]
    fn a_command_with_a_page_of_its_own_points_to_it() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        for page in PAGES.iter().filter(|page| docs.join(format!("{}.md", page.command)).is_file()) {
            assert_eq!(page.more, format!("docs/{}.md", page.command), "`{}`", page.command);
        }
    }

    #[cfg(feature = "aws")]
    #[test]
    fn every_option_for_regions_refuses_a_mistyped_one() {
        let takes_regions = |arg: &&clap::Arg| {
            arg.get_value_names().unwrap_or_default().iter().any(|name| name == "REGION" || name == "REGIONS")
        };
        let mut count = 0;
        for (path, command) in all() {
            for option in command.get_arguments().filter(takes_regions).filter_map(clap::Arg::get_long) {
                let refused = |value: &str| {
                    let args = format!("autotag {path} --{option} {value}");
                    let parsed = command_line().try_get_matches_from(args.split(' '));
                    parsed.err().map(|error| error.to_string()).unwrap_or_default()
                };
                let mistyped = refused("eu-west1");
                assert!(mistyped.contains("did you mean `eu-west-1`?"), "{path} --{option}: {mistyped}");
                let new = refused("xx-nowhere-17");
                assert!(!new.contains("expected a region"), "{path} --{option}: {new}");
                count += 1;
            }
        }
        assert!(count >= 15, "{count}");
    }

    /// Examples have options that a build without AWS lacks.
    #[cfg(feature = "aws")]
    #[test]
    fn examples_are_commands_that_the_program_takes() {
        let known: Vec<String> = all().into_iter().map(|(path, _)| path).collect();
        for page in PAGES.iter().filter(|page| known.iter().any(|path| path == page.command)) {
            for line in page.examples.iter().flat_map(|(_, example)| example.lines()) {
                let parsed = command_line().try_get_matches_from(line.split(' '));
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            }
        }
    }

    #[test]
    fn pages_are_of_commands() {
        if !cfg!(all(feature = "aws", feature = "manual")) {
            return;
        }
        let known: Vec<String> = all().into_iter().map(|(path, _)| path).collect();
        for page in PAGES {
            assert!(
                known.iter().any(|path| path == page.command),
                "`{}` is in cli/pages.rs and is not a command",
                page.command
            );
        }
    }
}
