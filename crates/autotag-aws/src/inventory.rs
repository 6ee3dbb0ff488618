//! Lists the resources that exist in an account now.
//!
//! In a region with an index of [Resource Explorer][explorer], its resources are listed, tagged or not: by the default view, if
//! that leaves nothing out. An aggregator index answers for all regions that it replicates, and its view may show other accounts
//! of the organization. In other regions [`GetResources`][tagging] of the Resource Groups Tagging API lists what has tags, or had
//! tags once.
//!
//! [explorer]: https://docs.aws.amazon.com/resource-explorer/latest/apireference/Welcome.html
//! [tagging]: https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html

mod caller;
mod explorer;
mod listed;
mod live;
mod tagging;

pub use listed::{Listed, ListedResource};
pub use live::LiveInventory;
