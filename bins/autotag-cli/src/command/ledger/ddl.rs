//! The SQL statement that makes an Athena table over an export.

use super::line::COLUMNS;
use crate::cli::LedgerFormat;
use std::fmt::Write as _;

/// The statement. Without a location, a placeholder is in its place.
pub(super) fn statement(format: LedgerFormat, location: Option<&str>) -> String {
    let location = location.unwrap_or("s3://BUCKET/PREFIX").trim_end_matches('/').replace('\'', "''");
    let mut text = String::from("CREATE EXTERNAL TABLE autotag_ledger (\n");
    let columns: Vec<String> =
        COLUMNS.iter().filter(|name| **name != "account").map(|name| format!("  `{name}` string")).collect();
    let stored = match format {
        #[cfg(feature = "parquet")]
        LedgerFormat::Parquet => "STORED AS PARQUET",
        LedgerFormat::Jsonl => "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'",
    };
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "{}\n)\nPARTITIONED BY (`account` string, `month` string)\n{stored}\nLOCATION '{location}/';\n\
         MSCK REPAIR TABLE autotag_ledger;\n",
        columns.join(",\n")
    );
    text
}
