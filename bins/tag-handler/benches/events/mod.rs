//! Events, and the AWS that they are about: creations in EC2, each with ids of its own.

use autotag_testkit::{Call, Payload, Proxy, Reply};
use serde_json::{Value, json};
use std::time::Duration;

/// The account of the function.
const ACCOUNT: &str = "123456789012";

/// The resources that ten events create.
const MIX: [&str; 10] = [
    "CreateVolume",
    "RunInstances",
    "CreateSnapshot",
    "CreateSecurityGroup",
    "CreateVolume",
    "RunInstances",
    "CreateSnapshot",
    "CreateSecurityGroup",
    "CreateVolume",
    "CreateImage",
];

/// The creators: a user, and sessions of two roles.
pub(crate) const PRINCIPALS: usize = 3;

/// One event, and its expected result.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) record: Value,
    /// The ids of the resources that must be tagged.
    pub(crate) ids: Vec<String>,
    /// Of an image; no record names it, and the reference does not look for it.
    pub(crate) snapshot: Option<String>,
    /// With which principal.
    pub(crate) principal_id: String,
}

/// Events without end, no two about the same resource.
#[derive(Debug, Default)]
pub(crate) struct Events {
    made: usize,
}

impl Events {
    /// So many more, by this many principals in turn, all in one region.
    pub(crate) fn more(&mut self, count: usize, principals: usize) -> Vec<Event> {
        let from = self.made;
        self.made += count;
        (from..self.made).map(|number| event(number, &identity(number % principals))).collect()
    }
}

fn event(number: usize, identity: &Value) -> Event {
    let id = |kind: &str| format!("{kind}-0{number:016x}");
    let (name, of) = MIX.iter().enumerate().nth(number % MIX.len()).map_or(("", 0), |(of, name)| (*name, of));
    // An answer that names an earlier time proves an older resource.
    let launched = 1_772_442_000_000_u64 + ((number / MIX.len() % 60) * 60 + of) as u64 * 1_000;
    let (request, response, ids) = match name {
        "RunInstances" => {
            let ids = [id("i"), attached("vol", &id("i")), attached("eni", &id("i"))];
            (run_request(), run_response(&ids, launched), ids.to_vec())
        }
        "CreateSnapshot" => (
            json!({"volumeId": "vol-0f00000000000000f", "description": "before the upgrade"}),
            json!({"snapshotId": id("snap"), "volumeId": "vol-0f00000000000000f", "status": "pending",
                "startTime": 1_772_440_274_000_u64, "ownerId": ACCOUNT, "volumeSize": "20", "encrypted": true,
                "description": "before the upgrade", "storageTier": "standard", "progress": ""}),
            vec![id("snap")],
        ),
        "CreateImage" => (
            json!({"instanceId": "i-0f00000000000000f", "name": format!("web-{number}"), "noReboot": true}),
            json!({"imageId": id("ami")}),
            vec![id("ami")],
        ),
        "CreateSecurityGroup" => (
            json!({"groupName": format!("web-{number}"), "groupDescription": "web", "vpcId": "vpc-0a1b2c3d4e5f60718"}),
            json!({"_return": true, "groupId": id("sg")}),
            vec![id("sg")],
        ),
        _ => (
            json!({"size": "20", "zone": "eu-west-1a", "volumeType": "gp3", "encrypted": true}),
            json!({"volumeId": id("vol"), "size": "20", "zone": "eu-west-1a", "status": "creating", "tagSet": {},
                "createTime": 1_772_440_267_000_u64, "volumeType": "gp3", "iops": 3000, "throughput": 125,
                "encrypted": true, "multiAttachEnabled": false}),
            vec![id("vol")],
        ),
    };
    let principal_id = identity["principalId"].as_str().unwrap_or_default().to_owned();
    let record = json!({
        "eventVersion": "1.11", "userIdentity": identity, "eventSource": "ec2.amazonaws.com", "eventName": name,
        "eventTime": format!("2026-03-02T09:{:02}:0{of}Z", number / MIX.len() % 60), "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.20", "userAgent": "aws-cli/2.31.1 md/awscrt#0.27.6 ua/2.1 os/linux#6.12",
        "requestParameters": request, "responseElements": response,
        "requestID": format!("10000000-0000-4000-8000-{number:012x}"),
        "eventID": format!("20000000-0000-4000-8000-{number:012x}"),
        "readOnly": false, "eventType": "AwsApiCall", "managementEvent": true, "eventCategory": "Management",
        "recipientAccountId": ACCOUNT,
        "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": "ec2.eu-west-1.amazonaws.com"},
    });
    let snapshot = (name == "CreateImage").then(|| attached("snap", &id("ami")));
    Event { record, ids, snapshot, principal_id }
}

fn identity(number: usize) -> Value {
    let role = match number {
        0 => {
            return json!({"type": "IAMUser", "principalId": "AIDAEXAMPLEMARA000001", "userName": "mara",
                "arn": format!("arn:aws:iam::{ACCOUNT}:user/mara"), "accountId": ACCOUNT,
                "accessKeyId": "AKIAEXAMPLEMARA00001"});
        }
        1 => "deploy",
        _ => "operations",
    };
    let id = format!("AROAEXAMPLE{}", role.to_uppercase());
    json!({
        "type": "AssumedRole", "principalId": format!("{id}:jonas"), "accountId": ACCOUNT,
        "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/jonas"), "accessKeyId": "ASIAEXAMPLEJONAS0001",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "principalId": id, "userName": role, "accountId": ACCOUNT,
                "arn": format!("arn:aws:iam::{ACCOUNT}:role/{role}")},
            "attributes": {"creationDate": "2026-03-02T08:20:05Z", "mfaAuthenticated": "false"}
        }
    })
}

fn run_request() -> Value {
    json!({
        "instancesSet": {"items": [{"imageId": "ami-0a1b2c3d4e5f60718", "minCount": 1, "maxCount": 1}]},
        "instanceType": "t3.micro", "userData": "<sensitiveDataRemoved>", "monitoring": {"enabled": false},
        "disableApiTermination": false, "clientToken": "d4d72abd-e61c-4715-a757-417fc34119b7",
        "tagSpecificationSet": {"items": [{"resourceType": "instance", "tags": [{"key": "Name", "value": "web"}]}]}
    })
}

fn run_response([instance, _, interface]: &[String; 3], launched: u64) -> Value {
    let groups = json!({"items": [{"groupId": "sg-03b8f93df588468a0", "groupName": "web"}]});
    let interface = json!({
        "networkInterfaceId": interface, "subnetId": "subnet-0e13660d1ca3cf7cc", "vpcId": "vpc-0a1b2c3d4e5f60718",
        "ownerId": ACCOUNT, "status": "in-use", "macAddress": "02:00:5e:d6:39:ad", "groupSet": groups,
        "privateIpAddress": "10.0.214.57", "interfaceType": "interface", "tagSet": {},
        "attachment": {"attachmentId": "eni-attach-0eafd27bab7f2b369", "deviceIndex": 0, "status": "attaching",
            "deleteOnTermination": true}
    });
    let instance = json!({
        "instanceId": instance, "imageId": "ami-0a1b2c3d4e5f60718", "instanceType": "t3.micro", "productCodes": {},
        "instanceState": {"code": 0, "name": "pending"}, "amiLaunchIndex": 0, "monitoring": {"state": "disabled"},
        "privateDnsName": "ip-10-0-214-57.eu-west-1.compute.internal", "launchTime": launched,
        "placement": {"availabilityZone": "eu-west-1a", "tenancy": "default"}, "subnetId": "subnet-0e13660d1ca3cf7cc",
        "vpcId": "vpc-0a1b2c3d4e5f60718", "privateIpAddress": "10.0.214.57", "architecture": "x86_64",
        "stateReason": {"code": "pending", "message": "pending"}, "rootDeviceName": "/dev/xvda",
        "rootDeviceType": "ebs", "blockDeviceMapping": {}, "virtualizationType": "hvm", "hypervisor": "xen",
        "tagSet": {"items": [{"key": "Name", "value": "web"}]}, "groupSet": groups, "ebsOptimized": false,
        "networkInterfaceSet": {"items": [interface]},
        "metadataOptions": {"state": "pending", "httpTokens": "required"}
    });
    json!({"reservationId": "r-0b9f7c1847c9f6a4e", "ownerId": ACCOUNT, "groupSet": {},
        "instancesSet": {"items": [instance]}})
}

/// As `EventBridge` brings it.
pub(crate) fn delivered(event: &Event) -> Value {
    let record = &event.record;
    json!({"version": "0", "id": record["eventID"], "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.ec2", "account": ACCOUNT, "time": record["eventTime"], "region": "eu-west-1",
        "resources": [], "detail": record})
}

/// As a queue brings them: each a message of its own.
pub(crate) fn batch(events: &[Event]) -> Payload {
    let message = |event: &Event| {
        json!({"messageId": event.record["eventID"], "receiptHandle": "r", "body": delivered(event).to_string(),
            "attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {}, "eventSource": "aws:sqs",
            "awsRegion": "eu-west-1", "eventSourceARN": format!("arn:aws:sqs:eu-west-1:{ACCOUNT}:tag")})
    };
    json!({"Records": events.iter().map(message).collect::<Vec<_>>()}).into()
}

/// An AWS that takes `delay` for each call. An instance in it has a volume and a network interface, an image a snapshot.
pub(crate) fn aws(delay: Duration) -> std::io::Result<Proxy> {
    let stub = Proxy::stub(delay)?;
    stub.keep_bodies();
    stub.route("/", described);
    Ok(stub)
}

fn attached(kind: &str, to: &str) -> String {
    let (_, number) = to.split_once("-0").unwrap_or_default();
    format!("{kind}-a{number}")
}

fn described(call: &Call) -> Option<Reply> {
    let each = |name: &str, of: fn(&str) -> String| -> String {
        call.form().filter(|(key, _)| key.starts_with(name)).map(|(_, id)| of(&id)).collect()
    };
    let name = call.operation.as_str();
    let found = match name {
        "DescribeInstances" => format!(
            "<reservationSet><item><reservationId>r-1</reservationId><instancesSet>{}</instancesSet></item>\
             </reservationSet>",
            each("InstanceId.", instance)
        ),
        "DescribeImages" => format!("<imagesSet>{}</imagesSet>", each("ImageId.", image)),
        _ => return None,
    };
    Some(Reply::xml(200, format!("<{name}Response>{found}</{name}Response>")))
}

fn instance(id: &str) -> String {
    let [volume, interface] = ["vol", "eni"].map(|kind| attached(kind, id));
    format!(
        "<item><instanceId>{id}</instanceId><instanceState><code>16</code><name>running</name></instanceState>\
         <blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeId>{volume}</volumeId></ebs></item>\
         </blockDeviceMapping><networkInterfaceSet><item><networkInterfaceId>{interface}</networkInterfaceId></item>\
         </networkInterfaceSet></item>"
    )
}

fn image(id: &str) -> String {
    let snapshot = attached("snap", id);
    format!(
        "<item><imageId>{id}</imageId><imageState>available</imageState><blockDeviceMapping><item>\
         <deviceName>/dev/xvda</deviceName><ebs><snapshotId>{snapshot}</snapshotId></ebs></item></blockDeviceMapping></item>"
    )
}
