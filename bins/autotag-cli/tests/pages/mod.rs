//! The pages of the project: their commands run and print what the pages say, their links lead somewhere.

mod blocks;
mod links;
// The program without the feature `aws` lacks commands.
#[cfg(feature = "aws")]
mod options;
mod sandbox;

use blocks::{Block, Command, blocks, pages, root};
use sandbox::{Sandbox, Session};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The programs that a page may start. Others are only shown.
const PROGRAMS: &[&str] =
    &["autotag", "cat", "duckdb", "echo", "grep", "head", "jq", "ls", "sort", "tail", "wc"];

/// Commands that call AWS.
const CALLS_AWS: &[&str] = &["apply", "deploy", "doctor", "reconcile", "redrive"];

/// Options and values of commands that call AWS.
const NAMES_AWS: &[&str] = &["--canary", "--ledger", "--live", "--table"];

fn needs_aws(args: &[String]) -> bool {
    let command = args.get(1).map_or("", String::as_str);
    let has = |words: &[&str]| args.iter().any(|arg| words.contains(&arg.as_str()));
    CALLS_AWS.contains(&command)
        || has(NAMES_AWS)
        || args.iter().any(|arg| arg.starts_with("s3://"))
        || (command == "whois" && !has(&["--trail"]))
}

/// Commands that a build without the feature `aws` lacks.
fn is_left_out(args: &[String]) -> bool {
    cfg!(not(feature = "aws"))
        && args.get(1).is_some_and(|command| ["generate", "guard"].contains(&command.as_str()))
}

fn runs_here(command: &Command) -> bool {
    let programs = command.programs();
    programs.iter().all(|args| {
        let is_help = args.iter().any(|arg| arg == "--help" || arg == "-h");
        let is_ours = args[0] == "autotag";
        PROGRAMS.contains(&args[0].as_str())
            && !(is_ours && ((needs_aws(args) && !is_help) || is_left_out(args)))
    })
}

/// A page with its blocks.
fn read(page: &Path) -> Vec<Block> {
    blocks(&fs::read_to_string(root().join(page)).unwrap())
}

/// The sessions of a page: files that it shows, and commands in their order.
fn run(page: &Path, faults: &mut String) -> usize {
    let mut ran = 0;
    let mut sandbox: Option<Sandbox> = None;
    for block in read(page) {
        if let Some(name) = block.file_name() {
            sandbox.get_or_insert_with(Sandbox::new).write(name, &block.text);
        }
        for command in if block.language == "console" { block.commands() } else { Vec::new() } {
            if runs_here(&command) {
                ran += 1;
                let session = sandbox.get_or_insert_with(Sandbox::new).run(&command.text);
                check(page, &command, &session, faults);
            }
        }
    }
    ran
}

/// The lines of a page that this build prints. A build without the feature `aws` does not offer `apply` as the next command.
fn printed_here(shown: &str) -> String {
    let is_printed = |line: &&str| cfg!(feature = "aws") || !line.trim_start().starts_with("autotag apply ");
    shown.lines().filter(is_printed).collect::<Vec<_>>().join("\n")
}

/// `…` on a page is any text. A command may fail only if the page shows what it says then.
fn check(page: &Path, command: &Command, session: &Session, faults: &mut String) {
    let (shown, printed) = (trimmed(&printed_here(&command.output)), trimmed(&session.output));
    let is_shown = wildmatch::WildMatchPattern::<'…', '\0'>::new(&shown).matches(&printed);
    if is_shown && (session.code == 0 || !shown.is_empty()) {
        return;
    }
    let place = format!("{}:{}", page.display(), command.line);
    let diff = similar_lines(&shown, &printed);
    writeln!(faults, "{place}: `{}` ends with {} and prints:\n{diff}", command.text, session.code).unwrap();
}

/// A text without blanks at the ends of its lines.
fn trimmed(text: &str) -> String {
    text.trim_end().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// The printed lines; those that the page does not show are marked.
fn similar_lines(shown: &str, printed: &str) -> String {
    let shown: Vec<&str> = shown.lines().collect();
    let marked =
        printed.lines().map(|line| if shown.contains(&line) { "    " } else { "  + " }.to_owned() + line);
    marked.chain([String::new()]).collect::<Vec<_>>().join("\n")
}

#[test]
fn commands_of_pages_print_what_the_pages_say() {
    let mut faults = String::new();
    let ran: usize = pages().iter().map(|page| run(page, &mut faults)).sum();
    assert!(ran > 30, "only {ran} commands are marked as `console`");
    assert!(faults.is_empty(), "{faults}");
}

/// The pages that a newcomer reads first have no command that is only shown, unless it calls AWS.
#[test]
fn first_pages_show_no_command_that_is_not_tried() {
    for page in ["README.md", "docs/tutorial.md", "docs/questions.md", "docs/policies.md", "docs/faq.md"] {
        for block in read(Path::new(page)) {
            let is_session = block.language == "console";
            for command in block.commands() {
                let programs = command.programs();
                let calls_aws = programs
                    .iter()
                    .any(|args| args[0] == "autotag" && (needs_aws(args) || is_left_out(args)));
                let is_ours = programs.iter().any(|args| args[0] == "autotag");
                let is_install = command.text.starts_with("cargo ");
                assert!(
                    !is_ours || calls_aws || is_install || (is_session && runs_here(&command)),
                    "{page}:{}: `{}` is not tried: mark its block as `console`",
                    command.line,
                    command.text
                );
            }
        }
    }
}

/// An interactive zsh takes a comment behind a command for arguments.
#[test]
fn commands_have_no_comment_behind_them() {
    let starts = ["autotag ", "aws ", "cargo ", "org-metadata ", "time "];
    for page in pages() {
        for block in read(&page) {
            let lines = block.text.lines().map(|line| line.strip_prefix("$ ").unwrap_or(line));
            for line in lines.filter(|line| starts.iter().any(|start| line.starts_with(start))) {
                assert!(!line.contains(" # "), "{}:{}: {line}", page.display(), block.line);
            }
        }
    }
}

/// Each policy of the cookbook is a file that the program takes.
#[test]
fn policies_of_the_cookbook_are_valid() {
    let sandbox = Sandbox::new();
    let policies: Vec<Block> =
        read(Path::new("docs/policies.md")).into_iter().filter(|block| block.language == "toml").collect();
    assert!(policies.len() >= 8, "{} policies", policies.len());
    for block in policies {
        let name =
            block.file_name().unwrap_or_else(|| panic!("line {}: begin with `# NAME.toml`", block.line));
        sandbox.write(name, &block.text);
        let session = sandbox.run(&format!("autotag plan fixtures/trail --policy {name} > plan.jsonl"));
        assert_eq!(session.code, 0, "{name}: {}", session.output);
    }
}

/// `1658` as pages write it.
fn with_comma(number: &str) -> String {
    let (thousands, rest) = number.split_at(number.len().saturating_sub(3));
    if thousands.is_empty() { rest.to_owned() } else { format!("{thousands},{rest}") }
}

#[test]
fn pages_count_the_rules_as_the_generated_list_does() {
    let list = fs::read_to_string(root().join("docs/services.md")).unwrap();
    let counts = list.lines().find(|line| line.contains(" rules of ")).unwrap();
    let numbers: Vec<&str> =
        counts.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    let [rules, services, _, _, seen, documented, _] = numbers[..] else { panic!("{counts}") };
    let confirmed = (seen.parse::<u32>().unwrap() + documented.parse::<u32>().unwrap()).to_string();
    for page in ["README.md", "docs/comparison.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let all = format!("{} of {services} services", with_comma(rules));
        assert!(text.contains(&all), "{page} does not say `{all}`");
        assert!(
            text.contains(&with_comma(&confirmed)),
            "{page} does not say `{confirmed}` rules are confirmed"
        );
    }
}

#[test]
fn the_readme_has_at_most_150_lines() {
    let lines = fs::read_to_string(root().join("README.md")).unwrap().lines().count();
    assert!(lines <= 150, "{lines}");
}

/// Athena's statements of the cookbook: the table has the columns of a plan, and the queries find rows.
#[test]
fn statements_for_athena_fit_a_plan() {
    let sandbox = Sandbox::new();
    let session = sandbox.run("autotag plan fixtures/trail --all --format jsonl > plan.jsonl");
    assert_eq!(session.code, 0, "{}", session.output);
    let blocks = read(Path::new("docs/questions.md")).into_iter().filter(|block| block.language == "sql");
    let statements: Vec<String> = blocks.map(|block| block.text).collect();
    assert!(statements.len() > 2, "{statements:?}");
    let answer = sandbox.query(include_str!("athena.py"), &serde_json::to_string(&statements).unwrap());
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
}
