//! JSON lines: one object per account.

use crate::report::account_row::AccountRow;
use anyhow::Result;

/// One line per row.
pub(super) fn lines(rows: &[AccountRow]) -> Result<Vec<u8>> {
    let mut lines = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut lines, row)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
