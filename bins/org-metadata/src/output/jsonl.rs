//! One JSON object an account.

use crate::report::record::Record;
use anyhow::Result;

/// The records, a line each.
pub(super) fn lines(records: &[Record]) -> Result<Vec<u8>> {
    let mut lines = Vec::new();
    for record in records {
        serde_json::to_writer(&mut lines, record)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
