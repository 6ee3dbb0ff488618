//! The rules of the workspace: the dependencies between crates, the crates that may use the environment, modules
//! without circles, the length of functions and files, and the words of documents and comments.
//!
//! ```text
//! autotag-model <- session-store <- autotag-handlers <- autotag-aws <- autotag-lambda, bins
//! ```
//!
//! A failure names the rule, the crate and what to do instead. To change a rule, change it here and record the reason
//! in `docs/decisions/`. Each check is a pure function over a small description, and has a test below that shows it can
//! fail.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![expect(clippy::indexing_slicing, clippy::string_slice, reason = "a check that panics has failed")]

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/limits.rs"]
mod limits;
#[path = "architecture/prose.rs"]
mod prose;
#[path = "architecture/source.rs"]
mod source;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};
use source::is_word;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The libraries, and which of ours each may use.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("autotag-model", &[]),
    ("session-store", &["autotag-model"]),
    ("autotag-handlers", &["autotag-model", "session-store"]),
    (AWS_LIBRARY, &["autotag-model", "session-store", "autotag-handlers"]),
    ("autotag-ledger", &["autotag-model", "session-store", "autotag-handlers"]),
    (FACADE, &["autotag-model", "session-store", "autotag-handlers", "autotag-aws"]),
    (OF_FUNCTIONS, &["autotag-model", "session-store", "autotag-handlers", "autotag-aws"]),
    (OF_DEPLOYMENTS, &["autotag-model", "autotag-aws"]),
    ("autotag-page", &[]),
    (TEST_LIBRARY, &[]),
];

/// The library that is only there for tests; every crate may use it there.
const TEST_LIBRARY: &str = "autotag-testkit";

/// The library with no IO, no clock, no async.
const PURE: &str = "autotag-model";

/// The engine: it asks a backend, and depends on no AWS crate, in no feature.
const ENGINE: &str = "autotag-handlers";

/// The library whose whole purpose is the AWS SDK. The crates above it use the SDK freely or behind a feature.
const AWS_LIBRARY: &str = "autotag-aws";

/// The library for programs that embed autotag.
const FACADE: &str = "autotag";

/// The library of what both functions share. Only programs use it.
const OF_FUNCTIONS: &str = "autotag-lambda";

/// The library that deploys. All of it calls AWS.
const OF_DEPLOYMENTS: &str = "autotag-deploy";

/// Crates for programs only.
const FOR_PROGRAMS: &[&str] = &["anyhow", "aws_lambda_events", "clap", "lambda_http", "lambda_runtime"];

/// Names that the sources of the pure library must not contain.
const IMPURE: &[&str] =
    &["std::env", "std::fs", "std::net", "std::process", "SystemTime", "Instant", "tokio"];

/// Names that the sources of libraries must not contain.
const ENVIRONMENT: &[&str] = &["std::env"];

// ---- The description ----

/// One crate of the workspace.
#[derive(Debug, Clone, Default)]
struct Member {
    name: String,
    /// Under `bins/`, `fuzz/` or `xtask/`.
    program: bool,
    /// Every dependency, those of tests and build scripts too.
    needs: Vec<Need>,
    /// The features that its default features switch on.
    default_features: Vec<String>,
}

#[derive(Debug, Clone)]
struct Need {
    name: String,
    optional: bool,
    /// Of tests only.
    for_tests: bool,
}

impl Member {
    fn uses_aws_freely(&self) -> bool {
        self.program || [AWS_LIBRARY, OF_FUNCTIONS, OF_DEPLOYMENTS].contains(&self.name.as_str())
    }
}

fn is_aws_sdk(name: &str) -> bool {
    name.starts_with("aws-") && name != AWS_LIBRARY
}

// ---- The rules ----

/// `autotag-model <- session-store <- autotag-handlers <- bins`.
fn direction(members: &[Member]) -> Vec<String> {
    let ours: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let libraries: Vec<&str> = LIBRARIES.iter().map(|(name, _)| *name).collect();
    let mut broken = Vec::new();
    for member in members {
        let known = LIBRARIES.iter().find(|(name, _)| *name == member.name).map(|(_, may_use)| *may_use);
        let Some(may_use) = (if member.program { Some(libraries.as_slice()) } else { known }) else {
            broken.push(format!(
                "direction: `{}` is a new library; add it to LIBRARIES in crates/autotag/tests/architecture.rs",
                member.name
            ));
            continue;
        };
        let own = |need: &&Need| ours.contains(need.name.as_str()) || need.name == TEST_LIBRARY;
        for need in member.needs.iter().filter(own) {
            if need.name == TEST_LIBRARY {
                if !need.for_tests {
                    broken.push(format!(
                        "direction: `{}` depends on `{TEST_LIBRARY}` outside tests; make it a dev-dependency",
                        member.name
                    ));
                }
                continue;
            }
            if !may_use.contains(&need.name.as_str()) {
                broken.push(format!(
                    "direction: `{}` depends on `{}`, and of ours may use only {may_use:?}; move what it needs there",
                    member.name, need.name
                ));
            }
        }
    }
    broken
}

/// AWS crates come into a library only behind a feature, and never into the pure one.
fn aws_behind_features(members: &[Member]) -> Vec<String> {
    let mut broken = Vec::new();
    for member in members.iter().filter(|member| !member.uses_aws_freely()) {
        let uses_aws = |need: &&Need| is_aws_sdk(&need.name) || need.name == AWS_LIBRARY;
        for need in member.needs.iter().filter(uses_aws).filter(|need| !need.for_tests) {
            let what = format!("AWS behind features: `{}` depends on `{}`", member.name, need.name);
            if [PURE, ENGINE].contains(&member.name.as_str()) {
                broken.push(format!(
                    "{what}, and may depend on no AWS crate; take what it needs as plain data or by a trait"
                ));
            } else if !need.optional {
                broken.push(format!(
                    "{what}; make it `optional = true` behind a feature, so that all else builds and tests without it"
                ));
            }
        }
    }
    broken
}

/// Command line, Lambda runtime and `anyhow` stay in the programs; the Lambda runtime also in the functions' library.
fn for_programs_only(members: &[Member]) -> Vec<String> {
    let mut broken = Vec::new();
    for member in members.iter().filter(|member| !member.program) {
        // The `main` of both functions is in their library; an example of the facade is a function.
        let allowed =
            |need: &Need| need.name == "lambda_runtime" && (member.name == OF_FUNCTIONS || need.for_tests);
        let banned = |need: &&Need| FOR_PROGRAMS.contains(&need.name.as_str()) && !allowed(need);
        for need in member.needs.iter().filter(banned) {
            broken.push(format!(
                "programs only: `{}` depends on `{}`; libraries return `thiserror` enums and take plain values, so move \
                 what needs it to bins/",
                member.name, need.name
            ));
        }
    }
    broken
}

/// No async runtime in the pure library: neither asked for, nor through something it asks for.
fn pure_without_async(members: &[Member], locked: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let banned = |name: &str| ["tokio", "async-std", "smol"].contains(&name) || is_aws_sdk(name);
    let mut broken = Vec::new();
    for need in members.iter().filter(|member| member.name == PURE).flat_map(|member| &member.needs) {
        let mut reached = BTreeSet::from([need.name.as_str()]);
        let mut open = vec![need.name.as_str()];
        while let Some(at) = open.pop() {
            for next in locked.get(at).into_iter().flatten() {
                if reached.insert(next) {
                    open.push(next);
                }
            }
        }
        broken.extend(reached.into_iter().filter(|name| banned(name)).map(|name| {
            format!(
                "pure: `{PURE}` gets `{name}` through `{}`; switch off the feature that brings it, or move the code that \
                 needs it to another crate",
                need.name
            )
        }));
    }
    broken
}

/// Without a feature asked for, a library is the pure decision and nothing else.
fn no_default_features(members: &[Member]) -> Vec<String> {
    let switched_on = members.iter().filter(|member| !member.program && !member.default_features.is_empty());
    let say = |member: &Member| {
        format!(
            "default features: `{}` has default = {:?}; make it `default = []` and name the features where they are needed",
            member.name, member.default_features
        )
    };
    switched_on.map(say).collect()
}

/// Versions and lints are in one place.
fn inherits(name: &str, manifest: &toml::Table) -> Vec<String> {
    let mut broken = Vec::new();
    let inherited = |value: &toml::Value| value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
    if !manifest.get("lints").is_some_and(inherited) {
        broken.push(format!("lints: `{name}` does not inherit them; add `[lints] workspace = true`"));
    }
    let of_targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    let tables = of_targets.filter_map(|(_, target)| target.as_table()).chain([manifest]);
    for table in tables {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let entries = table.get(kind).and_then(toml::Value::as_table).into_iter().flatten();
            broken.extend(entries.filter(|(_, entry)| !inherited(entry)).map(|(need, _)| {
                format!(
                    "versions: `{name}` says itself where `{need}` comes from; put it into [workspace.dependencies] and \
                     write `{need}.workspace = true`"
                )
            }));
        }
    }
    broken
}

/// The `words` (`std::env`, `tokio`) that a source text names, with the line. Comments and test modules do not
/// count.
fn named(text: &str, words: &[&'static str]) -> Vec<(usize, &'static str)> {
    let code = source::production_code(text);
    let upto = |at: usize| code.get(..at).unwrap_or_default();
    let from = |at: usize| code.get(at..).unwrap_or_default();
    let mut found = BTreeSet::new();
    for word in words {
        let (start, module) = word.split_at(word.find("::").map_or(0, |at| at + 2));
        let searched = if start.is_empty() { module } else { start };
        for (at, _) in code.match_indices(searched) {
            let behind = from(at + searched.len());
            let whole = !upto(at).ends_with(is_word) && (!start.is_empty() || !behind.starts_with(is_word));
            if whole && (start.is_empty() || starts_of_path(behind).contains(&module)) {
                found.insert((upto(at).matches('\n').count() + 1, *word));
            }
        }
    }
    found.into_iter().collect()
}

/// The first names of what follows a `::`: one of `env::var`, several of `{env, fs::{self, File}}`.
fn starts_of_path(rest: &str) -> Vec<&str> {
    let first = |text: &'_ str| text.find(|c| !is_word(c)).unwrap_or(text.len());
    let Some(group) = rest.strip_prefix('{') else { return rest.get(..first(rest)).into_iter().collect() };
    let (mut names, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, c) in group.char_indices() {
        if depth == 0 && (c == ',' || c == '}') {
            let item = group.get(start..at).unwrap_or_default().trim_start();
            names.extend(item.get(..first(item)));
            start = at + 1;
        }
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            _ => {}
        }
    }
    names
}

// ---- The workspace as it is ----

struct Workspace {
    members: Vec<Member>,
    folders: BTreeMap<String, PathBuf>,
    root: PathBuf,
}

fn workspace() -> Workspace {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
    let root: PathBuf = metadata.workspace_root.clone().into();
    let folder = |package: &Package| package.manifest_path.as_std_path().parent().unwrap().to_owned();
    let described = |package: &Package| Member {
        name: package.name.to_string(),
        program: ["bins", "fuzz", "xtask"]
            .iter()
            .any(|programs| folder(package).starts_with(root.join(programs))),
        needs: (package.dependencies.iter())
            .map(|need| Need {
                name: need.name.clone(),
                optional: need.optional,
                for_tests: need.kind == DependencyKind::Development,
            })
            .collect(),
        default_features: package.features.get("default").cloned().unwrap_or_default(),
    };
    let members: Vec<Member> = metadata.packages.iter().map(described).collect();
    for name in ["autotag-model", "session-store", "autotag-handlers", "autotag-cli"] {
        assert!(
            members.iter().any(|member| member.name == name),
            "`{name}` is not found: is this the workspace?"
        );
    }
    let folders =
        metadata.packages.iter().map(|package| (package.name.to_string(), folder(package))).collect();
    Workspace { members, folders, root }
}

/// Cargo.lock: each crate's dependencies by name, versions of one name taken together.
fn locked(root: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let lock: toml::Table = fs::read_to_string(root.join("Cargo.lock")).unwrap().parse().unwrap();
    let mut locked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in lock.get("package").and_then(toml::Value::as_array).unwrap() {
        let name = package.get("name").and_then(toml::Value::as_str).unwrap();
        let needs = package.get("dependencies").and_then(toml::Value::as_array).into_iter().flatten();
        // `name`, or `name version` where there are several.
        let needs = needs.filter_map(|need| need.as_str()?.split(' ').next().map(str::to_owned));
        locked.entry(name.to_owned()).or_default().extend(needs);
    }
    locked
}

/// The Rust files below a folder, without those that are test modules by their name.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match (path.is_dir(), path.file_name().and_then(|name| name.to_str())) {
            (true, Some("tests")) | (false, Some("tests.rs")) => {}
            (true, _) => files.extend(sources(&path)),
            (false, _) if path.extension().is_some_and(|extension| extension == "rs") => files.push(path),
            (false, _) => {}
        }
    }
    files.sort();
    files
}

fn named_in_sources(
    workspace: &Workspace,
    member: &str,
    words: &[&'static str],
    instead: &str,
) -> Vec<String> {
    let files = sources(&workspace.folders.get(member).unwrap().join("src"));
    assert!(!files.is_empty(), "no sources of `{member}` found");
    let mut broken = Vec::new();
    for file in files {
        for (line, word) in named(&fs::read_to_string(&file).unwrap(), words) {
            let place = file.strip_prefix(&workspace.root).unwrap_or(&file).display();
            broken.push(format!("{place}:{line} names `{word}`; {instead}"));
        }
    }
    broken
}

#[track_caller]
fn assert_no_violations(broken: &[String]) {
    assert!(broken.is_empty(), "dependency rules broken:\n  {}", broken.join("\n  "));
}

#[test]
fn dependencies_point_one_way() {
    assert_no_violations(&direction(&workspace().members));
}

#[test]
fn aws_crates_come_in_behind_features() {
    assert_no_violations(&aws_behind_features(&workspace().members));
}

#[test]
fn what_programs_use_stays_in_programs() {
    assert_no_violations(&for_programs_only(&workspace().members));
}

#[test]
fn the_model_has_no_async_runtime() {
    let workspace = workspace();
    let locked = locked(&workspace.root);
    assert!(locked.get(PURE).is_some_and(|needs| needs.contains("jiff")), "Cargo.lock reads differently now");
    assert_no_violations(&pure_without_async(&workspace.members, &locked));
}

#[test]
fn default_features_are_empty() {
    assert_no_violations(&no_default_features(&workspace().members));
}

#[test]
fn versions_and_lints_come_from_the_workspace() {
    let broken: Vec<String> = (workspace().folders.iter())
        .flat_map(|(name, folder)| {
            let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
            inherits(name, &manifest.parse().unwrap())
        })
        .collect();
    assert_no_violations(&broken);
}

#[test]
fn the_model_touches_nothing_outside() {
    let instead = "the model has no IO, no clock and no async: take the value as an argument";
    assert_no_violations(&named_in_sources(&workspace(), PURE, IMPURE, instead));
}

#[test]
fn only_programs_read_the_environment() {
    let workspace = workspace();
    let instead = "only programs read the environment: take the value as an argument";
    let libraries = workspace.members.iter().filter(|member| !member.program);
    let broken: Vec<String> = libraries
        .flat_map(|member| named_in_sources(&workspace, &member.name, ENVIRONMENT, instead))
        .collect();
    assert_no_violations(&broken);
}

#[test]
fn modules_use_each_other_in_no_circle() {
    let workspace = workspace();
    let mut broken = Vec::new();
    for (name, folder) in &workspace.folders {
        let source = folder.join("src");
        let files = sources(&source).into_iter().map(|file| {
            let inside = file.strip_prefix(&source).unwrap().to_str().unwrap();
            (circles::module_path(inside), fs::read_to_string(&file).unwrap())
        });
        let found = circles::circles(&circles::Sources(files.collect()));
        broken.extend(circles::compare(name, &found, circles::KNOWN, circles::KNOWN_PARENTS));
    }
    let of_other_crates = circles::KNOWN
        .iter()
        .map(|(name, _)| name)
        .chain(circles::KNOWN_PARENTS.iter().map(|(name, _)| name));
    for name in of_other_crates.filter(|name| !workspace.folders.contains_key(**name)) {
        broken.push(format!("circle: there is no crate `{name}`; remove it from the lists of known circles"));
    }
    assert_no_violations(&broken);
}

#[test]
fn functions_and_files_are_short() {
    let workspace = workspace();
    let mut found = Vec::new();
    for folder in workspace.folders.values() {
        for file in sources(&folder.join("src")) {
            let place = file.strip_prefix(&workspace.root).unwrap().to_str().unwrap();
            found.extend(limits::too_long(place, &fs::read_to_string(&file).unwrap()));
        }
    }
    assert_no_violations(&limits::compare(&found, limits::KNOWN));
}

/// Every file of the repository with one of the endings, by its path from the root. Folders of tools and of what they
/// build are left out.
fn files(root: &Path, endings: &[&str]) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_str().unwrap();
            if entry.file_type().unwrap().is_dir() {
                let built =
                    ["target", "dist", "book", "corpus", "pending"].contains(&name) || name.starts_with('.');
                open.extend((!built).then_some(path));
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Readers meet these texts first. CONTRIBUTING.md says how they are written.
#[test]
fn prose_is_plain_and_short() {
    let root = workspace().root;
    let read = |file: &String| fs::read_to_string(root.join(file)).unwrap();
    let mut broken = Vec::new();
    for file in files(&root, &[".md", ".rs", ".yaml"]) {
        let has_ending = |ending: &str| Path::new(&file).extension().is_some_and(|found| found == ending);
        let found = if has_ending("rs") {
            let is_test = file.ends_with("/tests.rs") || file.contains("/tests/");
            prose::in_source(&read(&file), is_test)
        } else if has_ending("yaml") {
            prose::in_template(&read(&file))
        } else {
            // A changelog is a list, and the catalogue's page is generated from one.
            let readable = !["CHANGELOG.md", "docs/services.md"].contains(&file.as_str());
            prose::in_document(&read(&file), readable)
        };
        broken.extend(found.into_iter().map(|(line, said)| format!("{file}:{line}: {said}")));
    }
    assert!(broken.is_empty(), "{} places are hard to read:\n{}", broken.len(), broken.join("\n"));
}

/// Each check, shown to find a violation.
mod can_fail {
    use super::*;

    const NONE: [String; 0] = [];

    fn library(name: &str, needs: &[&str]) -> Member {
        let need = |name: &&str| Need { name: (*name).to_owned(), optional: false, for_tests: false };
        Member { name: name.to_owned(), needs: needs.iter().map(need).collect(), ..Member::default() }
    }

    fn program(name: &str, needs: &[&str]) -> Member {
        Member { program: true, ..library(name, needs) }
    }

    /// As [`library`], everything behind features.
    fn optional(name: &str, needs: &[&str]) -> Member {
        let mut member = library(name, needs);
        member.needs.iter_mut().for_each(|need| need.optional = true);
        member
    }

    #[test]
    fn direction_finds_a_violation() {
        let right = [
            library("autotag-model", &["serde"]),
            library("session-store", &["autotag-model"]),
            library("autotag-handlers", &["autotag-model", "session-store"]),
            program("autotag-cli", &["autotag-handlers", "autotag-model"]),
        ];
        assert_eq!(direction(&right), NONE);
        for wrong in [
            library("autotag-model", &["session-store"]),
            library("session-store", &["autotag-handlers"]),
            optional("autotag-handlers", &["autotag-cli"]),
            program("tag-handler", &["autotag-cli"]),
            library("something-new", &[]),
            program("session-handler", &[TEST_LIBRARY]),
        ] {
            let members: Vec<Member> = right.iter().cloned().chain([wrong.clone()]).collect();
            assert_eq!(direction(&members).len(), 1, "{wrong:?}");
        }
    }

    #[test]
    fn aws_behind_features_finds_a_violation() {
        let right = [
            library("autotag-model", &["serde"]),
            optional("session-store", &["aws-sdk-dynamodb"]),
            library("autotag-aws", &["aws-config"]),
            program("tag-handler", &["aws-config", "autotag-aws"]),
        ];
        assert_eq!(aws_behind_features(&right), NONE);
        for wrong in [
            optional("autotag-model", &["aws-types"]),
            library("session-store", &["aws-sdk-dynamodb"]),
            library("autotag-handlers", &["autotag-aws"]),
            optional("autotag-handlers", &["aws-sdk-ec2"]),
        ] {
            assert_eq!(aws_behind_features(std::slice::from_ref(&wrong)).len(), 1, "{wrong:?}");
        }
    }

    #[test]
    fn for_programs_only_finds_a_violation() {
        assert_eq!(for_programs_only(&[program("autotag-cli", &["clap", "anyhow"])]), NONE);
        let wrong = [
            library("session-store", &["anyhow"]),
            optional("autotag-handlers", &["clap", "lambda_runtime"]),
            library(OF_FUNCTIONS, &["anyhow"]),
        ];
        assert_eq!(for_programs_only(&wrong).len(), 4);
        assert_eq!(for_programs_only(&[library(OF_FUNCTIONS, &["lambda_runtime"])]), NONE);
    }

    #[test]
    fn pure_without_async_finds_a_violation() {
        let lock = |tree: &[(&str, &str)]| -> BTreeMap<String, BTreeSet<String>> {
            tree.iter().map(|(of, needs)| ((*of).to_owned(), BTreeSet::from([(*needs).to_owned()]))).collect()
        };
        let model = [library("autotag-model", &["jiff"])];
        assert_eq!(pure_without_async(&model, &lock(&[("jiff", "memchr")])), NONE);
        assert_eq!(pure_without_async(&model, &lock(&[("jiff", "waiter"), ("waiter", "tokio")])).len(), 1);
        assert_eq!(pure_without_async(&[library("autotag-model", &["tokio"])], &lock(&[])).len(), 1);
        assert_eq!(pure_without_async(&[library("session-store", &["tokio"])], &lock(&[])), NONE);
    }

    #[test]
    fn no_default_features_finds_a_violation() {
        let on = |member: Member| Member { default_features: vec!["aws".to_owned()], ..member };
        let right = [library("session-store", &[]), on(program("autotag-cli", &[]))];
        assert_eq!(no_default_features(&right), NONE);
        assert_eq!(no_default_features(&[on(library("autotag-handlers", &[]))]).len(), 1);
    }

    #[test]
    fn inherits_finds_a_violation() {
        let broken = |text: &str| inherits("x", &text.parse().unwrap());
        let right = "[dependencies]\na.workspace = true\nb = { workspace = true, optional = true }\n[lints]\nworkspace = true\n";
        assert_eq!(broken(right), NONE);
        for wrong in [
            "[dependencies]\na = \"1\"\n[lints]\nworkspace = true\n",
            "[dev-dependencies]\na = { path = \"../a\" }\n[lints]\nworkspace = true\n",
            "[target.'cfg(unix)'.dependencies]\na = { version = \"1\" }\n[lints]\nworkspace = true\n",
            "[lints.rust]\nunsafe_code = \"forbid\"\n",
            "[dependencies]\na.workspace = true\n",
        ] {
            assert_eq!(broken(wrong).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn named_finds_a_violation() {
        for wrong in [
            "let x = std::env::args();",
            "use std::env;",
            "use std::{fmt, env};",
            "use std::{\n    collections::{BTreeMap, HashMap},\n    env::{self, var},\n};",
            "use ::std::env as surroundings;",
            "#[cfg(test)]\nmod tests {\n    use std::env;\n}\nfn f() { std::env::vars() }",
            "#[cfg(test)]\nmod tests;\nuse std::env;",
        ] {
            assert_eq!(named(wrong, ENVIRONMENT).len(), 1, "{wrong}");
        }
        assert_eq!(named("\nuse jiff::Timestamp;\nuse std::time::SystemTime;", IMPURE), [(3, "SystemTime")]);
        assert_eq!(named("async fn f() { tokio::spawn(g()) }", IMPURE), [(1, "tokio")]);
    }

    #[test]
    fn named_lets_through_what_only_looks_like_it() {
        for right in [
            "// std::env is not for here\n/// nor std::fs\n//! nor tokio",
            "let x = 1; // std::env, tokio",
            "use std::envelope;\nuse crate::env;\nlet tokios = NotSystemTime;",
            "use std::{collections::{env, fs}, fmt};",
            "include!(concat!(env!(\"OUT_DIR\"), \"/x.rs\"));",
            "#[cfg(test)]\n#[expect(\n    x,\n    reason = \"y\"\n)]\nmod tests {\n    mod inner {\n        use std::env;\n    }\n}",
        ] {
            assert_eq!(named(right, IMPURE), [], "{right}");
        }
    }
}
