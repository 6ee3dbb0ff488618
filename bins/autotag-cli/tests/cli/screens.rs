//! Commands on terminals of several widths: no text runs over the edge, and no name is broken.

use crate::common::{BIN, root, stdout};
use nix::pty::{Winsize, openpty};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::process::{Command, Stdio};
use unicode_width::UnicodeWidthStr as _;

const WIDTHS: [u16; 4] = [60, 80, 120, 200];

/// The lines that a command shows on a terminal of so many columns and 24 lines, without colours.
fn screen(columns: u16, args: &[&str]) -> Vec<String> {
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let terminal = openpty(Some(&size), None).unwrap();
    let end = || Stdio::from(terminal.slave.try_clone().unwrap());
    let mut command = Command::new(BIN);
    command.args(args).current_dir(root()).env_remove("COLUMNS").env_remove("CLICOLOR_FORCE");
    command.stdin(Stdio::null()).stdout(end()).stderr(end());
    let mut child = command.spawn().unwrap();
    drop((command, terminal.slave));
    let mut bytes = Vec::new();
    // A terminal whose other end is closed answers with an error.
    let _ = File::from(terminal.master).read_to_end(&mut bytes);
    child.wait().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let text = anstream::adapter::strip_str(&text).to_string();
    text.replace("\r\n", "\n").lines().map(str::to_owned).collect()
}

/// Commands in a summary are whole, so that they can be copied. So is a name that is longer than the terminal.
fn may_be_longer(line: &str) -> bool {
    let text = line.trim_start();
    let is_command = text.strip_prefix("next").unwrap_or(text).trim_start().starts_with("autotag ");
    is_command || !text.contains(' ')
}

#[test]
fn texts_fit_into_the_terminal() {
    let table = "arn:aws:dynamodb:eu-west-1:444455556666:table/orders";
    for args in [
        &["plan", "fixtures/trail"][..],
        &["plan", "fixtures/trail", "--all", "--all-rows", "-v"],
        &["plan", "fixtures/broken"],
        &["explain", "fixtures/trail"],
        &["explain", "fixtures/broken"],
        &["whois", table, "--trail", "fixtures/trail"],
        &["whois", "nothing", "--trail", "fixtures/trail"],
        &["identify", "fixtures/trail"],
    ] {
        for columns in WIDTHS {
            let lines = screen(columns, args);
            assert!(lines.len() > 2, "{args:?}: {lines:?}");
            for line in lines.iter().filter(|line| !may_be_longer(line)) {
                assert!(line.width() <= columns.into(), "{columns} columns, {args:?}: {line:?}");
            }
        }
    }
}

/// Every word of the text is on the terminal as it is: only lines are broken.
#[test]
fn a_terminal_shows_the_words_that_a_pipe_gets() {
    let args = ["explain", "fixtures/trail", "--color", "never"];
    let piped = Command::new(BIN).args(args).current_dir(root()).output().unwrap();
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let expected = words(&stdout(&piped));
    for columns in WIDTHS {
        assert!(words(&screen(columns, &args).join("\n")) == expected, "{columns} columns");
    }
}

#[test]
fn types_that_begin_alike_stay_apart() {
    for columns in WIDTHS {
        let lines = screen(columns, &["plan", "fixtures/trail", "--all-rows", "--type", "EC2::Network*"]);
        let start = lines[0].find("TYPE").unwrap();
        let of_line =
            |line: &String| line.get(start..).unwrap().split_whitespace().next().unwrap().to_owned();
        let rows = lines[1..].iter().take_while(|line| !line.starts_with("Plan:"));
        let kinds: BTreeSet<String> = rows.map(of_line).collect();
        assert_eq!(kinds.len(), 2, "{columns} columns: {kinds:?}");
    }
}
