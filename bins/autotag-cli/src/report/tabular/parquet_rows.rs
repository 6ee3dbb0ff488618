//! Apache Parquet: the columns that are wanted, row by row.

use super::rows::{Cells, NOT_TAGGED, Sink, Wanted, tag_columns, tag_key};
use anyhow::{Context as _, Result};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};
use parquet::schema::types::Type;
use serde_json::{Map, Value};
use std::fs::File;
use std::sync::Arc;

pub(super) fn read(file: File, wanted: Wanted<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let reader = SerializedFileReader::new(file)?;
    let schema = reader.metadata().file_metadata().schema();
    let fields = schema.get_fields();
    let names: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
    let places = wanted.places(&names)?;
    sink.read.found = places.iter().map(Option::is_some).collect();
    let mut needed: Vec<usize> = places.iter().flatten().copied().collect();
    needed.extend(tag_columns(&names).iter().map(|(at, _)| *at));
    needed.sort_unstable();
    needed.dedup();
    let kept: Vec<Arc<Type>> = needed.iter().filter_map(|at| fields.get(*at).cloned()).collect();
    let projection = Type::group_type_builder(schema.name()).with_fields(kept).build()?;
    // The rows have the needed columns only.
    let place = |place: &Option<usize>| place.and_then(|place| needed.binary_search(&place).ok());
    let places: Vec<Option<usize>> = places.iter().map(place).collect();
    for row in reader.get_row_iter(Some(projection))? {
        sink.row(&cells(&row.context("a row cannot be read")?, &places));
    }
    Ok(())
}

fn cells(row: &Row, places: &[Option<usize>]) -> Cells {
    let columns: Vec<(&String, &Field)> = row.get_column_iter().collect();
    let cell = |place: &Option<usize>| columns.get((*place)?).and_then(|(_, field)| text(field));
    let of_tags = columns.iter().filter_map(|(name, field)| {
        Some((tag_key(name)?.to_owned(), text(field).filter(|value| value != NOT_TAGGED)?))
    });
    Cells { values: places.iter().map(cell).collect(), tags: of_tags.collect() }
}

/// Numbers as they are read again: a floating point number has the shortest digits that lead to it.
fn text(field: &Field) -> Option<String> {
    match field {
        Field::Null => None,
        Field::Str(text) => Some(text.clone()),
        Field::Bytes(bytes) => Some(String::from_utf8_lossy(bytes.data()).into_owned()),
        Field::Double(number) => Some(number.to_string()),
        Field::Float(number) => Some(number.to_string()),
        Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_) => Some(json(field).to_string()),
        other => Some(other.to_string()),
    }
}

fn json(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Group(row) => row
            .get_column_iter()
            .map(|(name, field)| (name.clone(), json(field)))
            .collect::<Map<_, _>>()
            .into(),
        Field::ListInternal(list) => list.elements().iter().map(json).collect(),
        Field::MapInternal(map) => {
            let entry = |(key, value): &(Field, Field)| Some((text(key)?, json(value)));
            map.entries().iter().filter_map(entry).collect::<Map<_, _>>().into()
        }
        other => text(other).map_or(Value::Null, Value::String),
    }
}
