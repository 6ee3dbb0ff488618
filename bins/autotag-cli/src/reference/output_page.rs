//! `docs/output.md`: rows, summary and exit codes. The tables of keys come from the schemas.

use crate::schema;
use serde_json::Value;
use std::fmt::Write as _;

/// The page, with the names of schemas in braces in the place of their tables.
const PAGE: &str = include_str!("output.md");

/// The page.
pub(super) fn page() -> String {
    PAGE.replace("{{row}}", &table(schema::ROW))
        .replace("{{summary}}", &table(schema::SUMMARY))
        .replace("{{explanation}}", &table(schema::EXPLANATION))
}

/// A table of the keys that a schema requires, in its order.
fn table(schema: &str) -> String {
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let keys =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut table = "| Key | Type | What it is |\n|---|---|---|\n".to_owned();
    for key in keys {
        let property = schema.get("properties").and_then(|all| all.get(key)).unwrap_or(&Value::Null);
        let about = property.get("description").and_then(Value::as_str).unwrap_or_default();
        let _ = writeln!(table, "| `{key}` | {} | {about} |", kind(property));
    }
    table.trim_end().to_owned()
}

/// The type of a property, for people.
fn kind(property: &Value) -> String {
    let name = |kind: &Value| match kind.as_str().unwrap_or("string") {
        "string" => "text".to_owned(),
        "integer" => "number".to_owned(),
        "array" => "list".to_owned(),
        other => other.to_owned(),
    };
    match property.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().map(name).collect::<Vec<_>>().join(" or "),
        Some(kind) => name(kind),
        None => "text".to_owned(),
    }
}
