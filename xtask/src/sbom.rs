//! The list of components of a program (SBOM), in the format of CycloneDX 1.5.
//!
//! <https://cyclonedx.org/docs/1.5/json/>

use crate::compile::Compiler;
use crate::components::{Components, Id, license};
use crate::programs::Program;
use crate::project::Project;
use crate::sums::hash;
use anyhow::{Context as _, Result};
use cargo_metadata::Package;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The list of components of a program, as JSON.
///
/// # Errors
/// A package is not in `Cargo.lock`, or the time of the commit is out of range.
pub(crate) fn sbom(
    project: &Project,
    components: &Components,
    program: Program,
    compiler: &Compiler,
    target: &str,
) -> Result<String> {
    let id = (program.package().to_owned(), project.version.clone());
    let mut listed = Vec::new();
    let mut graph = Vec::new();
    for one in components.in_program(&id) {
        let package =
            project.package(&one.0, &one.1).with_context(|| format!("{} is not in Cargo.lock", one.0))?;
        if *one != id {
            listed.push(component(package, components.sum(one)));
        }
        let mut needs: Vec<String> = components.needs(one).map(reference).collect();
        if *one == id {
            needs.extend(runtime(compiler, target).iter().filter_map(reference_in));
        }
        graph.push(json!({"ref": reference(one), "dependsOn": needs}));
    }
    let runtime = runtime(compiler, target);
    graph.extend(runtime.iter().filter_map(reference_in).map(|of| json!({"ref": of})));
    listed.extend(runtime);
    let seconds = i64::try_from(project.epoch).context("the time of the commit is out of range")?;
    let time = Timestamp::from_second(seconds).context("the time of the commit is out of range")?;
    let document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": serial(&[program.name(), &project.build_version(), target]),
        "version": 1,
        "metadata": {
            "timestamp": time.to_string(),
            "component": {
                "type": "application",
                "bom-ref": reference(&id),
                "name": program.name(),
                "version": project.build_version(),
                "licenses": [{"expression": "Apache-2.0"}],
            },
            "properties": [{"name": "autotag:target", "value": target}],
        },
        "components": listed,
        "dependencies": graph,
    });
    Ok(format!("{document:#}\n"))
}

/// The libraries that the compiler adds.
fn runtime(compiler: &Compiler, target: &str) -> Vec<Value> {
    let standard = json!({
        "type": "library",
        "bom-ref": "rust-standard-library",
        "name": "Rust standard library",
        "version": compiler.release,
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
    });
    let musl = json!({
        "type": "library",
        "bom-ref": "musl",
        "name": "musl",
        "description": format!("The C library that comes with Rust {}", compiler.release),
        "licenses": [{"expression": "MIT"}],
    });
    if target.ends_with("-musl") { vec![standard, musl] } else { vec![standard] }
}

fn component(package: &Package, sum: Option<&str>) -> Value {
    let id = (package.name.to_string(), package.version.to_string());
    let mut value = json!({
        "type": "library",
        "bom-ref": reference(&id),
        "name": id.0,
        "version": id.1,
        "scope": "required",
    });
    let Some(fields) = value.as_object_mut() else { return value };
    if let Some(license) = license(package) {
        fields.insert("licenses".to_owned(), json!([{"expression": license}]));
    }
    if let Some(sum) = sum {
        fields.insert("hashes".to_owned(), json!([{"alg": "SHA-256", "content": sum}]));
    }
    // A package of this workspace is in no registry, so it has no address there.
    if package.source.is_some() {
        fields.insert("purl".to_owned(), json!(reference(&id)));
        if let Some(repository) = &package.repository {
            fields.insert("externalReferences".to_owned(), json!([{"type": "vcs", "url": repository}]));
        }
    }
    value
}

/// The address of a package, which also is its name in the list. `+` has a meaning of its own in addresses.
///
/// <https://github.com/package-url/purl-spec>
fn reference(id: &Id) -> String {
    format!("pkg:cargo/{}@{}", id.0, id.1.replace('+', "%2B"))
}

fn reference_in(component: &Value) -> Option<String> {
    component.get("bom-ref")?.as_str().map(str::to_owned)
}

/// A UUID that only depends on the texts: version 8 of RFC 9562.
fn serial(texts: &[&str]) -> String {
    let digits = hash(texts.join("\n").as_bytes());
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("urn:uuid:{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_depend_on_the_release_only() {
        assert_eq!(serial(&["autotag", "1"]), serial(&["autotag", "1"]));
        assert_ne!(serial(&["autotag", "1"]), serial(&["autotag", "2"]));
    }

    #[test]
    fn addresses_are_encoded() {
        let id = ("toml".to_owned(), "1.2.1+spec-1.1.0".to_owned());
        assert_eq!(reference(&id), "pkg:cargo/toml@1.2.1%2Bspec-1.1.0");
    }
}
