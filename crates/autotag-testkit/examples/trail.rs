//! Writes a trail of any size into a folder: `cargo run --release -p autotag-testkit --example trail -- --help`.
#![expect(clippy::print_stdout, reason = "a program")]

use autotag_testkit::trail::{Shape, Trail};
use std::error::Error;
use std::path::PathBuf;
use std::str::FromStr;

const HELP: &str = "\
Writes the log files of a trail. The same arguments give the same files.

  --out FOLDER        where to; the folder AWSLogs is made in there
  --records N         [100000]
  --per-file N        records in a file [1500]
  --creations P       percent of the records that tell of a creation, as in 0.5 [4]
  --sessions P        percent of the records that begin a session of a role [3]
  --accounts N        [2]
  --regions N         up to 12 [3]
  --days N            [2]
  --seed N            [1]
  --odd P             percent of odd records [0]
  --damaged P         percent of damaged files [0]
  --wrapped P         percent of files in other forms than CloudTrail's [0]
  --threads N         [1]";

fn main() -> Result<(), Box<dyn Error>> {
    let mut shape = Shape::default();
    let (mut out, mut threads) = (None, 1);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--help" {
            println!("{HELP}");
            return Ok(());
        }
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value; --help says which"))?;
        match argument.as_str() {
            "--out" => out = Some(PathBuf::from(value)),
            "--records" => shape.records = number(&argument, &value)?,
            "--per-file" => shape.records_a_file = number(&argument, &value)?,
            "--creations" => shape.creations = number(&argument, &value)?,
            "--sessions" => shape.sessions = number(&argument, &value)?,
            "--accounts" => shape.accounts = number(&argument, &value)?,
            "--regions" => shape.regions = number(&argument, &value)?,
            "--days" => shape.days = number(&argument, &value)?,
            "--seed" => shape.seed = number(&argument, &value)?,
            "--odd" => shape.odd = number(&argument, &value)?,
            "--damaged" => shape.damaged = number(&argument, &value)?,
            "--wrapped" => shape.wrapped = number(&argument, &value)?,
            "--threads" => threads = number(&argument, &value)?,
            _ => return Err(format!("there is no {argument}; --help names all").into()),
        }
    }
    let out = out.ok_or("--out FOLDER is missing")?;
    let trail = Trail::new(shape)?;
    let written = trail.write(&out, threads)?;
    println!(
        "{} records, {} of creations and {} of sessions, in {} files: {} bytes, {} of JSON",
        trail.records(),
        trail.creations(),
        trail.sessions(),
        written.files,
        written.bytes,
        written.text
    );
    Ok(())
}

fn number<T: FromStr<Err: std::fmt::Display>>(argument: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|error| format!("{argument} {value}: {error}"))
}
