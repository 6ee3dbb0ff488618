//! Resources that were made together with an instance or image.

use crate::emulated::{Aws, HERE, failure, resource};
use autotag_handlers::backend::{BackendReader as _, Related, RelatedQuery};
use autotag_handlers::error::ErrorClass;
use autotag_model::rule::Resource;
use autotag_testkit::{Call, Fault, Reply};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{InstanceType, Reservation};
use std::collections::BTreeSet;

fn instance(id: &str) -> Resource {
    resource("AWS::EC2::Instance", id, &format!("arn:aws:ec2:eu-west-1:{HERE}:instance/{id}"))
}

fn attached_to(ids: &[&str]) -> RelatedQuery {
    RelatedQuery::AttachedTo { instances: ids.iter().map(|id| (*id).to_owned()).collect() }
}

fn found(answer: Related) -> Vec<Resource> {
    match answer {
        Related::Found(resources) => resources,
        other @ Related::Unavailable => panic!("{other:?}"),
    }
}

/// Type and ARN of each.
fn named(resources: &[Resource]) -> BTreeSet<(String, String)> {
    resources.iter().map(|one| (one.resource_type.clone(), one.display())).collect()
}

async fn launched(aws: &Aws, count: i32) -> Vec<String> {
    let client = Client::new(&aws.direct);
    let images = client.describe_images().send().await.unwrap();
    let image = images.images()[0].image_id().unwrap();
    let run = client.run_instances().image_id(image).instance_type(InstanceType::T3Micro);
    let launched = run.min_count(count).max_count(count).send().await.unwrap();
    launched.instances().iter().map(|instance| instance.instance_id().unwrap().to_owned()).collect()
}

/// An answer about instances, in this state, each with one volume.
fn described(ids: &[&str], state: &str) -> Reply {
    let one = |id: &&str| {
        format!(
            "<item><instanceId>{id}</instanceId><instanceState><code>0</code><name>{state}</name></instanceState>\
             <blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeId>vol-of-{id}</volumeId></ebs></item>\
             </blockDeviceMapping></item>"
        )
    };
    let instances: String = ids.iter().map(one).collect();
    Reply::xml(
        200,
        format!(
            "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><reservationSet><item>\
             <instancesSet>{instances}</instancesSet></item></reservationSet></DescribeInstancesResponse>"
        ),
    )
}

#[tokio::test]
async fn volumes_and_interfaces_of_new_instances() {
    let aws = Aws::new().await;
    let ids = launched(&aws, 2).await;
    let client = Client::new(&aws.direct);
    let instances = client.describe_instances().set_instance_ids(Some(ids.clone())).send().await.unwrap();
    let mut want = BTreeSet::new();
    for instance in instances.reservations().iter().flat_map(Reservation::instances) {
        let volume = instance.block_device_mappings()[0].ebs().unwrap().volume_id().unwrap();
        let card = instance.network_interfaces()[0].network_interface_id().unwrap();
        let arn = |kind, id| format!("arn:aws:ec2:eu-west-1:{HERE}:{kind}/{id}");
        want.insert(("AWS::EC2::Volume".to_owned(), arn("volume", volume)));
        want.insert(("AWS::EC2::NetworkInterface".to_owned(), arn("network-interface", card)));
    }
    assert_eq!(want.len(), 4, "moto has made them: {instances:?}");
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let answer = aws.backend().find_related(&instance(ids[0]), &attached_to(&ids)).await.unwrap();
    let resources = found(answer);
    assert_eq!(named(&resources), want);
    for one in &resources {
        assert_eq!(one.account.as_ref().unwrap().as_str(), HERE);
        assert_eq!(one.region.as_ref().unwrap().as_str(), "eu-west-1");
        assert!(one.display().ends_with(&one.id), "{one:?}");
    }
    assert_eq!(aws.proxy.count("ec2", "DescribeInstances"), 1, "one call for all");
}

#[tokio::test]
async fn an_instance_that_is_still_being_made_is_asked_for_later() {
    let aws = Aws::new().await;
    aws.proxy
        .route("/", |call| (call.operation == "DescribeInstances").then(|| described(&["i-1"], "pending")));
    let answer = aws.backend().find_related(&instance("i-1"), &attached_to(&["i-1"])).await;
    assert_eq!(failure(&answer), (ErrorClass::WrongState, "StillBeingMade"));
}

#[tokio::test]
async fn an_instance_that_has_stopped_since_is_answered_for() {
    let aws = Aws::new().await;
    aws.proxy
        .route("/", |call| (call.operation == "DescribeInstances").then(|| described(&["i-1"], "stopped")));
    let answer = aws.backend().find_related(&instance("i-1"), &attached_to(&["i-1"])).await.unwrap();
    let volume = format!("arn:aws:ec2:eu-west-1:{HERE}:volume/vol-of-i-1");
    assert_eq!(named(&found(answer)), [("AWS::EC2::Volume".to_owned(), volume)].into());
}

/// An instance that was launched at 09:00:00, stopped, and started at this time. It has the volumes of these names and
/// times, and network interfaces of the same.
fn started(at: &str, attached: &[(&str, &str)]) -> Reply {
    let volume = |(id, time): &(&str, &str)| {
        format!(
            "<item><ebs><volumeId>vol-{id}</volumeId><attachTime>2026-03-02T{time}Z</attachTime></ebs></item>"
        )
    };
    let card = |(id, time): &(&str, &str)| {
        format!(
            "<item><networkInterfaceId>eni-{id}</networkInterfaceId><attachment>\
             <attachTime>2026-03-02T{time}Z</attachTime></attachment></item>"
        )
    };
    let volumes: String = attached.iter().map(volume).collect();
    let cards: String = attached.iter().map(card).collect();
    Reply::xml(
        200,
        format!(
            "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><reservationSet><item>\
             <instancesSet><item><instanceId>i-1</instanceId><instanceState><code>16</code><name>running</name>\
             </instanceState><launchTime>2026-03-02T{at}Z</launchTime><blockDeviceMapping>{volumes}</blockDeviceMapping>\
             <networkInterfaceSet>{cards}</networkInterfaceSet></item></instancesSet></item></reservationSet>\
             </DescribeInstancesResponse>"
        ),
    )
}

/// They belong to those who made them: to attach is not to create.
#[tokio::test]
async fn what_was_attached_after_the_launch_did_not_come_with_the_instance() {
    for at in ["09:00:00", "09:10:00"] {
        let aws = Aws::new().await;
        let attached =
            [("root", "09:00:01"), ("data", "09:00:03"), ("later", "09:00:40"), ("last", "09:09:00")];
        aws.proxy
            .route("/", move |call| (call.operation == "DescribeInstances").then(|| started(at, &attached)));
        let answer = aws.backend().find_related(&instance("i-1"), &attached_to(&["i-1"])).await.unwrap();
        let ids: Vec<String> = found(answer).into_iter().map(|one| one.id).collect();
        assert_eq!(ids, ["vol-root", "vol-data", "eni-root", "eni-data"], "launched at {at}");
    }
}

#[tokio::test]
async fn an_unknown_instance_is_not_found() {
    let aws = Aws::new().await;
    let id = "i-0123456789abcdef0";
    let answer = aws.backend().find_related(&instance(id), &attached_to(&[id])).await;
    assert_eq!(failure(&answer), (ErrorClass::NotFound, "InvalidInstanceID.NotFound"));
}

/// While a launch spreads, AWS may know some of its instances and say nothing of the others.
#[tokio::test]
async fn an_instance_that_the_answer_leaves_out_is_not_found() {
    let aws = Aws::new().await;
    aws.proxy
        .route("/", |call| (call.operation == "DescribeInstances").then(|| described(&["i-1"], "running")));
    let answer = aws.backend().find_related(&instance("i-1"), &attached_to(&["i-1", "i-2"])).await;
    assert_eq!(failure(&answer), (ErrorClass::NotFound, "InvalidInstanceID.NotFound"));
}

#[tokio::test]
async fn a_look_up_that_fails_is_no_answer() {
    let aws = Aws::new().await;
    aws.proxy.rule(|call| (call.service == "ec2").then_some(Fault::Unavailable));
    let answer = aws.backend().find_related(&instance("i-1"), &attached_to(&["i-1"])).await;
    assert_eq!(failure(&answer), (ErrorClass::Transport, "Unavailable"));
    assert_eq!(aws.proxy.count("ec2", "DescribeInstances"), 3, "the attempts of the configuration");
}

fn image(id: &str) -> Resource {
    resource("AWS::EC2::Image", id, &format!("arn:aws:ec2:eu-west-1::image/{id}"))
}

fn snapshots_of(id: &str) -> RelatedQuery {
    RelatedQuery::SnapshotsOf { image: id.to_owned() }
}

/// An answer about an image in this state, with these snapshots.
fn described_image(state: &str, snapshots: &[&str]) -> Reply {
    let one = |id: &&str| format!("<item><ebs><snapshotId>{id}</snapshotId></ebs></item>");
    let mappings: String = snapshots.iter().map(one).collect();
    Reply::xml(
        200,
        format!(
            "<DescribeImagesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><imagesSet><item>\
             <imageId>ami-1</imageId><imageState>{state}</imageState><blockDeviceMapping>{mappings}</blockDeviceMapping>\
             </item></imagesSet></DescribeImagesResponse>"
        ),
    )
}

#[tokio::test]
async fn snapshots_of_a_new_image() {
    let aws = Aws::new().await;
    let client = Client::new(&aws.direct);
    let from = launched(&aws, 1).await;
    let made = client.create_image().instance_id(&from[0]).name("an-image").send().await.unwrap();
    let id = made.image_id().unwrap();
    let described = client.describe_images().image_ids(id).send().await.unwrap();
    let snapshot = described.images()[0].block_device_mappings()[0].ebs().unwrap().snapshot_id().unwrap();
    let answer = aws.backend().find_related(&image(id), &snapshots_of(id)).await.unwrap();
    // ARNs of snapshots have no account.
    let arn = format!("arn:aws:ec2:eu-west-1::snapshot/{snapshot}");
    let resources = found(answer);
    assert_eq!(named(&resources), [("AWS::EC2::Snapshot".to_owned(), arn)].into());
    assert_eq!(resources[0].account.as_ref().unwrap().as_str(), HERE);
    assert_eq!(resources[0].id, snapshot);
}

#[tokio::test]
async fn an_image_that_is_still_being_made_is_asked_for_later() {
    let aws = Aws::new().await;
    aws.proxy
        .route("/", |call| (call.operation == "DescribeImages").then(|| described_image("pending", &[])));
    let answer = aws.backend().find_related(&image("ami-1"), &snapshots_of("ami-1")).await;
    assert_eq!(failure(&answer), (ErrorClass::WrongState, "StillBeingMade"));
}

/// The snapshots are known long before the image can be used.
#[tokio::test]
async fn snapshots_are_told_as_soon_as_they_are_known() {
    let aws = Aws::new().await;
    aws.proxy.route("/", |call| {
        (call.operation == "DescribeImages").then(|| described_image("pending", &["snap-1", "snap-2"]))
    });
    let answer = aws.backend().find_related(&image("ami-1"), &snapshots_of("ami-1")).await.unwrap();
    assert_eq!(found(answer).len(), 2);
}

#[tokio::test]
async fn an_image_without_snapshots_has_none() {
    let aws = Aws::new().await;
    aws.proxy
        .route("/", |call| (call.operation == "DescribeImages").then(|| described_image("available", &[])));
    let answer = aws.backend().find_related(&image("ami-1"), &snapshots_of("ami-1")).await.unwrap();
    assert_eq!(found(answer), []);
}

#[tokio::test]
async fn an_unknown_image_is_not_found() {
    let aws = Aws::new().await;
    let id = "ami-0123456789abcdef0";
    let answer = aws.backend().find_related(&image(id), &snapshots_of(id)).await;
    assert_eq!(failure(&answer).0, ErrorClass::NotFound);
}

/// The instances that a call of `DescribeInstances` names, all running.
fn describe_those_asked_for(call: &Call) -> Option<Reply> {
    let ids: Vec<String> =
        call.form().filter(|(key, _)| key.starts_with("InstanceId.")).map(|(_, id)| id).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    (call.operation == "DescribeInstances").then(|| described(&ids, "running"))
}

/// The volume of each instance, by the same number.
fn volumes(ids: &[&str]) -> Vec<BTreeSet<(String, String)>> {
    let arn = |id: &&str| format!("arn:aws:ec2:eu-west-1:{HERE}:volume/vol-of-{id}");
    ids.iter().map(|id| [("AWS::EC2::Volume".to_owned(), arn(id))].into()).collect()
}

#[tokio::test]
async fn questions_about_several_calls_are_one_request_of_each_kind() {
    let aws = Aws::new().await;
    aws.proxy.keep_bodies();
    aws.proxy.route("/", describe_those_asked_for);
    aws.proxy.route("/", |call| {
        (call.operation == "DescribeImages").then(|| described_image("available", &["snap-1"]))
    });
    let of_instance = |id: &str| (instance(id), attached_to(&[id]));
    let questions =
        [of_instance("i-1"), (image("ami-1"), snapshots_of("ami-1")), of_instance("i-2"), of_instance("i-1")];
    let mut answers: Vec<_> = aws.backend().find_all_related(&questions).await;
    let snapshots = found(answers.remove(1).unwrap());
    assert_eq!(snapshots.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["snap-1"]);
    let of_instances: Vec<_> = answers.into_iter().map(|answer| named(&found(answer.unwrap()))).collect();
    assert_eq!(of_instances, volumes(&["i-1", "i-2", "i-1"]), "in the order of the questions");
    assert_eq!(aws.proxy.count("ec2", "DescribeInstances"), 1);
    assert_eq!(aws.proxy.count("ec2", "DescribeImages"), 1);
}

#[tokio::test]
async fn an_instance_that_is_gone_keeps_no_answer_of_another() {
    let aws = Aws::new().await;
    aws.proxy.keep_bodies();
    aws.proxy.rule(|call| call.mentions("i-gone").then(|| Fault::NotFound(vec!["i-gone".to_owned()])));
    aws.proxy.route("/", describe_those_asked_for);
    let questions = ["i-1", "i-gone", "i-2"].map(|id| (instance(id), attached_to(&[id])));
    let mut answers: Vec<_> = aws.backend().find_all_related(&questions).await;
    let gone = answers.remove(1);
    assert_eq!(failure(&gone).0, ErrorClass::NotFound);
    let others: Vec<_> = answers.into_iter().map(|answer| named(&found(answer.unwrap()))).collect();
    assert_eq!(others, volumes(&["i-1", "i-2"]));
    assert_eq!(aws.proxy.count("ec2", "DescribeInstances"), 4, "together, then each alone");
}

/// If AWS does not answer, it is not asked again for each question.
#[tokio::test]
async fn an_outage_is_the_answer_to_all_questions() {
    let aws = Aws::new().await;
    aws.proxy.rule(|call| (call.service == "ec2").then_some(Fault::Unavailable));
    let questions = ["i-1", "i-2"].map(|id| (instance(id), attached_to(&[id])));
    for answer in aws.backend().find_all_related(&questions).await {
        assert_eq!(failure(&answer), (ErrorClass::Transport, "Unavailable"));
    }
    assert_eq!(aws.proxy.count("ec2", "DescribeInstances"), 3, "the attempts of the configuration");
}
