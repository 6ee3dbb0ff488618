//! The texts that mutations start from: the fixtures, the rule files, and the files of `seeds/`.

use autotag_model::envelope::{Limits, read_records};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The values of the requested tags of some seeds. Only callers say it, so no owner may be called so.
pub(crate) const CALLERS_WORD: &str = "said-by-the-caller";

/// Everything to start from.
#[derive(Debug, Default)]
pub struct SeedTexts {
    /// Single records.
    pub(crate) records: Vec<String>,
    /// Records of STS, and the calls made in their sessions.
    pub(crate) sts: Vec<String>,
    /// Whole files that are one JSON value.
    pub(crate) files: Vec<String>,
    /// Payloads of functions.
    pub(crate) payloads: Vec<String>,
    /// Policy files.
    pub(crate) policies: Vec<String>,
    /// Rule files.
    pub(crate) rules: Vec<String>,
    /// Answers of AWS in JSON.
    pub(crate) json_answers: Vec<String>,
    /// Answers of AWS in XML.
    pub(crate) xml_answers: Vec<String>,
}

/// The longest file that is a seed as a whole, in bytes.
const LONGEST_FILE: usize = 6_000;

impl SeedTexts {
    /// Reads the seeds. `root` is the folder of the workspace.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut seeds = Self::default();
        for file in files_below(&root.join("fixtures"))? {
            let bytes = fs::read(&file)?;
            read_records(bytes.as_slice(), &Limits::default(), &mut |item| {
                if let Ok(located) = item {
                    let of_sts = located.record.event_source == "sts.amazonaws.com";
                    let list = if of_sts { &mut seeds.sts } else { &mut seeds.records };
                    list.push(located.raw.to_owned());
                }
            });
            let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= LONGEST_FILE);
            seeds.files.extend(text.filter(|text| serde_json::from_str::<Value>(text).is_ok()));
        }
        for file in files_below(&root.join("crates/autotag-handlers/catalog"))? {
            let text = fs::read_to_string(&file)?;
            seeds.rules.push(if text.len() <= LONGEST_FILE { text } else { beginning(&text) });
        }
        let own = root.join("fuzz/seeds");
        let texts = |folder: &str| -> io::Result<Vec<String>> {
            files_below(&own.join(folder))?.iter().map(fs::read_to_string).collect()
        };
        seeds.payloads = texts("payload")?;
        seeds.policies = texts("policy")?;
        seeds.json_answers = texts("answer-json")?;
        seeds.xml_answers = texts("answer-xml")?;
        seeds.payloads.extend(seeds.files.iter().filter(|text| text.contains("\"Records\"")).cloned());
        Ok(seeds)
    }

    /// The records, each with tags of the caller's in its request: `Owner` and others, all of them called
    /// [`CALLERS_WORD`].
    pub(crate) fn records_with_forged_tags(&self) -> Vec<String> {
        let forge = |text: &String| {
            let mut record: Value = serde_json::from_str(text).ok()?;
            let keys = ["Owner", "owner", "PrincipalId", "Team"];
            let list: Vec<Value> =
                keys.iter().map(|key| json!({"key": key, "value": CALLERS_WORD})).collect();
            let request = record.get_mut("requestParameters")?.as_object_mut()?;
            let specification = json!({"items": [{"tags": list.clone()}]});
            request.insert("tagSpecificationSet".to_owned(), specification);
            request.insert("tags".to_owned(), list.into());
            Some(record.to_string())
        };
        self.records.iter().filter_map(forge).collect()
    }
}

/// The whole sections of a long rule file that fit.
fn beginning(text: &str) -> String {
    let mut kept = String::new();
    for section in text.split_inclusive("\n\n") {
        if kept.len() + section.len() > LONGEST_FILE {
            break;
        }
        kept.push_str(section);
    }
    kept
}

/// The files below a folder, in the order of their names, so that the same number is always the same seed.
fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
