//! The records as an Apache Parquet file: a column a field, lists as lists, `tags` as a JSON object in a text.

use crate::report::record::Record;
use anyhow::Result;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::sync::Arc;

/// The fields in their order, and how each is read from a record.
const FIELDS: [(&str, Field); 21] = [
    ("account_id", Field::Text(|record| Some(record.account_id.clone()))),
    ("account_name", Field::Text(|record| Some(record.account_name.clone()))),
    ("org_id", Field::Text(|record| Some(record.org_id.clone()))),
    ("tenant_name", Field::Text(|record| Some(record.tenant_name.clone()))),
    ("csp", Field::Text(|record| Some(record.csp.to_owned()))),
    ("billing_account_state", Field::Text(|record| record.billing_account_state.clone())),
    ("region_group", Field::Text(|record| Some(record.region_group.clone()))),
    ("regions", Field::List(|record| &record.regions)),
    ("tenant_id", Field::Text(|record| Some(record.tenant_id.clone()))),
    ("environment", Field::Text(|record| record.environment.clone())),
    ("aide_id", Field::Text(|record| record.aide_id.clone())),
    ("management", Field::Flag(|record| record.management)),
    ("scan_status", Field::Text(|record| Some(record.scan_status.clone()))),
    ("scan_problems", Field::List(|record| &record.scan_problems)),
    ("all_regions", Field::List(|record| &record.all_regions)),
    ("unmapped_regions", Field::List(|record| &record.unmapped_regions)),
    ("unknown_regions", Field::List(|record| &record.unknown_regions)),
    ("ou_path", Field::Text(|record| record.ou_path.clone())),
    ("joined_method", Field::Text(|record| record.joined_method.clone())),
    ("joined", Field::Text(|record| record.joined.clone())),
    ("tags", Field::Text(|record| serde_json::to_string(&record.tags).ok())),
];

/// How a field is read.
#[derive(Clone, Copy)]
enum Field {
    Text(fn(&Record) -> Option<String>),
    Flag(fn(&Record) -> bool),
    List(fn(&Record) -> &Vec<String>),
}

/// The schema in Parquet's own words.
fn schema() -> String {
    let fields = FIELDS.map(|(name, field)| match field {
        Field::Text(_) => format!("OPTIONAL BYTE_ARRAY {name} (UTF8);"),
        Field::Flag(_) => format!("REQUIRED BOOLEAN {name};"),
        Field::List(_) => {
            format!("REQUIRED GROUP {name} (LIST) {{ REPEATED GROUP list {{ REQUIRED BYTE_ARRAY element (UTF8); }} }}")
        }
    });
    format!("message account {{ {} }}", fields.join(" "))
}

/// The whole file.
pub(super) fn table(records: &[Record]) -> Result<Vec<u8>> {
    let schema = Arc::new(parse_message_type(&schema())?);
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::default()))?;
    let mut group = writer.next_row_group()?;
    for (_, field) in FIELDS {
        column(&mut group, field, records)?;
    }
    group.close()?;
    Ok(writer.into_inner()?)
}

fn column(group: &mut SerializedRowGroupWriter<'_, Vec<u8>>, field: Field, records: &[Record]) -> Result<()> {
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    let bytes = |text: String| ByteArray::from(text.into_bytes());
    match field {
        Field::Text(read) => {
            let texts: Vec<Option<String>> = records.iter().map(read).collect();
            let there: Vec<i16> = texts.iter().map(|text| i16::from(text.is_some())).collect();
            let values: Vec<ByteArray> = texts.into_iter().flatten().map(bytes).collect();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&there), None)?;
        }
        Field::Flag(read) => {
            let flags: Vec<bool> = records.iter().map(read).collect();
            column.typed::<BoolType>().write_batch(&flags, None, None)?;
        }
        Field::List(read) => {
            // An empty list is one entry without an element; each further element of a list repeats.
            let (mut values, mut there, mut repeats) = (Vec::new(), Vec::new(), Vec::new());
            for list in records.iter().map(read) {
                there.extend(std::iter::repeat_n(i16::from(!list.is_empty()), list.len().max(1)));
                repeats.push(0);
                repeats.extend(std::iter::repeat_n(1_i16, list.len().saturating_sub(1)));
                values.extend(list.iter().cloned().map(bytes));
            }
            column.typed::<ByteArrayType>().write_batch(&values, Some(&there), Some(&repeats))?;
        }
    }
    column.close()?;
    Ok(())
}
