//! Completions and man pages, which need neither settings nor AWS.

use std::path::Path;
use std::process::{Command, Output};

fn org_metadata(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_org-metadata")).env_clear().args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The script of a shell, in a file.
fn script(shell: &str, path: &Path) -> String {
    let output = org_metadata(&["completions", shell]);
    assert_eq!(output.status.code(), Some(0), "{shell}: {}", text(&output.stderr));
    std::fs::write(path, &output.stdout).unwrap();
    text(&output.stdout)
}

/// The shells read their scripts. Those that are not installed are left out.
#[test]
fn shells_read_the_completions() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, check) in
        [("bash", Some("-n")), ("zsh", Some("-n")), ("fish", Some("--no-execute")), ("powershell", None)]
    {
        let path = folder.path().join(shell);
        let script = script(shell, &path);
        for name in ["tenant-filter", "dry-run", "parquet", "explorer", "completions"] {
            assert!(script.contains(name), "{shell} does not complete {name}");
        }
        assert!(!script.contains("man pages"), "{shell} completes a hidden command");
        if let Some(check) = check
            && let Ok(read) = Command::new(shell).arg(check).arg(&path).output()
        {
            assert!(read.status.success(), "{shell}: {}", text(&read.stderr));
        }
    }
}

#[test]
fn bash_completes_options_and_their_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script");
    script("bash", &path);
    let complete = |words: &str, at: usize| {
        let mut last = words.split(' ').rev();
        let (current, previous) = (last.next().unwrap(), last.next().unwrap());
        // The name of the function is the library's own.
        let script = format!(
            "source {}; function=$(complete -p org-metadata | sed 's/.*-F //; s/ .*//'); COMP_WORDS=({words}); COMP_CWORD={at}; \
             $function org-metadata '{current}' '{previous}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            path.display()
        );
        text(&Command::new("bash").args(["-c", &script]).output().unwrap().stdout)
    };
    assert_eq!(complete("org-metadata --dry", 1), "--dry-run\n");
    assert_eq!(complete("org-metadata --detect e", 2), "explorer\n");
}

#[test]
fn man_pages_name_every_option() {
    let folder = tempfile::tempdir().unwrap();
    let output = org_metadata(&["man", "--dir", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let page = std::fs::read_to_string(folder.path().join("org-metadata.1")).unwrap().replace('\\', "");
    let help = text(&org_metadata(&["--help"]).stdout);
    let options: Vec<&str> = help.split_whitespace().filter(|word| word.starts_with("--")).collect();
    assert!(options.contains(&"--tenant") && options.contains(&"--quiet"), "{help}");
    for option in options {
        let option = option.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        assert!(page.contains(option), "the page does not name {option}");
    }
    assert!(folder.path().join("org-metadata-completions.1").is_file());
}

/// A report that has options of its own beside a command would silently not be made.
#[test]
fn a_command_takes_no_options_of_a_report() {
    let output = org_metadata(&["--resume", "completions", "bash"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
    assert!(output.stdout.is_empty());
}
