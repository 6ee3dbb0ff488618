use super::*;

fn event(logical: &str, status: &str, reason: &str) -> Event {
    let of_the_stack = logical == "autotag";
    Event {
        logical_id: logical.into(),
        kind: "T".into(),
        status: status.into(),
        reason: reason.into(),
        of_the_stack,
    }
}

#[test]
fn failures_are_those_of_the_last_operation_in_order() {
    let events = vec![
        event("autotag", "UPDATE_ROLLBACK_COMPLETE", ""),
        event("autotag", "UPDATE_ROLLBACK_IN_PROGRESS", "failed: [Queue]"),
        event("Rule", "UPDATE_FAILED", "Resource update cancelled"),
        event("Queue", "UPDATE_FAILED", "no right to sqs:SetQueueAttributes"),
        event("autotag", "UPDATE_IN_PROGRESS", "User Initiated"),
        event("Table", "CREATE_FAILED", "of an earlier operation"),
    ];
    assert_eq!(failures_of(events), ["Queue (T) UPDATE_FAILED: no right to sqs:SetQueueAttributes"]);
}

#[test]
fn a_change_set_is_asked_for_with_all_that_it_needs() {
    let place = Place::new(&Region::new("eu-west-1").unwrap(), "autotag");
    let wanted = ChangeSetRequest {
        name: "autotag-deploy-1".into(),
        kind: ChangeKind::Update,
        template: TemplateSource::Url("https://b.s3.eu-west-1.amazonaws.com/k".into()),
        parameters: [("A".into(), Value::Previous), ("B".into(), Value::Is("x y&z".into()))].into(),
        tags: [("k".into(), "v".into())].into(),
        alarms: vec!["arn:aws:cloudwatch:eu-west-1:111122223333:alarm:autotag-errors".into()],
        minutes: 5,
    };
    let form = change_set_form(&place, &wanted).0;
    for part in [
        "StackName=autotag&",
        "ChangeSetType=UPDATE",
        "TemplateURL=https%3A%2F%2Fb.s3",
        "Parameters.member.1.UsePreviousValue=true",
        "Parameters.member.2.ParameterValue=x%20y%26z",
        "Tags.member.1.Key=k",
        "RollbackTriggers.member.1.Type=AWS%3A%3ACloudWatch%3A%3AAlarm",
        "MonitoringTimeInMinutes=5",
    ] {
        assert!(form.contains(part), "{part} is not in {form}");
    }
}

#[test]
fn changes_are_read_with_their_replacement() {
    let read = |action: &str, replacement: &str| {
        let text = format!(
            "<member><Type>Resource</Type><ResourceChange><Action>{action}</Action><LogicalResourceId>Q</LogicalResourceId>\
             <ResourceType>AWS::SQS::Queue</ResourceType><Replacement>{replacement}</Replacement><Details><member><Target>\
             <Attribute>Properties</Attribute><Name>QueueName</Name></Target></member></Details></ResourceChange></member>"
        );
        read_change(roxmltree::Document::parse(&text).unwrap().root_element()).unwrap()
    };
    assert_eq!(read("Modify", "True").action, ChangeAction::Replace);
    assert_eq!(read("Modify", "Conditional").action, ChangeAction::MayReplace);
    assert_eq!(read("Modify", "False").action, ChangeAction::Modify);
    assert_eq!(read("Add", "").action, ChangeAction::Add);
    assert_eq!(read("Remove", "").action, ChangeAction::Remove);
    assert_eq!(read("Modify", "True").properties, ["QueueName"]);
}
