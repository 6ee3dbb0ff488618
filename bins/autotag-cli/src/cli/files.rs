//! Refuses to write a file that the same command reads, or writes by another option.

use crate::input::is_log_file;
use crate::new_file::target_of;
use clap::{Arg, ArgMatches, Command};
use std::path::{Path, PathBuf};

/// The options that name a file to write.
const WRITTEN: [&str; 3] = ["output", "out", "fix"];

/// The arguments that name files to read.
const READ: [&str; 9] =
    ["paths", "trail", "uncovered_by", "inventory", "cost", "file", "policy", "rules", "state"];

/// A path, and the option that names it.
struct Named {
    option: String,
    path: PathBuf,
}

/// Two arguments that name the same file, in words; `None` if there are none. `commands` are the command that was called and those
/// above it, with their arguments.
pub(super) fn conflict(commands: &[(&Command, &ArgMatches)]) -> Option<String> {
    let (command, matches) = commands.last()?;
    let written = WRITTEN.iter().flat_map(|id| named(command, matches, id));
    let written: Vec<Named> = written.filter(|file| is_replaced(&file.path)).collect();
    let read = commands.iter().flat_map(|(command, matches)| {
        READ.iter().flat_map(|id| named(command, matches, id)).collect::<Vec<_>>()
    });
    let read: Vec<Named> = if written.is_empty() { Vec::new() } else { read.collect() };
    written.iter().enumerate().find_map(|(at, file)| {
        let (option, path) = (&file.option, file.path.display());
        let place = place_of(&file.path);
        if let Some(other) = written.iter().skip(at + 1).find(|other| place_of(&other.path) == place) {
            return Some(format!("{option} and {} both name `{path}`: name two files", other.option));
        }
        let other = read.iter().find(|other| is_read(&other.path, &place))?;
        let (from, read) = (&other.option, other.path.display());
        Some(format!("{option} `{path}`: {from} `{read}` reads this file: write to another one"))
    })
}

/// The paths that an argument names. Objects in S3 and the standard input are none.
fn named(command: &Command, matches: &ArgMatches, id: &str) -> Vec<Named> {
    let paths: Vec<PathBuf> = if let Ok(Some(paths)) = matches.try_get_many::<PathBuf>(id) {
        paths.cloned().collect()
    } else if let Ok(Some(texts)) = matches.try_get_many::<String>(id) {
        texts.filter(|text| *text != "-" && !text.starts_with("s3://")).map(PathBuf::from).collect()
    } else {
        Vec::new()
    };
    let long = match command.get_arguments().find(|arg| arg.get_id() == id) {
        Some(arg) => Arg::get_long(arg),
        None => Some(id),
    };
    let option = long.map_or("the input".to_owned(), |long| format!("--{long}"));
    paths.into_iter().map(|path| Named { option: option.clone(), path }).collect()
}

/// True if writing to the path makes or replaces a file. Pipes and devices stay, and folders get files of their own.
fn is_replaced(path: &Path) -> bool {
    path.metadata().map_or(true, |found| found.is_file())
}

/// True if a command that reads `path` reads the file at `place`.
fn is_read(path: &Path, place: &Path) -> bool {
    let read = place_of(path);
    read == place || (place.is_file() && read.is_dir() && is_log_file(&read, place))
}

/// The path without links, also of a file that does not exist yet.
fn place_of(path: &Path) -> PathBuf {
    let path = target_of(path);
    let folder =
        path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    match (path.canonicalize(), folder.and_then(|folder| folder.canonicalize().ok()), path.file_name()) {
        (Ok(place), _, _) => place,
        (Err(_), Some(folder), Some(name)) => folder.join(name),
        (Err(_), _, _) => path,
    }
}
