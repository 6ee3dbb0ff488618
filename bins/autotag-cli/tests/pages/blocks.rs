//! Fenced blocks of pages, and the commands in them.
//!
//! A block marked `console` is a session: `$ ` begins a command, and the lines below are its output. In any other block
//! without a language, or in `sh`, the lines that begin with `autotag` are commands.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use std::path::{Path, PathBuf};

/// The top folder of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// Every page that people read, relative to the top folder.
pub(crate) fn pages() -> Vec<PathBuf> {
    let root = root();
    let mut pages: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "fixtures/README.md", "deploy/README.md"]
            .into_iter()
            .map(PathBuf::from)
            .filter(|page| root.join(page).exists())
            .collect();
    for folder in ["docs", "docs/decisions"] {
        pages.extend(
            names(&root.join(folder))
                .into_iter()
                .filter(|name| is_named(name, "md"))
                .map(|name| Path::new(folder).join(name)),
        );
    }
    let readme = |krate: String| Path::new("crates").join(krate).join("README.md");
    pages.extend(names(&root.join("crates")).into_iter().map(readme).filter(|page| root.join(page).exists()));
    pages
}

fn is_named(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == extension)
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(crate) fn parser(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TABLES)
}

/// The line of a page at a byte of it.
pub(crate) fn line_of(page: &str, byte: usize) -> usize {
    page.get(..byte).map_or(0, |before| before.matches('\n').count()) + 1
}

/// A fenced block.
#[derive(Debug)]
pub(crate) struct Block {
    /// The line of the page on which its content begins.
    pub(crate) line: usize,
    /// The first word behind the fence.
    pub(crate) language: String,
    pub(crate) text: String,
}

/// The fenced blocks of a page.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open = false;
    for (event, range) in parser(page).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let line = line_of(page, range.start) + 1;
                let language = info.split([' ', ',']).next().unwrap_or_default().to_owned();
                found.push(Block { line, language, text: String::new() });
                open = true;
            }
            Event::Text(text) if open => found.last_mut().unwrap().text.push_str(&text),
            Event::End(TagEnd::CodeBlock) => open = false,
            _ => {}
        }
    }
    found
}

/// A command, and the output that the page shows.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) line: usize,
    pub(crate) text: String,
    pub(crate) output: String,
}

impl Block {
    /// The name of the file that the block is, by its first line: `# NAME.toml`.
    pub(crate) fn file_name(&self) -> Option<&str> {
        let name = self.text.lines().next()?.strip_prefix("# ")?;
        (self.language == "toml" && is_named(name, "toml") && !name.contains([' ', '/'])).then_some(name)
    }

    /// The commands of the block. One goes on in the next line if it ends in `\` or inside of quotes.
    pub(crate) fn commands(&self) -> Vec<Command> {
        let is_session = self.text.lines().any(|line| line.starts_with("$ "));
        let is_shell = matches!(self.language.as_str(), "" | "sh" | "bash" | "shell" | "console");
        let mut found: Vec<Command> = Vec::new();
        let mut goes_on = false;
        for (index, line) in self.text.lines().enumerate() {
            if let (true, Some(last)) = (goes_on, found.last_mut()) {
                last.text.push('\n');
                last.text.push_str(line);
                goes_on = is_open(&last.text);
                continue;
            }
            let begins = if is_session {
                line.strip_prefix("$ ")
            } else {
                let is_command = line.starts_with("autotag ") || line.starts_with("cargo run ");
                (is_shell && is_command).then_some(line)
            };
            if let Some(text) = begins {
                goes_on = is_open(text);
                let line = self.line + index;
                found.push(Command { line, text: text.to_owned(), output: String::new() });
            } else if let (true, Some(last)) = (is_session, found.last_mut()) {
                last.output.push_str(line);
                last.output.push('\n');
            }
        }
        found
    }
}

/// True while a command needs another line.
fn is_open(text: &str) -> bool {
    text.ends_with('\\') || shell_words::split(text).is_err()
}

impl Command {
    /// The arguments of each program that the command starts, the program first.
    pub(crate) fn programs(&self) -> Vec<Vec<String>> {
        let mut programs: Vec<Vec<String>> = vec![Vec::new()];
        let mut is_file = false;
        for word in shell_words::split(&self.text).unwrap_or_default() {
            if std::mem::take(&mut is_file) {
                continue;
            }
            let last = programs.last_mut().unwrap();
            match word.as_str() {
                "|" | "&&" | "||" | ";" => programs.push(Vec::new()),
                ">" | ">>" | "<" | "2>" => is_file = true,
                _ if word.starts_with("2>") || (word.starts_with('>') && last.len() > 1) => {}
                // A variable before the program.
                _ if last.is_empty() && word.contains('=') => {}
                "time" if last.is_empty() => {}
                _ => last.push(word),
            }
        }
        programs.retain(|program| !program.is_empty());
        programs.into_iter().map(unwrapped).collect()
    }
}

/// `cargo run -p autotag-cli -- ARGUMENTS` is `autotag ARGUMENTS`.
fn unwrapped(program: Vec<String>) -> Vec<String> {
    let is_ours = program.starts_with(&["cargo".into(), "run".into()])
        && program.iter().any(|word| word == "autotag-cli");
    match program.iter().position(|word| word == "--") {
        Some(end) if is_ours => [&["autotag".to_owned()], &program[end + 1..]].concat(),
        _ => program,
    }
}
