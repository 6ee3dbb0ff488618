//! `autotag generate`: `deploy/` is up to date, and other files are not changed.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::{autotag_in, root, stderr, stdout};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;

/// In a folder without an `autotag.toml`.
fn generate(folder: &Path, args: &[&str]) -> Output {
    autotag_in(folder, &[&["generate"], args].concat())
}

fn said(output: &Output) -> String {
    format!("{}{}", stdout(output), stderr(output))
}

/// A folder with generated files.
fn generated() -> TempDir {
    let folder = TempDir::new().unwrap();
    let output = generate(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    folder
}

/// One of the generated files.
fn some_file(folder: &Path) -> PathBuf {
    let list = fs::read_to_string(folder.join("deploy/generated-files.txt")).unwrap();
    folder.join("deploy").join(list.lines().nth(1).unwrap())
}

#[test]
fn the_files_of_this_repository_are_up_to_date() {
    let folder = TempDir::new().unwrap();
    let deploy = root().join("deploy");
    let output = generate(folder.path(), &["--check", "--out", deploy.to_str().unwrap()]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "deploy/ is stale; run `cargo run -p autotag-cli -- generate` in the top folder and commit it\n{}",
        said(&output)
    );
}

#[test]
fn generated_files_are_up_to_date() {
    let folder = generated();
    let output = generate(folder.path(), &["--check"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(said(&output), "");
}

#[test]
fn check_shows_stale_files_and_writes_nothing() {
    let folder = generated();
    let file = some_file(folder.path());
    fs::write(&file, "edited\n").unwrap();
    let output = generate(folder.path(), &["--check"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("\n-edited\n+"), "{}", said(&output));
    assert!(
        said(&output).contains("1 file in `deploy` not up to date: run it again without --check"),
        "{}",
        said(&output)
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "edited\n");
}

#[test]
fn stale_files_are_written_again() {
    let folder = generated();
    let file = some_file(folder.path());
    let before = fs::read_to_string(&file).unwrap();
    fs::write(&file, "edited\n").unwrap();
    assert_eq!(generate(folder.path(), &[]).status.code(), Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn files_are_written_to_the_chosen_folder() {
    let folder = TempDir::new().unwrap();
    assert_eq!(generate(folder.path(), &["--out", "elsewhere/deep"]).status.code(), Some(0));
    assert!(folder.path().join("elsewhere/deep/generated-files.txt").is_file());
    assert!(!folder.path().join("deploy").exists());
}

#[test]
fn a_file_that_was_not_generated_is_not_replaced() {
    let folder = generated();
    let path = some_file(folder.path());
    let name = path.strip_prefix(folder.path().join("deploy")).unwrap().to_str().unwrap();
    for list in [None, Some("mine\n")] {
        let own = TempDir::new().unwrap();
        let file = own.path().join("deploy").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "mine\n").unwrap();
        if let Some(list) = list {
            fs::write(own.path().join("deploy/generated-files.txt"), list).unwrap();
        }
        let output = generate(own.path(), &[]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("not generated") && said(&output).contains(name), "{}", said(&output));
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine\n");
        let count = fs::read_dir(own.path().join("deploy")).unwrap().count();
        assert_eq!(count, 1 + usize::from(list.is_some()), "nothing else was written either");
    }
}

/// A caller who may update a project can make it run other code, in every account.
#[test]
fn no_file_allows_updates_of_codebuild_unless_the_policy_opts_in() {
    let allowing = |policy: &str| -> Vec<String> {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("autotag.toml"), policy).unwrap();
        assert_eq!(generate(folder.path(), &[]).status.code(), Some(0));
        let list = fs::read_to_string(folder.path().join("deploy/generated-files.txt")).unwrap();
        let is_file =
            |line: &&str| Path::new(line).extension().is_some_and(|kind| kind == "yaml" || kind == "json");
        let files = list.lines().filter(is_file).map(str::to_owned);
        let allows = |file: &String| {
            fs::read_to_string(folder.path().join("deploy").join(file)).unwrap().contains("codebuild:Update")
        };
        files.filter(allows).collect()
    };
    assert_eq!(allowing(""), [""; 0]);
    let opted_in = allowing("[policy]\nopt_in = [\"codebuild\"]\n");
    assert!(
        opted_in.contains(&"hub.yaml".to_owned()) && opted_in.contains(&"member.yaml".to_owned()),
        "{opted_in:?}"
    );
}

/// Files that an older version generated and this one does not.
#[test]
fn stale_files_are_removed_and_others_stay() {
    let folder = generated();
    let deploy = folder.path().join("deploy");
    let list = deploy.join("generated-files.txt");
    let before = fs::read_to_string(&list).unwrap();
    let outside = folder.path().join("outside.txt");
    let absolute = folder.path().join("absolute.txt");
    for file in [&outside, &absolute, &deploy.join("old.yaml"), &deploy.join("README.own")] {
        fs::write(file, "x\n").unwrap();
    }
    fs::write(&list, format!("{before}old.yaml\n../outside.txt\n{}\n", absolute.display())).unwrap();
    let output = generate(folder.path(), &["--check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("old.yaml") && said(&output).contains("\n-x\n"), "{}", said(&output));
    assert!(deploy.join("old.yaml").exists());
    assert_eq!(generate(folder.path(), &[]).status.code(), Some(0));
    assert!(!deploy.join("old.yaml").exists());
    assert!(deploy.join("README.own").exists());
    assert!(outside.exists() && absolute.exists(), "paths outside of the folder are ignored");
    assert_eq!(fs::read_to_string(&list).unwrap(), before);
}

#[test]
fn own_rules_are_included() {
    let folder = generated();
    let rules = "source = \"example.amazonaws.com\"\nname = \"Example\"\nactions = [\"example:TagResource\"]\n\
                 [[rule]]\nevent = \"CreateExample\"\ntype = \"AWS::Example::Example\"\nid = \"response.arn\"\n";
    fs::write(folder.path().join("own.toml"), rules).unwrap();
    let output = generate(folder.path(), &["--check", "--rules", "own.toml"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("CreateExample"), "{}", said(&output));
    assert!(said(&output).contains("example:TagResource"), "{}", said(&output));
}

#[test]
fn a_deployment_for_some_services_matches_and_allows_only_those() {
    let folder = TempDir::new().unwrap();
    let output = generate(folder.path(), &["--services", "sqs,sns.amazonaws.com"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let read = |name: &str| fs::read_to_string(folder.path().join("deploy").join(name)).unwrap();
    let pattern = read("event-patterns/creations-1.json");
    assert!(pattern.contains("sqs.amazonaws.com") && pattern.contains("sns.amazonaws.com"), "{pattern}");
    assert!(!pattern.contains("ec2.amazonaws.com"), "{pattern}");
    assert!(!folder.path().join("deploy/event-patterns/creations-2.json").exists());
    let policy = read("iam/tag-1.json");
    assert!(policy.contains("sqs:TagQueue") && !policy.contains("ec2:CreateTags"), "{policy}");
    // With the same services, the files are up to date; for all services, they are not.
    assert_eq!(generate(folder.path(), &["--services", "sns,sqs", "--check"]).status.code(), Some(0));
    assert_eq!(generate(folder.path(), &["--check"]).status.code(), Some(1));
}

#[test]
fn services_without_rules_are_refused() {
    let folder = TempDir::new().unwrap();
    let output = generate(folder.path(), &["--services", "sqs,sqss"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let message =
        "--services: no rules for sqss.amazonaws.com; `autotag catalog` lists the services with rules";
    assert!(said(&output).contains(message), "{}", said(&output));
}

/// The page for operators on call, without the texts between its sections.
fn on_call() -> String {
    fs::read_to_string(root().join("docs/on-call.md")).unwrap()
}

#[test]
fn every_alarm_has_its_section_for_who_is_on_call() {
    let page = on_call();
    let folder = generated();
    let mut alarms = 0;
    for file in fs::read_dir(folder.path().join("deploy")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for name in text.lines().filter_map(|line| line.trim().strip_prefix("AlarmName:")) {
            let name = name.trim().trim_start_matches("!Sub").trim().trim_matches('"');
            let name = name.trim_start_matches("${Name}-").trim_start_matches("autotag-");
            let heading = format!("\n## {name}\n");
            assert!(
                page.contains(&heading),
                "docs/on-call.md has no section `## {name}` ({})",
                path.display()
            );
            alarms += 1;
        }
    }
    assert!(alarms >= 11, "only {alarms} alarms were found");
}

#[test]
fn every_command_for_who_is_on_call_exists() {
    let page = on_call();
    let code = page.lines().flat_map(|line| match line.trim().strip_prefix("autotag ") {
        Some(command) => vec![command.to_owned()],
        None => line.split('`').filter_map(|part| part.strip_prefix("autotag ")).map(str::to_owned).collect(),
    });
    let mut commands = 0;
    for command in code {
        let name = command.split_whitespace().next().unwrap();
        let help = stdout(&autotag_in(&root(), &[name, "--help"]));
        assert!(!help.is_empty(), "`autotag {command}`: no such command");
        for option in command.split_whitespace().filter(|word| word.starts_with("--")) {
            assert!(help.contains(option), "`autotag {command}`: no option {option}");
        }
        commands += 1;
    }
    assert!(commands > 10, "only {commands} commands were found");
}
