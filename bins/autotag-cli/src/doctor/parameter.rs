//! The tag policy in a parameter of Systems Manager.

use super::check::{CheckResult, Finding, fail, fail_with};
use super::checks::POLICY_PARAMETER;
use super::deploy_commands::{deploy_hub, parameter_option};
use super::deployment::DeploymentView;
use super::permissions::pinned;
use autotag_aws::query::if_there;
use autotag_aws::signed::SSM;
use autotag_model::policy::Policy;
use serde_json::{Value, json};

/// The finding about the parameter; none if the policy is built in.
pub(super) async fn examine(view: &DeploymentView) -> Vec<Finding> {
    let Some(parameter) = view.tag_handler.variable("AUTOTAG_POLICY_PARAMETER") else { return Vec::new() };
    vec![POLICY_PARAMETER.at(&format!("{} {parameter}", view.hub), judge(view, parameter).await)]
}

async fn judge(view: &DeploymentView, parameter: &str) -> CheckResult {
    let (name, version) = pinned(parameter);
    let input = json!({"Name": parameter, "WithDecryption": true});
    let answer = view.aws.json(SSM, "ssm:GetParameter", &view.hub, &input).await;
    let Some(answer) = if_there(answer)? else {
        let seen = format!("there is no parameter `{parameter}` in {}", view.hub);
        return fail_with(
            seen,
            format!(
                "aws ssm put-parameter --name {name} --type String --value file://autotag.toml --region {}",
                view.hub
            ),
        );
    };
    let text = answer.pointer("/Parameter/Value").and_then(Value::as_str).unwrap_or_default();
    if let Err(error) = Policy::from_toml(text) {
        return fail(format!("its text is not a policy: {}", error.to_string().replace('\n', " ")));
    }
    let newest = answer.pointer("/Parameter/Version").and_then(Value::as_u64);
    match (version, newest) {
        (Some(version), _) => Ok(format!("version {version} is valid")),
        (None, newest) => fail_with(
            "no version is pinned: a new text reaches the function bit by bit, and no rollback takes it back",
            format!(
                "{} {} PolicyParameter={name}:{}",
                deploy_hub(&view.hub, &view.names),
                parameter_option(&view.names),
                newest.unwrap_or(1)
            ),
        ),
    }
}
