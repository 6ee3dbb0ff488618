//! Broken deployments: doctor reports exactly the broken link.

mod consumers;
mod events;
mod missing;
mod permissions;
mod suite;
