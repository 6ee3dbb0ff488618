//! Routes for calls that the tests need and that moto 5.2.5 lacks. None of this is moto's behaviour.
//!
//! | Calls | Moto's answer |
//! |---|---|
//! | EKS tag calls for resources other than clusters (node groups, add-ons, ...) | `ResourceNotFoundException` |
//! | RDS tag calls for global clusters | `InvalidParameterValue` |
//! | SSM tag calls for patch baselines and `OpsItem`s | `InvalidResourceId` |
//! | SSM `CreateOpsItem` | 500 |
//!
//! Tags are kept by ARN or id, and the service's own list call returns them. Nothing is validated: unknown resources can be
//! tagged, and moto's describe calls do not return these tags.
//!
//! Moto has S3 Control's tag calls. SDKs put the account id before the host, and `123456789012.127.0.0.1` is not an address.

use crate::call::{Call, Protocol, decoded};
use crate::lock;
use crate::reply::{Reply, escaped};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// The header of answers that are not moto's.
const OURS: (&str, &str) = ("x-answered-by", "our-routes");

type Tags = BTreeMap<String, String>;

/// Tags by ARN, or by region and id.
#[derive(Default)]
struct Store {
    tags: Mutex<BTreeMap<String, Tags>>,
    ops_items: Mutex<u32>,
}

/// The routes of this file.
pub(crate) fn ours() -> impl Fn(&Call) -> Option<Reply> + Send + Sync + 'static {
    let store = Store::default();
    move |call| {
        let reply = match (call.service.as_str(), call.protocol) {
            ("eks", Protocol::RestJson) => store.eks(call),
            ("rds", Protocol::Query) => store.rds(call),
            ("ssm", Protocol::Json) => store.ssm(call),
            _ => None,
        };
        reply.map(|reply| reply.with_header(OURS.0, OURS.1))
    }
}

impl Store {
    fn add(&self, key: String, tags: Tags) {
        lock(&self.tags).entry(key).or_default().extend(tags);
    }

    fn remove(&self, key: &str, names: &[String]) {
        if let Some(tags) = lock(&self.tags).get_mut(key) {
            tags.retain(|name, _| !names.contains(name));
        }
    }

    fn get(&self, key: &str) -> Tags {
        lock(&self.tags).get(key).cloned().unwrap_or_default()
    }

    fn eks(&self, call: &Call) -> Option<Reply> {
        let arn = decoded(call.path.strip_prefix("/tags/")?, false);
        if arn.split(':').nth(5)?.starts_with("cluster/") {
            return None;
        }
        match call.method.as_str() {
            "POST" => self.add(arn, texts(call.json().get("tags"))),
            "DELETE" => self.remove(&arn, &call.query_values("tagKeys").collect::<Vec<_>>()),
            "GET" => return Some(Reply::json(200, &json!({ "tags": self.get(&arn) }))),
            _ => return None,
        }
        Some(Reply::json(200, &json!({})))
    }

    fn rds(&self, call: &Call) -> Option<Reply> {
        let arn = call.field("ResourceName").filter(|arn| arn.contains(":global-cluster:"))?;
        let fields: BTreeMap<String, String> = call.form().collect();
        let result = match call.operation.as_str() {
            "AddTagsToResource" => {
                // `Tags.Tag.1.Key`, or `Tags.member.1.Key`.
                let keys = fields.iter().filter(|(field, _)| field.starts_with("Tags."));
                let tags = keys.filter_map(|(field, key)| {
                    let value = fields.get(&format!("{}.Value", field.strip_suffix(".Key")?));
                    Some((key.clone(), value.cloned().unwrap_or_default()))
                });
                self.add(arn, tags.collect());
                String::new()
            }
            "RemoveTagsFromResource" => {
                let keys = fields.iter().filter(|(field, _)| field.starts_with("TagKeys."));
                self.remove(&arn, &keys.map(|(_, key)| key.clone()).collect::<Vec<_>>());
                String::new()
            }
            "ListTagsForResource" => {
                let tags = self.get(&arn);
                let tags = tags.iter().map(|(key, value)| {
                    format!("<Tag><Key>{}</Key><Value>{}</Value></Tag>", escaped(key), escaped(value))
                });
                let tags: String = tags.collect();
                format!("<ListTagsForResourceResult><TagList>{tags}</TagList></ListTagsForResourceResult>")
            }
            _ => return None,
        };
        let operation = &call.operation;
        let id = "<ResponseMetadata><RequestId>ours</RequestId></ResponseMetadata>";
        let space = "http://rds.amazonaws.com/doc/2014-10-31/";
        let body = format!(r#"<{operation}Response xmlns="{space}">{result}{id}</{operation}Response>"#);
        Some(Reply::xml(200, body))
    }

    fn ssm(&self, call: &Call) -> Option<Reply> {
        let body = call.json();
        if call.operation == "CreateOpsItem" {
            return Some(self.create_ops_item(call, &body));
        }
        let text = |name: &str| body.get(name)?.as_str();
        text("ResourceType").filter(|kind| ["PatchBaseline", "OpsItem"].contains(kind))?;
        let key = ssm_key(call, text("ResourceId")?);
        let answer = match call.operation.as_str() {
            "AddTagsToResource" => {
                self.add(key, pairs(body.get("Tags")));
                json!({})
            }
            "RemoveTagsFromResource" => {
                let names = list(body.get("TagKeys")).filter_map(Value::as_str);
                self.remove(&key, &names.map(str::to_owned).collect::<Vec<_>>());
                json!({})
            }
            "ListTagsForResource" => {
                let tags =
                    self.get(&key).into_iter().map(|(key, value)| json!({ "Key": key, "Value": value }));
                json!({ "TagList": tags.collect::<Vec<_>>() })
            }
            _ => return None,
        };
        Some(Reply::json(200, &answer))
    }

    fn create_ops_item(&self, call: &Call, body: &Value) -> Reply {
        let number = {
            let mut made = lock(&self.ops_items);
            *made += 1;
            *made
        };
        let id = format!("oi-{number:012x}");
        self.add(ssm_key(call, &id), pairs(body.get("Tags")));
        Reply::json(200, &json!({ "OpsItemId": id }))
    }
}

fn ssm_key(call: &Call, id: &str) -> String {
    format!("{}/{id}", call.region)
}

/// Tags from a JSON object.
fn texts(tags: Option<&Value>) -> Tags {
    let tags = tags.and_then(Value::as_object).into_iter().flatten();
    tags.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// Tags from a JSON list of `Key` and `Value`.
fn pairs(tags: Option<&Value>) -> Tags {
    let text = |tag: &Value, name: &str| tag.get(name)?.as_str().map(str::to_owned);
    let tag = |tag| Some((text(tag, "Key")?, text(tag, "Value").unwrap_or_default()));
    list(tags).filter_map(tag).collect()
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}
