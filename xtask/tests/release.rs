//! `cargo xtask`, by its real program: the files of a release, and that the files that describe releases fit together. The programs
//! in these releases are small scripts, because real ones take long to compile.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![expect(clippy::indexing_slicing, reason = "a check that panics has failed")]

use autotag_testkit::Tools;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

const TARGET: &str = "x86_64-unknown-linux-musl";

const NAMES: [&str; 4] = ["autotag", "org-metadata", "tag-handler", "session-handler"];

/// A program that makes its completions and man pages.
const TOOL: &str = "#!/bin/sh\ncase $1 in\n  completions) echo \"for $2\" ;;\n  man) echo page > \"$3/$(basename \"$0\").1\" ;;\nesac\n";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// A folder with programs.
fn programs(tool: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in NAMES {
        let path = folder.path().join(name);
        fs::write(&path, if name.ends_with("-handler") { "#!/bin/sh\n" } else { tool }).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    }
    folder
}

fn dist(programs: &TempDir, out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.current_dir(root()).args(["dist", "--allow-dirty", "--target", TARGET]);
    command.args(["--function-target", "aarch64-unknown-linux-gnu", "--programs"]).arg(programs.path());
    command.arg("--out").arg(out).args(more).env_remove("SOURCE_DATE_EPOCH").output().unwrap()
}

/// The files of a release.
fn made(more: &[&str]) -> TempDir {
    let out = tempfile::tempdir().unwrap();
    let output = dist(&programs(TOOL), out.path(), more);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), read(out.path(), "SHA256SUMS"));
    out
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entry = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())
    };
    fs::read_dir(folder).unwrap().map(entry).collect()
}

fn version() -> String {
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
    manifest["workspace"]["package"]["version"].as_str().unwrap().to_owned()
}

/// The list of components of a program.
fn components(folder: &Path, program: &str, target: &str) -> Value {
    serde_json::from_str(&read(folder, &format!("{program}-{}-{target}.cdx.json", version()))).unwrap()
}

fn names(components: &Value) -> BTreeSet<&str> {
    components["components"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[test]
fn the_same_commit_gives_the_same_bytes() {
    let (first, second) = (made(&[]), made(&[]));
    assert!(files(first.path()) == files(second.path()), "two runs differ");
}

#[test]
fn a_release_has_these_files() {
    let out = made(&[]);
    let version = version();
    let expected = [
        "SHA256SUMS".to_owned(),
        format!("autotag-{version}-{TARGET}.cdx.json"),
        format!("autotag-{version}-{TARGET}.tar.gz"),
        format!("org-metadata-{version}-{TARGET}.cdx.json"),
        format!("org-metadata-{version}-{TARGET}.tar.gz"),
        format!("session-handler-{version}-aarch64-unknown-linux-gnu.cdx.json"),
        format!("session-handler-{version}-arm64.zip"),
        format!("tag-handler-{version}-aarch64-unknown-linux-gnu.cdx.json"),
        format!("tag-handler-{version}-arm64.zip"),
    ];
    assert_eq!(files(out.path()).into_keys().collect::<Vec<_>>(), expected);
    let mut check = Command::new("sha256sum");
    let check = check.args(["--check", "--strict", "SHA256SUMS"]).current_dir(out.path()).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    assert_eq!(String::from_utf8(check.stdout).unwrap().lines().count(), expected.len() - 1);
}

#[test]
fn an_archive_has_the_program_and_what_belongs_to_it() {
    let out = made(&["--only", "autotag,org-metadata"]);
    for name in ["autotag", "org-metadata"] {
        let folder = format!("{name}-{}-{TARGET}", version());
        let bytes = fs::read(out.path().join(format!("{folder}.tar.gz"))).unwrap();
        let mut archive = tar::Archive::new(GzDecoder::new(bytes.as_slice()));
        let mut found = BTreeMap::new();
        let mut times = BTreeSet::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0), "{path}");
            times.insert(header.mtime().unwrap());
            let mode = header.mode().unwrap();
            if Path::new(&path).extension().is_some_and(|end| end == "fish") {
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                assert_eq!(text, "for fish\n");
            }
            found.insert(path, mode);
        }
        let expected = [
            ("CHANGELOG.md", 0o644),
            ("LICENSE", 0o644),
            ("README.md", 0o644),
            ("RUST-LIBRARY.html", 0o644),
            ("THIRD-PARTY.txt", 0o644),
            (name, 0o755),
            (&format!("completions/_{name}"), 0o644),
            (&format!("completions/_{name}.ps1"), 0o644),
            (&format!("completions/{name}.bash"), 0o644),
            (&format!("completions/{name}.fish"), 0o644),
            (&format!("man/man1/{name}.1"), 0o644),
        ];
        assert_eq!(found, BTreeMap::from(expected.map(|(path, mode)| (path.to_owned(), mode))));
        assert_eq!(times.len(), 1, "files have different times");
    }
}

#[test]
fn a_package_has_the_function_as_lambda_wants_it() {
    let out = made(&["--only", "tag-handler"]);
    let file = fs::File::open(out.path().join(format!("tag-handler-{}-arm64.zip", version()))).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    assert_eq!(
        archive.file_names().collect::<Vec<_>>(),
        ["LICENSE", "RUST-LIBRARY.html", "THIRD-PARTY.txt", "bootstrap"]
    );
    let mode = archive.by_name("bootstrap").unwrap().unix_mode().unwrap();
    assert_eq!(mode & 0o777, 0o755, "Lambda must be able to run it");
}

#[test]
fn components_are_valid_and_are_those_that_are_linked() {
    let out = made(&[]);
    // One of each group: the check takes seconds for a list.
    let lists = [("autotag", TARGET), ("tag-handler", "aarch64-unknown-linux-gnu")]
        .map(|(program, target)| out.path().join(format!("{program}-{}-{target}.cdx.json", version())));
    let checkers = Tools::releases(FOLDER).unwrap_or_else(|error| panic!("{error}"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sbom.py");
    let check = Command::new(checkers.join("python3")).arg(script).args(&lists).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));

    let autotag = components(out.path(), "autotag", TARGET);
    let tag_handler = components(out.path(), "tag-handler", "aarch64-unknown-linux-gnu");
    let (of_autotag, of_tag_handler) = (names(&autotag), names(&tag_handler));
    for name in ["rustls", "aws-lc-sys", "autotag-model", "Rust standard library"] {
        assert!(of_autotag.contains(name) && of_tag_handler.contains(name), "{name} is linked into both");
    }
    for name in ["clap", "redb", "musl"] {
        assert!(of_autotag.contains(name) && !of_tag_handler.contains(name), "{name} is linked into one");
    }
    // They run while the program is compiled, or in its tests.
    for name in ["cc", "cmake", "syn", "serde_derive", "clap_derive", "proptest", "autotag-testkit"] {
        assert!(!of_autotag.contains(name), "{name} is not in the program");
    }
}

#[test]
fn each_component_has_a_licence_and_its_notice() {
    let out = made(&["--only", "session-handler"]);
    let file = fs::File::open(out.path().join(format!("session-handler-{}-arm64.zip", version()))).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut notices = String::new();
    archive.by_name("THIRD-PARTY.txt").unwrap().read_to_string(&mut notices).unwrap();
    let list = components(out.path(), "session-handler", "aarch64-unknown-linux-gnu");
    let references: BTreeSet<&str> =
        list["dependencies"].as_array().unwrap().iter().map(|one| one["ref"].as_str().unwrap()).collect();
    for one in list["components"].as_array().unwrap() {
        assert!(one["licenses"][0]["expression"].is_string(), "{one}");
        assert!(references.contains(one["bom-ref"].as_str().unwrap()), "{one}");
        if let Some(address) = one["purl"].as_str() {
            let name = format!("{} {}", one["name"].as_str().unwrap(), one["version"].as_str().unwrap());
            assert!(notices.contains(&format!("\n{name}: ")), "{address} is not in the list of the notices");
            assert!(notices.matches(&name).count() > 1, "{address} has no text in the notices");
            assert!(one["hashes"][0]["content"].as_str().is_some_and(|sum| sum.len() == 64), "{one}");
        }
    }
}

#[test]
fn a_program_that_names_a_folder_of_this_machine_is_refused() {
    let script = format!("{TOOL}# {}/src/main.rs\n", root().display());
    let out = tempfile::tempdir().unwrap();
    let output = dist(&programs(&script), out.path(), &["--only", "autotag"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains("a path of this machine is in the program: ") && error.contains("src/main.rs"),
        "{error}"
    );
    assert_eq!(files(out.path()).len(), 0, "files of a release that failed");
}

#[test]
fn a_function_that_starts_slowly_for_its_size_is_refused() {
    let programs = programs(TOOL);
    let file = fs::File::options().write(true).open(programs.path().join("tag-handler")).unwrap();
    file.set_len(9_500_001).unwrap();
    let out = tempfile::tempdir().unwrap();
    let output = dist(&programs, out.path(), &["--only", "tag-handler"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("the function has 9500001 bytes, and the most is 9500000"), "{error}");
    assert_eq!(files(out.path()).len(), 0, "files of a release that failed");
    file.set_len(9_500_000).unwrap();
    assert!(dist(&programs, out.path(), &["--only", "tag-handler"]).status.success());
}

#[test]
fn a_program_without_completions_is_an_error_that_says_so() {
    let out = tempfile::tempdir().unwrap();
    let output = dist(&programs("#!/bin/sh\nexit 2\n"), out.path(), &["--only", "autotag"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("autotag: no completions of bash"), "{error}");
}

#[test]
fn files_of_an_earlier_release_do_not_stay() {
    let out = made(&[]);
    fs::write(out.path().join("mine.txt"), "not a file of a release").unwrap();
    let output = dist(&programs(TOOL), out.path(), &["--only", "tag-handler"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let left: Vec<String> = files(out.path()).into_keys().collect();
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(left.contains(&"mine.txt".to_owned()), "{left:?}");
}

#[test]
fn release_notes_are_a_section_of_the_changelog() {
    let notes = |version: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.current_dir(root()).args(["release-notes", version]).output().unwrap()
    };
    let unreleased = notes("unreleased");
    assert!(unreleased.status.success(), "{}", String::from_utf8_lossy(&unreleased.stderr));
    let missing = notes("v99.0.0");
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8(missing.stderr).unwrap().contains("no section `## [99.0.0]`"));
}

/// `cargo binstall` looks for the files under these names.
#[test]
fn the_addresses_of_binstall_are_names_of_files() {
    for (program, package) in [("autotag", "autotag-cli"), ("org-metadata", "org-metadata")] {
        let manifest: toml::Table = text(&format!("bins/{package}/Cargo.toml")).parse().unwrap();
        let settings = &manifest["package"]["metadata"]["binstall"];
        let filled = |key: &str| {
            let text = settings[key].as_str().unwrap();
            let text = text.replace("{ version }", &version()).replace("{ target }", TARGET);
            text.replace("{ bin }", program).replace("{ binary-ext }", "")
        };
        let folder = format!("{program}-{}-{TARGET}", version());
        let address = format!("{{ repo }}/releases/download/v{}/{folder}.tar.gz", version());
        assert_eq!((filled("pkg-url"), filled("bin-dir")), (address, format!("{folder}/{program}")));
    }
}

#[test]
fn one_compiler_makes_all_releases() {
    let toolchain: toml::Table = text("rust-toolchain.toml").parse().unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    assert_eq!(channel.split('.').count(), 3, "`{channel}` is not one version");
    assert!(
        text("Dockerfile").contains(&format!("FROM rust:{channel}-")),
        "the Dockerfile has another compiler"
    );
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
    let oldest = manifest["workspace"]["package"]["rust-version"].as_str().unwrap();
    let workflow = text(".github/workflows/ci.yml");
    assert!(workflow.contains(&format!("OLDEST_RUST: {oldest}\n")), "ci.yml checks another oldest compiler");
}

/// A dependency that needs a newer compiler than we say would break users of the oldest one.
#[test]
fn no_dependency_needs_a_newer_compiler() {
    let options = ["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"].map(str::to_owned);
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(options)
        .exec()
        .unwrap();
    let ours = metadata.packages.iter().find(|package| *package.name == "xtask").unwrap();
    let oldest = ours.rust_version.clone().unwrap();
    let nodes: BTreeSet<_> = metadata.resolve.unwrap().nodes.into_iter().map(|node| node.id).collect();
    let newer: Vec<String> = (metadata.packages.iter())
        .filter(|package| nodes.contains(&package.id))
        .filter(|package| package.rust_version.as_ref().is_some_and(|version| *version > oldest))
        .map(|package| format!("{} {}", package.name, package.version))
        .collect();
    assert_eq!(newer, Vec::<String>::new(), "they need a newer compiler than rust-version {oldest}");
}

/// `dist` refuses a checkout with new files.
#[test]
fn the_release_workflow_writes_no_file_into_the_checkout() {
    let workflow = text(".github/workflows/release.yml");
    let build = workflow.split("\n  publish:").next().unwrap();
    let written: Vec<&str> = build.lines().filter(|line| line.contains(" > ")).collect();
    assert!(!written.is_empty());
    for line in written {
        assert!(line.contains(" > \"$RUNNER_TEMP/"), "{line}");
    }
}

#[test]
fn workflows_are_valid_and_safe() {
    let checkers = Tools::releases(FOLDER).unwrap_or_else(|error| panic!("{error}"));
    let run = |program: &str, arguments: &[&str]| {
        let output =
            Command::new(checkers.join(program)).args(arguments).current_dir(root()).output().unwrap();
        let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(output.status.success(), "{program}:\n{}", told.concat());
    };
    let schema = ["--builtin-schema", "vendor.github-workflows"];
    run(
        "check-jsonschema",
        &[&schema[..], &[".github/workflows/ci.yml", ".github/workflows/release.yml"]].concat(),
    );
    run(
        "check-jsonschema",
        &["--builtin-schema", "vendor.github-actions", ".github/actions/uncovered/action.yml"],
    );
    run("zizmor", &["--offline", "--no-progress", ".github"]);
}
