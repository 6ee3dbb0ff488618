#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod backend;
pub mod catalog;
pub mod classify;
pub mod counts;
pub mod dedup;
pub mod deletion;
pub mod error;
pub mod event;
pub mod memory;
pub mod outcome;
pub mod owner;
pub mod packed;
pub mod plan;
pub mod recheck;
pub mod records;
pub mod row;
pub mod services;
pub mod sessions;
pub mod tamper;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
pub mod whois;
