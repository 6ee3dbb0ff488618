//! The packages whose code is in a program: what cargo links into it, without build scripts, macros and tests.

use crate::environment::{cargo, output};
use crate::programs::Program;
use crate::project::Project;
use anyhow::{Context as _, Result};
use cargo_metadata::Package;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// A package: its name and version.
pub(crate) type Id = (String, String);

/// The packages of programs that are compiled together.
#[derive(Debug)]
pub(crate) struct Components {
    /// The dependencies of each package.
    needs: BTreeMap<Id, BTreeSet<Id>>,
    /// The SHA-256 of each package that comes from a registry.
    sums: BTreeMap<Id, String>,
}

impl Components {
    /// Asks cargo, for programs that are compiled together: they share the features of their packages.
    ///
    /// # Errors
    /// cargo fails, or `Cargo.lock` cannot be read.
    pub(crate) fn of(project: &Project, programs: &BTreeSet<Program>, target: &str) -> Result<Self> {
        let mut command = cargo();
        command.current_dir(&project.root).args(["tree", "--locked", "--target", target]);
        command.args(["--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", " {p}"]);
        for program in programs {
            command.args(["--package", program.package()]);
        }
        let needs = graph(&output(&mut command)?)?;
        let lock = fs::read_to_string(project.root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
        Ok(Self { needs, sums: sums(&lock)? })
    }

    /// The packages in a program, the program itself too, in the order of their names.
    pub(crate) fn in_program(&self, program: &Id) -> BTreeSet<&Id> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&Id> = self.needs.get_key_value(program).map(|(id, _)| id).into_iter().collect();
        while let Some(id) = open.pop() {
            if found.insert(id) {
                open.extend(self.needs(id));
            }
        }
        found
    }

    /// The dependencies of a package.
    pub(crate) fn needs(&self, id: &Id) -> impl Iterator<Item = &Id> {
        self.needs.get(id).into_iter().flatten()
    }

    /// The SHA-256 of a package, if it comes from a registry.
    pub(crate) fn sum(&self, id: &Id) -> Option<&str> {
        self.sums.get(id).map(String::as_str)
    }
}

/// The SPDX expression of a package. Old packages separate alternatives by a slash.
pub(crate) fn license(package: &Package) -> Option<String> {
    let license = package.license.as_deref()?;
    let parts: Vec<&str> = license.split('/').map(str::trim).collect();
    Some(parts.join(" OR "))
}

/// Reads the tree that cargo prints: `2 name v1.0.0`, where the number is the depth. What a package needs is below its first line.
fn graph(tree: &str) -> Result<BTreeMap<Id, BTreeSet<Id>>> {
    let mut needs: BTreeMap<Id, BTreeSet<Id>> = BTreeMap::new();
    let mut above: Vec<Id> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let (depth, id) = node(line).with_context(|| format!("`cargo tree` printed `{line}`"))?;
        above.truncate(depth);
        if let Some(parent) = above.last() {
            needs.entry(parent.clone()).or_default().insert(id.clone());
        }
        needs.entry(id.clone()).or_default();
        above.push(id);
    }
    Ok(needs)
}

fn node(line: &str) -> Option<(usize, Id)> {
    let mut words = line.split_whitespace();
    let depth = words.next()?.parse().ok()?;
    let name = words.next()?.to_owned();
    let version = words.next()?.strip_prefix('v')?.to_owned();
    Some((depth, (name, version)))
}

/// The checksums in `Cargo.lock`.
fn sums(lock: &str) -> Result<BTreeMap<Id, String>> {
    let lock: toml::Table = lock.parse().context("cannot read Cargo.lock")?;
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let sum = |package: &toml::Value| {
        let text = |key| package.get(key).and_then(toml::Value::as_str).map(str::to_owned);
        Some(((text("name")?, text("version")?), text("checksum")?))
    };
    Ok(packages.filter_map(sum).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> Id {
        (name.to_owned(), "1.0.0".to_owned())
    }

    #[test]
    fn packages_that_are_printed_once_belong_to_all_that_need_them() {
        let tree = "0 a v1.0.0 (/checkout/a)\n1 b v1.0.0\n2 c v1.0.0\n3 d v1.0.0\n1 e v1.0.0\n\n0 f v1.0.0 (/checkout/f)\n1 c v1.0.0 (*)\n";
        let components = Components { needs: graph(tree).unwrap(), sums: BTreeMap::new() };
        let names = |program: &str| -> Vec<String> {
            components.in_program(&id(program)).into_iter().map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(names("a"), ["a", "b", "c", "d", "e"]);
        assert_eq!(names("f"), ["c", "d", "f"]);
        assert_eq!(names("unknown"), Vec::<String>::new());
    }

    #[test]
    fn another_format_of_the_tree_is_an_error() {
        for tree in ["a v1.0.0", "0 a", "0 a 1.0.0"] {
            assert!(graph(tree).unwrap_err().to_string().contains(tree));
        }
    }
}
