//! Rows of the inventories that AWS writes.

use super::*;
use std::io::Write as _;

fn items(text: &str) -> (Vec<Item>, Reading) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let mut items = Vec::new();
    let reading = read(&Source::File(file.path().to_owned()), &[], |item| items.push(item)).unwrap();
    (items, reading)
}

const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:orders";

#[test]
fn the_formats_of_aws_are_read() {
    let config = format!(
        r#"{{"Results":["{{\"arn\":\"{QUEUE}\",\"resourceId\":\"https://sqs/orders\",\"resourceType\":\"AWS::SQS::Queue\",\"awsRegion\":\"eu-west-1\",\"accountId\":\"111122223333\",\"resourceCreationTime\":\"2026-03-02T09:00:00.000Z\",\"tags\":[{{\"key\":\"Owner\",\"value\":\"mara\",\"tag\":\"Owner=mara\"}}]}}"]}}"#
    );
    let explorer = format!(
        r#"{{"Resources":[{{"Arn":"{QUEUE}","OwningAccountId":"111122223333","Region":"eu-west-1","ResourceType":"sqs:queue","Service":"sqs","Properties":[{{"Name":"tags","LastReportedAt":"2026-03-02T09:00:00Z","Data":[{{"Key":"Owner","Value":"mara"}}]}}]}}]}}"#
    );
    let tagging = format!(
        r#"{{"ResourceTagMappingList":[{{"ResourceARN":"{QUEUE}","Tags":[{{"Key":"Owner","Value":"mara"}}]}}]}}"#
    );
    let editor = format!(
        "Identifier,Tag: Owner,Service,Type,Region,Tags,AWS account\n{QUEUE},mara,SQS,Queue,eu-west-1,1,111122223333\n"
    );
    let own = format!("arn,tags\n{QUEUE},\"{{\"\"Owner\"\":\"\"mara\"\"}}\"\n");
    for text in [config, explorer, tagging, editor, own] {
        let (items, reading) = items(&text);
        assert_eq!((items.len(), reading.faulty), (1, 0), "{text}: {:?}", reading.faults);
        let Item { resource, tags, .. } = &items[0];
        assert_eq!(resource.arn.as_ref().unwrap().to_string(), QUEUE);
        assert_eq!(resource.account.as_ref().unwrap().as_str(), "111122223333");
        assert_eq!(tags.as_ref().unwrap().get("Owner").map(String::as_str), Some("mara"), "{text}");
    }
}

#[test]
fn resources_without_an_arn_have_account_region_type_and_id() {
    let (items, _) =
        items("resourceId,resourceType,awsRegion,accountId\nvol-1,AWS::EC2::Volume,eu-west-1,11122223333\n");
    let item = &items[0];
    // A spreadsheet took the zero at the beginning away.
    assert_eq!(item.resource.account.as_ref().unwrap().as_str(), "011122223333");
    assert_eq!(
        (item.resource.id.as_str(), &item.tags),
        ("vol-1", &None),
        "tags are not known, which is not none"
    );
}

#[test]
fn no_tags_and_unknown_tags_are_told_apart() {
    let (items, _) = items(&format!("arn,tags\n{QUEUE},\n{QUEUE},[]\n"));
    assert!(items.iter().all(|item| item.tags == Some(Tags::new())), "{items:?}");
    let (items, _) = self::items(&format!("arn\n{QUEUE}\n"));
    assert_eq!(items[0].tags, None);
}

#[test]
fn rows_that_name_no_resource_are_faults() {
    let (items, reading) =
        items("arn,tags\n,\narn:aws,\narn:aws:sqs:eu-west-1:111122223333:orders,Owner=mara\n");
    assert!(items.is_empty());
    assert_eq!(reading.faulty, 3);
    assert!(reading.told().contains("the tags are not JSON (row"), "{}", reading.told());
}

#[test]
fn groups_are_known_without_their_uuid() {
    let text =
        "arn\narn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:0a1b:autoScalingGroupName/web\n";
    let (items, _) = items(text);
    assert!(items[0].resource.arn.as_ref().unwrap().to_string().contains(":autoScalingGroup:*:"));
}
