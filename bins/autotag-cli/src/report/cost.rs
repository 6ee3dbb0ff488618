//! Costs of resources, from files of FOCUS 1.x or CUR 2.0.

use super::inventory::account;
use super::money::{Amount, Money};
use super::tabular::{self, Cells, Column, Mapping, Reading};
use anyhow::{Result, ensure};
use autotag_model::arn::AccountId;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

const RESOURCE: usize = 0;
const AMOUNT: usize = 1;
const CURRENCY: usize = 2;
const OWNER_ACCOUNT: usize = 3;
const SERVICE: usize = 4;
const PROVIDER: usize = 5;

/// The columns, by their names in FOCUS and CUR.
pub(crate) const COLUMNS: [Column; 6] = [
    Column { role: "cost-resource", names: &["resourceid", "lineitemresourceid"] },
    Column { role: "cost", names: &["billedcost", "lineitemunblendedcost", "effectivecost"] },
    Column { role: "currency", names: &["billingcurrency", "lineitemcurrencycode"] },
    Column { role: "cost-account", names: &["subaccountid", "lineitemusageaccountid"] },
    Column { role: "cost-service", names: &["servicename", "lineitemproductcode", "productservicecode"] },
    Column { role: "cost-provider", names: &["providername", "hostprovidername"] },
];

/// The longest resource id that is kept whole. ARNs are shorter.
const LONGEST_ID: usize = 2048;

/// The keys by which costs are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Charged {
    /// The resource as the bill names it: an ARN or an id. Empty if the bill names none.
    pub(crate) resource: String,
    pub(crate) account: Option<AccountId>,
    /// The service as the bill names it. Empty of an ARN, which has its own, and if the bill names none.
    pub(crate) service: String,
}

/// The product that a bill charges, as far as it tells the service of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Product {
    /// The bill names none.
    Unnamed,
    /// Amazon S3, whose buckets a bill names without ARN.
    S3,
    /// A product for resources of these services, by the names that ARNs give them.
    Of(&'static [&'static str]),
    /// Another one.
    Other,
}

/// Products by their code in CUR, and by their name in FOCUS or Cost Explorer, both [`tabular::normalized`]. The resources of one
/// product may be of several services.
const PRODUCTS: [(&str, &[&str]); 9] = [
    ("amazoncloudwatch", CLOUDWATCH),
    ("amazonecr", &["ecr"]),
    ("amazonec2containerregistryecr", &["ecr"]),
    ("amazonelasticcontainerregistry", &["ecr"]),
    ("amazonecrpublic", &["ecr-public"]),
    ("amazonelasticcontainerregistrypublic", &["ecr-public"]),
    ("awssecretsmanager", &["secretsmanager"]),
    ("awssystemsmanager", &["ssm", "ec2"]),
    ("amazonsimplesystemsmanagerssm", &["ssm", "ec2"]),
];

/// The services that Amazon CloudWatch charges. It also charges the monitoring of instances.
const CLOUDWATCH: &[&str] = &[
    "application-signals",
    "cloudwatch",
    "ec2",
    "evidently",
    "internetmonitor",
    "logs",
    "networkmonitor",
    "oam",
    "rum",
    "synthetics",
];

impl Charged {
    /// The product, by its code in CUR or its name in FOCUS.
    pub(crate) fn product(&self) -> Product {
        let name = tabular::normalized(&self.service);
        if name.is_empty() {
            return Product::Unnamed;
        }
        // `AmazonS3GlacierDeepArchive` is charged to buckets, too.
        if name.starts_with("amazons3") || name == "amazonsimplestorageservice" {
            return Product::S3;
        }
        let known = PRODUCTS.iter().find(|(product, _)| *product == name);
        known.map_or(Product::Other, |(_, services)| Product::Of(services))
    }
}

/// The costs of all files.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    pub(crate) by_resource: HashMap<Charged, Money>,
    /// Costs that may be of several resources, because their account cannot be read, or that another cloud charges.
    pub(crate) without_account: HashMap<Charged, Money>,
    pub(crate) total: Money,
    currencies: BTreeSet<Arc<str>>,
}

impl Costs {
    /// Adds the costs of a file. Rows that cannot be used are in the answer.
    ///
    /// # Errors
    /// It cannot be read to its end, or has no costs.
    pub(crate) fn read(&mut self, path: &Path, mapping: &Mapping) -> Result<Reading> {
        let mut visit = |cells: &Cells| self.add(cells);
        let reading = tabular::read(path, &COLUMNS, mapping, &mut visit)?;
        let has = |at: usize| reading.found.get(at).copied().unwrap_or_default();
        ensure!(
            has(AMOUNT) && has(CURRENCY) && has(RESOURCE),
            "`{}` is not a file of FOCUS 1.x or CUR 2.0: it has no columns ResourceId, BilledCost and BillingCurrency, or \
             line_item_resource_id, line_item_unblended_cost and line_item_currency_code; name others with --column",
            path.display()
        );
        Ok(reading)
    }

    fn add(&mut self, cells: &Cells) -> Result<(), String> {
        let Some(text) = cells.get(AMOUNT) else { return Ok(()) };
        let shown: String = text.chars().take(40).collect();
        let amount = Amount::parse(text).ok_or_else(|| format!("the cost `{shown}` is not a number"))?;
        let code = cells.get(CURRENCY).ok_or("it has no currency")?;
        let is_code = (1..=8).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_code {
            return Err("the currency is not a code such as USD".to_owned());
        }
        let currency = self.currency(code);
        let resource = cells.get(RESOURCE).unwrap_or_default();
        if resource.len() > LONGEST_ID {
            return Err("the resource id is too long".to_owned());
        }
        let has_service = !resource.starts_with("arn:");
        let service = if has_service { cells.get(SERVICE).unwrap_or_default() } else { "" };
        let of_account = cells.get(OWNER_ACCOUNT);
        let charged = Charged {
            resource: resource.to_owned(),
            account: of_account.and_then(account),
            service: service.chars().take(256).collect(),
        };
        if !self.total.add(&currency, amount) {
            return Err("the sum is too large to be counted exactly".to_owned());
        }
        // An ARN has its own account.
        let is_id = has_service && !resource.is_empty();
        let is_of_other_cloud = !cells.get(PROVIDER).is_none_or(is_aws);
        let wrong = of_account.filter(|_| charged.account.is_none() && is_id && !is_of_other_cloud);
        let is_of_no_account = wrong.is_some() || (is_of_other_cloud && !resource.is_empty());
        let costs = if is_of_no_account { &mut self.without_account } else { &mut self.by_resource };
        // A part of a sum that fits may be too large only if others are below zero.
        if !costs.entry(charged).or_default().add(&currency, amount) {
            return Err("the sum is too large to be counted exactly".to_owned());
        }
        match wrong {
            Some(text) => Err(unread_account(text)),
            None => Ok(()),
        }
    }

    /// One text for each currency, however many rows have it.
    fn currency(&mut self, code: &str) -> Arc<str> {
        if let Some(known) = self.currencies.get(code) {
            return Arc::clone(known);
        }
        let new: Arc<str> = code.into();
        self.currencies.insert(Arc::clone(&new));
        new
    }
}

/// True if AWS charges the cost. Files of FOCUS may have costs of several clouds.
fn is_aws(provider: &str) -> bool {
    let name = tabular::normalized(provider);
    name.starts_with("aws") || name.starts_with("amazon")
}

/// Why a cost is charged to no resource. Spreadsheets write `1.11122E+11`.
fn unread_account(text: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    format!("the account `{shown}` is not a number of 12 digits, so the cost is of no resource")
}

#[cfg(test)]
mod tests;
