//! The layers of the configuration: options, environment, file; and their errors.

use autotag_model::arn::Region;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The default file of variables.
const FILE: &str = ".env";

/// The variables of the home region, which AWS's own tools read from the environment.
const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// The layers of the configuration while they are read.
#[derive(Debug)]
pub(super) struct Layers<'e> {
    environment: &'e HashMap<String, String>,
    file: HashMap<String, String>,
    known: BTreeSet<String>,
    problems: Vec<String>,
}

impl<'e> Layers<'e> {
    /// Reads the file. It may be missing, unless it is `named` by an option.
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
                // The message leaves the line out: it may have a secret.
                Err(dotenvy::Error::LineParse(_, at)) => {
                    self.problem(format!("{}: cannot read a line, from character {at} on", path.display()));
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

    /// The value of an option, otherwise that of a variable; and the name of the one that has it.
    fn value(&mut self, flag: &str, value: Option<&String>, variable: &str) -> Option<(String, String)> {
        let by_flag = value.filter(|value| !value.is_empty()).map(|value| (value.clone(), flag.to_owned()));
        // Read in any case, so that the variable counts as known.
        let by_variable = self.variable(variable).map(|value| (value, variable.to_owned()));
        by_flag.or(by_variable)
    }

    /// The value of an option, otherwise that of a variable.
    pub(super) fn text(&mut self, flag: &str, value: Option<&String>, variable: &str) -> Option<String> {
        self.value(flag, value, variable).map(|(text, _)| text)
    }

    pub(super) fn region(&mut self, flag: &str, value: Option<&String>, variable: &str) -> Option<Region> {
        let (text, by) = self.value(flag, value, variable)?;
        let region = Region::new(&text);
        if region.is_none() {
            self.problem(format!("{by} is `{text}`: expected a region, for example eu-west-1"));
        }
        region
    }

    /// The name of a role, with its path if it has one. The ARN of a role is an error.
    pub(super) fn role(&mut self, flag: &str, value: Option<&String>, variable: &str) -> Option<String> {
        let (text, by) = self.value(flag, value, variable)?;
        let plausible = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-/".contains(c);
        if !text.chars().all(plausible) {
            self.problem(format!("{by} is `{text}`: expected the name of a role (not its ARN)"));
        }
        Some(text.trim_start_matches('/').to_owned())
    }

    /// The home region, if only the file has it.
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

    /// The variables of the file that were not read.
    pub(super) fn unused(&self) -> Vec<String> {
        let mut unused: Vec<String> =
            self.file.keys().filter(|name| !self.known.contains(*name)).cloned().collect();
        unused.sort();
        unused
    }

    pub(super) fn problem(&mut self, what: impl Into<String>) {
        self.problems.push(what.into());
    }

    pub(super) fn finish<C>(self, config: C) -> Result<C, Vec<String>> {
        if self.problems.is_empty() { Ok(config) } else { Err(self.problems) }
    }
}
