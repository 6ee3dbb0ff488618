//! Tags that a service or a caller sets at creation, and that permissions of AWS's services depend on.

use super::*;

/// A new instance whose call sets these tags: what is on it in the end, and what is said about it.
fn instance_by(who: &Value, tags: &[(&str, &str)]) -> (InMemory, Vec<Note>) {
    let memory = memory();
    let set: Value = tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    let record = instance("09:00:40", who, "i-1", &json!([{"resourceType": "instance", "tags": set}]));
    // The service has put its tags on the instance before the event arrives.
    memory.put_tags(&ec2_arn("instance", "i-1"), tags);
    let rows = rows(&memory, &[record]);
    let notes = row_of(&rows, &ec2_arn("instance", "i-1")).notes.clone();
    (memory, notes)
}

fn linked(name: &str, service: &str) -> Value {
    role(name, &format!("aws-service-role/{service}.amazonaws.com/"), "linked", "")
}

fn on_instance(memory: &InMemory, key: &str) -> Option<String> {
    tag(memory, &ec2_arn("instance", "i-1"), key)
}

#[test]
fn image_builder_keeps_the_tag_on_which_its_permissions_rest() {
    let image_builder = linked("AWSServiceRoleForImageBuilder", "imagebuilder");
    let customer = role("EC2ImageBuilderExecutionRole", "", "build", "ASIAONE");
    for who in [&image_builder, &customer] {
        let (memory, notes) = instance_by(who, &[("CreatedBy", "EC2 Image Builder")]);
        assert_eq!(on_instance(&memory, "CreatedBy").as_deref(), Some("EC2 Image Builder"));
        assert!(on_instance(&memory, "PrincipalId").is_some());
        assert!(notes.contains(&Note::ExpectedByAws("CreatedBy".into())), "{notes:?}");
    }
}

#[test]
fn a_tag_that_a_service_sets_for_itself_is_kept_and_reported() {
    let gateway = linked("AWSServiceRoleForAPIGateway", "ops.apigateway");
    let (memory, notes) = instance_by(&gateway, &[("Owner", "vpc-link"), ("VpcLinkId", "v-1")]);
    assert_eq!(on_instance(&memory, "Owner").as_deref(), Some("vpc-link"));
    assert!(notes.contains(&Note::SetByService("Owner".into())), "{notes:?}");
}

#[test]
fn an_owner_from_a_launch_template_is_replaced() {
    let (memory, notes) = instance_by(&auto_scaling(), &[("Owner", "boss")]);
    assert_eq!(on_instance(&memory, "Owner").as_deref(), Some("AWSServiceRoleForAutoScaling"));
    assert!(notes.contains(&Note::Forged { key: "Owner".into(), replaced: true }), "{notes:?}");
}

#[test]
fn an_owner_that_a_service_sets_for_somebody_is_replaced() {
    // Through any service, or by a role that only has the name of a service's.
    let forwarded = with(user("mallory"), "invokedBy", json!("ops.apigateway.amazonaws.com"));
    let self_made = role("AWSServiceRoleForAPIGateway", "", "x", "ASIAONE");
    for who in [forwarded, self_made] {
        let (memory, _) = instance_by(&who, &[("Owner", "boss")]);
        assert_ne!(on_instance(&memory, "Owner").as_deref(), Some("boss"), "{who}");
    }
}

#[test]
fn an_owner_that_a_state_machine_of_the_caller_sets_is_replaced() {
    // Step Functions calls as a role of the customer, with any tags that the state machine names.
    let mut steps = role("My-RoleName", "", "run", "ASIASTEPS");
    steps["invokedBy"] = json!("states.amazonaws.com");
    steps["inScopeOf"] = json!({"issuerType": "AWS::StepFunctions::StateMachine"});
    let (memory, notes) = instance_by(&steps, &[("Owner", "boss"), ("PrincipalId", "AIDABOSS")]);
    assert_eq!(on_instance(&memory, "Owner").as_deref(), Some("My-RoleName"));
    assert_ne!(on_instance(&memory, "PrincipalId").as_deref(), Some("AIDABOSS"));
    assert!(!notes.contains(&Note::SetByService("Owner".into())), "{notes:?}");
}
