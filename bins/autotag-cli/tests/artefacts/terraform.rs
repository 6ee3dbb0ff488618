//! The Terraform module, parsed as HCL. Neither Terraform nor its provider runs, so the names of resources and arguments are not
//! checked.

use crate::{deploy, python};
use serde_json::{Value, json};

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn the_module_passes_valid_and_complete_parameters() {
    let folder = deploy(None);
    let parsed = python("terraform.py", &folder.path().join("deploy"), &[]);
    let module: Value = serde_json::from_str(&parsed).unwrap();
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
fn ignored_keys_are_those_of_the_policy() {
    let folder = deploy(Some("[static]\nManagedBy = \"autotag\"\n"));
    let parsed = python("terraform.py", &folder.path().join("deploy"), &[]);
    let module: Value = serde_json::from_str(&parsed).unwrap();
    assert_eq!(module["ignored"], json!(["Owner", "PrincipalId", "CreatedBy", "ManagedBy"]));
}
