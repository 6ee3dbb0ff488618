//! Calls about a deployment that are signed by hand: a limited number of them at once, with AWS's reason if one
//! fails. `autotag doctor` reads a deployment with them.

mod client;
mod error;
mod stack_sets;
pub mod xml;

pub use client::{AwsQuery, encoded};
pub use error::{QueryError, if_there};
pub use stack_sets::StackInstance;
