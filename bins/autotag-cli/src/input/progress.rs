//! Shows the progress of reading: bytes, files, records a second and the time left.

use super::Input;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::{IsTerminal as _, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// From these sizes on people wait long enough to want a progress display: bytes on disk, and files.
const LONG_BYTES: u64 = 32 << 20;
const LONG_FILES: usize = 200;

/// A display on stderr for people who wait; nothing for programs.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    files: Arc<AtomicU64>,
    records: Arc<AtomicU64>,
}

impl Progress {
    /// For reading these inputs.
    pub(crate) fn new(inputs: &[Input]) -> Self {
        let bytes: u64 = inputs.iter().map(Input::size).sum();
        let long = bytes >= LONG_BYTES || inputs.len() >= LONG_FILES;
        if !long || crate::console::is_quiet() || !std::io::stderr().is_terminal() {
            return Self::of(ProgressBar::hidden(), 0);
        }
        let progress = Self::of(ProgressBar::new(bytes), inputs.len());
        progress.bar.enable_steady_tick(Duration::from_millis(200));
        progress
    }

    fn of(bar: ProgressBar, all: usize) -> Self {
        let (files, records) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let style = "reading {bar:20} {bytes}/{total_bytes}, {files}, {bytes_per_sec}, {records}, {eta} left";
        let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        let (done, read) = (Arc::clone(&files), Arc::clone(&records));
        bar.set_style(
            style
                .with_key("files", move |_: &ProgressState, out: &mut dyn Write| {
                    // A display that cannot be written stays as it is.
                    let _ = write!(out, "{}/{all} files", done.load(Ordering::Relaxed));
                })
                .with_key("records", move |state: &ProgressState, out: &mut dyn Write| {
                    let each_second = per_second(read.load(Ordering::Relaxed), state.elapsed());
                    let _ = write!(out, "{each_second} records/s");
                }),
        );
        Self { bar, files, records }
    }

    /// Counts the bytes that are read.
    pub(crate) fn wrap<R: Read>(&self, input: R) -> impl Read + use<R> {
        self.bar.wrap_read(input)
    }

    /// Counts a file that is read to its end.
    pub(crate) fn file_done(&self, records: u64) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.records.fetch_add(records, Ordering::Relaxed);
    }

    /// Takes the display away.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn per_second(count: u64, time: Duration) -> u64 {
    // Of whole milliseconds: before the first one nothing is known.
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    count.saturating_mul(1000).checked_div(milliseconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::{ProgressDrawTarget, TermLike};
    use std::io;
    use std::sync::Mutex;

    /// Keeps what is drawn.
    #[derive(Debug, Clone, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            200
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.0.lock().unwrap().clear();
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn bytes_files_records_a_second_and_the_time_left_are_shown() {
        let screen = Screen::default();
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        let progress = Progress::of(ProgressBar::with_draw_target(Some(4096), target), 3);
        let read = io::copy(&mut progress.wrap(&[0; 2048][..]), &mut io::sink()).unwrap();
        progress.file_done(500);
        progress.bar.force_draw();
        let shown = screen.0.lock().unwrap().clone();
        assert_eq!(read, 2048);
        for part in ["2.00 KiB/4.00 KiB", ", 1/3 files, ", "/s, ", " records/s, ", " left"] {
            assert!(shown.contains(part), "{part} is not in {shown}");
        }
    }

    #[test]
    fn records_a_second() {
        assert_eq!(per_second(3_000, Duration::from_millis(1_500)), 2_000);
        assert_eq!(per_second(3_000, Duration::ZERO), 0);
    }
}
