//! The tenant table: which management accounts are to be reported.

use crate::aws::{Aws, Failure, Place};
use autotag_aws::signed::{DYNAMODB, Request};
use autotag_model::arn::{AccountId, Region};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The attribute with the management account's id.
const ID: &str = "tenant_id";

/// A table, and which of its entries count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) region: Region,
    /// By attribute: one of these values.
    pub(crate) filters: Filters,
}

/// By attribute: the values of which an entry must have one.
pub(crate) type Filters = BTreeMap<String, Vec<String>>;

/// What the table says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tenants {
    /// Each once, in the order of their ids.
    pub(crate) ids: BTreeSet<AccountId>,
    /// What stands in the table and is no account id.
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
pub(crate) async fn scan(aws: &Aws, place: &Place, table: &Table) -> Result<Tenants, Failure> {
    let mut body = query(table);
    let mut tenants = Tenants::default();
    loop {
        let request = Request::json(DYNAMODB, "Scan", &table.region, &Value::Object(body.clone()));
        let answer = aws.json(place, request).await?;
        for item in answer.get("Items").and_then(Value::as_array).into_iter().flatten() {
            tenants.add(item.get(ID).unwrap_or(&Value::Null));
        }
        // A page may be empty: the filters are applied behind it.
        match answer.get("LastEvaluatedKey").filter(|key| key.is_object()) {
            Some(key) if body.get("ExclusiveStartKey") == Some(key) => {
                return Err(Failure::new("Scan", "PagingDoesNotEnd", None));
            }
            Some(key) => body.insert("ExclusiveStartKey".to_owned(), key.clone()),
            None => return Ok(tenants),
        };
    }
}

impl Tenants {
    /// An id as DynamoDB writes it: a text, or a number, which has lost its leading zeros.
    fn add(&mut self, id: &Value) {
        let text = |kind: &str| id.get(kind).and_then(Value::as_str);
        let written =
            text("S").map(|id| id.trim().to_owned()).or_else(|| text("N").map(|id| format!("{id:0>12}")));
        match written.as_deref().and_then(AccountId::new) {
            Some(id) => drop(self.ids.insert(id)),
            None => drop(self.unusable.insert(written.unwrap_or_else(|| format!("no {ID}")))),
        }
    }
}

/// The projection and the filters; names and values stand in placeholders, as some are reserved words.
fn query(table: &Table) -> Map<String, Value> {
    let mut names = Map::from_iter([("#id".to_owned(), json!(ID))]);
    let mut values = Map::new();
    let mut conditions = Vec::new();
    for (at, (attribute, wanted)) in table.filters.iter().enumerate() {
        let name = format!("#n{at}");
        let placeholders: Vec<String> = (0..wanted.len()).map(|value| format!(":v{at}_{value}")).collect();
        conditions.push(format!("{name} IN ({})", placeholders.join(", ")));
        names.insert(name, json!(attribute));
        values.extend(placeholders.into_iter().zip(wanted.iter().map(|value| json!({"S": value}))));
    }
    let mut body = Map::from_iter([
        ("TableName".to_owned(), json!(table.name)),
        ("ProjectionExpression".to_owned(), json!("#id")),
        ("ExpressionAttributeNames".to_owned(), Value::Object(names)),
    ]);
    if !conditions.is_empty() {
        body.insert("FilterExpression".to_owned(), json!(conditions.join(" AND ")));
        body.insert("ExpressionAttributeValues".to_owned(), Value::Object(values));
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(filters: Filters) -> Table {
        Table { name: "tenants".to_owned(), region: Region::new("us-east-1").unwrap(), filters }
    }

    #[test]
    fn the_known_filters_as_dynamodb_takes_them() {
        let body = query(&table(known_filters()));
        let said = body.get("FilterExpression").unwrap();
        assert_eq!(said, "#n0 IN (:v0_0) AND #n1 IN (:v1_0, :v1_1) AND #n2 IN (:v2_0) AND #n3 IN (:v3_0)");
        assert_eq!(body.get("ExpressionAttributeNames").unwrap().get("#n1").unwrap(), "mgmt_category");
        let values = body.get("ExpressionAttributeValues").unwrap();
        assert_eq!(values.get(":v1_1").unwrap(), &json!({"S": "Known Partially Managed"}));
    }

    #[test]
    fn without_filters_nothing_is_filtered() {
        let body = query(&table(Filters::new()));
        assert!(!body.contains_key("FilterExpression") && !body.contains_key("ExpressionAttributeValues"));
    }

    #[test]
    fn ids_in_every_way_that_they_are_written() {
        let mut tenants = Tenants::default();
        let written = [
            json!({"S": "111122223333"}),
            json!({"S": " 111122223333 "}),
            json!({"N": "12345678"}),
            json!({"S": "12345678"}),
            json!({"BOOL": true}),
            Value::Null,
        ];
        for id in &written {
            tenants.add(id);
        }
        let ids: Vec<&str> = tenants.ids.iter().map(AccountId::as_str).collect();
        assert_eq!(ids, ["000012345678", "111122223333"]);
        assert_eq!(tenants.unusable.iter().collect::<Vec<_>>(), ["12345678", "no tenant_id"]);
    }
}
