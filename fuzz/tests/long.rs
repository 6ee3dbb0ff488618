//! A campaign that is too long for the usual tests: `.ci/run` runs it by name. The program is that of the tests, so it checks
//! overflows and debug assertions too.

use std::path::Path;
use std::process::Command;

#[test]
fn no_input_is_a_finding() {
    let mut campaign = Command::new(env!("CARGO_BIN_EXE_autotag-fuzz"));
    campaign.args(["campaign", "--inputs", "200000", "--seed", "1"]);
    // Findings go below `target/` of the workspace.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let status = campaign.current_dir(root).status().unwrap();
    assert!(status.success(), "the campaign found something, see above: {status}");
}
