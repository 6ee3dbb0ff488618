//! The context of all modes: credentials, the region of the hub, CloudFormation, S3.

use super::progress::Progress;
use crate::cli::DeployArgs;
use crate::connection::connect;
use crate::output::printable;
use crate::setup::usage_error;
use anyhow::{Result, anyhow};
use autotag_aws::query::AwsQuery;
use autotag_aws::{Settings, Timeouts, s3_client};
use autotag_deploy::DeployError;
use autotag_deploy::aws::AwsFormation;
use autotag_deploy::engine::Engine;
use autotag_deploy::identity::{Identity, enabled_regions, identity};
use autotag_model::arn::{Partition, Region};
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

pub(super) struct Context {
    pub(super) aws: AwsQuery,
    pub(super) s3: aws_sdk_s3::Client,
    /// The region of the hub.
    pub(super) hub: Region,
    pub(super) identity: Identity,
    /// The name of the deployment.
    pub(super) name: String,
    pub(super) pause: Duration,
    pub(super) progress: Progress,
    formation: AwsFormation,
    run: String,
}

impl Context {
    pub(super) async fn connect(args: &DeployArgs) -> Result<Self> {
        let accounts = connect(settings()).await?;
        let hub = args.place.region.clone().or_else(|| accounts.home_region());
        let hub = hub.ok_or_else(|| usage_error("no region is known: name that of the hub with --region"))?;
        let aws = AwsQuery::new(accounts.ambient().clone());
        let identity = identity(&aws, &hub).await.map_err(failed)?;
        let s3 = s3_client(&accounts.config(None, &hub).await?);
        let run = random();
        let formation = AwsFormation::new(aws.clone(), run.clone(), args.run.service_role.clone());
        let pause = Duration::from_millis(args.run.pause);
        let name = args.place.name.clone();
        Ok(Self { aws, s3, hub, identity, name, pause, progress: Progress::new(), formation, run })
    }

    pub(super) fn engine(&self) -> Engine<'_> {
        Engine { formation: &self.formation, observer: &self.progress, run: &self.run, pause: self.pause }
    }

    /// The region in which global services are recorded.
    pub(super) fn global_region(&self) -> Option<Region> {
        Partition::of_region(&self.hub).unwrap_or_default().global_region()
    }

    /// The regions that the account has enabled; none if they cannot be asked for.
    pub(super) async fn enabled_regions(&self) -> Result<Vec<Region>> {
        match enabled_regions(&self.aws, &self.hub).await {
            Ok(regions) => Ok(regions),
            Err(error) if error.is_denied() => Ok(Vec::new()),
            Err(error) => Err(failed(error)),
        }
    }
}

/// CloudFormation reads a whole template before it answers.
fn settings() -> Settings {
    let settings = Settings::default();
    let timeouts = Timeouts { attempt: Duration::from_mins(2), ..settings.timeouts };
    Settings { timeouts, ..settings }
}

/// A text that no other run has, and that cannot be known before.
pub(super) fn random() -> String {
    format!("{:016x}", RandomState::new().hash_one("run"))
}

/// The error of the program. Texts of AWS contain names that others chose.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
pub(super) fn failed(error: DeployError) -> anyhow::Error {
    let text = shown(&error);
    if matches!(error, DeployError::Usage(_)) { usage_error(text) } else { anyhow!(text) }
}

/// An error as it is printed, line by line.
pub(super) fn shown(error: &DeployError) -> String {
    let text = error.to_string();
    let lines: Vec<String> = text.lines().map(printable).collect();
    lines.join("\n")
}
