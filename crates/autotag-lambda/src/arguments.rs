//! The arguments of a function's program. Lambda starts it without arguments; people ask for `--help` and
//! `--version`.

use crate::variables::Variable;
use std::ffi::OsString;

/// A function's program, as `--help` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// The name of the binary.
    pub name: &'static str,
    /// The target of its logs: the name of its crate.
    pub log_target: &'static str,
    /// One sentence about what it does.
    pub about: &'static str,
}

/// The request in the arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// No argument: serve invocations.
    Serve,
    /// `--help` or `-h`.
    Help,
    /// `--version` or `-V`.
    Version,
    /// An unknown argument.
    Unknown(String),
}

impl Request {
    /// Reads the arguments of a program. The first is its name.
    pub(crate) fn read(mut arguments: impl Iterator<Item = OsString>) -> Self {
        let Some(argument) = arguments.nth(1) else { return Self::Serve };
        match argument.to_str() {
            Some("--help" | "-h") => Self::Help,
            Some("--version" | "-V") => Self::Version,
            _ => Self::Unknown(argument.to_string_lossy().into_owned()),
        }
    }
}

impl Program {
    /// The text of `--version`: name and [`autotag_model::VERSION`].
    pub(crate) fn version(&self) -> String {
        format!("{} {}", self.name, autotag_model::VERSION)
    }

    /// The text of `--help`.
    pub(crate) fn help(&self, variables: &[Variable]) -> String {
        let width = variables.iter().map(|variable| variable.name.len()).max().unwrap_or_default();
        let section = |title: &str, required: bool| {
            let of_section = variables.iter().filter(|variable| variable.required == required);
            let mut lines: Vec<String> =
                of_section.map(|variable| format!("  {:width$}  {}", variable.name, variable.help)).collect();
            if lines.is_empty() {
                lines.push("  none".to_owned());
            }
            format!("{title}:\n{}\n\n", lines.join("\n"))
        };
        format!(
            "{version}\n{about}\n\n\
             Usage: {name} [--help | --version]\n\n\
             An AWS Lambda function: Lambda starts it without arguments and sets the AWS_ variables. Its settings are\n\
             environment variables. An unknown variable that begins with AUTOTAG_ is an error.\n\n\
             {required}{optional}\
             docs/configuration.md describes each variable.\n",
            version = self.version(),
            about = self.about,
            name = self.name,
            required = section("Required variables", true),
            optional = section("Optional variables", false),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Request {
        Request::read(std::iter::once("tag-handler").chain(arguments.iter().copied()).map(OsString::from))
    }

    #[test]
    fn arguments_ask_for_help_version_or_nothing() {
        assert_eq!(read(&[]), Request::Serve);
        assert_eq!((read(&["--help"]), read(&["-h"])), (Request::Help, Request::Help));
        assert_eq!((read(&["--version"]), read(&["-V"])), (Request::Version, Request::Version));
        assert_eq!(read(&["--hepl"]), Request::Unknown("--hepl".to_owned()));
    }

    #[test]
    fn help_lists_required_variables_first() {
        let program = Program { name: "tag-handler", log_target: "tag_handler", about: "Writes tags." };
        let variables = [Variable::optional("AUTOTAG_A", "one"), Variable::required("AUTOTAG_LONG", "two")];
        let help = program.help(&variables);
        assert!(help.contains("Writes tags.\n\nUsage: tag-handler [--help | --version]\n"), "{help}");
        let expected =
            "Required variables:\n  AUTOTAG_LONG  two\n\nOptional variables:\n  AUTOTAG_A     one\n";
        assert!(help.contains(expected), "{help}");
    }
}
