use super::*;
use autotag_handlers::catalog::Catalog;
use autotag_model::arn::{AccountId, Partition};
use autotag_model::rule::Scope;

fn call(service: &str, name: &str) -> Arc<NativeCall> {
    let source = format!("{service}.amazonaws.com");
    let services = Catalog::embedded().services().unwrap();
    let service = services.iter().find(|service| service.source == source).unwrap();
    Arc::clone(&service.native[name])
}

fn api_and_read(service: &str, name: &str) -> (Arc<Api>, ReadCall) {
    let call = call(service, name);
    (call.api.clone().unwrap(), call.read.clone().unwrap())
}

/// The tags that a call of the catalogue finds in an answer.
fn read(service: &str, name: &str, body: &str) -> Option<Vec<(String, String)>> {
    let (api, read) = api_and_read(service, name);
    tags_in(&api, &read, body)
}

fn next(service: &str, name: &str, body: &str) -> Option<String> {
    let (api, read) = api_and_read(service, name);
    next_page(&api, &read, body)
}

fn tags(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn resource(resource_type: &str, id: &str, arn: &str) -> Resource {
    let place = Scope {
        partition: Partition::default(),
        region: Region::new("eu-west-1"),
        account: AccountId::new("111122223333"),
    };
    Resource::new(resource_type, id, arn.parse().ok(), &place)
}

#[test]
fn json_answers() {
    let list = r#"{"TagList":[{"Key":"a","Value":"1"},{"Value":"2","Key":"ü\u0026"},{"Key":"empty"}]}"#;
    assert_eq!(read("ssm", "TagParameter", list), Some(tags(&[("a", "1"), ("ü&", "2"), ("empty", "")])));
    assert_eq!(read("sqs", "TagQueue", r#"{"Tags":{"a":"1","b":""}}"#), Some(tags(&[("a", "1"), ("b", "")])));
    let lower = r#"{"tags":[{"key":"a","value":"1"}]}"#;
    assert_eq!(read("ecs", "TagResource", lower), Some(tags(&[("a", "1")])));
    let of_kms = r#"{"Tags":[{"TagKey":"a","TagValue":"1"}],"Truncated":false}"#;
    assert_eq!(read("kms", "TagResource", of_kms), Some(tags(&[("a", "1")])));
}

#[test]
fn json_answers_without_tags() {
    for nothing in ["{}", r#"{"Tags":null}"#, r#"{"Tags":{}}"#] {
        assert_eq!(read("sqs", "TagQueue", nothing), Some(tags(&[])), "{nothing}");
    }
}

#[test]
fn answers_that_are_broken_are_not_without_tags() {
    for broken in ["", "null", "[]", "{", "<html>busy</html>", r#"{"Tags":{"a":"1"}"#] {
        assert_eq!(read("sqs", "TagQueue", broken), None, "{broken}");
    }
    for broken in [
        "",
        "busy",
        "<html><body>log in</body></html>",
        "<ListTagsForResourceResponse><ListTagsForResourceResult>",
    ] {
        assert_eq!(read("sns", "TagResource", broken), None, "{broken}");
    }
}

#[test]
fn tags_below_other_members() {
    let described =
        r#"{"resourceTags":[{"resourceArn":"arn:aws:x","tags":[{"key":"a","value":"1"},{"key":"b"}]}]}"#;
    assert_eq!(read("directconnect", "TagResource", described), Some(tags(&[("a", "1"), ("b", "")])));
    let secret = r#"{"ARN":"arn:aws:x","Name":"n","Tags":[{"Key":"a","Value":"1"}]}"#;
    assert_eq!(read("secretsmanager", "TagResource", secret), Some(tags(&[("a", "1")])));
}

#[test]
fn rest_json_answers() {
    assert_eq!(read("lambda", "TagResource", r#"{"Tags":{"a":"1"}}"#), Some(tags(&[("a", "1")])));
    assert_eq!(read("lambda", "TagResource", "{}"), Some(tags(&[])));
    let iot = r#"{"tags":[{"Key":"a","Value":"1"}],"nextToken":"n/2="}"#;
    assert_eq!(read("iot", "TagResource", iot), Some(tags(&[("a", "1")])));
    assert_eq!(next("iot", "TagResource", iot).as_deref(), Some("n/2="));
}

#[test]
fn query_answers_in_their_namespace() {
    let sns = r#"<?xml version="1.0"?>
        <ListTagsForResourceResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">
          <ListTagsForResourceResult>
            <Tags>
              <member><Value>1 &lt; 2 &amp; 3</Value><Key>a</Key></member>
              <member><Key>b</Key><Value/></member>
            </Tags>
          </ListTagsForResourceResult>
          <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>
        </ListTagsForResourceResponse>"#;
    assert_eq!(read("sns", "TagResource", sns), Some(tags(&[("a", "1 < 2 & 3"), ("b", "")])));
    let none = r#"<ListTagsForResourceResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">
        <ListTagsForResourceResult><Tags/></ListTagsForResourceResult></ListTagsForResourceResponse>"#;
    assert_eq!(read("sns", "TagResource", none), Some(tags(&[])));
}

#[test]
fn query_answers_about_several_resources() {
    let described = "<DescribeTagsResponse><DescribeTagsResult><TagDescriptions>
        <member><ResourceArn>x</ResourceArn><Tags><member><Key>a</Key><Value>1</Value></member></Tags></member>
        <member><ResourceArn>y</ResourceArn><Tags><member><Key>b</Key><Value>2</Value></member></Tags></member>
        </TagDescriptions></DescribeTagsResult></DescribeTagsResponse>";
    assert_eq!(read("elasticloadbalancing", "AddTags", described), Some(tags(&[("a", "1"), ("b", "2")])));
}

/// In Redshift's answer every tag is in an element of its own, beside its resource.
#[test]
fn tagged_resources_of_redshift() {
    let described = r#"<DescribeTagsResponse xmlns="http://redshift.amazonaws.com/doc/2012-12-01/">
        <DescribeTagsResult><TaggedResources>
        <TaggedResource><Tag><Key>a</Key><Value>1</Value></Tag><ResourceName>x</ResourceName></TaggedResource>
        <TaggedResource><ResourceName>x</ResourceName><Tag><Value>2</Value><Key>b</Key></Tag></TaggedResource>
        </TaggedResources></DescribeTagsResult></DescribeTagsResponse>"#;
    assert_eq!(read("redshift", "CreateTags", described), Some(tags(&[("a", "1"), ("b", "2")])));
}

/// Members such as Auto Scaling's `ResourceId` are beside key and value, and the answer has pages.
#[test]
fn tags_of_auto_scaling() {
    let described = "<DescribeTagsResponse><DescribeTagsResult><Tags>
        <member><ResourceId>group</ResourceId><PropagateAtLaunch>false</PropagateAtLaunch>
        <Value>1</Value><Key>a</Key><ResourceType>auto-scaling-group</ResourceType></member>
        </Tags><NextToken>more/of+it==</NextToken></DescribeTagsResult></DescribeTagsResponse>";
    assert_eq!(read("autoscaling", "CreateOrUpdateTags", described), Some(tags(&[("a", "1")])));
    assert_eq!(next("autoscaling", "CreateOrUpdateTags", described).as_deref(), Some("more/of+it=="));
    let last =
        "<DescribeTagsResponse><DescribeTagsResult><Tags/></DescribeTagsResult></DescribeTagsResponse>";
    assert_eq!(read("autoscaling", "CreateOrUpdateTags", last), Some(tags(&[])));
    assert_eq!(next("autoscaling", "CreateOrUpdateTags", last), None);
}

#[test]
fn rest_xml_answers() {
    let route53 = r#"<ListTagsForResourceResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/">
        <ResourceTagSet><ResourceType>hostedzone</ResourceType><ResourceId>Z1</ResourceId>
        <Tags><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>b</Key><Value>2</Value></Tag></Tags>
        </ResourceTagSet></ListTagsForResourceResponse>"#;
    assert_eq!(read("route53", "TagHostedZone", route53), Some(tags(&[("a", "1"), ("b", "2")])));
    let cloudfront = r#"<Tags xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">
        <Items><Tag><Key>a</Key><Value>1</Value></Tag></Items></Tags>"#;
    assert_eq!(read("cloudfront", "TagResource", cloudfront), Some(tags(&[("a", "1")])));
    let s3 = r#"<ListTagsForResourceResult xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/">
        <Tags><Tag><Key>a</Key><Value>1</Value></Tag></Tags></ListTagsForResourceResult>"#;
    assert_eq!(read("s3", "TagResource", s3), Some(tags(&[("a", "1")])));
}

#[test]
fn pages_end_where_there_is_no_token() {
    let kms = |rest: &str| format!(r#"{{"Tags":[]{rest}}}"#);
    let next_of_kms = |rest: &str| next("kms", "TagResource", &kms(rest));
    assert_eq!(next_of_kms(r#","NextMarker":"m","Truncated":true"#).as_deref(), Some("m"));
    assert_eq!(next_of_kms(r#","Truncated":false"#), None);
    assert_eq!(next_of_kms(r#","NextMarker":"""#), None);
    assert_eq!(next_of_kms(r#","NextMarker":null"#), None);
    assert_eq!(next("sqs", "TagQueue", r#"{"Tags":{},"NextToken":"x"}"#), None, "SQS has no pages");
}

/// They page by the last key. An incomplete list is not an answer.
#[test]
fn more_tags_than_the_answer_has() {
    for (service, name) in [("kinesis", "AddTagsToStream"), ("firehose", "TagDeliveryStream")] {
        let answer = |more: bool| format!(r#"{{"Tags":[{{"Key":"a","Value":"1"}}],"HasMoreTags":{more}}}"#);
        assert_eq!(read(service, name, &answer(false)), Some(tags(&[("a", "1")])), "{service}");
        assert_eq!(read(service, name, &answer(true)), None, "{service}");
    }
}

#[test]
fn a_later_page_is_asked_for_by_its_token() {
    let key = resource("AWS::KMS::Key", "k", "arn:aws:kms:eu-west-1:111122223333:key/k");
    let (_, read) = api_and_read("kms", "TagResource");
    let input = |token| serde_json::to_string(&read_input(&read, &key, token).unwrap()).unwrap();
    assert_eq!(input(None), r#"{"KeyId":"arn:aws:kms:eu-west-1:111122223333:key/k"}"#);
    assert_eq!(input(Some("m")), r#"{"KeyId":"arn:aws:kms:eu-west-1:111122223333:key/k","Marker":"m"}"#);
}

/// Calls that do not take the ARN get the name that each service documents.
#[test]
fn resources_are_named_as_their_calls_want_it() {
    for (service, name, id, arn, want) in [
        ("route53", "TagHostedZone", "/hostedzone/Z1", "arn:aws:route53:::hostedzone/Z1", "Z1"),
        ("cloudhsm", "TagResource", "cluster-1", "", "cluster-1"),
        (
            "organizations",
            "TagResource",
            "",
            "arn:aws:organizations::1:account/o-1/444455556666",
            "444455556666",
        ),
        ("organizations", "TagResource", "", "arn:aws:organizations::1:ou/o-1/ou-1-a", "ou-1-a"),
        ("workspaces", "CreateTags", "ws-1", "", "ws-1"),
        ("iam", "TagRole", "", "arn:aws:iam::1:role/a/path/deploy", "deploy"),
        ("iam", "TagUser", "", "arn:aws:iam::1:user/mara", "mara"),
        ("iam", "TagMFADevice", "", "arn:aws:iam::1:mfa/a/phone", "arn:aws:iam::1:mfa/a/phone"),
        ("lightsail", "TagResource", "web-1", "", "web-1"),
        ("ssm", "TagParameter", "/app/key", "", "/app/key"),
        (
            "elasticfilesystem",
            "TagResource",
            "",
            "arn:aws:elasticfilesystem:eu-west-1:1:file-system/fs-1",
            "fs-1",
        ),
        ("firehose", "TagDeliveryStream", "", "arn:aws:firehose:eu-west-1:1:deliverystream/s", "s"),
        (
            "kinesis",
            "AddTagsToStream",
            "",
            "arn:aws:kinesis:eu-west-1:1:stream/s",
            "arn:aws:kinesis:eu-west-1:1:stream/s",
        ),
        (
            "sqs",
            "TagQueue",
            "https://sqs.eu-west-1.amazonaws.com/1/q",
            "",
            "https://sqs.eu-west-1.amazonaws.com/1/q",
        ),
    ] {
        let id = if id.is_empty() { arn } else { id };
        let input = write_input(&call(service, name), &resource("AWS::Any::Thing", id, arn), &[]).unwrap();
        let texts: Vec<&str> = input.values().filter_map(Value::as_str).collect();
        assert!(texts.contains(&want), "{service} {name} of {id}: {input:?}");
    }
}

/// Auto Scaling wants the group in every tag; the list is at the place that the call defines.
#[test]
fn the_group_stands_in_every_tag() {
    let group = resource("AWS::AutoScaling::AutoScalingGroup", "web", "");
    let input = write_input(&call("autoscaling", "CreateOrUpdateTags"), &group, &[("a", "1"), ("b", "")]);
    let one = |key: &str, value: &str| {
        serde_json::json!({"ResourceId": "web", "ResourceType": "auto-scaling-group", "PropagateAtLaunch": false,
            "Key": key, "Value": value})
    };
    assert_eq!(Value::Object(input.unwrap()), serde_json::json!({"Tags": [one("a", "1"), one("b", "")]}));
}

#[test]
fn what_a_resource_does_not_have_is_said() {
    let queue = resource("AWS::SNS::Topic", "orders", "");
    let why = write_input(&call("sns", "TagResource"), &queue, &[]).unwrap_err();
    assert!(why.contains("ARN"), "{why}");
}

#[test]
fn only_documented_answers_to_writes_are_successes() {
    let is_success = |service: &str, name: &str, body: &str| {
        let call = call(service, name);
        is_documented_success(call.api.as_ref().unwrap(), &call.write.name, body)
    };
    for done in ["", "{}", r#"{"Tags":[]}"#] {
        assert!(is_success("ssm", "TagParameter", done), "{done}");
        assert!(is_success("lambda", "TagResource", done), "{done}");
    }
    for undone in ["<html/>", "{", "null", "OK"] {
        assert!(!is_success("ssm", "TagParameter", undone), "{undone}");
        assert!(!is_success("lambda", "TagResource", undone), "{undone}");
    }
    let sns = "<TagResourceResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><TagResourceResult/></TagResourceResponse>";
    assert!(is_success("sns", "TagResource", sns));
    assert!(is_success("route53", "TagHostedZone", "<ChangeTagsForResourceResponse/>"));
    assert!(is_success("cloudfront", "TagResource", ""), "AWS answers 204");
    for undone in ["<html/>", "<ErrorResponse/>", "{}", "<TagResourceResponse>"] {
        assert!(!is_success("sns", "TagResource", undone), "{undone}");
        assert!(!is_success("route53", "TagHostedZone", undone), "{undone}");
    }
    assert!(!is_success("sns", "TagResource", ""), "the query protocol always answers with a document");
}

/// Lightsail answers 200 for an operation that failed.
#[test]
fn an_answer_says_that_its_call_failed() {
    let call = call("lightsail", "TagResource");
    let code = |body: &str| failure_in(call.fails.as_ref().unwrap(), body);
    let operations = |all: &str| code(&format!("{{\"operations\":[{all}]}}"));
    let failed = r#"{"id":"1","status":"Failed","errorCode":"AccessDeniedException"}"#;
    assert_eq!(operations(failed).as_deref(), Some("AccessDeniedException"));
    assert_eq!(
        operations(&format!(r#"{{"status":"Succeeded"}},{failed}"#)).as_deref(),
        Some("AccessDeniedException")
    );
    assert_eq!(operations(r#"{"status":"Failed","errorCode":null}"#).as_deref(), Some("CallFailed"));
    for done in
        [r#"{"id":"1","status":"Succeeded"}"#, r#"{"status":"Started"}"#, r#"{"status":"Completed"}"#, ""]
    {
        assert_eq!(operations(done), None, "{done}");
    }
    assert_eq!(code(""), None, "an empty answer is a success, as for other calls");
}

#[test]
fn without_values_any_content_says_that_the_call_failed() {
    let rules = autotag_model::rule::ServiceRules::from_toml(
        r#"
        source = "example.amazonaws.com"
        name = "Example"
        tag = "TagResource"
        [api.example]
        protocol = "json-1.1"
        host = "example.{region}.{suffix}"
        signing = "example"
        target = "Example"
        [native.TagResource]
        params = { ResourceArn = "{arn}" }
        tags = "Tags"
        shape = "map"
        fails = { path = "Failures", code = "Failures.Error.ErrorCode" }
        "#,
    );
    let fails = rules.unwrap().native["TagResource"].fails.clone().unwrap();
    for none in ["{}", r#"{"Failures":[]}"#, r#"{"Failures":null}"#, r#"{"Failures":{}}"#, r#"{"Other":[1]}"#]
    {
        assert_eq!(failure_in(&fails, none), None, "{none}");
    }
    let one = r#"{"Failures":[{"Error":{"ErrorCode":"ConcurrentModificationException"}}]}"#;
    assert_eq!(failure_in(&fails, one).as_deref(), Some("ConcurrentModificationException"));
    assert_eq!(failure_in(&fails, r#"{"Failures":["x"]}"#).as_deref(), Some("CallFailed"));
}
