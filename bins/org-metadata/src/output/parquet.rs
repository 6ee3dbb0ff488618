//! An Apache Parquet file: one column per field, lists as lists, `tags` as a JSON object in a string.

use crate::report::account_row::AccountRow;
use anyhow::Result;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::sync::Arc;

/// The fields in order, and how each is read from a row.
const FIELDS: [(&str, Field); 23] = [
    ("account_id", Field::Text(|row| Some(row.account_id.clone()))),
    ("account_name", Field::Text(|row| Some(row.account_name.clone()))),
    ("org_id", Field::Text(|row| Some(row.org_id.clone()))),
    ("tenant_name", Field::Text(|row| Some(row.tenant_name.clone()))),
    ("csp", Field::Text(|row| Some(row.csp.to_owned()))),
    ("billing_account_state", Field::Text(|row| row.billing_account_state.clone())),
    ("region_group", Field::Text(|row| Some(row.region_group.clone()))),
    ("regions", Field::List(|row| &row.regions)),
    ("tenant_id", Field::Text(|row| Some(row.tenant_id.clone()))),
    ("environment", Field::Text(|row| row.environment.clone())),
    ("aide_id", Field::Text(|row| row.aide_id.clone())),
    ("management", Field::Flag(|row| row.management)),
    ("scan_status", Field::Text(|row| Some(row.scan_status.clone()))),
    ("scan_problems", Field::List(|row| &row.scan_problems)),
    ("all_regions", Field::List(|row| &row.all_regions)),
    ("unmapped_regions", Field::List(|row| &row.unmapped_regions)),
    ("unknown_regions", Field::List(|row| &row.unknown_regions)),
    ("ou_path", Field::Text(|row| row.ou_path.clone())),
    ("joined_method", Field::Text(|row| row.joined_method.clone())),
    ("joined", Field::Text(|row| row.joined.clone())),
    ("tags", Field::Text(|row| serde_json::to_string(&row.tags).ok())),
    ("owner", Field::Text(|row| row.owner.clone())),
    ("email", Field::Text(|row| row.email.clone())),
];

/// The type of a field, and how it is read.
#[derive(Clone, Copy)]
enum Field {
    Text(fn(&AccountRow) -> Option<String>),
    Flag(fn(&AccountRow) -> bool),
    List(fn(&AccountRow) -> &Vec<String>),
}

/// The schema in Parquet's notation.
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
pub(super) fn table(rows: &[AccountRow]) -> Result<Vec<u8>> {
    let schema = Arc::new(parse_message_type(&schema())?);
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::default()))?;
    let mut group = writer.next_row_group()?;
    for (_, field) in FIELDS {
        column(&mut group, field, rows)?;
    }
    group.close()?;
    Ok(writer.into_inner()?)
}

fn column(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    field: Field,
    rows: &[AccountRow],
) -> Result<()> {
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    let bytes = |text: String| ByteArray::from(text.into_bytes());
    match field {
        Field::Text(read) => {
            let texts: Vec<Option<String>> = rows.iter().map(read).collect();
            let levels: Vec<i16> = texts.iter().map(|text| i16::from(text.is_some())).collect();
            let values: Vec<ByteArray> = texts.into_iter().flatten().map(bytes).collect();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
        }
        Field::Flag(read) => {
            let flags: Vec<bool> = rows.iter().map(read).collect();
            column.typed::<BoolType>().write_batch(&flags, None, None)?;
        }
        Field::List(read) => {
            // An empty list is one entry without an element. Each element after the first one of a list repetitions.
            let (mut values, mut levels, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
            for list in rows.iter().map(read) {
                levels.extend(std::iter::repeat_n(i16::from(!list.is_empty()), list.len().max(1)));
                repetitions.push(0);
                repetitions.extend(std::iter::repeat_n(1_i16, list.len().saturating_sub(1)));
                values.extend(list.iter().cloned().map(bytes));
            }
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), Some(&repetitions))?;
        }
    }
    column.close()?;
    Ok(())
}
