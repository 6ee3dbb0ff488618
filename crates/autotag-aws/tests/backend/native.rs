//! The services' own calls, in each protocol: written, read back by the backend, and visible in the emulator.

use crate::emulated::{Aws, HERE, failure, item, sorted, tag_set, tags, write};
use autotag_handlers::backend::{BackendReader as _, TagWrite, TagWriter as _, TaggableResource};
use autotag_handlers::error::ErrorClass;
use autotag_model::rule::{ServiceRules, TagCall};
use autotag_testkit::{Call, Fault};
use serde_json::{Value, json};

const TAGS: &[(&str, &str)] = &[("Owner", "mara"), ("Team", "a b+c@d/ü=:._-")];

async fn queue(aws: &Aws, name: &str) -> TaggableResource {
    let made = aws.ask("sqs", "AmazonSQS", "CreateQueue", &json!({"QueueName": name})).await;
    queue_at(made["QueueUrl"].as_str().unwrap())
}

fn queue_at(url: &str) -> TaggableResource {
    let name = url.rsplit('/').next().unwrap();
    item("sqs:CreateQueue", "AWS::SQS::Queue", url, &format!("arn:aws:sqs:eu-west-1:{HERE}:{name}"))
}

/// Writes, reads back by the same backend, and returns the result.
async fn round_trip(aws: &Aws, one: &TaggableResource) -> Vec<(String, String)> {
    let backend = aws.backend();
    let items = std::slice::from_ref(one);
    assert_eq!(backend.existing_tags(items).await, [Ok(Vec::new())], "{}", one.resource.display());
    assert_eq!(backend.write_tags(&write(items, TAGS)).await, [Ok(())], "{}", one.resource.display());
    sorted(backend.existing_tags(items).await.remove(0).unwrap())
}

#[tokio::test]
async fn a_queue_by_json() {
    let aws = Aws::new().await;
    let item = queue(&aws, "orders").await;
    assert_eq!(round_trip(&aws, &item).await, tags(TAGS));
    let asked = json!({"QueueUrl": item.resource.id});
    let there = aws.ask("sqs", "AmazonSQS", "ListQueueTags", &asked).await;
    assert_eq!(there["Tags"], json!({"Owner": "mara", "Team": "a b+c@d/ü=:._-"}));
}

#[tokio::test]
async fn a_role_by_a_form() {
    let aws = Aws::new().await;
    let client = aws_sdk_iam::Client::new(&aws.direct);
    let create = client.create_role().role_name("by-a-form").path("/a/").assume_role_policy_document("{}");
    create.send().await.unwrap();
    let arn = format!("arn:aws:iam::{HERE}:role/a/by-a-form");
    let item = item("iam:CreateRole", "AWS::IAM::Role", &arn, &arn);
    assert_eq!(round_trip(&aws, &item).await, tags(TAGS));
    let there = client.list_role_tags().role_name("by-a-form").send().await.unwrap().tags;
    let there = there.into_iter().map(|tag| (tag.key, tag.value)).collect();
    assert_eq!(sorted(there), tags(TAGS));
}

#[tokio::test]
async fn a_hosted_zone_by_xml_over_paths() {
    let aws = Aws::new().await;
    let body = "<CreateHostedZoneRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Name>by-xml.example.com\
                </Name><CallerReference>by-xml</CallerReference></CreateHostedZoneRequest>";
    let made = aws.xml("route53", "POST", "/2013-04-01/hostedzone", body).await;
    let (_, rest) = made.split_once("<Id>").unwrap();
    let (id, _) = rest.split_once("</Id>").unwrap();
    let name = id.rsplit('/').next().unwrap();
    let arn = format!("arn:aws:route53:::hostedzone/{name}");
    let item = item("route53:CreateHostedZone", "AWS::Route53::HostedZone", id, &arn);
    assert_eq!(round_trip(&aws, &item).await, tags(TAGS));
    let there = aws.xml("route53", "GET", &format!("/2013-04-01/tags/hostedzone/{name}"), "").await;
    assert!(there.contains("<Value>a b+c@d/ü=:._-</Value>"), "{there}");
}

#[tokio::test]
async fn a_parameter_with_slashes_in_its_name() {
    let aws = Aws::new().await;
    let body = json!({"Name": "/app/key", "Value": "v", "Type": "String"});
    aws.ask("ssm", "AmazonSSM", "PutParameter", &body).await;
    let arn = format!("arn:aws:ssm:eu-west-1:{HERE}:parameter/app/key");
    let item = item("ssm:PutParameter", "AWS::SSM::Parameter", "/app/key", &arn);
    assert_eq!(round_trip(&aws, &item).await, tags(TAGS));
    let asked = json!({"ResourceType": "Parameter", "ResourceId": "/app/key"});
    let there = aws.ask("ssm", "AmazonSSM", "ListTagsForResource", &asked).await;
    assert_eq!(there["TagList"].as_array().map(Vec::len), Some(2), "{there}");
}

#[tokio::test]
async fn a_stream_by_its_name() {
    let aws = Aws::new().await;
    let body = json!({"StreamName": "by-name", "ShardCount": 1});
    aws.ask("kinesis", "Kinesis_20131202", "CreateStream", &body).await;
    let arn = format!("arn:aws:kinesis:eu-west-1:{HERE}:stream/by-name");
    let item = item("kinesis:CreateStream", "AWS::Kinesis::Stream", "by-name", &arn);
    assert_eq!(round_trip(&aws, &item).await, tags(TAGS));
}

#[tokio::test]
async fn a_group_of_auto_scaling_does_not_hand_its_tags_on() {
    let aws = Aws::new().await;
    let version = "2011-01-01";
    let configuration =
        "CreateLaunchConfiguration&LaunchConfigurationName=c&ImageId=ami-1&InstanceType=t3.micro";
    aws.form("autoscaling", version, configuration).await;
    let group = "CreateAutoScalingGroup&AutoScalingGroupName=web&LaunchConfigurationName=c&MinSize=0&MaxSize=1\
                 &AvailabilityZones.member.1=eu-west-1a";
    aws.form("autoscaling", version, group).await;
    let item = item("autoscaling:CreateAutoScalingGroup", "AWS::AutoScaling::AutoScalingGroup", "web", "");
    assert_eq!(round_trip(&aws, &item).await, tags(TAGS));
    let there = aws.form("autoscaling", version, "DescribeTags").await;
    assert!(there.contains("<PropagateAtLaunch>false</PropagateAtLaunch>"), "{there}");
    assert!(!there.contains("<PropagateAtLaunch>true</PropagateAtLaunch>"), "{there}");
}

#[tokio::test]
async fn a_classic_load_balancer_by_its_name() {
    let aws = Aws::new().await;
    let create = "CreateLoadBalancer&LoadBalancerName=classic&Listeners.member.1.Protocol=HTTP\
                  &Listeners.member.1.LoadBalancerPort=80&Listeners.member.1.InstancePort=80\
                  &AvailabilityZones.member.1=eu-west-1a";
    aws.form("elasticloadbalancing", "2012-06-01", create).await;
    let arn = format!("arn:aws:elasticloadbalancing:eu-west-1:{HERE}:loadbalancer/classic");
    let kind = "AWS::ElasticLoadBalancing::LoadBalancer";
    let item = item("elasticloadbalancing:CreateLoadBalancer", kind, "classic", &arn);
    assert_eq!(round_trip(&aws, &item).await, tags(TAGS));
}

#[tokio::test]
async fn a_database_by_its_client() {
    let aws = Aws::new().await;
    let client = aws_sdk_rds::Client::new(&aws.direct);
    let create = client.create_db_instance().db_instance_identifier("db").db_instance_class("db.t3.micro");
    let create = create.engine("postgres").allocated_storage(20).master_username("u");
    create.master_user_password("p12345678").send().await.unwrap();
    let arn = format!("arn:aws:rds:eu-west-1:{HERE}:db:db");
    let mut item = item("rds:CreateDBInstance", "AWS::RDS::DBInstance", "db", &arn);
    by_its_own_call(&mut item);
    assert_eq!(round_trip(&aws, &item).await, tags(TAGS));
    let there = client.list_tags_for_resource().resource_name(arn).send().await.unwrap().tag_list.unwrap();
    let there = there.into_iter().map(|tag| (tag.key.unwrap(), tag.value.unwrap())).collect();
    assert_eq!(sorted(there), tags(TAGS));
}

#[tokio::test]
async fn a_table_by_its_client() {
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    };
    let aws = Aws::new().await;
    let client = aws_sdk_dynamodb::Client::new(&aws.direct);
    let key = KeySchemaElement::builder().attribute_name("k").key_type(KeyType::Hash).build().unwrap();
    let kind = AttributeDefinition::builder().attribute_name("k").attribute_type(ScalarAttributeType::S);
    let create = client.create_table().table_name("orders").billing_mode(BillingMode::PayPerRequest);
    create.key_schema(key).attribute_definitions(kind.build().unwrap()).send().await.unwrap();
    let arn = format!("arn:aws:dynamodb:eu-west-1:{HERE}:table/orders");
    let mut item = item("dynamodb:CreateTable", "AWS::DynamoDB::Table", "orders", &arn);
    by_its_own_call(&mut item);
    assert_eq!(round_trip(&aws, &item).await, tags(TAGS));
    let there = client.list_tags_of_resource().resource_arn(arn).send().await.unwrap().tags.unwrap();
    assert_eq!(sorted(there.into_iter().map(|tag| (tag.key, tag.value)).collect()), tags(TAGS));
}

/// The rule with the call in place of the tagging API, if that is its first.
fn by_its_own_call(item: &mut TaggableResource) {
    if item.rule.call == TagCall::TaggingApi {
        let mut rule = (*item.rule).clone();
        rule.call = TagCall::Native(rule.fallback.clone().unwrap());
        item.rule = rule.into();
    }
}

// ---- Faults ----

#[tokio::test]
async fn each_resource_of_a_service_call_fails_alone() {
    let aws = Aws::new().await;
    let gone = format!("https://sqs.eu-west-1.amazonaws.com/{HERE}/never-was");
    let mut items = vec![queue(&aws, "beside-1").await, queue_at(&gone)];
    items.push(queue(&aws, "beside-2").await);
    let backend = aws.backend();
    let answers = backend.write_tags(&write(&items, TAGS)).await;
    assert_eq!(failure(&answers[1]).0, ErrorClass::NotFound);
    assert_eq!((&answers[0], &answers[2]), (&Ok(()), &Ok(())));
    let read = backend.existing_tags(&items).await;
    assert_eq!(failure(&read[1]).0, ErrorClass::NotFound, "not found is not without tags");
    assert_eq!(read[2].clone().map(sorted), Ok(tags(TAGS)));
    assert_eq!(aws.proxy.count("sqs", "TagQueue"), 3);
}

#[tokio::test]
async fn errors_of_each_protocol_keep_their_codes() {
    let aws = Aws::new().await;
    let role = format!("arn:aws:iam::{HERE}:role/r");
    let zone = "arn:aws:route53:::hostedzone/Z1";
    let eks = format!("arn:aws:eks:eu-west-1:{HERE}:cluster/c");
    let items = [
        queue_at("https://sqs.eu-west-1.amazonaws.com/1/q"),
        item("iam:CreateRole", "AWS::IAM::Role", &role, &role),
        item("route53:CreateHostedZone", "AWS::Route53::HostedZone", "/hostedzone/Z1", zone),
        item("eks:CreateCluster", "AWS::EKS::Cluster", "c", &eks),
    ];
    for (code, status, class) in [
        ("ConcurrentModificationException", 400, ErrorClass::Conflict),
        ("AccessDeniedException", 403, ErrorClass::Denied),
        ("ValidationException", 400, ErrorClass::Invalid),
        ("OddButNotThere", 404, ErrorClass::NotFound),
        ("ResourceInUseException", 400, ErrorClass::WrongState),
    ] {
        aws.proxy.repair();
        let refused = move |call: &Call| {
            let message = "<b>Why & so on".to_owned();
            let fault = || Fault::Refused { status, code: code.to_owned(), message };
            (call.service != "sts").then(fault)
        };
        aws.proxy.rule(refused);
        for one in &items {
            let mut one = one.clone();
            by_its_own_call(&mut one);
            let answers = aws.backend().write_tags(&write(&[one.clone()], TAGS)).await;
            assert_eq!(failure(&answers[0]), (class, code), "{}", one.resource.display());
        }
    }
}

#[tokio::test]
async fn service_calls_are_retried_when_they_are_throttled() {
    let aws = Aws::new().await;
    let item = queue(&aws, "throttled").await;
    aws.proxy.rule(|call| (call.service == "sqs").then_some(Fault::Throttled));
    let answers = aws.backend().write_tags(&write(std::slice::from_ref(&item), TAGS)).await;
    assert_eq!(failure(&answers[0]), (ErrorClass::Throttled, "ThrottlingException"));
    assert_eq!(aws.proxy.count("sqs", "TagQueue"), 3, "the attempts of the configuration");
    aws.proxy.repair();
    aws.proxy.not_found_first("throttled", 1);
    let answers = aws.backend().write_tags(&write(&[item], TAGS)).await;
    assert_eq!(failure(&answers[0]), (ErrorClass::NotFound, "QueueDoesNotExist"));
    assert_eq!(aws.proxy.count("sqs", "TagQueue"), 4, "what is not found is not asked for again at once");
}

/// A rule of a user's with two calls of its service.
#[tokio::test]
async fn what_the_first_call_refuses_is_tried_by_the_other() {
    let rules = ServiceRules::from_toml(
        r#"
        source = "sqs.amazonaws.com"
        name = "Amazon SQS"
        tag = "TagIt"
        [api.sqs]
        protocol = "json-1.0"
        host = "sqs.{region}.{suffix}"
        signing = "sqs"
        target = "AmazonSQS"
        [native.TagIt]
        params = { QueueUrl = "{id}" }
        tags = "Tags"
        shape = "map"
        [native.TagQueue]
        params = { QueueUrl = "{id}" }
        tags = "Tags"
        shape = "map"
        [[rule]]
        event = "CreateQueue"
        type = "AWS::SQS::Queue"
        id = "response.queueUrl"
        otherwise = "TagQueue"
        "#,
    );
    let aws = Aws::new().await;
    let mut fits = queue(&aws, "fits").await;
    fits.rule = rules.unwrap().rules.remove(0);
    for (first, other, want) in [
        ("ValidationException", None, None),
        ("ValidationException", Some("InvalidAddress"), Some((ErrorClass::Invalid, "ValidationException"))),
        ("ValidationException", Some("AccessDenied"), Some((ErrorClass::Invalid, "ValidationException"))),
        ("TooManyTagsException", None, Some((ErrorClass::Invalid, "TooManyTagsException"))),
        ("TagLimitExceeded", None, Some((ErrorClass::Invalid, "TagLimitExceeded"))),
        ("AccessDenied", None, Some((ErrorClass::Denied, "AccessDenied"))),
        ("OperationAborted", None, Some((ErrorClass::Conflict, "OperationAborted"))),
    ] {
        aws.proxy.repair();
        aws.proxy.rule(move |call| match call.operation.as_str() {
            "TagIt" => Some(Fault::refused(first)),
            "TagQueue" => other.map(Fault::refused),
            _ => None,
        });
        let tried = aws.proxy.count("sqs", "TagQueue");
        let answers = aws.backend().write_tags(&write(std::slice::from_ref(&fits), TAGS)).await;
        match want {
            None => assert_eq!(answers, [Ok(())]),
            Some(want) => assert_eq!(failure(&answers[0]), want),
        }
        let tried = aws.proxy.count("sqs", "TagQueue") - tried;
        assert_eq!(tried, u64::from(first == "ValidationException"), "{first}");
    }
}

/// A rule of a user's that says `sdk` of a call of which only another service's is ours.
#[tokio::test]
async fn a_call_of_ours_is_never_sent_to_another_service_of_the_same_operation() {
    let aws = Aws::new().await;
    let head = |source: &str, operation: &str| {
        format!(
            "source = \"{source}.amazonaws.com\"\nname = \"Mine\"\ntag = \"{operation}\"\n[native.{operation}]\napi = \"sdk\"\n"
        )
    };
    let rest = r#"
        params = {}
        tags = "Tags"
        shape = "Key/Value"
        [[rule]]
        event = "CreateThing"
        type = "AWS::Any::Thing"
        id = "response.name"
    "#;
    for (service, operation) in [
        ("redshift", "CreateTags"),
        ("docdb-elastic", "AddTagsToResource"),
        ("dax", "TagResource"),
        ("s3-outposts", "PutBucketTagging"),
    ] {
        let rules = ServiceRules::from_toml(&format!("{}{rest}", head(service, operation))).unwrap();
        let mut one = queue_at("https://sqs.eu-west-1.amazonaws.com/1/q");
        let arn = format!("arn:aws:{service}:eu-west-1:{HERE}:thing/t");
        one.resource = crate::emulated::resource("AWS::Any::Thing", "t", &arn);
        one.rule = rules.rules[0].clone();
        let (one, backend) = ([one], aws.backend());
        let why = (ErrorClass::Invalid, "NoSuchCall");
        assert_eq!(failure(&backend.write_tags(&write(&one, TAGS)).await[0]), why, "{service}: {operation}");
        assert_eq!(failure(&backend.existing_tags(&one).await[0]), why, "{service}: {operation}");
    }
    assert_eq!(aws.proxy.counts().len(), 0, "{:?}", aws.proxy.counts());
}

/// A rule of a user's whose call takes few tags.
#[tokio::test]
async fn more_tags_than_a_call_takes_are_several_calls() {
    let aws = Aws::new().await;
    let mut one = queue(&aws, "few-tags-a-call").await;
    let rules = ServiceRules::from_toml(
        r#"
        source = "sqs.amazonaws.com"
        name = "Amazon SQS"
        tag = "TagQueue"
        [api.sqs]
        protocol = "json-1.0"
        host = "sqs.{region}.{suffix}"
        signing = "sqs"
        target = "AmazonSQS"
        [native.TagQueue]
        params = { QueueUrl = "{id}" }
        tags = "Tags"
        shape = "map"
        max_per_call = 2
        [native.TagQueue.read]
        operation = "ListQueueTags"
        tags = "Tags"
        [[rule]]
        event = "CreateQueue"
        type = "AWS::SQS::Queue"
        id = "response.queueUrl"
        "#,
    );
    one.rule = rules.unwrap().rules.remove(0);
    let five = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5")];
    let backend = aws.backend();
    assert_eq!(backend.write_tags(&write(std::slice::from_ref(&one), &five)).await, [Ok(())]);
    assert_eq!(aws.proxy.count("sqs", "TagQueue"), 3);
    assert_eq!(backend.existing_tags(&[one]).await[0].clone().map(sorted), Ok(tags(&five)));
}

#[tokio::test]
async fn what_aws_cannot_tag_is_not_tried() {
    let aws = Aws::new().await;
    let item = queue_at("https://sqs.eu-west-1.amazonaws.com/1/q");
    let none = TagWrite::new(TagCall::None, tag_set(TAGS), vec![item]);
    assert_eq!(failure(&aws.backend().write_tags(&none).await[0]).0, ErrorClass::Invalid);
    assert_eq!(aws.proxy.counts().len(), 0);
}

/// Of two resources in different places, each is tagged where it lies.
#[tokio::test]
async fn calls_are_signed_for_the_region_of_the_resource() {
    let aws = Aws::new().await;
    let mut far = queue_at(&format!("https://sqs.ap-southeast-2.amazonaws.com/{HERE}/far"));
    far.resource.region = autotag_model::arn::Region::new("ap-southeast-2");
    let _ = aws.backend().write_tags(&write(&[far], TAGS)).await;
    let body: Value = aws.calls("sqs", "TagQueue")[0].json();
    assert_eq!(aws.calls("sqs", "TagQueue")[0].region, "ap-southeast-2", "{body}");
}
