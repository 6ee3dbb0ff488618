//! `autotag schema`: the JSON schemas of policies, rule files, rows, summaries and explanations.

use crate::cli::{SchemaArgs, SchemaName};
use crate::completion::Completion;
use crate::schema;
use anyhow::Result;
use std::io::Write as _;

pub(crate) fn run(args: &SchemaArgs) -> Result<Completion> {
    let text = match args.name {
        SchemaName::Policy => schema::POLICY,
        SchemaName::Rules => schema::RULES,
        SchemaName::Row => schema::ROW,
        SchemaName::Summary => schema::SUMMARY,
        SchemaName::Explanation => schema::EXPLANATION,
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Completion::Complete)
}
