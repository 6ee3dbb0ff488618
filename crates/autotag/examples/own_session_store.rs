//! Finds out who made a call, with sessions from a store of one's own: `cargo run --example own_session_store`.
//!
//! The store here is a file of STS records. Yours may be a database that another system fills.
#![expect(clippy::print_stdout, reason = "the output of an example")]

use async_trait::async_trait;
use autotag::{Autotag, Record, Session, SessionReader, SessionStoreError, Timestamp};
use std::fs::File;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Every session that is known, in no particular order.
struct SessionList(Vec<Session>);

#[async_trait]
impl SessionReader for SessionList {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        // All of them: which one belongs to the call is decided by the library.
        let found = self.0.iter().filter(|session| session.role_session == role_session);
        Ok(found.filter(|session| between.contains(&session.issued)).cloned().collect())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let autotag = Autotag::new();
    let records = autotag.read(File::open("examples/trail.json")?);
    let store: Arc<dyn SessionReader> = Arc::new(SessionList(records.sessions));

    let text = std::fs::read_to_string("examples/create-queue.json")?;
    let record: Record<'_> = serde_json::from_str(&text)?;
    let owner = autotag.identify(&record, &store).await?;
    println!("{}", owner.name.as_deref().unwrap_or("unknown"));
    for link in &owner.chain {
        println!("    {}: {}", link.session, link.evidence);
    }
    Ok(())
}
