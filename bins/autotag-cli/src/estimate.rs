//! The monthly cost of a deployment, and the limits of AWS that it meets first.
//!
//! One calculation for `autotag estimate` and `docs/costs.md`: a [`Load`] (events a month), prices
//! with their sources, and the templates' settings.

mod capacity;
mod cost;
mod load;
mod price;
mod sample;

pub(crate) use capacity::{Limit, limits};
pub(crate) use cost::{CostLine, costs};
pub(crate) use load::{Load, Options};
pub(crate) use price::{CHECKED, REGION};
pub(crate) use sample::{Sample, sample};
