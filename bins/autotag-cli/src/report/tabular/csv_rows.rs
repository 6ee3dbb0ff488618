//! CSV: the first row has the names; commas, or semicolons as spreadsheets of some languages write them.

use super::rows::{Cells, NOT_TAGGED, Sink, Wanted, tag_columns};
use anyhow::{Context as _, Result, ensure};
use csv::{ByteRecord, ReaderBuilder};
use std::cell::Cell;
use std::io::{self, BufRead, Read};

/// Quotes that come in pairs in a file without a fault.
struct CountingQuotes<'c, R> {
    input: R,
    count: &'c Cell<usize>,
}

impl<R: Read> Read for CountingQuotes<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        let quotes = buffer.iter().take(count).filter(|byte| **byte == b'"').count();
        self.count.set(self.count.get() + quotes);
        Ok(count)
    }
}

pub(super) fn read(mut input: impl BufRead, wanted: Wanted<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let head = input.fill_buf()?.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let count = |wanted: char| head.matches(wanted).count();
    let delimiter = if count(';') > count(',') { b';' } else { b',' };
    let quotes = Cell::new(0);
    let input = CountingQuotes { input, count: &quotes };
    let mut reader = ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(input);
    let text = |cell: &[u8]| String::from_utf8_lossy(cell).into_owned();
    let names: Vec<String> = reader.byte_headers().context("line 1")?.iter().map(text).collect();
    let places = wanted.places(&names)?;
    sink.read.found = places.iter().map(Option::is_some).collect();
    let of_tags = tag_columns(&names);
    let mut record = ByteRecord::new();
    let mut cells = Cells::default();
    let (mut line, mut ends_in_quotes) = (1, false);
    loop {
        let next = reader.position().line();
        let is_row = reader.read_byte_record(&mut record);
        let unclosed = || format!("line {next}: is a quote not closed?");
        let is_row = if sink.limit.is_used_up() { is_row.with_context(unclosed)? } else { is_row? };
        if !is_row {
            break;
        }
        (line, ends_in_quotes) = (next, record.iter().next_back().is_some_and(|cell| cell.contains(&b'\n')));
        cells.values.clear();
        cells.values.extend(places.iter().map(|place| record.get((*place)?).map(text)));
        cells.tags.clear();
        cells.tags.extend(of_tags.iter().filter_map(|(at, key)| {
            let value = record.get(*at).map(text).filter(|value| !value.is_empty() && value != NOT_TAGGED)?;
            Some((key.clone(), value))
        }));
        sink.row(&cells);
    }
    // Otherwise the rows in the last cell would be lost without a message.
    let is_closed = !ends_in_quotes || quotes.get().is_multiple_of(2);
    ensure!(is_closed, "line {line}: a quote is not closed; the rows after it are not read");
    Ok(())
}
