//! Joins the statements of different services: a managed policy holds 6,144 characters, and each statement costs 47 of them.
//!
//! An action applies to ARNs of its own service only. So one statement with the actions and resources of several services
//! allows what one statement for each of them allows, as long as no service occurs in two of the statements.

use super::document::{MAX_POLICY_LENGTH, Policy, Statement};
use std::collections::{BTreeMap, BTreeSet};

/// Joins the statements whose services occur in no other statement, and leaves the others as they are. A joined statement
/// fits into a managed policy.
pub(super) fn join(statements: Vec<Statement>) -> Vec<Statement> {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for service in statements.iter().flat_map(services) {
        *uses.entry(service).or_default() += 1;
    }
    let is_alone = |one: &Statement| {
        let only_here = |service: &String| service != EVERY_SERVICE && uses.get(service) == Some(&1);
        !one.needs_account() && services(one).iter().all(only_here)
    };
    let (mut alone, mut joined): (Vec<Statement>, Vec<Statement>) =
        statements.into_iter().partition(is_alone);
    alone.sort_by(|a, b| (&a.tag_keys, &a.actions).cmp(&(&b.tag_keys, &b.actions)));
    let mut open: Vec<Statement> = Vec::new();
    for one in alone {
        if !open.last_mut().is_some_and(|last| absorb(last, &one)) {
            open.push(one);
        }
    }
    joined.extend(open);
    joined.sort_by(|a, b| a.actions.cmp(&b.actions));
    joined
}

/// The resource of every service.
const EVERY_SERVICE: &str = "*";

/// The services of a statement: those of its actions and those of its resources.
fn services(statement: &Statement) -> BTreeSet<String> {
    let of_actions = statement.actions.iter().filter_map(|action| action.split(':').next());
    let of_resources =
        statement.resources.iter().map(|resource| resource.split(':').nth(2).unwrap_or(EVERY_SERVICE));
    of_actions.chain(of_resources).map(str::to_owned).collect()
}

/// Adds `one` to `other`, if both name the same tag keys and a policy can hold them together.
fn absorb(other: &mut Statement, one: &Statement) -> bool {
    if other.tag_keys != one.tag_keys {
        return false;
    }
    let mut both = other.clone();
    both.actions.extend(one.actions.iter().cloned());
    both.resources.extend(one.resources.iter().cloned());
    both.actions.sort();
    both.resources.sort();
    let policy = Policy { name: String::new(), statements: vec![both.clone()] };
    let fits = policy.size() <= MAX_POLICY_LENGTH;
    if fits {
        *other = both;
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(actions: &[&str], resources: &[&str]) -> Statement {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Statement { actions: owned(actions), resources: owned(resources), tag_keys: Vec::new() }
    }

    #[test]
    fn statements_of_different_services_are_joined() {
        let sqs = statement(&["sqs:TagQueue"], &["arn:{partition}:sqs:*:{account}:*"]);
        let sns = statement(&["sns:TagResource"], &["arn:{partition}:sns:*:{account}:*"]);
        let both = statement(
            &["sns:TagResource", "sqs:TagQueue"],
            &["arn:{partition}:sns:*:{account}:*", "arn:{partition}:sqs:*:{account}:*"],
        );
        assert_eq!(join(vec![sqs, sns]), [both]);
    }

    /// Joined, `TagRole` would be allowed on users.
    #[test]
    fn statements_of_one_service_stay_apart() {
        let roles = statement(&["iam:TagRole"], &["arn:{partition}:iam::{account}:role/*"]);
        let users = statement(&["iam:TagUser"], &["arn:{partition}:iam::{account}:user/*"]);
        assert_eq!(join(vec![roles.clone(), users.clone()]), [roles, users]);
    }

    #[test]
    fn a_statement_on_all_resources_stays_apart() {
        let all = statement(&["tag:TagResources"], &["*"]);
        let sns = statement(&["sns:TagResource"], &["arn:{partition}:sns:*:{account}:*"]);
        let ec2 = statement(&["ec2:DescribeTags"], &["*"]);
        let joined = join(vec![all.clone(), ec2.clone(), sns.clone()]);
        assert_eq!(joined, [ec2, sns, all]);
    }

    #[test]
    fn a_joined_statement_fits_into_a_policy() {
        let many = (0..300).map(|number| {
            statement(
                &[&format!("service{number}:TagResource")],
                &[&format!("arn:{{partition}}:service{number}:*:{{account}}:*")],
            )
        });
        let joined = join(many.collect());
        assert!((2..10).contains(&joined.len()), "{}", joined.len());
        assert_eq!(joined.iter().map(|one| one.actions.len()).sum::<usize>(), 300);
    }
}
