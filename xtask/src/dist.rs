//! Makes the files of a release.

use crate::archive::{self, Entries, Entry};
use crate::cli::DistArgs;
use crate::compile::{Compiler, Folders, compile};
use crate::components::Components;
use crate::documents::documents;
use crate::inspect::{GLIBC_OF_LAMBDA, LARGEST_FUNCTION, Needs, check_paths};
use crate::notices::{notices, of_standard_library};
use crate::programs::{Group, Program, lambda_architecture};
use crate::project::Project;
use crate::sbom::sbom;
use crate::sums::{SUMS, sums};
use anyhow::{Context as _, Result, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Files by their names.
type Files = BTreeMap<String, Vec<u8>>;

/// The programs of one group, and what is the same for all of them.
struct Batch<'a> {
    project: &'a Project,
    compiler: &'a Compiler,
    folders: &'a Folders,
    /// The Rust target that they are compiled for.
    target: String,
    /// The folder that they are in.
    programs: PathBuf,
    components: Components,
}

pub(crate) fn run(args: &DistArgs) -> Result<()> {
    let compiler = Compiler::find()?;
    let chosen = |program: &Program| args.only.is_empty() || args.only.contains(program);
    let mut groups: BTreeMap<Group, BTreeSet<Program>> = BTreeMap::new();
    for program in Program::ALL.into_iter().filter(chosen) {
        groups.entry(program.group()).or_default().insert(program);
    }
    let target = |group: Group| {
        let named = match group {
            Group::Tools => &args.target,
            Group::Functions => &args.function_target,
        };
        named.clone().unwrap_or_else(|| group.default_target(&compiler.processor))
    };
    let targets: BTreeMap<Group, String> = groups.keys().map(|group| (*group, target(*group))).collect();
    let names: Vec<&str> = targets.values().map(String::as_str).collect();
    let project = Project::read(&names, args.allow_dirty)?;
    let folders = Folders::new(&project, &compiler)?;
    let mut files = Files::new();
    for ((group, programs), target) in groups.iter().zip(targets.into_values()) {
        let folder = match &args.programs {
            Some(folder) => folder.clone(),
            None => compile(&project, &compiler, &folders, *group, programs, &target)?,
        };
        let components = Components::of(&project, programs, &target)?;
        let batch = Batch {
            project: &project,
            compiler: &compiler,
            folders: &folders,
            target,
            programs: folder,
            components,
        };
        for program in programs {
            batch.make(*program, &mut files).with_context(|| program.name())?;
        }
    }
    let list = sums(&files);
    files.insert(SUMS.to_owned(), list.clone().into_bytes());
    write(&args.out, &files)?;
    std::io::stdout().write_all(list.as_bytes()).context("cannot write to stdout")
}

impl Batch<'_> {
    /// Adds the files of a program.
    fn make(&self, program: Program, files: &mut Files) -> Result<()> {
        let (project, target) = (self.project, self.target.as_str());
        let path = self.programs.join(program.name());
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let needs = self.inspect(program, &bytes)?;
        let length = bytes.len();
        let mut entries = self.common()?;
        let notices = notices(project, &self.components, program, self.compiler, target)?;
        entries.insert("THIRD-PARTY.txt".to_owned(), Entry::file(notices));
        let name = format!("{}-{}", program.name(), project.version);
        match program.group() {
            Group::Tools => {
                entries.insert(program.name().to_owned(), Entry::program(bytes));
                entries.insert("README.md".to_owned(), self.file(program.page())?);
                entries.insert("CHANGELOG.md".to_owned(), self.file("CHANGELOG.md")?);
                entries.extend(documents(&path, program.name())?);
                let folder = format!("{name}-{target}");
                let archive = archive::tar_gz(&folder, &entries, project.epoch)?;
                files.insert(format!("{folder}.tar.gz"), archive);
            }
            Group::Functions => {
                entries.insert("bootstrap".to_owned(), Entry::program(bytes));
                let file = format!("{name}-{}.zip", lambda_architecture(target));
                files.insert(file, archive::zip(&entries)?);
            }
        }
        let list = sbom(project, &self.components, program, self.compiler, target)?;
        files.insert(format!("{name}-{target}.cdx.json"), list.into_bytes());
        let line = format!("{}: {length} bytes, {needs}\n", program.name());
        std::io::stderr().write_all(line.as_bytes()).context("cannot write to stderr")
    }

    /// Checks a program, and returns what it needs as a text.
    fn inspect(&self, program: Program, bytes: &[u8]) -> Result<String> {
        check_paths(bytes, self.folders.paths())?;
        if program.group() == Group::Functions {
            ensure!(
                bytes.len() <= LARGEST_FUNCTION,
                "the function has {} bytes, and the most is {LARGEST_FUNCTION}: see \"Size of the functions\" in docs/performance.md",
                bytes.len()
            );
        }
        let Some(needs) = Needs::of(bytes)? else { return Ok("not inspected: not for Linux".to_owned()) };
        let shown = needs.shown();
        if self.target.ends_with("-musl") {
            ensure!(needs.libraries.is_empty(), "the program is not static: it {shown}");
        }
        if program.group() == Group::Functions {
            ensure!(
                needs.glibc <= Some(GLIBC_OF_LAMBDA),
                "Lambda's runtime provided.al2023 has glibc {}.{}, and the program {shown}: compile it on a system that is as old",
                GLIBC_OF_LAMBDA.0,
                GLIBC_OF_LAMBDA.1
            );
        }
        Ok(shown)
    }

    /// The files that every archive has.
    fn common(&self) -> Result<Entries> {
        let library = Entry::file(of_standard_library(self.compiler)?);
        Ok(Entries::from([
            ("LICENSE".to_owned(), self.file("LICENSE")?),
            ("RUST-LIBRARY.html".to_owned(), library),
        ]))
    }

    /// A file of the workspace.
    fn file(&self, path: &str) -> Result<Entry> {
        let bytes = fs::read(self.project.root.join(path)).with_context(|| format!("cannot read {path}"))?;
        Ok(Entry::file(bytes))
    }
}

/// Writes the files. Those of an earlier run go first: a folder with packages of two versions cannot be deployed.
fn write(folder: &Path, files: &Files) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let earlier = fs::read_to_string(folder.join(SUMS)).unwrap_or_default();
    for name in earlier.lines().filter_map(|line| Some(line.split_once("  ")?.1)) {
        // Only names: a list that somebody changed must not name files elsewhere.
        let is_name = Path::new(name).file_name().is_some_and(|file| file == name);
        let path = folder.join(name);
        if is_name && path.is_file() {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
