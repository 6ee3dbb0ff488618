//! Flags before the environment before the file, and what is wrong with any of them.

use super::{Config, Problems};
use autotag_model::arn::Region;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The file that is read where none is named.
const FILE: &str = ".env";

/// The variables that name one's own region, which AWS's own tools read from the environment.
const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// The layers while they are read.
#[derive(Debug)]
pub(super) struct Layers<'e> {
    environment: &'e HashMap<String, String>,
    file: HashMap<String, String>,
    known: BTreeSet<String>,
    problems: Vec<String>,
}

impl<'e> Layers<'e> {
    /// The environment, and the file if it is there; one that is named has to be.
    pub(super) fn new(environment: &'e HashMap<String, String>, named: Option<&Path>) -> Self {
        let mut layers = Self {
            environment,
            file: HashMap::new(),
            known: REGIONS.map(str::to_owned).into(),
            problems: Vec::new(),
        };
        let path = named.unwrap_or(Path::new(FILE));
        if named.is_some() || path.exists() {
            layers.read(path);
        }
        layers
    }

    fn read(&mut self, path: &Path) {
        let variables = match dotenvy::from_path_iter(path) {
            Ok(variables) => variables,
            Err(error) => return self.problem(format!("{}: {error}", path.display())),
        };
        for variable in variables {
            match variable {
                Ok((name, value)) => drop(self.file.insert(name, value)),
                // The line itself may hold a secret.
                Err(dotenvy::Error::LineParse(_, at)) => {
                    self.problem(format!(
                        "{}: a line cannot be read, from character {at} on",
                        path.display()
                    ));
                }
                Err(error) => self.problem(format!("{}: {error}", path.display())),
            }
        }
    }

    /// A variable that is set and not empty.
    pub(super) fn variable(&mut self, name: &str) -> Option<String> {
        self.known.insert(name.to_owned());
        let set =
            |layer: &HashMap<String, String>| layer.get(name).filter(|value| !value.is_empty()).cloned();
        set(self.environment).or_else(|| set(&self.file))
    }

    /// What a flag says, else a variable; and which of them.
    fn said(&mut self, flag: &str, value: Option<&String>, variable: &str) -> Option<(String, String)> {
        let by_flag = value.filter(|value| !value.is_empty()).map(|value| (value.clone(), flag.to_owned()));
        // Read in any case: it is known then.
        let by_variable = self.variable(variable).map(|value| (value, variable.to_owned()));
        by_flag.or(by_variable)
    }

    /// What a flag says, else a variable.
    pub(super) fn text(&mut self, flag: &str, value: Option<&String>, variable: &str) -> Option<String> {
        self.said(flag, value, variable).map(|(text, _)| text)
    }

    pub(super) fn region(&mut self, flag: &str, value: Option<&String>, variable: &str) -> Option<Region> {
        let (text, by) = self.said(flag, value, variable)?;
        let region = Region::new(&text);
        if region.is_none() {
            self.problem(format!("{by} is `{text}`: expected a region, for example eu-west-1"));
        }
        region
    }

    /// The name of a role, with its path if it has one.
    pub(super) fn role(&mut self, flag: &str, value: Option<&String>, variable: &str) -> Option<String> {
        let (text, by) = self.said(flag, value, variable)?;
        let plausible = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-/".contains(c);
        if !text.chars().all(plausible) {
            self.problem(format!("{by} is `{text}`: expected the name of a role (not its ARN)"));
        }
        Some(text.trim_start_matches('/').to_owned())
    }

    /// One's own region, where only the file names it.
    pub(super) fn region_of_file(&mut self) -> Option<Region> {
        if REGIONS.iter().any(|name| self.environment.contains_key(*name)) {
            return None;
        }
        let name = REGIONS.into_iter().find(|name| self.file.contains_key(*name))?;
        self.region("", None, name)
    }

    /// The home folder.
    pub(super) fn home(&self) -> Option<PathBuf> {
        self.environment.get("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
    }

    /// The variables of the file that nobody has asked for.
    pub(super) fn unused(&self) -> Vec<String> {
        let mut unused: Vec<String> =
            self.file.keys().filter(|name| !self.known.contains(*name)).cloned().collect();
        unused.sort();
        unused
    }

    pub(super) fn problem(&mut self, what: impl Into<String>) {
        self.problems.push(what.into());
    }

    pub(super) fn finish(self, config: Config) -> Result<Config, Problems> {
        if self.problems.is_empty() { Ok(config) } else { Err(Problems(self.problems)) }
    }
}
