//! A Parquet file of entries. All columns are texts; lists and maps are JSON.

use super::line::{COLUMNS, cells};
use anyhow::{Context as _, Result};
use autotag_ledger::Entry;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::fs::File;
use std::sync::Arc;

/// Account and month are in the path of the file, too: Athena takes the account from there.
pub(super) fn write(file: File, entries: &[Entry]) -> Result<()> {
    let fields: Vec<String> =
        written().map(|(_, name)| format!("OPTIONAL BYTE_ARRAY {name} (UTF8);")).collect();
    let schema = parse_message_type(&format!("message entry {{ {} }}", fields.join(" ")))?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    let rows: Vec<Vec<Option<String>>> = entries.iter().map(cells).collect();
    for (at, _) in written() {
        let texts = rows.iter().map(|row| row.get(at).and_then(Option::as_deref));
        let mut column = group.next_column()?.context("a column is missing")?;
        let levels: Vec<i16> = texts.clone().map(|text| i16::from(text.is_some())).collect();
        let values: Vec<ByteArray> = texts.flatten().map(ByteArray::from).collect();
        column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
        column.close()?;
    }
    group.close()?;
    writer.close()?;
    Ok(())
}

/// The columns of a file with their places in a line. A partition's column may not be in the files as well.
fn written() -> impl Iterator<Item = (usize, &'static str)> {
    COLUMNS.into_iter().enumerate().filter(|(_, name)| *name != "account")
}
