//! Tests of the tamper watch.

mod changes;
mod decisions;
mod interleavings;
mod merges;
