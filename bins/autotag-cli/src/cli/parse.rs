//! Reads the command line.

use super::files::conflict;
use super::lists::blank_in_list;
use super::{Cli, help};
use clap::builder::{PossibleValue, StyledStr};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, ColorChoice, Command, FromArgMatches as _, ValueEnum as _, parser::ValueSource};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Endings of files that are formats of some command.
const ENDINGS: [&str; 11] =
    ["csv", "html", "json", "jsonl", "md", "ndjson", "parquet", "txt", "xlsx", "yaml", "yml"];

/// Filters of `plan` that `report` does not have.
const FILTERS: [&str; 6] = ["--owner", "--account", "--service", "--type", "--region", "--proof"];

/// Commands that only builds with a default feature have, and the feature.
const COMMANDS_OF_FEATURES: [(&str, &str); 10] = [
    ("apply", "aws"),
    ("completions", "manual"),
    ("deploy", "aws"),
    ("doctor", "aws"),
    ("generate", "aws"),
    ("guard", "aws"),
    ("man", "manual"),
    ("reconcile", "aws"),
    ("redrive", "aws"),
    ("reference", "manual"),
];

/// The command line. The ending of the file of `--output` counts as `--format`, unless there is one.
///
/// # Errors
/// What [`Command::try_get_matches_from`] says: also that help or the version is to be printed.
pub(crate) fn parse(mut args: Vec<OsString>) -> Result<Cli, clap::Error> {
    let color = color(&args);
    color_of_output(color).write_global();
    let mut command = help::command_line().color(color);
    let parsed = command.try_get_matches_from_mut(&args);
    if let Some(error) = blank_in_list(&command, &args, parsed.as_ref().err()) {
        return Err(error);
    }
    let mut matches = parsed.map_err(|error| with_tip(missing_command(error), &args))?;
    if let Some(format) = format_of_output(&mut command, &matches)? {
        let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
        args.insert(end, format!("--format={format}").into());
        matches = command.try_get_matches_from_mut(&args)?;
    }
    if let Some(why) = conflict(&called(&command, &matches)) {
        return Err(command.error(ErrorKind::ArgumentConflict, why));
    }
    Cli::from_arg_matches(&matches)
}

/// If this build lacks the command, the error says how to build it.
fn missing_command(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(wrong)) = error.get(ContextKind::InvalidSubcommand) else { return error };
    let known = COMMANDS_OF_FEATURES.iter().find(|(name, _)| name == wrong);
    let Some((name, feature)) = known else { return error };
    let tip = format!(
        "this program was built without '{feature}', which has '{name}': run 'cargo build -p autotag-cli'"
    );
    error.remove(ContextKind::SuggestedSubcommand);
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    error
}

/// An error of `report` about a path without its option, or about a filter that it does not have, with a tip.
fn with_tip(mut error: clap::Error, args: &[OsString]) -> clap::Error {
    let is_report = args.iter().any(|arg| arg == "report");
    let Some(ContextValue::String(wrong)) = error.get(ContextKind::InvalidArg) else { return error };
    if !is_report || error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let tip = if !wrong.starts_with('-') {
        format!("to read a trail, write '--trail {wrong}'")
    } else if FILTERS.contains(&wrong.as_str()) {
        format!("a report has no filters: search its page, or use 'autotag plan TRAIL {wrong} ...'")
    } else {
        return error;
    };
    error.remove(ContextKind::SuggestedArg);
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    error
}

/// The choice of `--color`, before anything is parsed: help and errors have colours, too.
fn color(args: &[OsString]) -> ColorChoice {
    let args: Vec<&str> = args.iter().take_while(|arg| *arg != "--").filter_map(|arg| arg.to_str()).collect();
    let after = args.windows(2).filter_map(|pair| match pair {
        ["--color", value] => Some(*value),
        _ => None,
    });
    let within = args.iter().filter_map(|arg| arg.strip_prefix("--color="));
    let value = after.chain(within).next_back();
    value.and_then(|value| ColorChoice::from_str(value, false).ok()).unwrap_or_default()
}

fn color_of_output(choice: ColorChoice) -> anstream::ColorChoice {
    match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    }
}

/// The format that the ending of the file of `--output` names, if the command has formats and the user chose none.
fn format_of_output(top: &mut Command, matches: &ArgMatches) -> Result<Option<String>, clap::Error> {
    let (command, matches) = innermost(top, matches);
    let is_chosen = |matches: &ArgMatches| matches.value_source("format") == Some(ValueSource::CommandLine);
    let Some(format) = command.get_arguments().find(|arg| arg.get_id() == "format") else {
        return Ok(None);
    };
    if is_chosen(matches) {
        return Ok(None);
    }
    let Some(path) = matches.get_one::<PathBuf>("output") else { return Ok(None) };
    let Some(ending) = ending(path) else { return Ok(None) };
    let name = match ending.as_str() {
        "md" => "markdown",
        "ndjson" => "jsonl",
        "txt" => "text",
        other => other,
    };
    if let Some(value) = format.get_possible_values().iter().find(|value| value.matches(name, true)) {
        return Ok(Some(value.get_name().to_owned()));
    }
    if !ENDINGS.contains(&ending.as_str()) {
        return Ok(None);
    }
    let message = format!(
        "--output: this command has no format for files that end in .{ending}; name another file, or choose one of its formats \
         with --format: {}",
        names(format)
    );
    Err(top.error(ErrorKind::InvalidValue, message))
}

/// The command that was called, with its arguments.
fn innermost<'c>(command: &'c Command, matches: &'c ArgMatches) -> (&'c Command, &'c ArgMatches) {
    called(command, matches).pop().unwrap_or((command, matches))
}

/// The command that was called, after those above it, each with its arguments.
fn called<'c>(command: &'c Command, matches: &'c ArgMatches) -> Vec<(&'c Command, &'c ArgMatches)> {
    let mut called = vec![(command, matches)];
    while let Some(&(command, matches)) = called.last()
        && let Some((name, matches)) = matches.subcommand()
        && let Some(command) = command.find_subcommand(name)
    {
        called.push((command, matches));
    }
    called
}

fn ending(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_lowercase())
}

fn names(format: &Arg) -> String {
    let values = format.get_possible_values();
    values.iter().map(PossibleValue::get_name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Command, Format, ReportFormat, TextFormat};

    fn parsed(args: &[&str]) -> Result<Cli, clap::Error> {
        parse(["autotag"].iter().chain(args).map(OsString::from).collect())
    }

    fn format_of_plan(args: &[&str]) -> Option<Format> {
        let Command::Plan(plan) = parsed(args).unwrap().command else { panic!() };
        plan.plan.format
    }

    #[test]
    fn the_ending_of_the_file_is_the_format_unless_one_is_chosen() {
        for (file, format) in [
            ("plan.csv", Some(Format::Csv)),
            ("PLAN.CSV", Some(Format::Csv)),
            ("plan.jsonl", Some(Format::Jsonl)),
            ("plan.ndjson", Some(Format::Jsonl)),
            ("plan.json", Some(Format::Jsonl)),
            ("plan.txt", Some(Format::Table)),
            ("plan", None),
            ("plan.2026-03-02", None),
        ] {
            assert_eq!(format_of_plan(&["plan", "trail", "-o", file]), format, "{file}");
            assert_eq!(format_of_plan(&["-o", file, "plan", "trail"]), format, "{file} before the command");
            assert_eq!(format_of_plan(&["plan", "-o", file, "--", "trail"]), format, "{file} before `--`");
        }
        let chosen = ["plan", "trail", "--format", "csv", "-o", "plan.jsonl"];
        assert_eq!(format_of_plan(&chosen), Some(Format::Csv));
    }

    #[test]
    fn a_file_of_another_format_is_an_error_that_names_the_formats() {
        let error = parsed(&["plan", "trail", "-o", "plan.xlsx"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let said = error.to_string();
        assert!(said.contains("--output") && said.contains(".xlsx") && said.contains("csv"), "{said}");
    }

    #[test]
    fn a_path_without_its_option_is_explained() {
        let said = parsed(&["report", "trail/"]).unwrap_err().to_string();
        assert!(said.contains("to read a trail, write '--trail trail/'"), "{said}");
        let said = parsed(&["report", "--trail", "trail/", "--owner", "victor"]).unwrap_err().to_string();
        assert!(said.contains("a report has no filters") && !said.contains("similar argument"), "{said}");
    }

    #[test]
    fn a_command_without_formats_takes_any_file_and_others_take_those_of_their_formats() {
        assert!(parsed(&["schema", "row", "-o", "row.yaml"]).is_ok());
        let Command::Explain(explain) = parsed(&["explain", "trail", "-o", "e.jsonl"]).unwrap().command
        else {
            panic!()
        };
        assert_eq!(explain.format, TextFormat::Jsonl);
        assert!(parsed(&["explain", "trail", "-o", "e.txt"]).is_ok());
        let said = parsed(&["explain", "trail", "-o", "e.csv"]).unwrap_err().to_string();
        assert!(said.contains("no format for files that end in .csv") && said.contains("jsonl"), "{said}");
        assert!(parsed(&["init", "-o", "said.html"]).is_ok());
    }

    #[test]
    fn a_report_has_the_formats_of_its_own() {
        let report = parsed(&["report", "--inventory", "a.csv", "-o", "a.html"]).unwrap();
        let Command::Report(report) = report.command else { panic!() };
        assert_eq!(report.format, Some(ReportFormat::Html));
    }

    #[test]
    fn colours_are_chosen_before_the_rest_is_read() {
        let of = |args: &[&str]| color(&args.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(of(&["autotag", "plan", "--color", "never"]), ColorChoice::Never);
        assert_eq!(of(&["autotag", "--color=always", "nonsense"]), ColorChoice::Always);
        assert_eq!(of(&["autotag", "plan", "--", "--color=always"]), ColorChoice::Auto);
        assert_eq!(of(&["autotag", "--color", "sometimes"]), ColorChoice::Auto);
    }

    #[test]
    fn a_command_that_the_build_lacks_says_how_to_build_it() {
        for (name, feature) in COMMANDS_OF_FEATURES {
            if help::command_line().find_subcommand(name).is_none() {
                let said = parsed(&[name]).unwrap_err().to_string();
                assert!(said.contains(&format!("built without '{feature}'")), "{said}");
                assert!(!said.contains("similar"), "{said}");
            }
        }
        let here = |feature| {
            (feature == "aws" && cfg!(feature = "aws")) || (feature == "manual" && cfg!(feature = "manual"))
        };
        let exists = |name| help::command_line().find_subcommand(name).is_some();
        assert!(COMMANDS_OF_FEATURES.iter().all(|(name, feature)| exists(name) == here(*feature)));
    }
}
