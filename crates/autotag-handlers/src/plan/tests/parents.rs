//! Tests of the owner of resources that a service creates.

use super::*;

const STACK: &str =
    "arn:aws:cloudformation:eu-west-1:111122223333:stack/web/0f1e2d3c-0000-4000-8000-000000000001";
const CLUSTER: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
const UUID: &str = "5cc0ffee-0000-4000-8000-000000000002";
const FORWARDED: &str = "cloudformation.amazonaws.com";

fn service(name: &str) -> Value {
    json!({"type": "AWSService", "invokedBy": format!("{name}.amazonaws.com")})
}

/// A role that only one service can assume.
fn linked(name: &str, service: &str) -> Value {
    role(name, &format!("aws-service-role/{service}.amazonaws.com/"), "linked", "")
}

fn nodegroups() -> Value {
    linked("AWSServiceRoleForAmazonEKSNodegroup", "eks-nodegroup")
}

/// A role of the customer's that CloudFormation has assumed, under the name that it gives its sessions.
fn by_stack() -> Value {
    with(role("stack-role", "", "AWSCloudFormation", "ASIASTACK"), "invokedBy", json!(FORWARDED))
}

fn pairs(tags: &[(&str, &str)]) -> Value {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

fn table_with(who: &Value, tags: &[(&str, &str)]) -> Value {
    let request = json!({"tableName": "orders", "tags": pairs(tags)});
    call("09:00:30", who, "dynamodb:CreateTable", &request, &Value::Null)
}

fn instance_with(who: &Value, tags: &[(&str, &str)]) -> Value {
    instance("09:00:40", who, "i-1", &json!([{"resourceType": "instance", "tags": pairs(tags)}]))
}

fn of_stack(stack: &str) -> Value {
    table_with(&by_stack(), &[("aws:cloudformation:stack-id", stack)])
}

/// The `AssumeRole` by which CloudFormation got the session of [`by_stack`].
fn assumed_by_cloudformation() -> Value {
    assume(&service("cloudformation"), "stack-role", "AWSCloudFormation", "ASIASTACK", &json!([]))
}

/// Owner and source of the table, with a backend in which these resources have these owners.
fn owner_in(owners: &[(&str, &str)], records: &[Value]) -> (String, OwnerSource) {
    owner_of(TABLE, owners, records)
}

fn owner_of(arn: &str, owners: &[(&str, &str)], records: &[Value]) -> (String, OwnerSource) {
    let memory = memory();
    for (resource, owner) in owners {
        memory.put_tags(resource, &[("Owner", owner)]);
    }
    let rows = rows(&memory, records);
    let source = row_of(&rows, arn).owner.as_ref().and_then(|owner| owner.source).unwrap();
    (owner_on(&memory, arn).unwrap(), source)
}

fn is(name: &str, source: OwnerSource) -> (String, OwnerSource) {
    (name.to_owned(), source)
}

#[test]
fn what_a_stack_makes_by_its_service_role_belongs_to_the_owner_of_the_stack() {
    let made = of_stack(STACK);
    let owners = [(STACK, "mara")];
    assert_eq!(owner_in(&owners, std::slice::from_ref(&made)), is("mara", OwnerSource::Parent));
    assert_eq!(
        owner_in(&owners, &[assumed_by_cloudformation(), made.clone()]),
        is("mara", OwnerSource::Parent)
    );
    let memory = memory();
    memory.put_tags(STACK, &[("Owner", "mara")]);
    rows(&memory, &[made]);
    assert_eq!(
        tag(&memory, TABLE, "CreatedBy").as_deref(),
        Some("arn:aws:sts::111122223333:assumed-role/stack-role/AWSCloudFormation"),
        "who called stays who called"
    );
}

#[test]
fn what_a_stack_makes_for_a_person_is_the_persons() {
    let tags = [("aws:cloudformation:stack-id", STACK)];
    let owners = [(STACK, "noor")];
    let for_mara = with(user("mara"), "invokedBy", json!(FORWARDED));
    assert_eq!(owner_in(&owners, &[table_with(&for_mara, &tags)]), is("mara", OwnerSource::IamUser));

    let in_role = with(role("Deploy", "", "work", ""), "invokedBy", json!(FORWARDED));
    let known = assume(&user("mara"), "Deploy", "work", "ASIAONE", &json!([]));
    assert_eq!(owner_in(&owners, &[known, table_with(&in_role, &tags)]), is("mara", OwnerSource::RoleChain));
    assert_eq!(owner_in(&owners, &[table_with(&in_role, &tags)]), is("work", OwnerSource::RoleSession));
}

#[test]
fn a_stack_of_another_account_is_not_believed() {
    let strange = STACK.replace(HERE, "444455556666");
    let owners = [(strange.as_str(), "boss")];
    assert_eq!(owner_in(&owners, &[of_stack(&strange)]), is("stack-role", OwnerSource::Workload));
    let known = [assumed_by_cloudformation(), of_stack(&strange)];
    assert_eq!(owner_in(&owners, &known), is("stack-role", OwnerSource::Workload));
}

#[test]
fn a_stack_is_a_stack_and_no_other_resource() {
    let bucket = "arn:aws:s3:::prod";
    for odd in [bucket, "web", "arn:aws:cloudformation:eu-west-1", CLUSTER] {
        let owners = [(odd, "boss")];
        assert_eq!(owner_in(&owners, &[of_stack(odd)]), is("stack-role", OwnerSource::Workload), "{odd}");
    }
}

#[test]
fn without_an_owner_of_the_parent_the_service_or_its_role_stays() {
    let own = is("stack-role", OwnerSource::Workload);
    assert_eq!(owner_in(&[], &[of_stack(STACK)]), own);
    assert_eq!(owner_in(&[(STACK, "")], &[of_stack(STACK)]), own, "an empty tag names nobody");

    let gone = |memory: InMemory| Failing {
        memory,
        fault: |operation: &str, what: &str| {
            (operation == "read" && what == STACK).then_some(ErrorClass::NotFound)
        },
    };
    let old = gone(memory());
    assert_eq!(row_of(&failing_rows(&old, &[of_stack(STACK)]), TABLE).status, Outcome::Tagged);
    assert_eq!(owner_on(&old.memory, TABLE).as_deref(), Some("stack-role"));
    // A parent that is as young as the event may only not be there yet.
    let young = gone(just_after());
    assert!(row_of(&failing_rows(&young, &[of_stack(STACK)]), TABLE).status.is_retryable());
    assert_eq!(owner_on(&young.memory, TABLE), None);
}

#[test]
fn a_parent_that_may_not_be_read_is_no_parent_without_an_owner() {
    let ports = Failing {
        memory: memory(),
        fault: |operation: &str, what: &str| {
            (operation == "read" && what == STACK).then_some(ErrorClass::Denied)
        },
    };
    assert_eq!(row_of(&failing_rows(&ports, &[of_stack(STACK)]), TABLE).status.name(), "Refused");
    assert_eq!(owner_on(&ports.memory, TABLE), None);
}

fn node_group(who: &Value) -> Value {
    let request = json!({"clusterName": "prod", "nodegroupName": "blue"});
    call("09:00:00", who, "eks:CreateNodegroup", &request, &json!({"nodegroup": {"nodegroupArn": nodes()}}))
}

fn nodes() -> String {
    format!("arn:aws:eks:eu-west-1:{HERE}:nodegroup/prod/blue/{UUID}")
}

fn group_name() -> String {
    format!("eks-blue-{UUID}")
}

fn group_arn(name: &str) -> String {
    GROUP.replace("/web", &format!("/{name}"))
}

fn group_with(who: &Value, name: &str, tags: &[(&str, &str)]) -> Value {
    let tags: Vec<Value> = tags
        .iter()
        .map(
            |(key, value)| json!({"key": key, "value": value, "propagateAtLaunch": true, "resourceId": name}),
        )
        .collect();
    let request = json!({"autoScalingGroupName": name, "tags": tags});
    call("09:00:20", who, "autoscaling:CreateAutoScalingGroup", &request, &Value::Null)
}

const EKS_TAGS: [(&str, &str); 2] = [("eks:cluster-name", "prod"), ("eks:nodegroup-name", "blue")];

fn launched(group: &str, more: &[(&str, &str)]) -> Value {
    let tags: Vec<(&str, &str)> =
        [("aws:autoscaling:groupName", group)].into_iter().chain(more.iter().copied()).collect();
    instance_with(&auto_scaling(), &tags)
}

#[test]
fn nodes_belong_to_the_owner_of_their_node_group() {
    let (group, instance) = (group_arn(&group_name()), ec2_arn("instance", "i-1"));
    let records = [
        node_group(&user("mara")),
        group_with(&nodegroups(), &group_name(), &EKS_TAGS),
        launched(&group_name(), &EKS_TAGS),
    ];
    let reversed: Vec<Value> = records.iter().rev().cloned().collect();
    for records in [&records[..], &reversed] {
        // The cluster is somebody else's: the node group is nearer.
        assert_eq!(owner_of(&group, &[(CLUSTER, "noor")], records), is("mara", OwnerSource::Parent));
        assert_eq!(owner_of(&instance, &[(CLUSTER, "noor")], records), is("mara", OwnerSource::Parent));
    }
    let one_by_one = memory();
    for record in &records {
        rows(&one_by_one, std::slice::from_ref(record));
    }
    assert_eq!(owner_on(&one_by_one, &instance).as_deref(), Some("mara"));
    // Resources that EKS makes for the nodes and does not name after the group belong to the cluster.
    let template = call(
        "09:00:10",
        &nodegroups(),
        "ec2:CreateLaunchTemplate",
        &json!({"CreateLaunchTemplateRequest": {"TagSpecification":
            {"ResourceType": "launch-template", "Tag": [{"Key": "eks:cluster-name", "Value": "prod"},
                {"Key": "eks:nodegroup-name", "Value": "blue"}]}}}),
        &json!({"CreateLaunchTemplateResponse": {"launchTemplate": {"launchTemplateId": "lt-1"}}}),
    );
    let template_arn = ec2_arn("launch-template", "lt-1");
    assert_eq!(owner_of(&template_arn, &[(CLUSTER, "noor")], &[template]), is("noor", OwnerSource::Parent));
}

#[test]
fn instances_and_groups_belong_to_what_their_service_made_them_for() {
    let emr = with(
        role("EMR_DefaultRole", "", "CCSSession", "ASIAEMR"),
        "invokedBy",
        json!("elasticmapreduce.amazonaws.com"),
    );
    let of_emr = assume(&service("elasticmapreduce"), "EMR_DefaultRole", "CCSSession", "ASIAEMR", &json!([]));
    let fleets = linked("AWSServiceRoleForEC2Fleet", "ec2fleet");
    let spot = linked("AWSServiceRoleForEC2SpotFleet", "spotfleet");
    let batch = linked("AWSServiceRoleForBatch", "batch");
    let here = |service: &str, resource: &str| format!("arn:aws:{service}:eu-west-1:{HERE}:{resource}");
    let instance = ec2_arn("instance", "i-1");
    let nights = [("aws:batch:compute-environment", "nights")];
    for (made, record, parent) in [
        (
            &instance,
            instance_with(&emr, &[("aws:elasticmapreduce:job-flow-id", "j-1")]),
            here("elasticmapreduce", "cluster/j-1"),
        ),
        (&instance, instance_with(&fleets, &[("aws:ec2:fleet-id", "fleet-1")]), here("ec2", "fleet/fleet-1")),
        (
            &instance,
            instance_with(&spot, &[("aws:ec2spot:fleet-request-id", "sfr-1")]),
            here("ec2", "spot-fleet-request/sfr-1"),
        ),
        (&instance, instance_with(&batch, &nights), here("batch", "compute-environment/nights")),
        (
            &group_arn("nights-asg-1"),
            group_with(&batch, "nights-asg-1", &nights),
            here("batch", "compute-environment/nights"),
        ),
    ] {
        let records = [of_emr.clone(), record];
        assert_eq!(
            owner_of(made, &[(&parent, "mara")], &records),
            is("mara", OwnerSource::Parent),
            "{parent}"
        );
        assert_ne!(owner_of(made, &[], &records).1, OwnerSource::Parent, "{parent}");
    }
}

#[test]
fn what_service_catalog_provisions_belongs_to_who_asked_for_it() {
    for (arn, name) in [
        ("arn:aws:iam::111122223333:user/team/mara", "mara"),
        ("arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0/ana@example.com", "ana@example.com"),
    ] {
        let tags =
            [("aws:servicecatalog:provisioningPrincipalArn", arn), ("aws:cloudformation:stack-id", STACK)];
        let made = table_with(&by_stack(), &tags);
        // The stack is Service Catalog's own.
        assert_eq!(owner_in(&[(STACK, "noor")], &[made]), is(name, OwnerSource::Requester));
        let for_kim = with(user("kim"), "invokedBy", json!(FORWARDED));
        assert_eq!(owner_in(&[], &[table_with(&for_kim, &tags)]), is("kim", OwnerSource::IamUser));
    }
    let odd =
        [("aws:servicecatalog:provisioningPrincipalArn", "mara"), ("aws:cloudformation:stack-id", STACK)];
    let made = table_with(&by_stack(), &odd);
    assert_eq!(owner_in(&[(STACK, "noor")], &[made]), is("noor", OwnerSource::Parent));
}

/// The creator of a resource can put `eks:cluster-name` on it, and some services pass on the tags of their users.
#[test]
fn a_tag_of_eks_counts_only_where_eks_itself_has_called() {
    let made_by =
        |who: &Value| owner_in(&[(CLUSTER, "boss")], &[table_with(who, &[("eks:cluster-name", "prod")])]);
    assert_eq!(made_by(&nodegroups()), is("boss", OwnerSource::Parent));
    assert_eq!(made_by(&service("eks")), is("boss", OwnerSource::Parent));

    let mut lambda = role("Worker", "", "worker-fn", "ASIAONE");
    lambda["inScopeOf"] =
        json!({"issuerType": "AWS::Lambda::Function", "credentialsIssuedTo": "arn:aws:lambda:x"});
    let lambdas_stack = with(lambda.clone(), "invokedBy", json!(FORWARDED));
    let eks_for_lambda = with(lambda.clone(), "invokedBy", json!("eks.amazonaws.com"));
    let backup = linked("AWSServiceRoleForBackup", "backup");
    let same_name = role("AWSServiceRoleForAmazonEKSNodegroup", "", "EKS", "ASIAONE");
    let same_path = role("Fake", "x:role/aws-service-role/eks.amazonaws.com/", "EKS", "ASIAONE");
    let mut pathless = nodegroups();
    pathless["sessionContext"] = json!({"attributes": {"creationDate": "2026-03-02T08:00:00Z"}});
    for who in [
        user("mallory"),
        role("Deploy", "", "mallory", "ASIAONE"),
        with(user("mallory"), "invokedBy", json!("eks.amazonaws.com")),
        lambda,
        lambdas_stack,
        eks_for_lambda,
        by_stack(),
        backup,
        auto_scaling(),
        service("backup"),
        service("eksy"),
        same_name,
        same_path,
        pathless,
    ] {
        let (owner, source) = made_by(&who);
        assert_ne!(owner, "boss", "{who}");
        assert_ne!(source, OwnerSource::Parent, "{who}");
    }
}

#[test]
fn a_group_of_ones_own_with_a_tag_of_eks_leads_to_no_cluster() {
    let instance = ec2_arn("instance", "i-1");
    let tags = [("eks:cluster-name", "prod"), ("eks:nodegroup-name", "blue")];
    let owners = [(CLUSTER, "boss"), (&*nodes(), "boss")];
    let records = [group_with(&user("mallory"), &group_name(), &tags), launched(&group_name(), &tags)];
    assert_eq!(owner_of(&group_arn(&group_name()), &owners, &records), is("mallory", OwnerSource::IamUser));
    assert_eq!(owner_of(&instance, &owners, &records), is("mallory", OwnerSource::Parent));
    let of_nobody = [launched(&group_name(), &tags)];
    assert_eq!(
        owner_of(&instance, &owners, &of_nobody),
        is("AWSServiceRoleForAutoScaling", OwnerSource::Workload)
    );
}

#[test]
fn who_names_his_session_like_cloudformation_is_not_cloudformation() {
    let tags = [("aws:cloudformation:stack-id", STACK)];
    let plain = role("Deploy", "", "AWSCloudFormation", "ASIAONE");
    for by in [
        Value::Null,
        json!("glue.amazonaws.com"),
        json!("signin.amazonaws.com"),
        json!("servicecatalog.amazonaws.com"),
    ] {
        let made = table_with(&with(plain.clone(), "invokedBy", by.clone()), &tags);
        let own = is("AWSCloudFormation", OwnerSource::RoleSession);
        assert_eq!(owner_in(&[(STACK, "boss")], std::slice::from_ref(&made)), own, "{by}");
        let known = assume(&user("mallory"), "Deploy", "AWSCloudFormation", "ASIAONE", &json!([]));
        assert_eq!(
            owner_in(&[(STACK, "boss")], &[known, made]),
            is("mallory", OwnerSource::RoleChain),
            "{by}"
        );
    }
}
