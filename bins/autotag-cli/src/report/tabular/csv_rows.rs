//! CSV: the first row has the names; commas, or semicolons as spreadsheets of some languages write them.

use super::rows::{Cells, NOT_TAGGED, Sink, Wanted, tag_columns};
use anyhow::Result;
use csv::{ByteRecord, ReaderBuilder};
use std::io::BufRead;

pub(super) fn read(mut input: impl BufRead, wanted: Wanted<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let head = input.fill_buf()?.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let count = |wanted: char| head.matches(wanted).count();
    let delimiter = if count(';') > count(',') { b';' } else { b',' };
    let mut reader = ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(input);
    let text = |cell: &[u8]| String::from_utf8_lossy(cell).into_owned();
    let names: Vec<String> = reader.byte_headers()?.iter().map(text).collect();
    let places = wanted.places(&names)?;
    sink.read.found = places.iter().map(Option::is_some).collect();
    let of_tags = tag_columns(&names);
    let mut record = ByteRecord::new();
    let mut cells = Cells::default();
    while reader.read_byte_record(&mut record)? {
        cells.values.clear();
        cells.values.extend(places.iter().map(|place| record.get((*place)?).map(text)));
        cells.tags.clear();
        cells.tags.extend(of_tags.iter().filter_map(|(at, key)| {
            let value = record.get(*at).map(text).filter(|value| !value.is_empty() && value != NOT_TAGGED)?;
            Some((key.clone(), value))
        }));
        sink.row(&cells);
    }
    Ok(())
}
