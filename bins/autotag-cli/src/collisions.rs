//! The keys of a policy on which AWS's managed policies have conditions.

use autotag_model::policy::{Effect, Policy, TagCondition, TaggedThing};
use serde::Serialize;
use std::collections::BTreeSet;

/// A key that the policy writes, with the conditions on it. The field names are a contract: `policy check --format json`
/// prints them.
#[derive(Debug, Serialize)]
pub(crate) struct KeyCollisions<'p> {
    pub(crate) key: &'p str,
    /// `identity` or `static`.
    pub(crate) kind: &'static str,
    /// True if a declared value is replaced.
    pub(crate) enforced: bool,
    pub(crate) conditions: Vec<ConditionView>,
}

/// A condition of AWS's policies on a key.
#[derive(Debug, Serialize)]
pub(crate) struct ConditionView {
    /// `resource`, `request`, `principal` or `keys`.
    pub(crate) on: &'static str,
    pub(crate) operator: &'static str,
    pub(crate) values: &'static [String],
    /// `Allow` or `Deny`.
    pub(crate) effect: &'static str,
    pub(crate) services: &'static [String],
    pub(crate) policies: &'static [String],
    /// The values that autotag keeps if somebody declares them on a resource of these services.
    pub(crate) kept: &'static [String],
    /// True if the statements stop working on what autotag has tagged, whatever the value.
    pub(crate) breaks: bool,
}

impl ConditionView {
    fn of(condition: &'static TagCondition) -> Self {
        let on = match condition.on {
            TaggedThing::Resource => "resource",
            TaggedThing::Request => "request",
            TaggedThing::Principal => "principal",
            _ => "keys",
        };
        let effect = if condition.effect == Effect::Allow { "Allow" } else { "Deny" };
        Self {
            on,
            operator: &condition.operator,
            values: &condition.values,
            effect,
            services: &condition.services,
            policies: &condition.policies,
            kept: condition.expected(),
            breaks: condition.wants_no_tag(),
        }
    }
}

impl KeyCollisions<'_> {
    /// The policies with a condition on the key.
    pub(crate) fn policies(&self) -> BTreeSet<&'static str> {
        let policies = self.conditions.iter().flat_map(|condition| condition.policies);
        policies.map(String::as_str).collect()
    }

    /// The policies that lose a permission, whatever the value.
    pub(crate) fn broken_policies(&self) -> BTreeSet<&'static str> {
        let broken = self.conditions.iter().filter(|condition| condition.breaks);
        broken.flat_map(|condition| condition.policies).map(String::as_str).collect()
    }
}

/// Every key that a policy writes, in the policy's order.
pub(crate) fn collisions(policy: &Policy) -> Vec<KeyCollisions<'_>> {
    let of = |key, kind| KeyCollisions {
        key,
        kind,
        enforced: policy.is_enforced(key),
        conditions: TagCondition::on_key(key).map(ConditionView::of).collect(),
    };
    let identity = policy.identity.iter().map(|(key, _)| of(key.as_str(), "identity"));
    let fixed = policy.fixed.iter().map(|(key, _)| of(key.as_str(), "static"));
    identity.chain(fixed).collect()
}

/// The keys with conditions in one sentence: `CreatedBy (28 policies), Owner (9 policies)`. `None` if there are none.
#[cfg(feature = "aws")]
pub(crate) fn summary(keys: &[KeyCollisions<'_>]) -> Option<String> {
    let of = |key: &KeyCollisions<'_>| match key.policies().len() {
        0 => None,
        1 => Some(format!("{} (1 policy)", key.key)),
        count => Some(format!("{} ({count} policies)", key.key)),
    };
    let all: Vec<String> = keys.iter().filter_map(of).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_a_statement_wants_absent_breaks_it() {
        let policy = |key: &str| Policy::from_toml(&format!("[static]\n\"{key}\" = \"autotag\"")).unwrap();
        let broken =
            |key: &str| collisions(&policy(key)).iter().map(|one| one.broken_policies().len()).sum::<usize>();
        assert_eq!(broken("Team"), 0);
        assert!(broken("GuardDutyExcluded") > 0);
    }

    #[test]
    fn the_default_policy_breaks_no_statement() {
        let policy = Policy::default();
        let keys = collisions(&policy);
        assert_eq!(keys.iter().map(|key| key.key).collect::<Vec<_>>(), ["Owner", "PrincipalId", "CreatedBy"]);
        assert!(keys.iter().all(|key| key.broken_policies().is_empty()));
        assert!(keys[0].policies().contains("AWSIoTDeviceTesterForFreeRTOSFullAccess"));
        assert!(keys[1].policies().is_empty());
        assert!(keys[2].policies().contains("AWSServiceRoleForImageBuilder"));
    }
}
