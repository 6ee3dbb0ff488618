//! `athena/`: a table over the log files of a trail, and a query. The query writes the needed records to S3, where
//! `autotag plan` reads them.
//!
//! The table is that of the [Athena user guide][guide], with the members of `userIdentity` that the guide leaves out.
//!
//! [guide]: https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table-partition-projection.html

use super::file::GeneratedFile;
use super::inventory::Inventory;
use super::patterns::{self, Arm, Pattern};
use anyhow::{Result, ensure};
use askama::Template;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The maximum length of a query in bytes: [quota of Athena][quota].
///
/// [quota]: https://docs.aws.amazon.com/athena/latest/ug/service-limits.html
const MAX_LENGTH: usize = 262_144;

/// IAM Roles Anywhere gives sessions too.
const SESSIONS_OF_CERTIFICATES: (&str, &str) = ("rolesanywhere.amazonaws.com", "CreateSession");

/// A member of a record: its name in the record, and what it is in the table.
struct Member {
    name: &'static str,
    value: Value,
}

enum Value {
    /// Text; numbers and truth values come as text.
    Text,
    /// An object whose members the table does not know. The table's input format makes a text of it.
    Json,
    /// An object with these members. Others are lost.
    Object(&'static [Member]),
    /// A list of such objects.
    List(&'static [Member]),
    /// An object of texts.
    Map,
}

const fn text(name: &'static str) -> Member {
    Member { name, value: Value::Text }
}

const fn json(name: &'static str) -> Member {
    Member { name, value: Value::Json }
}

const fn object(name: &'static str, members: &'static [Member]) -> Member {
    Member { name, value: Value::Object(members) }
}

/// Members of a record that are kept: all that owners and resources are found by.
const RECORD: &[Member] = &[
    text("eventVersion"),
    object("userIdentity", IDENTITY),
    text("eventTime"),
    text("eventSource"),
    text("eventName"),
    text("awsRegion"),
    text("sourceIPAddress"),
    text("userAgent"),
    text("errorCode"),
    text("errorMessage"),
    json("requestParameters"),
    json("responseElements"),
    json("additionalEventData"),
    text("requestID"),
    text("eventID"),
    text("readOnly"),
    Member { name: "resources", value: Value::List(&[text("ARN"), text("accountId"), text("type")]) },
    text("eventType"),
    text("apiVersion"),
    text(ACCOUNT),
    json("serviceEventDetails"),
    text("sharedEventID"),
    text("vpcEndpointId"),
    text("eventCategory"),
    text("sessionCredentialFromConsole"),
];

/// The account of the record. Old records do not name theirs; then that of the path counts.
const ACCOUNT: &str = "recipientAccountId";

const IDENTITY: &[Member] = &[
    text("type"),
    text("principalId"),
    text("arn"),
    text("accountId"),
    text("invokedBy"),
    text("accessKeyId"),
    text("userName"),
    text("identityProvider"),
    text("credentialId"),
    object("onBehalfOf", &[text("userId"), text("identityStoreArn")]),
    object("inScopeOf", &[text("issuerType"), text("credentialsIssuedTo")]),
    object("invokedByDelegate", &[text("accountId")]),
    object(
        "sessionContext",
        &[
            object("attributes", &[text("mfaAuthenticated"), text("creationDate")]),
            object(
                "sessionIssuer",
                &[text("type"), text("principalId"), text("arn"), text("accountId"), text("userName")],
            ),
            object(
                "webIdFederationData",
                &[text("federatedProvider"), Member { name: "attributes", value: Value::Map }],
            ),
            text("ec2RoleDelivery"),
            text("sourceIdentity"),
            text("assumedRoot"),
            text("signInSessionArn"),
        ],
    ),
];

impl Member {
    fn column(&self) -> String {
        self.name.to_lowercase()
    }

    /// The type of the column, on as many lines as it has members.
    fn column_type(&self, indent: usize) -> String {
        match self.value {
            Value::Text | Value::Json => "STRING".to_owned(),
            Value::Map => "MAP<STRING, STRING>".to_owned(),
            Value::Object(members) => structure(members, indent),
            Value::List(members) => format!("ARRAY<{}>", structure(members, indent)),
        }
    }

    /// An expression for its value as JSON. `path` is the column, or the way to the member in it.
    fn expression(&self, path: &str, indent: usize) -> String {
        match self.value {
            Value::Text if self.name == ACCOUNT => format!("CAST(COALESCE({path}, log_account) AS JSON)"),
            Value::Text | Value::Map => format!("CAST({path} AS JSON)"),
            // A text that is not JSON stays a text.
            Value::Json => format!("COALESCE(TRY(json_parse({path})), CAST({path} AS JSON))"),
            Value::Object(members) => {
                format!(
                    "IF({path} IS NULL, NULL, CAST({} AS JSON))",
                    map(members, &format!("{path}."), indent)
                )
            }
            Value::List(members) => {
                format!("CAST(transform({path}, item -> {}) AS JSON)", map(members, "item.", indent))
            }
        }
    }
}

fn structure(members: &[Member], indent: usize) -> String {
    let inner = indent + 2;
    let member = |member: &Member| format!("{:inner$}{}: {}", "", member.column(), member.column_type(inner));
    let members: Vec<String> = members.iter().map(member).collect();
    format!("STRUCT<\n{}>", members.join(",\n"))
}

/// An expression for an object with these members: the names, and the values in the same order.
fn map(members: &[Member], path: &str, indent: usize) -> String {
    let inner = indent + 2;
    let names: Vec<String> = members.iter().map(|member| literal(member.name)).collect();
    let mut text = format!("MAP(ARRAY[{}], ARRAY[", names.join(", "));
    for (number, member) in members.iter().enumerate() {
        let comma = if number > 0 { "," } else { "" };
        let value = member.expression(&format!("{path}{}", member.column()), inner);
        let _ = write!(text, "{comma}\n{:inner$}{value}", "");
    }
    text + "])"
}

/// A text of SQL. Names of events and sources hold no quotes; those of own rule files may.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[derive(Template)]
#[template(path = "deploy/athena/table.sql", escape = "none")]
struct Table {
    columns: Vec<String>,
}

#[derive(Template)]
#[template(path = "deploy/athena/records.sql", escape = "none")]
struct Records {
    record: String,
    /// The events, one line for each source.
    sessions: String,
    creations: String,
}

/// The pairs of event source and name, as the query compares them.
fn pairs(arms: impl IntoIterator<Item = Arm>) -> BTreeSet<String> {
    let of_arm = |Arm { source, names }: Arm| {
        names.into_iter().map(move |name| format!("{source} {name}")).collect::<Vec<_>>()
    };
    arms.into_iter().flat_map(of_arm).collect()
}

fn list(pairs: &BTreeSet<String>) -> String {
    let literals: Vec<String> = pairs.iter().map(|pair| literal(pair)).collect();
    literals.join(",\n    ")
}

pub(super) fn files(inventory: &Inventory) -> Result<Vec<GeneratedFile>> {
    let Pattern { arms: sessions } = patterns::sessions();
    let (source, name) = SESSIONS_OF_CERTIFICATES;
    let certificates = Arm { source: source.to_owned(), names: vec![name.to_owned()] };
    let sessions = pairs(sessions.into_iter().chain([certificates]));
    let creations = pairs(patterns::creations(inventory)?.into_iter().flat_map(|pattern| pattern.arms));
    let creations = creations.difference(&sessions).cloned().collect();
    let records =
        Records { record: map(RECORD, "", 4), sessions: list(&sessions), creations: list(&creations) };
    let records = GeneratedFile::new("athena/records.sql", &records.render()?);
    let length = records.text.len();
    ensure!(
        length <= MAX_LENGTH,
        "athena/records.sql would have {length} bytes, and Athena takes {MAX_LENGTH}: choose --services"
    );
    let column = |member: &Member| format!("{} {}", member.column(), member.column_type(2));
    let table = Table { columns: RECORD.iter().map(column).collect() };
    Ok(vec![records, GeneratedFile::new("athena/table.sql", &table.render()?)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_handlers::catalog::Catalog;
    use autotag_model::policy::Policy;

    fn records(policy: &str) -> Result<String> {
        let services = Catalog::embedded().services().unwrap();
        let inventory = Inventory::new(services, Policy::from_toml(policy).unwrap());
        Ok(files(&inventory)?.remove(0).text)
    }

    #[test]
    fn the_query_selects_sessions_and_the_events_that_the_policy_does_not_ignore() {
        let all = records("").unwrap();
        assert!(all.len() <= MAX_LENGTH, "{}", all.len());
        let without = records("[ignore]\nservices = [\"ec2\"]").unwrap();
        for (pair, is_ignored) in [
            ("'ec2.amazonaws.com RunInstances'", true),
            ("'sqs.amazonaws.com CreateQueue'", false),
            ("'sts.amazonaws.com AssumeRoot'", false),
            ("'rolesanywhere.amazonaws.com CreateSession'", false),
        ] {
            assert_eq!(all.matches(pair).count(), 1, "{pair}");
            assert_eq!(without.contains(pair), !is_ignored, "{pair}");
        }
    }

    #[test]
    fn texts_of_own_rules_stay_texts() {
        assert_eq!(literal("o'brien"), "'o''brien'");
    }
}
