//! Processes that the benchmark runs.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::time::Instant;

/// `INFLATE FOLDER` decompresses all files and does nothing else.
pub(crate) const INFLATE: &str = "inflate-only";

/// `MEASURE PROGRAM ARGUMENTS..` runs a program and says what it took.
pub(crate) const MEASURE: &str = "measure-child";

/// Time and memory that a process used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Seconds of user and system time.
    pub(crate) cpu: f64,
    /// Seconds from its start to its end.
    pub(crate) wall: f64,
    /// The most memory that was resident at once, in megabytes.
    pub(crate) peak: f64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.cpu, self.wall, self.peak)
    }
}

impl FromStr for Cost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        match numbers.as_slice() {
            [cpu, wall, peak] => Ok(Self { cpu: *cpu, wall: *wall, peak: *peak }),
            _ => Err(format!("not a cost: {text}")),
        }
    }
}

/// Runs one program, without its output. This process has no other child, so the kernel's sums are those of this one.
pub(crate) fn measure(command: &[String]) -> Cost {
    let (program, arguments) = command.split_first().unwrap();
    let start = Instant::now();
    let status =
        Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    let wall = start.elapsed().as_secs_f64();
    assert!(status.success(), "{command:?}: {status}");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Cost {
        cpu: seconds(usage.user_time()) + seconds(usage.system_time()),
        wall,
        peak: kilobytes(usage.max_rss()) / 1e3,
    }
}

/// Linux counts in KiB.
fn kilobytes(max_rss: i64) -> f64 {
    max_rss as f64 * 1.024
}

/// The reference: reads every file of a folder and decompresses it.
pub(crate) fn inflate(folder: &Path) {
    let mut decompressor = libdeflater::Decompressor::new();
    let mut text = Vec::new();
    inflate_below(folder, &mut decompressor, &mut text);
}

fn inflate_below(folder: &Path, decompressor: &mut libdeflater::Decompressor, text: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            inflate_below(&path, decompressor, text);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        // The last four bytes of gzip are the size of the text.
        let size = u32::from_le_bytes(*bytes.last_chunk().unwrap()) as usize;
        if text.len() < size {
            text.resize(size, 0);
        }
        assert_eq!(decompressor.gzip_decompress(&bytes, text).unwrap(), size, "{}", path.display());
    }
}
