//! Reads files with rows and named columns row by row, as strings: CSV, JSON lines, JSON, Parquet, each also
//! gzipped.

mod bounded;
mod csv_rows;
mod json_rows;
#[cfg(feature = "parquet")]
mod parquet_rows;
mod rows;

pub(super) use rows::normalized;
pub(crate) use rows::{Cells, Column, Mapping, Reading};

use anyhow::{Context as _, Result, bail};
use bounded::{Bounded, RowLimit};
use flate2::read::MultiGzDecoder;
use rows::{Sink, Visit, Wanted};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Reads a file. Its format is told by its content.
///
/// # Errors
/// The file cannot be read to its end, or lacks a column that `--column` names.
pub(crate) fn read<'v>(
    path: &Path,
    columns: &[Column],
    mapping: &Mapping,
    visit: &'v mut Visit<'v>,
) -> Result<Reading> {
    let mut sink = Sink { visit, read: Reading::default(), limit: RowLimit::default() };
    let result = rows(path, Wanted { columns, mapping }, &mut sink);
    result.with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(sink.read)
}

/// Gives the rows of a file to the sink. Only Parquet needs a file: a pipe is read from its begin to its end.
fn rows(path: &Path, wanted: Wanted<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let mut file = File::open(path)?;
    let mut magic = Vec::new();
    (&mut file).take(4).read_to_end(&mut magic)?;
    match magic.as_slice() {
        b"PAR1" if !file.metadata()?.is_file() => {
            bail!("a pipe cannot have Parquet, whose index is at the end: write it to a file, and name that")
        }
        #[cfg(feature = "parquet")]
        b"PAR1" => parquet_rows::read(file, wanted, sink),
        #[cfg(not(feature = "parquet"))]
        b"PAR1" => bail!("this build reads no Parquet: build with the feature `parquet`, or pass CSV"),
        begin => {
            let input = begin.chain(file);
            match begin {
                [0x1f, 0x8b, ..] => text(MultiGzDecoder::new(BufReader::new(input)), wanted, sink),
                _ => text(input, wanted, sink),
            }
        }
    }
}

/// How many bytes are read to tell the format of a text, at least.
const HEAD: u64 = 1 << 16;

fn text(input: impl Read, wanted: Wanted<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let mut input = Bounded { input, limit: sink.limit.clone() };
    // A pipe gives a few bytes at a time, and a head that is whole tells the format.
    let mut head = Vec::new();
    (&mut input).take(HEAD).read_to_end(&mut head)?;
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
    let input = head.chain(BufReader::with_capacity(1 << 16, input));
    match head.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{' | b'[') => {
            let read = json_rows::read(input, wanted, sink);
            read.with_context(|| format!("after row {}", sink.read.rows))
        }
        _ => csv_rows::read(input, wanted, sink),
    }
}

#[cfg(test)]
mod tests;
