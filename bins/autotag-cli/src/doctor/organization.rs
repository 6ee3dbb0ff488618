//! The organization of the deployment's account, and the policies of it that apply to accounts.

use super::check::CheckFailure;
use super::policy::document;
use autotag_aws::query::{AwsQuery, QueryError};
use autotag_aws::signed::{ORGANIZATIONS, organizations_region};
use autotag_model::arn::{AccountId, Region};
use autotag_model::failure::ErrorClass;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// AWS's error code for an account that is in no organization.
const NO_ORGANIZATION: &str = "AWSOrganizationsNotInUseException";

/// The maximum number of levels above an account. AWS allows five levels of organizational units, and a root.
const MAX_DEPTH: usize = 8;

/// The organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Organization {
    pub(crate) id: String,
    /// The id of the management account.
    pub(crate) manager: String,
}

/// The organization, `None` if the account is in none, or why that is not known.
pub(crate) type Membership = Result<Option<Organization>, CheckFailure>;

/// Reads the organization of the account.
pub(super) async fn read_organization(aws: &AwsQuery, hub: &Region) -> Membership {
    let (region, action) = (organizations_region(hub), "organizations:DescribeOrganization");
    let answer = match aws.json(ORGANIZATIONS, action, &region, &json!({})).await {
        Ok(answer) => answer,
        Err(error) if error.code == NO_ORGANIZATION => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let text = |name: &str| {
        let path = format!("/Organization/{name}");
        answer.pointer(&path).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    Ok(Some(Organization { id: text("Id"), manager: text("MasterAccountId") }))
}

/// The value of `aws:PrincipalOrgID` in requests of the organization's accounts: empty if there is none, `None` if it is not known.
pub(crate) fn condition_value(membership: &Membership) -> Option<&str> {
    match membership {
        Ok(Some(organization)) => Some(&organization.id),
        Ok(None) => Some(""),
        Err(_) => None,
    }
}

/// An account with the role that tags in it, by ARN.
pub(super) struct Tagged<'t> {
    pub(super) account: &'t AccountId,
    pub(super) role: Option<String>,
}

/// The kinds of policies that doctor reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PolicyKind {
    Services,
    Resources,
    Tags,
}

const KINDS: [(PolicyKind, &str); 3] = [
    (PolicyKind::Services, "SERVICE_CONTROL_POLICY"),
    (PolicyKind::Resources, "RESOURCE_CONTROL_POLICY"),
    (PolicyKind::Tags, "TAG_POLICY"),
];

/// A policy of the organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OrganizationPolicy {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) document: Value,
}

/// An account, an organizational unit or a root.
#[derive(Debug)]
struct Node {
    parent: Option<String>,
    /// The ids of the attached policies, in the order of [`KINDS`].
    attached: Vec<Vec<String>>,
}

/// The policies that apply to some accounts. Each unit and each policy is read once.
#[derive(Debug, Default)]
pub(super) struct PolicyTree {
    nodes: BTreeMap<String, Result<Node, QueryError>>,
    policies: BTreeMap<String, Result<OrganizationPolicy, QueryError>>,
}

impl PolicyTree {
    /// Reads the policies of these accounts and of all levels above them.
    pub(super) async fn read(aws: &AwsQuery, hub: &Region, accounts: &[&AccountId]) -> Self {
        let region = organizations_region(hub);
        let mut tree = Self::default();
        let mut names = BTreeMap::new();
        let mut pending: BTreeSet<String> = accounts.iter().map(ToString::to_string).collect();
        for _ in 0..MAX_DEPTH {
            let read = join_all(pending.iter().map(|target| read_node(aws, &region, target))).await;
            let mut parents = BTreeSet::new();
            for (target, read) in std::mem::take(&mut pending).into_iter().zip(read) {
                let node = read.map(|(node, found)| {
                    names.extend(found);
                    node
                });
                parents.extend(node.iter().filter_map(|node| node.parent.clone()));
                tree.nodes.insert(target, node);
            }
            pending = parents.into_iter().filter(|parent| !tree.nodes.contains_key(parent)).collect();
            if pending.is_empty() {
                break;
            }
        }
        let documents = names.into_iter().map(async |(id, name)| {
            let read = read_policy(aws, &region, &id, name).await;
            (id, read)
        });
        tree.policies.extend(join_all(documents).await);
        tree
    }

    /// The policies of a kind that apply to an account, level by level, from the account up.
    pub(super) fn levels(
        &self,
        account: &AccountId,
        kind: PolicyKind,
    ) -> Result<Vec<Vec<&OrganizationPolicy>>, CheckFailure> {
        let index = KINDS.iter().position(|(one, _)| *one == kind).unwrap_or_default();
        let (mut levels, mut target) = (Vec::new(), Some(account.as_str()));
        while let Some(node) = target.and_then(|target| self.nodes.get(target)) {
            let node = node.as_ref().map_err(|error| CheckFailure::from(error.clone()))?;
            let ids = node.attached.get(index).into_iter().flatten();
            let policies = ids.filter_map(|id| self.policies.get(id));
            let policies: Result<Vec<_>, _> = policies.map(Result::as_ref).collect();
            levels.push(policies.map_err(|error| CheckFailure::from(error.clone()))?);
            target = node.parent.as_deref();
            if levels.len() > MAX_DEPTH {
                break;
            }
        }
        Ok(levels)
    }
}

/// An account or unit, and the names of the policies attached to it, by id.
async fn read_node(
    aws: &AwsQuery,
    region: &Region,
    target: &str,
) -> Result<(Node, BTreeMap<String, String>), QueryError> {
    let (mut attached, mut names) = (Vec::new(), BTreeMap::new());
    for (kind, filter) in KINDS {
        let input = json!({"TargetId": target, "Filter": filter});
        let (action, pages) = ("organizations:ListPoliciesForTarget", ("Policies", "NextToken"));
        let listed = match aws.list(ORGANIZATIONS, action, region, &input, pages).await {
            Ok(listed) => listed,
            // A partition may not have all kinds.
            Err(error) if kind != PolicyKind::Services && error.class == ErrorClass::Invalid => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut ids = Vec::new();
        for policy in &listed {
            let text = |name: &str| policy.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            names.insert(text("Id"), text("Name"));
            ids.push(text("Id"));
        }
        attached.push(ids);
    }
    let mut node = Node { parent: None, attached };
    if !target.starts_with("r-") {
        let (input, action) = (json!({"ChildId": target}), "organizations:ListParents");
        let parents = aws.list(ORGANIZATIONS, action, region, &input, ("Parents", "NextToken")).await?;
        node.parent = parents.first().and_then(|parent| parent.get("Id")?.as_str().map(str::to_owned));
    }
    Ok((node, names))
}

async fn read_policy(
    aws: &AwsQuery,
    region: &Region,
    id: &str,
    name: String,
) -> Result<OrganizationPolicy, QueryError> {
    let input = json!({"PolicyId": id});
    let answer = aws.json(ORGANIZATIONS, "organizations:DescribePolicy", region, &input).await?;
    let content = answer.pointer("/Policy/Content").and_then(Value::as_str).unwrap_or_default();
    Ok(OrganizationPolicy { id: id.to_owned(), name, document: document(content) })
}
