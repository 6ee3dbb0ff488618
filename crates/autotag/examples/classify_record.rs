//! Classifies one record: `cargo run --example classify_record [FILE]`.
#![expect(clippy::print_stdout, reason = "the output of an example")]

use autotag::{Autotag, Classification, Record};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "examples/create-queue.json".to_owned());
    let text = std::fs::read_to_string(path)?;
    let record: Record<'_> = serde_json::from_str(&text)?;
    match Autotag::new().classify(&record) {
        Classification::Creation(creation) => {
            for target in &creation.targets {
                println!("creates {} ({})", target.resource.display(), target.resource.resource_type);
            }
        }
        Classification::Session(session) => println!("starts the session {}", session.role_session),
        Classification::Uncovered(event) => println!("no rule for {} {}", event.source, event.name),
        other => println!("{other:?}"),
    }
    Ok(())
}
