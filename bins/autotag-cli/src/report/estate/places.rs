//! Finds the resource that a cost is of.

use super::super::arns::unified;
use super::super::cost::{Charged, Product};
use super::super::entry::Entry;
use super::super::inventory::tail;
use autotag_model::arn::Arn;
use autotag_model::rule::Resource;
use std::collections::HashMap;

/// Services whose resources may have slashes in their names, by the names that ARNs give them.
const WITH_SLASHES: [&str; 6] = ["cloudwatch", "ecr", "ecr-public", "logs", "secretsmanager", "ssm"];

/// The entries to which a cost may belong.
#[derive(Default)]
pub(super) struct Places {
    by_arn: HashMap<String, usize>,
    /// By id. Several resources may have the same.
    by_id: HashMap<String, Vec<usize>>,
}

impl Places {
    pub(super) fn of(entries: &[Entry]) -> Self {
        let mut places = Self::default();
        for (at, entry) in entries.iter().enumerate() {
            let id = &entry.resource.id;
            let Some(arn) = &entry.resource.arn else {
                places.note(id, at);
                continue;
            };
            // An inventory comes before a creation of an earlier resource with the same name.
            if *places.by_arn.entry(arn.to_string()).or_insert(at) != at {
                continue;
            }
            places.note(arn.resource(), at);
            let end = tail(arn);
            if WITH_SLASHES.contains(&arn.service()) {
                let name = name(arn);
                places.note(name, at);
                // The ARN of a parameter does not have the slash at the beginning of its name.
                if arn.service() == "ssm" && name.contains('/') {
                    places.note(&format!("/{name}"), at);
                }
                // The end of the name may be the name of another resource: the log group `/aws/lambda/orders` is not `orders`.
                if id != end {
                    places.note(id, at);
                }
            } else {
                places.note(end, at);
                places.note(id, at);
            }
        }
        places
    }

    fn note(&mut self, id: &str, at: usize) {
        let known = self.by_id.entry(id.to_owned()).or_default();
        if known.last() != Some(&at) {
            known.push(at);
        }
    }

    /// The one resource that a cost can be of; `None` if there is none, or several.
    pub(super) fn find(&self, charged: &Charged, entries: &[Entry]) -> Option<usize> {
        if charged.resource.is_empty() {
            return None;
        }
        if charged.resource.starts_with("arn:") {
            let arn: Arn = charged.resource.parse().ok()?;
            return self.by_arn.get(&unified(arn).to_string()).copied();
        }
        let product = charged.product();
        let fits = |at: &&usize| {
            let Some(entry) = entries.get(**at) else { return false };
            is_of(entry, product, &charged.resource)
                && match (entry.account(), &charged.account) {
                    (Some(one), Some(other)) => one == other.as_str(),
                    _ => true,
                }
        };
        let mut fitting: Vec<usize> =
            self.by_id.get(&charged.resource)?.iter().filter(fits).copied().collect();
        fitting.dedup();
        match fitting.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }
}

/// True if a bill can name the resource without ARN as `name` and charge it under this product. A resource of another service may
/// have the same name.
fn is_of(entry: &Entry, product: Product, name: &str) -> bool {
    let service = entry.service();
    match product {
        Product::Unnamed => true,
        Product::S3 => is_bucket(&entry.resource),
        Product::Of(services) => services.contains(&service.as_str()),
        Product::Other => {
            let is_path = name.contains('/') && WITH_SLASHES.contains(&service.as_str());
            !service.starts_with("s3") && !is_path
        }
    }
}

/// The name in an ARN: all that follows the type of the resource.
fn name(arn: &Arn) -> &str {
    let resource = arn.resource();
    let name = resource.split_once([':', '/']).map_or(resource, |(_, name)| name);
    // The ARN of a log group with its streams.
    name.strip_suffix(":*").unwrap_or(name)
}

/// True for a bucket, also of S3 Express One Zone.
fn is_bucket(resource: &Resource) -> bool {
    match &resource.arn {
        Some(arn) if arn.service() == "s3express" => arn.resource().starts_with("bucket/"),
        Some(arn) => arn.service() == "s3" && !arn.resource().contains(['/', ':']),
        None => ["AWS::S3::Bucket", "s3:bucket"].contains(&resource.resource_type.as_str()),
    }
}
