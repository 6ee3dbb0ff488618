//! `scp-source-identity.json`: only the brokers of the policy set a source identity.
//!
//! A caller of `AssumeRole` chooses the source identity, if nothing denies `sts:SetSourceIdentity`. Identity
//! providers are not affected: their calls have no principal of an account. A session that has a source identity
//! already passes it on to the next role, and needs the same permission for that, so the policy denies only to
//! callers without one ([IAM user guide][guide]).
//!
//! [guide]: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html

use super::controls::{self, Control};
use super::file::GeneratedFile;
use super::guard;
use super::inventory::Inventory;
use anyhow::Result;
use serde_json::{Value, json};

pub(super) fn files(inventory: &Inventory) -> Result<Vec<GeneratedFile>> {
    let control = control(inventory);
    Ok(vec![guard::control(&format!("{}.json", control.name), &control.statements)?])
}

/// The policy, with the brokers of the tag policy.
pub(crate) fn control(inventory: &Inventory) -> Control {
    let brokers: Vec<String> =
        inventory.policy.trust.source_identity.iter().map(|broker| principal(&broker.to_string())).collect();
    Control { name: "scp-source-identity", statements: vec![statement(&brokers)] }
}

fn statement(brokers: &[String]) -> Value {
    let mut condition = json!({"Null": {"aws:SourceIdentity": "true"}});
    if let (false, Some(operators)) = (brokers.is_empty(), condition.as_object_mut()) {
        operators.insert("ArnNotLike".to_owned(), json!({"aws:PrincipalArn": brokers}));
    }
    controls::deny("SourceIdentity", &["sts:SetSourceIdentity"], &condition)
}

/// The ARN pattern that IAM compares with a caller: that of the role, also for a pattern of role sessions.
fn principal(pattern: &str) -> String {
    let session = pattern.split_once(":sts::").and_then(|(partition, rest)| {
        let (account, role) = rest.split_once(":assumed-role/")?;
        Some(format!("{partition}:iam::{account}:role/{}", role.split('/').next()?))
    });
    session.unwrap_or_else(|| pattern.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_may_set_a_source_identity_and_nobody_else_may() {
        let none = statement(&[]);
        assert_eq!(none["Effect"], "Deny");
        assert_eq!(none["Action"], "sts:SetSourceIdentity");
        assert_eq!(none["Condition"], json!({"Null": {"aws:SourceIdentity": "true"}}));
        let brokers =
            ["arn:aws:iam::111122223333:role/Broker", "arn:aws:sts::111122223333:assumed-role/Vault/*"];
        let some = statement(&brokers.map(principal));
        let allowed =
            json!(["arn:aws:iam::111122223333:role/Broker", "arn:aws:iam::111122223333:role/Vault"]);
        assert_eq!(some["Condition"]["ArnNotLike"]["aws:PrincipalArn"], allowed);
    }
}
