//! Reads the existing resources from a file of the user.

use super::arns::unified;
use super::created::Created;
use super::tabular::{self, Cells, Column, Mapping, Reading};
use anyhow::Result;
use autotag_model::arn::{AccountId, Arn, Partition, Region};
use autotag_model::rule::{Resource, ResourceKey, Scope};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Tags by key.
pub(crate) type Tags = BTreeMap<String, String>;

/// The file that an inventory comes from. Whatever else yields [`Item`]s can be joined, too.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    File(PathBuf),
}

/// A resource of the inventory.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) resource: Resource,
    pub(crate) created: Option<Created>,
    /// `None` if the inventory does not have tags.
    pub(crate) tags: Option<Tags>,
}

const ARN: usize = 0;
const ID: usize = 1;
const TYPE: usize = 2;
const REGION: usize = 3;
const ACCOUNT: usize = 4;
const TAGS: usize = 5;
const CREATED: usize = 6;
const PROPERTIES: usize = 7;

/// The columns, by the names that AWS Config, Resource Explorer, Tag Editor and `GetResources` give them.
pub(crate) const COLUMNS: [Column; 8] = [
    Column { role: "arn", names: &["arn", "resourcearn"] },
    Column { role: "id", names: &["resourceid", "identifier", "id"] },
    Column { role: "type", names: &["resourcetype", "type"] },
    Column { role: "region", names: &["awsregion", "region"] },
    Column {
        role: "account",
        names: &["accountid", "awsaccountid", "owningaccountid", "awsaccount", "account"],
    },
    Column { role: "tags", names: &["tags"] },
    Column {
        role: "created",
        // A launch time changes whenever an instance is started.
        names: &["resourcecreationtime", "creationtime", "creationdate", "createdat", "created"],
    },
    Column { role: "properties", names: &["properties"] },
];

/// Reads an inventory.
///
/// # Errors
/// It cannot be read to its end. Rows that name no resource are in the answer.
pub(crate) fn read(source: &Source, mapping: &Mapping, mut take: impl FnMut(Item)) -> Result<Reading> {
    let Source::File(path) = source;
    read_file(path, mapping, &mut take)
}

fn read_file(path: &Path, mapping: &Mapping, take: &mut dyn FnMut(Item)) -> Result<Reading> {
    let mut visit = |cells: &Cells| {
        take(item(cells)?);
        Ok(())
    };
    tabular::read(path, &COLUMNS, mapping, &mut visit)
}

fn item(cells: &Cells) -> Result<Item, String> {
    let (arn, id) = (cells.get(ARN), cells.get(ID));
    // Resource Explorer and Tag Editor write ARNs and ids into one column.
    let arn = arn.or_else(|| id.filter(|id| id.starts_with("arn:")));
    let arn: Option<Arn> = match arn {
        Some(text) => Some(text.parse().map_err(|error| format!("the ARN cannot be read: {error}"))?),
        None => None,
    };
    let arn = arn.map(unified);
    let id = id.map(str::to_owned).or_else(|| arn.as_ref().map(|arn| tail(arn).to_owned()));
    let id = id.ok_or("it has no ARN and no id")?;
    let scope = Scope {
        region: cells.get(REGION).and_then(Region::new),
        account: cells.get(ACCOUNT).and_then(account),
        partition: Partition::default(),
    };
    let resource_type = cells.get(TYPE).unwrap_or_default();
    let resource = Resource::new(resource_type, &id, arn, &scope);
    Ok(Item { resource, created: cells.get(CREATED).map(created).transpose()?, tags: tags(cells)? })
}

/// Without its time, a resource could get the owner of an earlier one with the same name.
fn created(text: &str) -> Result<Created, String> {
    let shown = || text.chars().take(40).collect::<String>();
    Created::parse(text).ok_or_else(|| {
        format!("the creation time `{}` cannot be read: write it as 2026-03-20T12:00:00Z", shown())
    })
}

/// A resource that AWS has listed.
///
/// # Errors
/// Its ARN cannot be read.
#[cfg(feature = "aws")]
pub(crate) fn live(listed: autotag_aws::inventory::ListedResource) -> Result<Item, String> {
    let arn: Arn = listed.arn.parse().map_err(|error| format!("the ARN cannot be read: {error}"))?;
    let arn = unified(arn);
    let scope = Scope {
        region: listed.region.as_deref().and_then(Region::new),
        account: listed.account.as_deref().and_then(account),
        partition: Partition::default(),
    };
    let id = tail(&arn).to_owned();
    let resource = Resource::new(listed.resource_type.as_deref().unwrap_or_default(), &id, Some(arn), &scope);
    Ok(Item { resource, created: None, tags: listed.tags.map(|tags| tags.into_iter().collect()) })
}

/// An account. Spreadsheets take leading zeros away.
pub(crate) fn account(text: &str) -> Option<AccountId> {
    let digits = !text.is_empty() && text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| AccountId::new(&format!("{text:0>12}"))).flatten()
}

/// The id at the end of an ARN.
pub(crate) fn tail(arn: &Arn) -> &str {
    arn.resource().rsplit(['/', ':']).next().unwrap_or_default()
}

/// The key of a resource by account, region, type and id, also if its ARN is known.
pub(crate) fn key_without_arn(resource: &Resource) -> ResourceKey {
    let scope = Scope {
        partition: resource.partition(),
        region: resource.region.clone(),
        account: resource.account.clone(),
    };
    Resource::new(&resource.resource_type, &resource.id, None, &scope).key()
}

fn tags(cells: &Cells) -> Result<Option<Tags>, String> {
    let own: Tags = cells.tags.iter().cloned().collect();
    let text = cells.get(TAGS).or_else(|| cells.get(PROPERTIES));
    let Some(text) = text else {
        let has_column = !own.is_empty() || cells.values.get(TAGS).is_some_and(Option::is_some);
        return Ok(has_column.then_some(own));
    };
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        // Tag Editor has the number of tags there.
        return if own.is_empty() && text.parse::<u32>().is_err() {
            Err("the tags are not JSON".to_owned())
        } else {
            Ok(Some(own))
        };
    };
    let mut tags = own;
    collect(&value, &mut tags);
    Ok(Some(tags))
}

/// Tags as an object, as a list of keys and values, or in the properties of Resource Explorer.
fn collect(value: &Value, tags: &mut Tags) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(text) => tags.insert(key.clone(), text.clone()),
                    // Programs that guess types write a tag of digits as a number.
                    Value::Number(_) | Value::Bool(_) => tags.insert(key.clone(), value.to_string()),
                    _ => None,
                };
            }
        }
        Value::Array(list) => {
            for entry in list {
                let text = |names: [&str; 2]| names.iter().find_map(|name| entry.get(name)?.as_str());
                if let Some(key) = text(["Key", "key"]) {
                    tags.insert(key.to_owned(), text(["Value", "value"]).unwrap_or_default().to_owned());
                } else if let Some(data) =
                    entry.get("Data").filter(|_| text(["Name", "name"]) == Some("tags"))
                {
                    collect(data, tags);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
