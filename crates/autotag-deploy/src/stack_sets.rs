//! Stack sets of an organization: starts their operations, waits for the end, and lists their instances.

use crate::DeployError;
use crate::actions;
use crate::aws::{Form, members, text};
use crate::progress::{Observer, ends, goes_on};
use autotag_aws::query::AwsQuery;
use autotag_model::arn::Region;
use roxmltree::Node;
use std::collections::BTreeMap;
use std::time::Duration;

/// The error code for a stack set that is not there.
const NO_STACK_SET: &str = "StackSetNotFoundException";

/// How many places are named for each group of instances.
const EXAMPLES: usize = 3;

/// Stack sets, as an administrator sees them.
#[derive(Debug, Clone)]
pub struct StackSets<'s> {
    /// With the credentials of the administrator.
    pub aws: &'s AwsQuery,
    /// The region in which they are.
    pub region: &'s Region,
    /// `SELF` in the management account, else `DELEGATED_ADMIN`.
    pub call_as: &'s str,
}

/// An operation of a stack set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its id.
    pub id: String,
    /// `CREATE`, `UPDATE`, `DELETE`, `DETECT_DRIFT`.
    pub action: String,
    /// `RUNNING`, `QUEUED`, `SUCCEEDED`, `FAILED`, `STOPPING`, `STOPPED`.
    pub status: String,
}

impl Operation {
    fn is_running(&self) -> bool {
        matches!(self.status.as_str(), "RUNNING" | "QUEUED" | "STOPPING")
    }
}

/// Instances that ended alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `CURRENT`, `OUTDATED`, `INOPERABLE`.
    pub status: String,
    /// `SUCCEEDED`, `FAILED`, `PENDING`, ...; empty if AWS does not say it.
    pub detail: String,
    /// Why, with the instance's own account and region as `ACCOUNT` and `REGION`. Empty where all is well.
    pub reason: String,
    /// How many there are.
    pub count: usize,
    /// Account and region of the first ones.
    pub examples: Vec<(String, String)>,
}

impl Group {
    /// True if the instances are as the stack set says.
    pub fn is_current(&self) -> bool {
        self.status == "CURRENT"
    }
}

#[derive(Debug)]
struct Instance {
    account: String,
    region: String,
    status: String,
    detail: String,
    reason: String,
}

impl StackSets<'_> {
    fn form(&self, set: &str) -> Form {
        Form::default().with("StackSetName", set).with("CallAs", self.call_as)
    }

    /// The operations of a stack set, the newest first. `None` if there is no such set.
    ///
    /// # Errors
    /// AWS does not answer.
    pub async fn operations(&self, set: &str) -> Result<Option<Vec<Operation>>, DeployError> {
        let read = |node: Node<'_, '_>| Operation {
            id: text(node, "OperationId"),
            action: text(node, "Action"),
            status: text(node, "Status"),
        };
        let action = actions::STACK_SET_OPERATIONS;
        match members(self.aws, action, self.region, &self.form(set), "Summaries", read).await {
            Err(DeployError::Query(error)) if error.code == NO_STACK_SET => Ok(None),
            operations => operations.map(Some),
        }
    }

    /// Waits until no operation of a stack set runs, and returns its instances in groups. Empty if there is no such set.
    ///
    /// # Errors
    /// AWS does not answer.
    pub async fn follow(
        &self,
        set: &str,
        observer: &dyn Observer,
        pause: Duration,
    ) -> Result<Vec<Group>, DeployError> {
        loop {
            let Some(operations) = self.operations(set).await? else { return Ok(Vec::new()) };
            let running = operations.iter().filter(|operation| operation.is_running()).count();
            if running == 0 {
                break;
            }
            let what = format!("{running} operation{} running", if running == 1 { "" } else { "s" });
            goes_on(observer, self.region.as_str(), set, &what);
            tokio::time::sleep(pause).await;
        }
        let groups = self.groups(set).await?;
        let count = |current: bool| -> usize {
            groups.iter().filter(|group| group.is_current() == current).map(|group| group.count).sum()
        };
        ends(observer, self.region.as_str(), set, &format!("{} current, {} not", count(true), count(false)));
        Ok(groups)
    }

    /// The instances of a stack set in groups, those that are not current first. Empty if there is no such set.
    ///
    /// # Errors
    /// AWS does not answer.
    pub async fn groups(&self, set: &str) -> Result<Vec<Group>, DeployError> {
        let action = actions::STACK_INSTANCES;
        match members(self.aws, action, self.region, &self.form(set), "Summaries", read_instance).await {
            Err(DeployError::Query(error)) if error.code == NO_STACK_SET => Ok(Vec::new()),
            instances => instances.map(grouped),
        }
    }
}

fn read_instance(node: Node<'_, '_>) -> Instance {
    let detail = node.children().find(|child| child.has_tag_name("StackInstanceStatus"));
    Instance {
        account: text(node, "Account"),
        region: text(node, "Region"),
        status: text(node, "Status"),
        detail: detail.map(|detail| text(detail, "DetailedStatus")).unwrap_or_default(),
        reason: text(node, "StatusReason"),
    }
}

/// Instances with the same status and the same reason are one group.
fn grouped(instances: Vec<Instance>) -> Vec<Group> {
    let mut groups: BTreeMap<(bool, String, String, String), Group> = BTreeMap::new();
    for instance in instances {
        let reason = general(&instance);
        let key =
            (instance.status == "CURRENT", instance.status.clone(), instance.detail.clone(), reason.clone());
        let group = groups.entry(key).or_insert_with(|| Group {
            status: instance.status.clone(),
            detail: instance.detail.clone(),
            reason,
            count: 0,
            examples: Vec::new(),
        });
        group.count += 1;
        if group.examples.len() < EXAMPLES {
            group.examples.push((instance.account, instance.region));
        }
    }
    groups.into_values().collect()
}

/// The reason without what is another one in each instance: the account, the region, ids of requests and stacks.
fn general(instance: &Instance) -> String {
    let reason = instance.reason.split("(RequestToken:").next().unwrap_or_default();
    let mut text = reason.to_owned();
    if !instance.account.is_empty() {
        text = text.replace(&instance.account, "ACCOUNT");
    }
    if !instance.region.is_empty() {
        text = text.replace(&instance.region, "REGION");
    }
    let is_id = |word: &str| {
        let word = word.trim_end_matches([',', ';', '.', ')']);
        word.len() >= 32 && word.bytes().filter(u8::is_ascii_hexdigit).count() >= 28
    };
    let words: Vec<&str> =
        text.split_whitespace().map(|word| if is_id(word) { "ID" } else { word }).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(account: &str, region: &str, status: &str, reason: &str) -> Instance {
        let [account, region, status, reason] = [account, region, status, reason].map(str::to_owned);
        Instance { account, region, status, detail: String::new(), reason }
    }

    #[test]
    fn failures_with_one_reason_are_one_group_and_come_first() {
        let mut all = vec![instance("111111111111", "eu-west-1", "CURRENT", "")];
        for number in 0..50 {
            let account = format!("{:012}", 222_222_222_000_u64 + number);
            let reason = format!(
                "Account {account} should have 'stacksets-exec-0123456789abcdef0123456789abcdef' role in ap-east-1 (RequestToken: {number}, x)"
            );
            all.push(instance(&account, "ap-east-1", "OUTDATED", &reason));
        }
        all.push(instance("333333333333", "eu-west-1", "OUTDATED", "Resource autotag-member already exists"));
        let groups = grouped(all);
        let short: Vec<(usize, &str, bool)> =
            groups.iter().map(|group| (group.count, group.reason.as_str(), group.is_current())).collect();
        assert_eq!(short.len(), 3, "{short:?}");
        assert_eq!(short[2], (1, "", true));
        assert!(short.contains(&(1, "Resource autotag-member already exists", false)), "{short:?}");
        let (count, reason, _) = short.iter().find(|(count, ..)| *count == 50).unwrap();
        assert_eq!(*count, 50);
        assert!(
            reason.starts_with("Account ACCOUNT should have") && reason.ends_with("role in REGION"),
            "{reason}"
        );
        assert_eq!(groups[0].examples.len().max(groups[1].examples.len()), EXAMPLES);
    }
}
