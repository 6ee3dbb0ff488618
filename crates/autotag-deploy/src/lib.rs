#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod actions;
pub mod aws;
pub mod bucket;
pub mod deployment;
pub mod engine;
pub mod error;
pub mod existing;
pub mod formation;
pub mod handlers;
pub mod identity;
pub mod layout;
pub mod packages;
pub mod plan;
pub mod progress;
pub mod queues;
pub mod release;
pub mod removal;
pub mod stack_sets;
pub mod tables;
pub mod template;
pub mod trail;

pub use error::DeployError;
