//! Runs Chromium without a window, and returns a page as it is after its script has run.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The names that Chromium goes by.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// Far more than a page takes.
const PATIENCE: Duration = Duration::from_mins(2);

/// A page could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CannotOpen {
    /// There is no Chromium.
    #[error(
        "Chromium is missing: apt-get install chromium (Debian), snap install chromium (Ubuntu), \
         dnf install chromium (Fedora)"
    )]
    NotInstalled,
    /// It did not end, or made no page.
    #[error("Chromium {what}: {said}")]
    Failed {
        /// The failure.
        what: &'static str,
        /// Its standard error.
        said: String,
    },
    /// Its files could not be written or read, or it could not be started.
    #[error("Chromium cannot be run")]
    Io(#[from] io::Error),
}

/// Chromium with what it tells a page about its user.
///
/// Not having it is an error, so that no test is passed over.
#[derive(Debug, Clone, Copy, Default)]
pub struct Browser {
    dark: bool,
    width: Option<u32>,
}

/// A page as Chromium has loaded it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The document after the scripts have run.
    pub dom: String,
    /// Violations of the page's policy, and other messages.
    pub console: Vec<String>,
}

impl Browser {
    /// A light browser of 780 pixels.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The user prefers dark pages.
    #[must_use]
    pub fn dark(self) -> Self {
        Self { dark: true, ..self }
    }

    /// The width of the window, in pixels. Chromium has none under 500.
    #[must_use]
    pub fn width(self, width: u32) -> Self {
        Self { width: Some(width), ..self }
    }

    /// Opens a page at a fragment, and waits for what its scripts have made of it.
    ///
    /// # Errors
    /// [`CannotOpen`].
    pub fn open(self, path: &Path, fragment: &str) -> Result<Shown, CannotOpen> {
        let (dom, said) = self.run(path, fragment, "--dump-dom")?;
        if !dom.contains("</html>") {
            return Err(CannotOpen::Failed { what: "shows no page", said });
        }
        let console = said.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
        Ok(Shown { dom, console })
    }

    /// Prints a page to a PDF file.
    ///
    /// # Errors
    /// [`CannotOpen`].
    pub fn print(self, path: &Path, fragment: &str, pdf: &Path) -> Result<(), CannotOpen> {
        let (_, said) = self.run(path, fragment, &format!("--print-to-pdf={}", pdf.display()))?;
        if pdf.is_file() { Ok(()) } else { Err(CannotOpen::Failed { what: "has printed nothing", said }) }
    }

    /// Runs it to its end. Answers with its standard output and its standard error.
    fn run(self, path: &Path, fragment: &str, action: &str) -> Result<(String, String), CannotOpen> {
        let home = TempDir::new()?;
        let [out, err] = ["out", "err"].map(|name| home.path().join(name));
        let mut command = Command::new(program()?);
        // As root it has no sandbox.
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
        command.args(["--disable-sync", "--disable-background-networking", "--disable-component-update"]);
        command.args(["--disable-dev-shm-usage", "--enable-logging=stderr", "--v=0", action]);
        if self.dark {
            command.arg("--blink-settings=preferredColorScheme=0");
        }
        if let Some(width) = self.width {
            command.arg(format!("--window-size={width},900"));
        }
        let mut child = command
            .arg(format!("--user-data-dir={}", home.path().join("profile").display()))
            .arg(format!("file://{}{fragment}", path.display()))
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stdout(File::create(&out)?)
            .stderr(File::create(&err)?)
            .spawn()?;
        let began = Instant::now();
        while child.try_wait()?.is_none() {
            if began.elapsed() > PATIENCE {
                child.kill()?;
                child.wait()?;
                return Err(CannotOpen::Failed { what: "does not end", said: text(&err)? });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok((text(&out)?, text(&err)?))
    }
}

fn text(path: &PathBuf) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned())
}

fn program() -> Result<&'static str, CannotOpen> {
    let is_there = |name: &&str| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    NAMES.into_iter().find(is_there).ok_or(CannotOpen::NotInstalled)
}

/// The texts between two markers, in order.
pub fn between<'t>(text: &'t str, from: &'t str, to: &'t str) -> Vec<&'t str> {
    text.split(from).skip(1).filter_map(|rest| rest.split(to).next()).collect()
}
