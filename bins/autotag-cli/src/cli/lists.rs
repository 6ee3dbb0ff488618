//! Options that take a list. Its values have commas between them: a blank ends it, and the next text means something else.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, ValueHint};
use std::ffi::OsString;
use std::path::Path;

/// An error that shows the commas, if the command line has blanks in a list: `--regions eu-west-1 us-east-1`. `error` is that of the
/// parser. Without one, the rest of the list was taken for files or resources.
pub(super) fn blank_in_list(
    top: &Command,
    args: &[OsString],
    error: Option<&clap::Error>,
) -> Option<clap::Error> {
    let args: Vec<&str> = args.iter().take_while(|arg| *arg != "--").filter_map(|arg| arg.to_str()).collect();
    let (command, path) = innermost(top, args.get(1..).unwrap_or_default());
    let positional = command.get_positionals().next();
    let is_path = positional.is_some_and(|arg| arg.get_value_hint() == ValueHint::AnyPath);
    let lists = lists(command, &args);
    let list = lists.iter().find(|list| list.is_cut_off(error, is_path) && list.is_accepted(top, &path))?;
    let List { option, first, .. } = list;
    let commas = format!("{option} {}", list.with_commas());
    let message = match error {
        None if is_path => {
            format!(
                "`{first}`: no such file or folder; if it is a value of {option}, write a comma: {commas}"
            )
        }
        _ => format!("{option} takes a list with commas and without blanks: {commas}"),
    };
    Some(command.clone().error(ErrorKind::ValueValidation, message))
}

/// The command that is called, and its name with those of the commands above it.
fn innermost<'c>(top: &'c Command, args: &[&str]) -> (&'c Command, Vec<&'c str>) {
    let (mut command, mut path) = (top, Vec::new());
    for arg in args {
        if let Some(below) = command.find_subcommand(arg) {
            command = below;
            path.push(below.get_name());
        }
    }
    (command, path)
}

/// An option for a list, and the texts after it.
struct List<'a> {
    /// `--regions`
    option: String,
    /// The text that the option has taken.
    taken: &'a str,
    /// The first text after it.
    first: &'a str,
    /// The texts after that.
    more: Vec<&'a str>,
}

/// The options for lists that have a text after them which is not an option.
fn lists<'a>(command: &Command, args: &[&'a str]) -> Vec<List<'a>> {
    let list = |(at, arg): (usize, &&'a str)| {
        let (name, value) = match arg.strip_prefix("--")?.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (arg.strip_prefix("--")?, None),
        };
        command.get_arguments().find(|arg| arg.get_long() == Some(name) && takes_list(arg))?;
        let is_text = |arg: &&&str| !arg.starts_with('-');
        let mut texts = args.iter().skip(at + 1).take_while(is_text).copied();
        let taken = value.or_else(|| texts.next())?;
        let first = texts.next()?;
        Some(List { option: format!("--{name}"), taken, first, more: texts.collect() })
    };
    args.iter().enumerate().filter_map(list).collect()
}

fn takes_list(arg: &Arg) -> bool {
    let is_of_accounts =
        || arg.get_value_names().is_some_and(|names| names.iter().any(|name| name == "ACCOUNTS"));
    arg.get_value_delimiter() == Some(',') || is_of_accounts()
}

impl List<'_> {
    /// True if the texts after the list may be its rest.
    fn is_cut_off(&self, error: Option<&clap::Error>, is_path: bool) -> bool {
        let Some(error) = error else { return !is_path || !is_input(self.first) };
        match error.kind() {
            ErrorKind::UnknownArgument => {
                matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(arg)) if arg == self.first)
            }
            // The value after the last comma is empty.
            ErrorKind::ValueValidation | ErrorKind::InvalidValue => self.taken.ends_with(','),
            ErrorKind::ArgumentConflict => true,
            _ => false,
        }
    }

    /// The whole list, with commas. Texts that name a file are not part of it.
    fn with_commas(&self) -> String {
        let more = self.more.iter().take_while(|text| !is_input(text));
        let texts = [self.taken, self.first].into_iter().chain(more.copied());
        let values = texts.flat_map(|text| text.split(',')).filter(|value| !value.is_empty());
        values.collect::<Vec<_>>().join(",")
    }

    /// True if the option takes the whole list.
    fn is_accepted(&self, top: &Command, path: &[&str]) -> bool {
        let option = format!("{}={}", self.option, self.with_commas());
        let args = ["autotag"].iter().chain(path).copied().chain([option.as_str()]);
        let parsed = top.clone().try_get_matches_from(args);
        let refused = [ErrorKind::ValueValidation, ErrorKind::InvalidValue];
        parsed.err().is_none_or(|error| !refused.contains(&error.kind()))
    }
}

/// True for a text that a command can read from.
fn is_input(text: &str) -> bool {
    text == "-" || text.starts_with("s3://") || Path::new(text).exists()
}

#[cfg(test)]
#[cfg(feature = "aws")]
mod tests {
    use crate::cli::parse;
    use std::ffi::OsString;

    fn refused(line: &str) -> Option<String> {
        let error = parse(line.split(' ').map(OsString::from).collect()).err()?;
        assert_eq!(error.exit_code(), 2, "{line}");
        Some(error.to_string())
    }

    #[test]
    fn a_list_with_blanks_is_shown_with_commas() {
        for (line, commas) in [
            ("autotag doctor --regions eu-west-1 us-east-1", "--regions eu-west-1,us-east-1"),
            (
                "autotag doctor --regions=eu-west-1 us-east-1 eu-west-2 --strict",
                "--regions eu-west-1,us-east-1,eu-west-2",
            ),
            ("autotag doctor --regions eu-west-1, us-east-1", "--regions eu-west-1,us-east-1"),
            ("autotag doctor --regions eu-west-1 , us-east-1", "--regions eu-west-1,us-east-1"),
            ("autotag doctor --accounts 111122223333 444455556666", "--accounts 111122223333,444455556666"),
            ("autotag deploy --regions eu-west-1 us-east-1 --plan", "--regions eu-west-1,us-east-1"),
            ("autotag deploy --services s3 ec2", "--services s3,ec2"),
            ("autotag generate --services s3 ec2", "--services s3,ec2"),
            ("autotag report --live --regions eu-west-1 us-east-1", "--regions eu-west-1,us-east-1"),
            ("autotag redrive --regions eu-west-1 us-east-1", "--regions eu-west-1,us-east-1"),
            ("autotag whois vol-1 --regions eu-west-1 us-east-1", "--regions eu-west-1,us-east-1"),
            (
                "autotag whois vol-1 --accounts 111122223333 444455556666",
                "--accounts 111122223333,444455556666",
            ),
            ("autotag ledger list --table t --owner o --service s3 ec2", "--service s3,ec2"),
            ("autotag ledger list --table t --owner o --proof person workload", "--proof person,workload"),
            ("autotag plan src --region eu-west-1 us-east-1", "--region eu-west-1,us-east-1"),
            ("autotag plan --account 111122223333 444455556666 src", "--account 111122223333,444455556666"),
            ("autotag plan src --service s3 ec2", "--service s3,ec2"),
            ("autotag plan src --proof person, workload", "--proof person,workload"),
            ("autotag plan src --fail-on uncovered name-only=3", "--fail-on uncovered,name-only=3"),
            ("autotag guard --dry-run src --exempt deployer tagger", "--exempt deployer,tagger"),
            (
                "autotag apply src --accounts 111122223333 444455556666",
                "--accounts 111122223333,444455556666",
            ),
        ] {
            let said = refused(line).unwrap_or_default();
            let command: Vec<&str> = line.split(' ').take(2).collect();
            assert!(said.contains(&format!("Usage: {} ", command.join(" "))), "{line}: {said}");
            assert!(said.contains(commas) && !said.contains("unexpected argument"), "{line}: {said}");
        }
    }

    #[test]
    fn other_texts_after_a_list_keep_their_meaning() {
        for line in [
            "autotag plan --owner alice src",
            "autotag plan --region eu-west-1 src Cargo.toml",
            "autotag plan --service s3 s3://bucket/AWSLogs/",
            "autotag plan --service s3 -",
            "autotag plan --service s3 -- ec2",
            // A file that does not exist, and is not a region.
            "autotag plan --region eu-west-1 trial/",
            "autotag whois --regions eu-west-1 vol-0a1b2c3d4e5f60718",
            "autotag whois --regions eu-west-1 arn:aws:sqs:eu-west-1:111122223333:jobs",
            "autotag redrive --regions eu-west-1,us-east-1",
        ] {
            assert_eq!(refused(line), None, "{line}");
        }
        let said = refused("autotag doctor --regions eu-west-1 now").unwrap();
        assert!(said.contains("unexpected argument 'now'"), "{said}");
        let said = refused("autotag plan --owner alice trial/").unwrap();
        assert!(said.contains("`trial/`: no such file or folder; if it is a value of --owner"), "{said}");
    }
}
