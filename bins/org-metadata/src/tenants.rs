//! The tenant table: the management accounts to report.

use crate::aws::{AccountSession, Aws, Failure};
use autotag_aws::paginate::Paginator;
use autotag_model::arn::{AccountId, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The attribute with the id of the management account.
const ID: &str = "tenant_id";

/// A table, and the filters of its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) region: Region,
    pub(crate) filters: Filters,
}

/// By attribute: the values of which an entry must have one.
pub(crate) type Filters = BTreeMap<String, Vec<String>>;

/// The tenants of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tenants {
    /// Each id once, in order.
    pub(crate) ids: BTreeSet<AccountId>,
    /// Values of the id attribute that are not account ids.
    pub(crate) unusable: BTreeSet<String>,
}

/// The filters of the known report.
pub(crate) fn known_filters() -> Filters {
    let filters: [(&str, &[&str]); 4] = [
        ("tenant_type", &["Cloud Usage"]),
        ("tenant_status", &["Active"]),
        ("cloud_service_provider", &["AWS"]),
        ("mgmt_category", &["Known Managed", "Known Partially Managed"]),
    ];
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    filters.into_iter().map(|(name, values)| (name.to_owned(), owned(values))).collect()
}

/// Reads the whole table.
pub(crate) async fn scan(aws: &Aws, session: &AccountSession, table: &Table) -> Result<Tenants, Failure> {
    const OPERATION: &str = "Scan";
    let client = aws_sdk_dynamodb::Client::new(&session.config_in(&table.region));
    let query = Query::new(&table.filters);
    let mut tenants = Tenants::default();
    let (mut pages, mut start) = (Paginator::new(OPERATION), None);
    while pages.has_next() {
        let send = async || {
            let scan = client.scan().table_name(&table.name).projection_expression("#id");
            let scan = scan.set_expression_attribute_names(Some(query.names.clone()));
            let scan = scan.set_expression_attribute_values(query.values.clone());
            scan.set_filter_expression(query.filter.clone())
                .set_exclusive_start_key(start.clone())
                .send()
                .await
        };
        let page = aws.call(session, OPERATION, &table.region, send).await?;
        // A page may be empty and not be the last one: DynamoDB filters after it has read a page.
        for item in page.items() {
            tenants.add(item.get(ID));
        }
        pages.advance(page.last_evaluated_key.as_ref().map(key_text))?;
        start = page.last_evaluated_key;
    }
    Ok(tenants)
}

/// A key of the table as a page token: equal keys have equal texts. Empty for an empty key, which ends a scan.
fn key_text(key: &HashMap<String, AttributeValue>) -> String {
    if key.is_empty() {
        return String::new();
    }
    format!("{:?}", key.iter().collect::<BTreeMap<_, _>>())
}

impl Tenants {
    /// Adds the id of an entry: a string, or a number, which has lost its leading zeros.
    fn add(&mut self, id: Option<&AttributeValue>) {
        let written = match id {
            Some(AttributeValue::S(id)) => Some(id.trim().to_owned()),
            Some(AttributeValue::N(id)) => Some(format!("{id:0>12}")),
            _ => None,
        };
        match written.as_deref().and_then(AccountId::new) {
            Some(id) => drop(self.ids.insert(id)),
            None => drop(self.unusable.insert(written.unwrap_or_else(|| format!("no {ID}")))),
        }
    }
}

/// The filters as `Scan` takes them. Names and values are placeholders, because some names are reserved words.
#[derive(Debug)]
struct Query {
    names: HashMap<String, String>,
    values: Option<HashMap<String, AttributeValue>>,
    filter: Option<String>,
}

impl Query {
    fn new(filters: &Filters) -> Self {
        let mut names = HashMap::from([("#id".to_owned(), ID.to_owned())]);
        let (mut values, mut conditions) = (HashMap::new(), Vec::new());
        for (at, (attribute, wanted)) in filters.iter().enumerate() {
            let name = format!("#n{at}");
            let placeholders: Vec<String> =
                (0..wanted.len()).map(|value| format!(":v{at}_{value}")).collect();
            conditions.push(format!("{name} IN ({})", placeholders.join(", ")));
            names.insert(name, attribute.clone());
            values.extend(placeholders.into_iter().zip(wanted.iter().cloned().map(AttributeValue::S)));
        }
        let is_filtered = !conditions.is_empty();
        Self {
            names,
            values: is_filtered.then_some(values),
            filter: is_filtered.then(|| conditions.join(" AND ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> AttributeValue {
        AttributeValue::S(text.to_owned())
    }

    #[test]
    fn known_filters_become_placeholders() {
        let query = Query::new(&known_filters());
        assert_eq!(
            query.filter.as_deref(),
            Some("#n0 IN (:v0_0) AND #n1 IN (:v1_0, :v1_1) AND #n2 IN (:v2_0) AND #n3 IN (:v3_0)")
        );
        assert_eq!(query.names.get("#n1").unwrap(), "mgmt_category");
        let values = query.values.unwrap();
        assert_eq!(values.get(":v1_1").unwrap(), &string("Known Partially Managed"));
    }

    #[test]
    fn without_filters_all_entries_count() {
        let query = Query::new(&Filters::new());
        assert_eq!((query.filter, query.values), (None, None));
        assert_eq!(query.names.len(), 1);
    }

    #[test]
    fn ids_are_strings_or_numbers() {
        let mut tenants = Tenants::default();
        let written = [
            string("111122223333"),
            string(" 111122223333 "),
            AttributeValue::N("12345678".to_owned()),
            string("12345678"),
            AttributeValue::Bool(true),
        ];
        for id in &written {
            tenants.add(Some(id));
        }
        tenants.add(None);
        let ids: Vec<&str> = tenants.ids.iter().map(AccountId::as_str).collect();
        assert_eq!(ids, ["000012345678", "111122223333"]);
        assert_eq!(tenants.unusable.iter().collect::<Vec<_>>(), ["12345678", "no tenant_id"]);
    }

    /// Otherwise a scan that starts again at the same key would never end.
    #[test]
    fn equal_keys_have_equal_texts() {
        let key = |pairs: &[(&str, &str)]| -> HashMap<String, AttributeValue> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), string(value))).collect()
        };
        let (one, same) = (key(&[("a", "1"), ("b", "2")]), key(&[("b", "2"), ("a", "1")]));
        assert_eq!(key_text(&one), key_text(&same));
        assert_ne!(key_text(&one), key_text(&key(&[("a", "1"), ("b", "3")])));
        assert_eq!(key_text(&HashMap::new()), "");
    }
}
