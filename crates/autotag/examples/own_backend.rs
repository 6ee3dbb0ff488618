//! Plans with existing tags and executes the plan, over a backend of one's own: `cargo run --example own_backend`.
//!
//! The backend here is a list in memory. Yours may be a CMDB, or a wrapper around `aws::backend::AwsBackend` that asks for
//! approval before it writes.
#![expect(clippy::print_stdout, reason = "the output of an example")]

use async_trait::async_trait;
use autotag::model::identity::OnBehalfOf;
use autotag::{
    Autotag, BackendError, BackendReader, Execution, MemoryStore, Related, RelatedQuery, Resource, TagWrite,
    TagWriter, TaggableResource, Tags, Timestamp,
};
use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Mutex;

/// The tags of an inventory, by ARN.
#[derive(Default)]
struct Inventory(Mutex<BTreeMap<String, BTreeMap<String, String>>>);

impl Inventory {
    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<String, BTreeMap<String, String>>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

#[async_trait]
impl BackendReader for Inventory {
    async fn existing_tags(&self, resources: &[TaggableResource]) -> Vec<Result<Tags, BackendError>> {
        self.with(|inventory| {
            let tags = |taggable: &TaggableResource| inventory.get(&taggable.resource.display()).cloned();
            resources.iter().map(|taggable| Ok(tags(taggable).into_iter().flatten().collect())).collect()
        })
    }

    async fn find_related(&self, _: &Resource, _: &RelatedQuery) -> Result<Related, BackendError> {
        Ok(Related::Found(Vec::new()))
    }

    async fn principal_tags(&self, _: &str) -> Result<Tags, BackendError> {
        Ok(Vec::new())
    }

    async fn user_name(&self, _: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        Ok(None)
    }
}

#[async_trait]
impl TagWriter for Inventory {
    async fn write_tags(&self, write: &TagWrite) -> Vec<Result<(), BackendError>> {
        self.with(|inventory| {
            let tags = || write.tags.pairs().map(|(key, value)| (key.to_owned(), value.to_owned()));
            for taggable in &write.resources {
                inventory.entry(taggable.resource.display()).or_default().extend(tags());
            }
            write.resources.iter().map(|_| Ok(())).collect()
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (autotag, sessions, inventory) = (Autotag::new(), MemoryStore::new(), Inventory::default());
    let now: Timestamp = "2026-03-02T09:10:00Z".parse()?;
    let records = autotag.read(File::open("examples/trail.json")?);
    let plan = autotag.planner(&sessions, &inventory, now).plan(records).await;
    // A plan is a value: keep what you want, and execute that.
    let plan = plan.filter(|row| row.resource_type.as_deref() == Some("AWS::SQS::Queue"));
    for row in plan.execute(&inventory, &Execution::at(now)).await {
        println!("{}", serde_json::to_string(&row)?);
    }
    inventory.with(|inventory| println!("{inventory:?}"));
    Ok(())
}
