use super::*;
use crate::backend::RelatedQuery;
use crate::catalog::Catalog;
use crate::classify::{Classifier, Creation};
use crate::records::ClassifiedRecords;
use autotag_model::policy::Policy;
use serde_json::{Value, json};

fn found_by(
    source: &str,
    name: &str,
    identity: &Value,
    request: &Value,
    response: &Value,
    resources: &Value,
) -> Creation {
    let record = json!({"eventSource": source, "eventName": name, "eventTime": "2026-03-02T09:00:00Z",
        "awsRegion": "eu-west-1", "recipientAccountId": "111122223333", "eventID": "e-1", "userIdentity": identity,
        "requestParameters": request, "responseElements": response, "resources": resources});
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    let mut records = ClassifiedRecords::read(record.to_string().as_bytes(), &classifier);
    assert_eq!(records.creations.len(), 1, "{record}: {:?}", records.rejected);
    records.creations.remove(0).creation
}

fn found(source: &str, name: &str, request: &Value, response: &Value) -> Creation {
    let mara = json!({"type": "IAMUser", "userName": "mara", "arn": "arn:aws:iam::111122223333:user/mara"});
    found_by(source, name, &mara, request, response, &Value::Null)
}

fn ec2(name: &str, request: &Value, response: &Value) -> Creation {
    found("ec2.amazonaws.com", name, request, response)
}

fn of_type<'f>(found: &'f Creation, resource_type: &str) -> &'f TagTarget {
    let mut all = found.targets.iter().filter(|target| target.resource.resource_type == resource_type);
    all.next().unwrap_or_else(|| panic!("no {resource_type} in {found:?}"))
}

fn requested(target: &TagTarget) -> Vec<(&str, &str)> {
    target.requested.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

fn specification(tags: &[(&str, &str, &str)]) -> Value {
    let items: Vec<Value> = tags
        .iter()
        .map(|(kind, key, value)| json!({"resourceType": kind, "tags": [{"key": key, "value": value}]}))
        .collect();
    json!({"tagSpecificationSet": {"items": items}})
}

fn two_instances() -> Value {
    json!({"instancesSet": {"items": [
        {"instanceId": "i-1", "networkInterfaceSet": {"items": [{"networkInterfaceId": "eni-1"}]}},
        {"instanceId": "i-2"}]}})
}

#[test]
fn each_built_in_handler_has_an_event_source_of_its_own() {
    let sources: Vec<String> = built_in().iter().map(|handler| handler.event_source().to_owned()).collect();
    assert_eq!(
        sources,
        ["dynamodb.amazonaws.com", "ec2.amazonaws.com", "rds.amazonaws.com", "s3.amazonaws.com"]
    );
}

/// Refuses every target of its service.
#[derive(Debug)]
struct NoQueues;

impl ServiceHandler for NoQueues {
    fn event_source(&self) -> &'static str {
        "sqs.amazonaws.com"
    }

    fn refine(&self, _: &RecordContext<'_>, targets: &mut Vec<TagTarget>) {
        targets.clear();
    }
}

#[test]
fn an_embedder_can_add_a_handler_for_a_service_and_it_changes_no_other() {
    let queue = json!({"eventSource": "sqs.amazonaws.com", "eventName": "CreateQueue", "recipientAccountId": "111122223333",
        "awsRegion": "eu-west-1", "requestParameters": {"queueName": "q"},
        "responseElements": {"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/q"}});
    let bucket = json!({"eventSource": "s3.amazonaws.com", "eventName": "CreateBucket", "recipientAccountId": "111122223333",
        "awsRegion": "eu-west-1", "requestParameters": {"bucketName": "b"}});
    let both = format!("{queue}\n{bucket}");
    let creations = |classifier: &Classifier| {
        let read = ClassifiedRecords::read(both.as_bytes(), classifier);
        read.creations.iter().map(|request| request.creation.event.name.clone()).collect::<Vec<_>>()
    };
    let plain = Classifier::new(Catalog::embedded(), Policy::default());
    assert_eq!(creations(&plain), ["CreateQueue", "CreateBucket"]);
    assert_eq!(creations(&plain.with_service(Arc::new(NoQueues))), ["CreateBucket"]);
}

#[test]
fn a_tag_specification_counts_for_its_kind_of_resource_only() {
    let request = specification(&[
        ("instance", "Name", "web"),
        ("volume", "Name", "disk"),
        ("network-interface", "Name", "card"),
    ]);
    let run = ec2("RunInstances", &request, &two_instances());
    assert_eq!(requested(of_type(&run, "AWS::EC2::Instance")), [("Name", "web")]);
    assert_eq!(requested(of_type(&run, "AWS::EC2::NetworkInterface")), [("Name", "card")]);

    let request = specification(&[("image", "Name", "golden"), ("snapshot", "Name", "disk")]);
    let image = ec2("CreateImage", &request, &json!({"imageId": "ami-1"}));
    assert_eq!(requested(of_type(&image, "AWS::EC2::Image")), [("Name", "golden")]);

    let vpc =
        ec2("CreateVpc", &specification(&[("vpc", "Name", "net")]), &json!({"vpc": {"vpcId": "vpc-1"}}));
    assert_eq!(
        requested(&vpc.targets[0]),
        [("Name", "net")],
        "kinds that cannot be mixed need no telling apart"
    );

    let request = specification(&[("fleet", "Name", "fleet"), ("instance", "Name", "web")]);
    let fleet = json!({"fleetId": "fleet-1", "fleetInstanceSet": [{"instanceIds": ["i-1", "i-2"]}]});
    let fleet = ec2("CreateFleet", &request, &fleet);
    assert_eq!(requested(of_type(&fleet, "AWS::EC2::EC2Fleet")), [("Name", "fleet")]);
    assert_eq!(requested(of_type(&fleet, "AWS::EC2::Instance")), [("Name", "web")]);
}

#[test]
fn what_comes_with_instances_is_asked_for_once() {
    let run = ec2("RunInstances", &json!({}), &two_instances());
    let questions: Vec<&RelatedQuery> = run.targets.iter().flat_map(|target| &target.queries).collect();
    assert_eq!(questions, [&RelatedQuery::AttachedTo { instances: vec!["i-1".into(), "i-2".into()] }]);
    assert!(questions[0].describe().contains("i-1, i-2"));
}

#[test]
fn snapshots_are_asked_for_where_an_image_is_made_of_an_instance() {
    let of = |event: &str| {
        let found = ec2(event, &json!({}), &json!({"imageId": "ami-1"}));
        found.targets[0].queries.clone()
    };
    assert_eq!(of("CreateImage"), [RelatedQuery::SnapshotsOf { image: "ami-1".into() }]);
    assert!(of("RegisterImage").is_empty(), "its snapshots are there already, and others'");
    assert!(ec2("CreateVolume", &json!({}), &json!({"volumeId": "vol-1"})).targets[0].queries.is_empty());
}

#[test]
fn an_instance_of_a_group_knows_its_group() {
    let request = specification(&[("instance", "aws:autoscaling:groupName", "web")]);
    let run = ec2("RunInstances", &request, &two_instances());
    let group = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:*:autoScalingGroupName/web";
    for target in &run.targets {
        assert_eq!(target.parent.as_ref().map(|group| group.resource.display()).as_deref(), Some(group));
    }
    // The very spelling under which the group itself is tagged.
    let created = found(
        "autoscaling.amazonaws.com",
        "CreateAutoScalingGroup",
        &json!({"autoScalingGroupName": "web"}),
        &Value::Null,
    );
    assert_eq!(created.targets[0].resource.display(), group);
    let plain = ec2("RunInstances", &specification(&[("instance", "Name", "web")]), &two_instances());
    assert!(plain.targets.iter().all(|target| target.parent.is_none()));
}

#[test]
fn a_bucket_lies_where_the_call_puts_it() {
    let region = |configuration: Value| {
        let mut request = json!({"bucketName": "shop"});
        request["createBucketConfiguration"] = configuration;
        let created = found("s3.amazonaws.com", "CreateBucket", &request, &Value::Null);
        assert_eq!(created.targets[0].resource.display(), "arn:aws:s3:::shop");
        created.targets[0].resource.region.as_ref().unwrap().as_str().to_owned()
    };
    assert_eq!(region(json!({"locationConstraint": "ap-southeast-2"})), "ap-southeast-2");
    assert_eq!(region(json!({"LocationConstraint": "eu-central-1", "xmlns": "http://s3"})), "eu-central-1");
    assert_eq!(region(json!({"locationConstraint": "EU"})), "eu-west-1");
    assert_eq!(region(json!({"locationConstraint": ""})), "eu-west-1", "the record's own");
    assert_eq!(region(Value::Null), "eu-west-1", "the record's own");
}

#[test]
fn an_object_lies_in_the_account_of_its_bucket() {
    let put = |resources: &Value| {
        let mara =
            json!({"type": "IAMUser", "userName": "mara", "arn": "arn:aws:iam::111122223333:user/mara"});
        let request = json!({"bucketName": "shop", "key": "a/b c.txt"});
        let created = found_by("s3.amazonaws.com", "PutObject", &mara, &request, &Value::Null, resources);
        let resource = created.targets[0].resource.clone();
        assert_eq!(resource.display(), "arn:aws:s3:::shop/a/b c.txt");
        resource.account.unwrap().as_str().to_owned()
    };
    let object = json!({"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::shop/a/b c.txt"});
    let bucket = json!({"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::shop", "accountId": "444455556666"});
    assert_eq!(put(&json!([object, bucket])), "444455556666");
    let other = json!({"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::shop2", "accountId": "444455556666"});
    assert_eq!(put(&json!([object, other])), "111122223333", "another bucket says nothing");
    assert_eq!(put(&Value::Null), "111122223333");
}

#[test]
fn documentdb_and_neptune_are_told_from_rds() {
    let group = |event: &str, family: &str, in_response: bool| {
        let named = json!({"dBParameterGroupName": "p", "dBClusterParameterGroupName": "p", "dBParameterGroupFamily": family});
        let response = if in_response {
            named.clone()
        } else {
            json!({"dBParameterGroupName": "p", "dBClusterParameterGroupName": "p"})
        };
        let created = found("rds.amazonaws.com", event, &named, &response);
        created.targets[0].resource.resource_type.clone()
    };
    for in_response in [true, false] {
        let group = |event, family| group(event, family, in_response);
        assert_eq!(group("CreateDBParameterGroup", "neptune1.3"), "AWS::Neptune::DBParameterGroup");
        assert_eq!(group("CreateDBClusterParameterGroup", "docdb5.0"), "AWS::DocDB::DBClusterParameterGroup");
        assert_eq!(
            group("CreateDBClusterParameterGroup", "aurora-mysql8.0"),
            "AWS::RDS::DBClusterParameterGroup"
        );
        assert_eq!(group("CreateDBParameterGroup", "postgres16"), "AWS::RDS::DBParameterGroup");
    }
    let cluster = |engine: &str| {
        let response = json!({"engine": engine, "dBClusterIdentifier": "Orders"});
        let created = found("rds.amazonaws.com", "CreateDBCluster", &json!({}), &response);
        assert_eq!(created.targets.len(), 1, "{created:?}");
        assert_eq!(
            created.targets[0].resource.display(),
            "arn:aws:rds:eu-west-1:111122223333:cluster:orders"
        );
        created.targets[0].resource.resource_type.clone()
    };
    assert_eq!(cluster("docdb"), "AWS::DocDB::DBCluster");
    assert_eq!(cluster("neptune"), "AWS::Neptune::DBCluster");
    assert_eq!(cluster("aurora-postgresql"), "AWS::RDS::DBCluster");
}

fn replicas(event: &str, request: &Value) -> Vec<(String, String)> {
    let created = found("dynamodb.amazonaws.com", event, request, &json!({}));
    let each = created.targets.iter().map(|target| {
        let resource = &target.resource;
        (resource.display(), resource.region.as_ref().unwrap().as_str().to_owned())
    });
    each.collect()
}

#[test]
fn each_replica_is_tagged_in_its_own_region() {
    let want = ["eu-central-1", "us-east-1"]
        .map(|region| (format!("arn:aws:dynamodb:{region}:111122223333:table/orders"), region.to_owned()));
    let global = json!({"globalTableName": "orders",
        "replicationGroup": [{"regionName": "eu-central-1"}, {"regionName": "us-east-1"}]});
    assert_eq!(replicas("CreateGlobalTable", &global), want);
    let update = json!({"tableName": "orders", "replicaUpdates": [{"create": {"regionName": "eu-central-1"}},
        {"delete": {"regionName": "us-west-2"}}, {"create": {"regionName": "us-east-1"}}]});
    assert_eq!(replicas("UpdateTable", &update), want);
    let by_arn = json!({"tableName": "arn:aws:dynamodb:eu-west-1:111122223333:table/orders",
        "replicaUpdates": [{"create": {"regionName": "eu-central-1"}}, {"create": {"regionName": "us-east-1"}}]});
    assert_eq!(replicas("UpdateTable", &by_arn), want);
}

fn may_have_existed(issuer: &str) -> bool {
    let role = json!({"type": "AssumedRole", "principalId": "AROAREP:dynamodb",
        "arn": "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForDynamoDBReplication/dynamodb",
        "sessionContext": {"sessionIssuer": {"userName": "AWSServiceRoleForDynamoDBReplication", "arn": issuer}}});
    let (request, none) = (json!({"tableName": "orders"}), Value::Null);
    let created = found_by("dynamodb.amazonaws.com", "CreateTable", &role, &request, &none, &none);
    created.targets[0].may_have_existed
}

#[test]
fn only_the_replication_role_steps_back() {
    assert!(may_have_existed(
        "arn:aws:iam::111122223333:role/aws-service-role/replication.dynamodb.amazonaws.com/AWSServiceRoleForDynamoDBReplication"
    ));
    let by_mara = found("dynamodb.amazonaws.com", "CreateTable", &json!({"tableName": "orders"}), &json!({}));
    assert!(!by_mara.targets[0].may_have_existed);
}

/// Otherwise a self-made role's table would keep whatever owner its caller put on it.
#[test]
fn a_self_made_role_with_the_replication_roles_name_does_not_step_back() {
    let self_made = "arn:aws:iam::111122223333:role/AWSServiceRoleForDynamoDBReplication";
    assert!(!may_have_existed(self_made), "a name alone proves nothing");
}
