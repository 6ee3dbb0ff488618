//! Trails of any size: the log files that CloudTrail would write, from a seed.
//!
//! The same [`Shape`] gives the same bytes on every machine. Each file is made from its number alone, so a trail of years
//! needs the memory of one file, and files can be made in any order.
//!
//! ```
//! use autotag_testkit::trail::{Shape, Trail};
//!
//! let trail = Trail::new(Shape { records: 3_000, creations: 4.0, sessions: 3.0, ..Shape::default() })?;
//! assert_eq!((trail.files(), trail.creations(), trail.sessions()), (2, 120, 90));
//! assert!(trail.file(0).path.starts_with("AWSLogs/111122223333/CloudTrail/"));
//! # Ok::<(), autotag_testkit::trail::ShapeError>(())
//! ```

mod damage;
mod gzip;
mod ids;
mod log;
mod odd;
mod people;
mod record;
mod shape;
mod template;
mod wrap;
mod write;

pub use log::{Trail, TrailFile};
pub use shape::{Shape, ShapeError};
pub use write::Written;

#[cfg(test)]
mod tests;
