//! Commands on the pages of the project have options that exist.

#[expect(dead_code, reason = "the tests that run the commands use the rest")]
#[path = "../../tests/pages/blocks.rs"]
mod blocks;

use super::Cli;
use blocks::{blocks, pages, parser, root};
use clap::Parser as _;
use clap::error::ErrorKind;
use pulldown_cmark::Event;
use std::fs;

/// Errors of a command that is cut short on purpose: `autotag plan --format jsonl` in a sentence names no path.
const SHORT: &[ErrorKind] = &[
    ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
    ErrorKind::InvalidValue,
    ErrorKind::MissingRequiredArgument,
    ErrorKind::MissingSubcommand,
    ErrorKind::NoEquals,
    ErrorKind::ValueValidation,
];

/// What is wrong with a command, if anything.
fn fault(args: &[String]) -> Option<clap::Error> {
    let error = Cli::try_parse_from(args).err()?;
    (!matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)).then_some(error)
}

#[test]
fn every_command_of_every_page_is_one_that_the_program_takes() {
    let mut faults = Vec::new();
    let mut commands = 0;
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        for command in blocks(&text).iter().flat_map(blocks::Block::commands) {
            for args in command.programs().into_iter().filter(|args| args[0] == "autotag") {
                commands += 1;
                let error = fault(&args).map(|error| format!("{}:{}: {error}", page.display(), command.line));
                faults.extend(error);
            }
        }
    }
    assert!(commands > 60, "only {commands} commands");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn options_named_in_sentences_exist() {
    let mut faults = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        for (event, range) in parser(&text).into_offset_iter() {
            let Event::Code(code) = event else { continue };
            let args = shell_words::split(&code).unwrap_or_default();
            if args.first().is_some_and(|program| program == "autotag") {
                let error = fault(&args).filter(|error| !SHORT.contains(&error.kind()));
                let line = blocks::line_of(&text, range.start);
                faults.extend(error.map(|error| format!("{}:{line}: `{code}`: {error}", page.display())));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
