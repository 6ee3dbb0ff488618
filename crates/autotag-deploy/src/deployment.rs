//! A deployment as a value: its stacks, their places, templates and parameters.

use crate::DeployError;
use crate::bucket;
use crate::engine::{Applied, Engine, StackTarget};
use crate::existing::Existing;
use crate::formation::{Place, TemplateSource};
use crate::layout::Layout;
use crate::packages::{Function, Packages};
use crate::template::Template;
use autotag_model::arn::{AccountId, Partition, Region};
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};

/// The tag of our stacks. Its value is the name of the deployment. CloudFormation puts it on the resources too.
pub const STACK_TAG: &str = "autotag:deployment";

/// The alarms that roll an update back, by their names in the templates.
const ALARMS: [&str; 3] = ["AlarmErrors", "AlarmRefused", "AlarmSessionErrors"];

/// The parameters that follow from the packages and the release. People choose all others.
const OURS: [&str; 9] = [
    "Name",
    "CodeBucket",
    "TagHandlerKey",
    "SessionHandlerKey",
    "Release",
    "LiveVersion",
    "SessionLiveVersion",
    "MemberTemplateUrl",
    "RegionTemplateUrl",
];

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
    /// Its stacks.
    pub layout: Layout,
    /// The templates, by their names.
    pub templates: BTreeMap<String, Template>,
    /// The parameters that are given now. Each goes to the stacks whose template has it; `hub.MemorySize` only to that of `hub.yaml`.
    pub parameters: BTreeMap<String, String>,
    /// The name of this state of the functions.
    pub release: String,
    /// The bucket of the code.
    pub bucket: String,
    /// How many minutes alarms are watched after an update; not at all if 0.
    pub minutes: u32,
}

impl Deployment {
    /// The template of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn template(&self, name: &str) -> Result<&Template, DeployError> {
        let missing = || {
            DeployError::usage(format!(
                "there is no template `{name}.yaml`: generate it, or name another folder"
            ))
        };
        self.templates.get(name).ok_or_else(missing)
    }

    /// The templates of this layout, each with its key in the bucket.
    pub fn stored_templates(&self) -> Vec<(&Template, String)> {
        let used = self.layout.templates().iter().filter_map(|name| self.templates.get(*name));
        used.map(|template| (template, self.template_key(template))).collect()
    }

    fn template_key(&self, template: &Template) -> String {
        template_key(&self.release, &template.name)
    }

    /// The key of a package in the bucket.
    pub fn package_key(&self, function: Function) -> String {
        format!("{}/{}", self.release, function.file())
    }

    fn url(&self, template: &Template) -> String {
        bucket::url(&self.hub, &self.bucket, &self.template_key(template))
    }

    fn source(&self, template: &Template) -> TemplateSource {
        if template.is_long() {
            return TemplateSource::Url(self.url(template));
        }
        TemplateSource::Body(template.text.clone())
    }

    /// Checks names of parameters, and that the templates can make a deployment of this name.
    ///
    /// # Errors
    /// [`DeployError::Usage`] names what is wrong.
    pub fn check(&self) -> Result<(), DeployError> {
        let used: Vec<&Template> =
            self.layout.templates().iter().map(|name| self.template(name)).collect::<Result<_, _>>()?;
        if self.name != "autotag" && !used.iter().all(|template| template.has_parameter("Name")) {
            return Err(DeployError::usage(
                "--name: these templates have no parameter `Name`, only `autotag` can be deployed",
            ));
        }
        for key in self.parameters.keys() {
            let (template, name) =
                key.split_once('.').map_or((None, key.as_str()), |(of, name)| (Some(of), name));
            let mut candidates =
                used.iter().filter(|one| template.is_none_or(|template| one.name == template));
            if OURS.contains(&name) && name != "LiveVersion" && name != "SessionLiveVersion" {
                return Err(DeployError::usage(format!(
                    "--parameter {key}: `autotag deploy` sets it itself"
                )));
            }
            if !candidates.any(|template| template.has_parameter(name)) {
                let names: Vec<&str> = used.iter().map(|template| template.name.as_str()).collect();
                return Err(DeployError::usage(format!(
                    "--parameter {key}: no such parameter in the templates {}",
                    names.join(", ")
                )));
            }
        }
        Ok(())
    }

    /// A parameter that is given now, for this template or for all.
    fn given(&self, template: &str, key: &str) -> Option<&String> {
        self.parameters.get(&format!("{template}.{key}")).or_else(|| self.parameters.get(key))
    }

    /// The values that people have chosen, now or before, otherwise the defaults: by template and parameter.
    pub fn chosen(&self, existing: &Existing) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for (name, _) in self.layout.central() {
            let Some(template) = self.templates.get(*name) else { continue };
            let before = existing.stacks.get(name).map(|stack| &stack.parameters);
            for (key, default) in template.parameters.iter().filter(|(key, _)| !OURS.contains(&key.as_str()))
            {
                let value = self.given(name, key).or_else(|| before?.get(key)).or(default.as_ref());
                all.extend(value.map(|value| (format!("{name}.{key}"), value.clone())));
            }
        }
        all
    }

    /// A stack of a template, with the parameters that are given and those of ours that the template has.
    fn target(
        &self,
        region: &Region,
        stack: String,
        name: &str,
        ours: &[(&str, String)],
    ) -> Result<StackTarget, DeployError> {
        let template = self.template(name)?;
        let mut parameters: BTreeMap<String, String> =
            ours.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        parameters.insert("Name".to_owned(), self.name.clone());
        for key in template.parameters.keys() {
            parameters.extend(self.given(name, key).map(|value| (key.to_owned(), value.clone())));
        }
        // A topic is of one region, and sends to no alarm of another.
        let elsewhere =
            |topic: &String| topic.split(':').nth(3).is_some_and(|there| there != region.as_str());
        if parameters.get("AlarmTopicArn").is_some_and(elsewhere) {
            parameters.remove("AlarmTopicArn");
        }
        parameters.retain(|key, _| template.has_parameter(key));
        Ok(StackTarget {
            place: Place::new(region, stack),
            template: self.source(template),
            text: template.text.clone(),
            declared: template.parameters.keys().cloned().collect(),
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
        // A version that somebody pinned stays until another release comes.
        if existing.parameter("Release") != Some(&self.release) {
            ours.extend([("LiveVersion", String::new()), ("SessionLiveVersion", String::new())]);
        }
        if self.layout == Layout::Organization {
            ours.push(("MemberTemplateUrl", self.url(self.template("member")?)));
            ours.push(("RegionTemplateUrl", self.url(self.template("region")?)));
        }
        let mut targets = Vec::new();
        for (template, suffix) in self.layout.central() {
            let mut target = self.target(&self.hub, format!("{}{suffix}", self.name), template, &ours)?;
            if self.minutes > 0 {
                target.alarms = ALARMS.map(str::to_owned).to_vec();
            }
            targets.push((target, self.template(template)?));
        }
        Ok(targets)
    }

    /// The region of the hub and the others.
    pub fn all_regions(&self) -> impl Iterator<Item = &Region> {
        std::iter::once(&self.hub).chain(self.regions.iter().filter(|region| **region != self.hub))
    }

    /// The stacks of the regions. `before` has the stacks before this run, `existing` those of now.
    ///
    /// # Errors
    /// A template is missing.
    pub fn regional(
        &self,
        before: &Existing,
        existing: &Existing,
    ) -> Result<Vec<(StackTarget, &Template)>, DeployError> {
        let regions: Vec<&Region> = match self.layout {
            // Stack sets make them.
            Layout::Organization => return Ok(Vec::new()),
            Layout::Parts => self.all_regions().collect(),
            Layout::Single => self.all_regions().filter(|region| **region != self.hub).collect(),
        };
        if regions.is_empty() {
            return Ok(Vec::new());
        }
        let mut ours = vec![("HubBusArn", self.bus(existing))];
        let chosen = self.chosen(existing);
        let of_the_hub = |name: &str| {
            self.layout.central().iter().find_map(|(hub, _)| chosen.get(&format!("{hub}.{name}")))
        };
        for (name, of_the_region) in
            [("CreateLedger", "ForwardDeletions"), ("WatchTags", "ForwardTagChanges")]
        {
            // If it never was true, the regions keep what people chose for them.
            let matters = |value: &&String| *value == "true" || before.parameter(name) == Some("true");
            ours.extend(of_the_hub(name).filter(matters).map(|value| (of_the_region, value.clone())));
        }
        let template = self.template("region")?;
        let target = |region: &Region| self.target(region, format!("{}-region", self.name), "region", &ours);
        regions.into_iter().map(|region| Ok((target(region)?, template))).collect()
    }

    /// The ARN of the bus: what the hub's stack says, else what it will be.
    fn bus(&self, existing: &Existing) -> String {
        if let Some(arn) = existing.hub().and_then(|stack| stack.outputs.get("BusArn")) {
            return arn.clone();
        }
        let partition = Partition::of_region(&self.hub).unwrap_or_default();
        let chosen = self.layout.central().iter().find_map(|(hub, _)| self.given(hub, "BusName"));
        let name = chosen.filter(|name| !name.is_empty()).unwrap_or(&self.name);
        format!("arn:{partition}:events:{}:{}:event-bus/{name}", self.hub, self.account)
    }

    /// Makes or changes all stacks: those of the hub one after the other, then those of the regions at the same time. After a
    /// failure in the hub nothing more is begun. A region that fails does not stop the others.
    pub async fn apply(
        &self,
        engine: &Engine<'_>,
        existing: &Existing,
    ) -> Vec<(Place, Result<Applied, DeployError>)> {
        let mut results = Vec::new();
        let (before, mut existing) = (existing, existing.clone());
        let central = match self.central(before) {
            Ok(central) => central,
            Err(error) => return vec![(Place::new(&self.hub, self.name.clone()), Err(error))],
        };
        for ((target, _), (template, _)) in central.into_iter().zip(self.layout.central()) {
            let result = engine.converge(&target).await;
            let failed = result.is_err();
            if let Ok(applied) = &result {
                existing.stacks.insert(*template, applied.stack().clone());
            }
            results.push((target.place, result));
            if failed {
                return results;
            }
        }
        match self.regional(before, &existing) {
            Ok(regional) => {
                let applied = regional
                    .iter()
                    .map(async |(target, _)| (target.place.clone(), engine.converge(target).await));
                results.extend(join_all(applied).await);
            }
            Err(error) => results.push((Place::new(&self.hub, format!("{}-region", self.name)), Err(error))),
        }
        results
    }

    /// The name of the release: the version of the program, and a hash of the packages, the templates and the parameters that people
    /// chose. The same deployment has the same name, so that a second run has nothing to do. Where anything differs that a function is
    /// told, it has another one, so that a new version becomes live.
    pub fn release_name(&self, version: &str, packages: &Packages, existing: &Existing) -> String {
        let chosen: BTreeSet<String> =
            self.chosen(existing).into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        let texts =
            self.layout.templates().iter().filter_map(|name| Some(self.templates.get(*name)?.text.as_str()));
        let more: Vec<&str> = texts.chain(chosen.iter().map(String::as_str)).collect();
        let version: String = version.chars().map(|one| if one == '+' { '-' } else { one }).collect();
        format!("{version}-{}", packages.fingerprint(&more))
    }
}

/// The key of a template in the bucket.
pub fn template_key(release: &str, template: &str) -> String {
    format!("{release}/{template}.yaml")
}
