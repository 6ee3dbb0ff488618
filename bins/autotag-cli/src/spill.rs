//! Storage of a run until everything is read: in memory up to a limit, beyond it in temporary files.
//!
//! A temporary file has no name: the system removes it when the program ends, however it ends.
//!
//! | module | contents |
//! |---|---|
//! | `storage` | where the files are, and how much stays in memory |
//! | `sorter` | sorted runs, and their merge |
//! | `codec` | values as bytes |
//! | `sessions` | the sessions of a run |
//! | `session_file` | sessions in a sorted file, found by name and time |

mod codec;
mod session_file;
mod sessions;
mod sorter;
mod storage;

pub(crate) use codec::{Bytes, Spill};
pub(crate) use sessions::{JobSessions, KeptSessions, SessionRuns};
pub(crate) use sorter::{Files, Runs, Sorted, Sorter};
pub(crate) use storage::Storage;
