//! Plans the tags for a trail file: `cargo run --example plan_file [FILE]`.
//!
//! A trail file, an `EventBridge` event, an SQS batch, JSON lines, each also gzipped: the form is recognized.
#![expect(clippy::print_stdout, reason = "the output of an example")]

use autotag::{Autotag, Status as _};
use std::fs::File;

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "examples/trail.json".to_owned());
    for row in Autotag::new().plan(File::open(path)?).resources() {
        let name = row.arn().or_else(|| row.resource_type.clone()).unwrap_or_default();
        let owner = row.owner_name().unwrap_or("unknown");
        println!("{name}: {} for {owner}, by {}", row.status.name(), row.owner_source().unwrap_or("-"));
        for (key, value) in row.tags.pairs() {
            println!("    {key} = {value}");
        }
        row.reason().into_iter().for_each(|reason| println!("    {reason}"));
    }
    Ok(())
}
