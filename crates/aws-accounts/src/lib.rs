//! With whose credentials: configurations and clients per (account, region).
//!
//! One's own account is reached with the ambient credentials, every other one with a role assumed in it, and only if it is
//! allowed. Retries, timeouts and endpoints are set in one place, [`Settings`], for all clients.
//!
//! | room | what it holds |
//! |---|---|
//! | [`Settings`] | what a deployment chooses |
//! | [`Accounts`] | configurations and clients, cached |
//! | [`signed`] | requests that no SDK crate writes: signed, sent and retried like the SDK's own |

mod accounts;
mod error;
mod member;
mod settings;
pub mod signed;

pub use accounts::Accounts;
pub use error::AccountError;
pub use settings::{Allowed, MemberRole, Settings, Timeouts};
