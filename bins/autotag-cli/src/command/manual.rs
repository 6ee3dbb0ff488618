//! `autotag completions`, and the hidden commands that write man pages and the pages of the reference.

use crate::cli::{self, CompletionsArgs, ManArgs, ReferenceArgs};
use crate::completion::Completion;
use crate::{console, reference};
use anyhow::{Context as _, Result};
use std::fs;
use std::io::Write as _;

pub(crate) fn completions(args: &CompletionsArgs) -> Result<Completion> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::completed(), "autotag", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(Completion::Complete)
}

pub(crate) fn man(args: &ManArgs) -> Result<Completion> {
    let cannot_write = || format!("--dir: cannot write to `{}`", args.dir.display());
    fs::create_dir_all(&args.dir).with_context(cannot_write)?;
    clap_mangen::generate_to(cli::command_line(), &args.dir).with_context(cannot_write)?;
    Ok(Completion::Complete)
}

pub(crate) fn reference(args: &ReferenceArgs) -> Result<Completion> {
    let mut done = Completion::Complete;
    for (name, text) in reference::files() {
        let path = args.dir.join(name);
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        if args.check {
            writeln!(anstream::stderr(), "`{}` is out of date; run `autotag reference`", path.display())?;
            done = Completion::Partial;
            continue;
        }
        let cannot_write = || format!("--dir: cannot write `{}`", path.display());
        path.parent().map_or(Ok(()), fs::create_dir_all).with_context(cannot_write)?;
        fs::write(&path, text).with_context(cannot_write)?;
        writeln!(console::notes(), "wrote `{}`", path.display())?;
    }
    Ok(done)
}
