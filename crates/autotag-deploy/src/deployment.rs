//! A deployment as a value: which stacks there are, where, of which templates and with which parameters.

use crate::DeployError;
use crate::engine::{Applied, Engine, StackTarget};
use crate::formation::{Formation, Phase, Place, Stack, TemplateSource};
use crate::packages::{Function, Packages};
use crate::template::Template;
use autotag_model::arn::{AccountId, Partition, Region};
use futures_util::future::join_all;
use std::collections::BTreeMap;

/// The tag of our stacks. Its value is the name of the deployment. CloudFormation puts it on the resources too.
pub const STACK_TAG: &str = "autotag:deployment";

/// The alarms that roll an update back, by their names in the templates.
const ALARMS: [&str; 3] = ["AlarmErrors", "AlarmRefused", "AlarmSessionErrors"];

/// The parameters that this module sets. Those that a stack has of them say nothing about what people chose.
const OURS: [&str; 9] = [
    "Name", "CodeBucket", "TagHandlerKey", "SessionHandlerKey", "Release", "LiveVersion", "SessionLiveVersion",
    "MemberTemplateUrl", "RegionTemplateUrl",
];

/// Which stacks make up a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One account: `NAME` from `single.yaml`, and `NAME-region` in each other region.
    Single,
    /// One account, from the parts: `NAME-hub`, `NAME-session`, and `NAME-region` in each region.
    Parts,
    /// An organization: `NAME` from `org.yaml`, whose stack sets make the rest.
    Organization,
}

/// What is there of a deployment.
#[derive(Debug, Clone, Default)]
pub struct Existing {
    /// Its layout, if anything is there.
    pub layout: Option<Layout>,
    /// The stack of the hub, if it is there.
    pub hub: Option<Stack>,
}

impl Existing {
    /// Looks for the hub of a deployment.
    ///
    /// # Errors
    /// AWS does not answer.
    pub async fn find(formation: &dyn Formation, name: &str, hub: &Region) -> Result<Self, DeployError> {
        let there = |stack: &Stack| stack.status.phase() != Phase::Gone;
        let whole = formation.stack(&Place::new(hub, name)).await?.filter(there);
        if let Some(stack) = whole {
            let of_an_organization = stack.parameters.contains_key("MemberTemplateUrl");
            let layout = if of_an_organization { Layout::Organization } else { Layout::Single };
            return Ok(Self { layout: Some(layout), hub: Some(stack) });
        }
        let part = formation.stack(&Place::new(hub, format!("{name}-hub"))).await?.filter(there);
        Ok(Self { layout: part.is_some().then_some(Layout::Parts), hub: part })
    }

    /// A parameter of the hub.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let value = self.hub.as_ref()?.parameters.get(name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// The parameters of the hub that people chose.
    fn chosen(&self) -> BTreeMap<String, String> {
        let all = self.hub.iter().flat_map(|stack| &stack.parameters);
        let chosen = all.filter(|(key, _)| !OURS.contains(&key.as_str()));
        chosen.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// The regions other than the hub's in which a deployment has a stack of its own. A region that cannot be asked has none.
pub async fn regions_with_stacks(formation: &dyn Formation, name: &str, regions: &[Region]) -> Vec<Region> {
    let asked = regions.iter().map(async |region| {
        let stack = formation.stack(&Place::new(region, format!("{name}-region"))).await.ok().flatten();
        stack.filter(|stack| stack.status.phase() != Phase::Gone).map(|_| region.clone())
    });
    join_all(asked).await.into_iter().flatten().collect()
}

/// An organization that is deployed to by stack sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id; empty, it stays as it is.
    pub id: String,
    /// The ids of organizational units or of the root; empty, they stay.
    pub units: Vec<String>,
    /// `SELF` or `DELEGATED_ADMIN`.
    pub call_as: String,
}

/// A deployment.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Its name: the prefix of all names in it.
    pub name: String,
    /// The account.
    pub account: AccountId,
    /// The region of the hub.
    pub hub: Region,
    /// The other regions.
    pub regions: Vec<Region>,
    /// Which stacks it has.
    pub layout: Layout,
    /// The templates, by their names.
    pub templates: BTreeMap<String, Template>,
    /// The parameters that are given now. Each goes to the stacks whose template has it.
    pub parameters: BTreeMap<String, String>,
    /// The name of this state of the functions.
    pub release: String,
    /// The bucket of the code.
    pub bucket: String,
    /// The organization, with [`Layout::Organization`].
    pub organization: Option<Organization>,
    /// Whether an earlier rollback is taken back though the release is the same.
    pub unpin: bool,
    /// How many minutes alarms are watched after an update; none at all if 0.
    pub minutes: u32,
}

impl Deployment {
    /// The template of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn template(&self, name: &str) -> Result<&Template, DeployError> {
        let missing = || DeployError::usage(format!("there is no template `{name}.yaml`: generate it, or name another folder"));
        self.templates.get(name).ok_or_else(missing)
    }

    /// The names of the templates of this layout that must be in the bucket.
    pub fn stored_templates(&self) -> Vec<&Template> {
        let used: &[&str] = match self.layout {
            Layout::Single => &["single", "region"],
            Layout::Parts => &["hub", "session", "region"],
            Layout::Organization => &["org", "member", "region"],
        };
        let by_stack_sets = |name: &str| self.layout == Layout::Organization && name != "org";
        let used = used.iter().filter_map(|name| self.templates.get(*name));
        used.filter(|template| template.is_long() || by_stack_sets(&template.name)).collect()
    }

    /// The key of a template in the bucket.
    pub fn template_key(&self, template: &Template) -> String {
        format!("{}/{}.yaml", self.release, template.name)
    }

    /// The key of a package in the bucket.
    pub fn package_key(&self, function: Function) -> String {
        format!("{}/{}", self.release, function.file())
    }

    fn url(&self, template: &Template) -> String {
        let partition = Partition::of_region(&self.hub).unwrap_or_default();
        let suffix = partition.info().map_or("amazonaws.com", |info| info.dns_suffix);
        format!("https://{}.s3.{}.{suffix}/{}", self.bucket, self.hub, self.template_key(template))
    }

    fn source(&self, template: &Template) -> TemplateSource {
        if template.is_long() {
            return TemplateSource::Url(self.url(template));
        }
        TemplateSource::Body(template.text.clone())
    }

    /// A stack of a template, with the parameters that are given and those of ours that the template has.
    fn target(&self, region: &Region, stack: String, template: &str, ours: &[(&str, String)]) -> Result<StackTarget, DeployError> {
        let template = self.template(template)?;
        let mut parameters: BTreeMap<String, String> =
            ours.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        parameters.extend(self.parameters.clone());
        parameters.insert("Name".to_owned(), self.name.clone());
        // A topic is of one region, and sends to no alarm of another.
        let elsewhere = |topic: &String| topic.split(':').nth(3).is_some_and(|there| there != region.as_str());
        if parameters.get("AlarmTopicArn").is_some_and(elsewhere) {
            parameters.remove("AlarmTopicArn");
        }
        parameters.retain(|key, _| template.has_parameter(key));
        Ok(StackTarget {
            place: Place::new(region, stack),
            template: self.source(template),
            declared: template.parameters.clone(),
            parameters,
            tags: [(STACK_TAG.to_owned(), self.name.clone())].into(),
            alarms: Vec::new(),
            minutes: self.minutes,
        })
    }

    /// The stacks before the regions, in their order, each with the name of its template.
    ///
    /// # Errors
    /// A template is missing.
    pub fn central(&self, existing: &Existing) -> Result<Vec<(StackTarget, &Template)>, DeployError> {
        let key = |function| self.package_key(function);
        let mut ours = vec![
            ("CodeBucket", self.bucket.clone()),
            ("TagHandlerKey", key(Function::Tag)),
            ("SessionHandlerKey", key(Function::Session)),
            ("Release", self.release.clone()),
        ];
        // A rollback stays until another release comes.
        if self.unpin || existing.parameter("Release") != Some(&self.release) {
            ours.extend([("LiveVersion", String::new()), ("SessionLiveVersion", String::new())]);
        }
        let names: &[(&str, &str)] = match self.layout {
            Layout::Single => &[("single", "")],
            Layout::Parts => &[("hub", "-hub"), ("session", "-session")],
            Layout::Organization => &[("org", "")],
        };
        ours.extend(self.of_the_organization()?);
        let watched = self.minutes > 0
            && (self.parameters.contains_key("AlarmTopicArn") || existing.parameter("AlarmTopicArn").is_some());
        let mut targets = Vec::new();
        for (template, suffix) in names {
            let mut target = self.target(&self.hub, format!("{}{suffix}", self.name), template, &ours)?;
            if watched {
                target.alarms = ALARMS.map(str::to_owned).to_vec();
            }
            targets.push((target, self.template(template)?));
        }
        Ok(targets)
    }

    fn of_the_organization(&self) -> Result<Vec<(&'static str, String)>, DeployError> {
        let Some(organization) = &self.organization else { return Ok(Vec::new()) };
        let mut ours = vec![
            ("MemberTemplateUrl", self.url(self.template("member")?)),
            ("RegionTemplateUrl", self.url(self.template("region")?)),
            ("CallAs", organization.call_as.clone()),
        ];
        if !organization.id.is_empty() {
            ours.push(("OrganizationId", organization.id.clone()));
        }
        if !organization.units.is_empty() {
            ours.push(("TargetOus", organization.units.join(",")));
        }
        if !self.regions.is_empty() {
            let all: Vec<&str> = self.all_regions().map(Region::as_str).collect();
            ours.push(("Regions", all.join(",")));
        }
        Ok(ours)
    }

    /// The region of the hub and the others.
    pub fn all_regions(&self) -> impl Iterator<Item = &Region> {
        std::iter::once(&self.hub).chain(self.regions.iter().filter(|region| **region != self.hub))
    }

    /// The stacks of the regions.
    ///
    /// # Errors
    /// A template is missing.
    pub fn regional(&self, existing: &Existing) -> Result<Vec<(StackTarget, &Template)>, DeployError> {
        let chosen = |name: &str| {
            let value = self.parameters.get(name).map(String::as_str).or_else(|| existing.parameter(name));
            value.unwrap_or_default().to_owned()
        };
        let mut ours = vec![("HubBusArn", self.bus(existing))];
        for (of_the_hub, of_the_region) in [("CreateLedger", "ForwardDeletions"), ("WatchTags", "ForwardTagChanges")] {
            if !chosen(of_the_hub).is_empty() {
                ours.push((of_the_region, chosen(of_the_hub)));
            }
        }
        let with_the_hub = self.layout == Layout::Parts;
        let regions = match self.layout {
            // Stack sets make them.
            Layout::Organization => Vec::new(),
            _ => self.all_regions().filter(|region| with_the_hub || **region != self.hub).collect(),
        };
        let template = if regions.is_empty() { None } else { Some(self.template("region")?) };
        let target = |region: &Region| self.target(region, format!("{}-region", self.name), "region", &ours);
        let targets = regions.into_iter().zip(std::iter::repeat(template));
        targets.filter_map(|(region, template)| Some(target(region).map(|target| (target, template?)))).collect()
    }

    /// The ARN of the bus: what the hub's stack says, else what it will be.
    fn bus(&self, existing: &Existing) -> String {
        if let Some(arn) = existing.hub.as_ref().and_then(|stack| stack.outputs.get("BusArn")) {
            return arn.clone();
        }
        let partition = Partition::of_region(&self.hub).unwrap_or_default();
        let name = self.parameters.get("BusName").unwrap_or(&self.name);
        format!("arn:{partition}:events:{}:{}:event-bus/{name}", self.hub, self.account)
    }

    /// Makes or changes all stacks: those of the hub one after the other, then those of the regions at the same time. After a
    /// failure in the hub nothing more is begun. A region that fails does not stop the others.
    pub async fn apply(&self, engine: &Engine<'_>, existing: &Existing) -> Vec<(Place, Result<Applied, DeployError>)> {
        let mut results = Vec::new();
        let mut existing = existing.clone();
        let central = match self.central(&existing) {
            Ok(central) => central,
            Err(error) => return vec![(Place::new(&self.hub, self.name.clone()), Err(error))],
        };
        for (target, _) in central {
            let result = engine.converge(&target).await;
            let failed = result.is_err();
            if let (Ok(applied), true) = (&result, results.is_empty()) {
                existing.hub = Some(applied.stack().clone());
            }
            results.push((target.place, result));
            if failed {
                return results;
            }
        }
        match self.regional(&existing) {
            Ok(regional) => {
                let applied = regional.iter().map(async |(target, _)| (target.place.clone(), engine.converge(target).await));
                results.extend(join_all(applied).await);
            }
            Err(error) => results.push((Place::new(&self.hub, format!("{}-region", self.name)), Err(error))),
        }
        results
    }
}

/// The name of a release: the version of the program, and a hash of the packages, the templates and the parameters that people
/// chose. The same deployment has the same name, so that a second run has nothing to do; and whatever a function is told differs,
/// another one, so that it becomes live.
pub fn release_name(
    version: &str,
    packages: &Packages,
    templates: &BTreeMap<String, Template>,
    existing: &Existing,
    given: &BTreeMap<String, String>,
) -> String {
    let mut chosen = existing.chosen();
    chosen.extend(given.clone());
    // A default that the stack says and one that nobody has named yet are the same. So a first deployment and the run after it agree.
    let chosen: Vec<String> = chosen
        .into_iter()
        .filter(|(key, _)| given.contains_key(key))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let texts = templates.values().map(|template| template.text.as_str());
    let more: Vec<&str> = texts.chain(chosen.iter().map(String::as_str)).collect();
    let version: String = version.chars().map(|one| if one == '+' { '-' } else { one }).collect();
    format!("{version}-{}", packages.fingerprint(&more))
}
