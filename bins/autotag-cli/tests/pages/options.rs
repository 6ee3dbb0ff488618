//! Commands on pages have names, options and values that the program knows, also those that call AWS and are not run.

use super::blocks::{Block, blocks, line_of, pages, parser, root};
use crate::common::BIN;
use pulldown_cmark::Event;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// Faults of a command that a sentence cuts short on purpose: `autotag completions SHELL`, `autotag plan --out`.
const SHORT: &[&str] = &["error: invalid value", "error: a value is required"];

/// The answer to a command with `--help` behind it, which reads all words before it and does nothing. `None` if it is right.
fn fault(args: &[String]) -> Option<String> {
    let words = args.iter().skip(1).take_while(|word| *word != "--");
    let output = Command::new(BIN).args(words).arg("--help").output().unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// The commands of all pages, with the places of each: those of blocks, or those in sentences.
fn commands(are_in_blocks: bool) -> BTreeMap<Vec<String>, Vec<String>> {
    let mut found: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        let mut add = |line: usize, args: Vec<String>| {
            if args.first().is_some_and(|program| program == "autotag") {
                found.entry(args).or_default().push(format!("{}:{line}", page.display()));
            }
        };
        if are_in_blocks {
            for command in blocks(&text).iter().flat_map(Block::commands) {
                for args in command.programs() {
                    add(command.line, args);
                }
            }
        } else {
            for (event, range) in parser(&text).into_offset_iter() {
                if let Event::Code(code) = event {
                    add(line_of(&text, range.start), shell_words::split(&code).unwrap_or_default());
                }
            }
        }
    }
    found
}

#[test]
fn commands_of_blocks_have_options_that_exist() {
    let all = commands(true);
    assert!(all.len() > 60, "only {} commands", all.len());
    let faults = all.iter().filter_map(|(args, places)| Some(format!("{places:?}: {}", fault(args)?)));
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// The same for commands in sentences, which may be cut short.
#[test]
fn commands_in_sentences_have_options_that_exist() {
    let all = commands(false);
    assert!(all.len() > 60, "only {} commands", all.len());
    let faults = all.iter().filter_map(|(args, places)| {
        let fault = fault(args).filter(|fault| !SHORT.iter().any(|short| fault.starts_with(short)))?;
        Some(format!("{places:?}: {fault}"))
    });
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}
