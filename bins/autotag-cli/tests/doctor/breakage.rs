//! Broken deployments: doctor reports exactly the broken link.

mod consumers;
mod events;
mod missing;
mod organization;
mod permissions;
mod settings;
pub mod suite;
