//! Fuzzing of everything in autotag that reads bytes of others.
//!
//! Inputs are made by mutators of this crate, from the fixtures and from small files in `seeds/`, and not by a fuzzer
//! that watches coverage. The formats decide: records are JSON in up to eight wrappings, and a mutated byte mostly ends
//! in "not JSON". These mutators remove, repeat, rename, exchange, nest and retype members, so that most inputs reach the
//! code behind the parser. They need no nightly compiler and no instrumented build, every input follows from a seed and a
//! number, and one core runs a hundred million of them in less than an hour. proptest stays the tool of the property
//! tests beside the code: its values shrink well, but cost too much for so many inputs.
//!
//! | module | contents |
//! |---|---|
//! | `target` | what a target is |
//! | `targets` | all targets, with the properties that must hold |
//! | `seeds` | the texts to start from |
//! | `mutate`, `json`, `chunks`, `wrap`, `random`, `words` | the mutators |
//! | `rows` | what must hold for each row of a plan |
//! | `run` | one input: panics, time, memory |
//! | `slice`, `campaign` | many inputs, in processes of their own |
//! | `minimize` | a shorter input with the same fault |
//!
//! Findings become files in `corpus/<target>/`; `cargo test -p autotag-fuzz` runs them all.
#![expect(
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a tool for tests: what it cannot go on with is a fault of its own and has to be seen"
)]

pub mod campaign;
mod chunks;
mod json;
pub mod minimize;
mod mutate;
mod random;
mod rows;
pub mod run;
pub mod seeds;
pub mod slice;
pub mod target;
pub mod targets;
mod words;
mod wrap;
