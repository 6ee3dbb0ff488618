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

use anyhow::{Context as _, Result};
use bounded::{Bounded, RowLimit};
use flate2::read::MultiGzDecoder;
use rows::{Sink, Visit, Wanted};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Seek as _, SeekFrom};
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
    let open = || File::open(path).with_context(|| format!("cannot read `{}`", path.display()));
    let mut file = open()?;
    let mut magic = [0; 4];
    let length = file.read(&mut magic)?;
    file.seek(SeekFrom::Start(0))?;
    let wanted = Wanted { columns, mapping };
    let result = match magic.get(..length) {
        #[cfg(feature = "parquet")]
        Some(b"PAR1") => parquet_rows::read(file, wanted, &mut sink),
        #[cfg(not(feature = "parquet"))]
        Some(b"PAR1") => {
            Err(anyhow::anyhow!("this build reads no Parquet: build with the feature `parquet`, or pass CSV"))
        }
        Some([0x1f, 0x8b, ..]) => text(MultiGzDecoder::new(BufReader::new(file)), wanted, &mut sink),
        _ => text(file, wanted, &mut sink),
    };
    result.with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(sink.read)
}

fn text(input: impl Read, wanted: Wanted<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let input = Bounded { input, limit: sink.limit.clone() };
    let mut input = BufReader::with_capacity(1 << 16, input);
    if input.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        input.consume(3);
    }
    let first = input.fill_buf()?.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
    match first {
        Some(b'{' | b'[') => {
            let read = json_rows::read(input, wanted, sink);
            read.with_context(|| format!("after row {}", sink.read.rows))
        }
        _ => csv_rows::read(input, wanted, sink),
    }
}

#[cfg(test)]
mod tests;
