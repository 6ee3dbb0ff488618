//! The Terraform module, read as Terraform's language. Neither Terraform nor its provider is run: that names of resources and
//! arguments exist, and what a plan would be, is not checked.

use crate::{checked, deploy};
use serde_json::{Value, json};

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn the_module_gives_each_template_the_parameters_that_it_has_and_needs() {
    let folder = deploy(None);
    let said = checked("terraform.py", &folder.path().join("deploy"), &[]);
    let module: Value = serde_json::from_str(&said).unwrap();
    let variables = module["variables"].as_object().unwrap();
    for used in names(&module["used"]) {
        assert!(variables.contains_key(used), "var.{used} is not declared");
    }
    for declared in variables.keys() {
        assert!(names(&module["used"]).contains(&declared.as_str()), "variable {declared} is not used");
    }
    let templates = module["templates"].as_object().unwrap();
    assert_eq!(templates.keys().collect::<Vec<_>>(), ["guard", "hub", "member", "region", "session"]);
    for (template, parameters) in templates {
        let given = names(&module["parameters"][template]);
        for name in &given {
            assert!(parameters.get(name).is_some(), "{template}.yaml has no parameter {name}");
        }
        for (name, has_default) in parameters.as_object().unwrap() {
            assert!(
                *has_default == json!(true) || given.contains(&name.as_str()),
                "{template}.yaml needs {name}"
            );
        }
    }
}

#[test]
fn keys_to_ignore_are_those_of_the_policy() {
    let folder = deploy(Some("[static]\nManagedBy = \"autotag\"\n"));
    let said = checked("terraform.py", &folder.path().join("deploy"), &[]);
    let module: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(module["ignored"], json!(["Owner", "PrincipalId", "CreatedBy", "ManagedBy"]));
}
