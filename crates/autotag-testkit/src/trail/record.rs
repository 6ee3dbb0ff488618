//! Writes one record as CloudTrail does: members in its order, without blanks.

use super::ids::{Numbers, mix, push_hex, push_number, push_uuid};
use super::people::{Origin, Session, User, federated, push};
use super::template::{Part, Slot, Template};
use jiff::Timestamp;

/// The place and time of a call, and the number of its record in the trail.
#[derive(Debug, Clone)]
pub(super) struct Call<'a> {
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    /// In milliseconds since 1970.
    pub(super) time: i64,
    /// Different for each record of all trails of a seed.
    pub(super) unique: u64,
    /// The position in the trail.
    pub(super) number: u64,
    /// Fails with `AccessDenied`.
    pub(super) fails: bool,
}

/// The caller.
#[derive(Debug)]
pub(super) enum Caller {
    User(User),
    Session(Session),
    /// A service of AWS by itself.
    Service(&'static str),
}

impl Caller {
    fn identity(&self, account: &str, out: &mut String) {
        match self {
            Self::User(user) => user.identity(account, out),
            Self::Session(session) => session.identity(account, out),
            Self::Service(service) => push_service(service, out),
        }
    }
}

/// A time in CloudTrail's format.
pub(super) fn time(milliseconds: i64) -> String {
    let seconds = Timestamp::from_second(milliseconds.div_euclid(1000));
    seconds.map(|time| time.to_string()).unwrap_or_default()
}

const AGENTS: [&str; 16] = [
    "aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.23.6 md/GOOS#linux md/GOARCH#arm64 api/ec2#1.203.0 m/E",
    "Boto3/1.36.11 md/Botocore#1.36.11 ua/2.0 os/linux#6.1.128 md/arch#x86_64 lang/python#3.13.2 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.36.11",
    "APN/1.0 HashiCorp/1.0 Terraform/1.11.0 (+https://www.terraform.io) terraform-provider-aws/5.89.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.23.6 md/GOOS#linux md/GOARCH#amd64",
    "aws-sdk-rust/1.3 os/linux lang/rust",
    "aws-cli/2.24.10 md/awscrt#0.23.8 ua/2.0 os/macos#24.3.0 md/arch#arm64 lang/python#3.12.9 md/pyimpl#CPython cfg/retry-mode#standard md/installer#source md/prompt#off md/command#ec2.describe-instances",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36",
    "amazon-ssm-agent/3.3.1611.0",
    "aws-sdk-java/2.30.18 md/io#async md/http#NettyNio ua/2.1 os/Linux#5.10.234 lang/java#21.0.6 md/OpenJDK_64-Bit_Server_VM#21.0.6+7-LTS md/vendor#Amazon.com_Inc. md/en_US",
    "AWS Internal",
    "autoscaling.amazonaws.com",
    "aws-sdk-go/1.55.6 (go1.23.6; linux; amd64)",
    "aws-internal/3 aws-sdk-java/1.12.780 Linux/5.10.234",
    "Boto3/1.36.11 Python/3.13.2 Linux/6.1.128",
    "config.amazonaws.com",
    "aws-sdk-nodejs/2.1692.0 linux/v22.14.0 promise",
    "S3Console/0.4",
];

/// Appends the record of a call by a template.
pub(super) fn push_call(call: &Call<'_>, caller: &Caller, template: &Template, out: &mut String) {
    let mut numbers = Numbers::new(call.unique, &[1]);
    out.push_str(r#"{"eventVersion":"1.11","userIdentity":"#);
    caller.identity(call.account, out);
    push_head(call, &mut numbers, template.service, template.event, out);
    if call.fails {
        let event = [template.service, ":", template.event].concat();
        push(
            out,
            &[r#","errorCode":"AccessDenied","errorMessage":"not authorized to perform: "#, &event, r#"""#],
        );
    }
    out.push_str(r#","requestParameters":"#);
    push_parts(call, &template.request, out);
    out.push_str(r#","responseElements":"#);
    if call.fails {
        out.push_str("null");
    } else {
        push_parts(call, &template.response, out);
    }
    push_tail(call, &mut numbers, template.service, template.read_only, out);
}

/// Appends the STS record that begins `session`. `caller` is the caller: `None` for an identity provider.
pub(super) fn push_session(call: &Call<'_>, caller: &Caller, session: &Session, out: &mut String) {
    let mut numbers = Numbers::new(call.unique, &[2]);
    let account = call.account;
    out.push_str(r#"{"eventVersion":"1.11","userIdentity":"#);
    match session.origin {
        Origin::Service(service) => push_service(service, out),
        Origin::WebIdentity | Origin::Saml => federated(session.origin, &session.name, account, out),
        Origin::User | Origin::Session => caller.identity(account, out),
    }
    push_head(call, &mut numbers, "sts", session.origin.call(), out);
    push(out, &[r#","requestParameters":{"roleArn":"arn:aws:iam::"#, account, ":role/", session.role]);
    push(out, &[r#"","roleSessionName":""#, &session.name, r#"","durationSeconds":43200"#]);
    if session.origin == Origin::Saml {
        push(out, &[r#","principalArn":"arn:aws:iam::"#, account, r#":saml-provider/ExampleIdP""#]);
    }
    out.push_str(r#"},"responseElements":{"credentials":{"accessKeyId":""#);
    session.key(out);
    out.push_str(r#"","sessionToken":"CANARY-session-token-must-never-be-printed-"#);
    for _ in 0..20 {
        push_hex(numbers.any(), 16, out);
    }
    out.push_str(r#"","expiration":"Mar 3, 2026, 1:01:00 PM"},"assumedRoleUser":{"assumedRoleId":""#);
    session.role_id(account, out);
    push(
        out,
        &[":", &session.name, r#"","arn":"arn:aws:sts::"#, account, ":assumed-role/", session.role, "/"],
    );
    push(out, &[&session.name, r#""}"#]);
    match session.origin {
        Origin::WebIdentity => push(
            out,
            &[
                r#","subjectFromWebIdentityToken":"repo:example/shop:ref:refs/heads/main","provider":"arn:aws:iam::"#,
                account,
                r#":oidc-provider/token.actions.githubusercontent.com","audience":"sts.amazonaws.com"}"#,
            ],
        ),
        Origin::Saml => push(
            out,
            &[
                r#","subject":""#,
                &session.name,
                r#"","subjectType":"persistent","issuer":"https://idp.example.org/saml","audience":"https://signin.aws.amazon.com/saml","nameQualifier":"hEXAMPLEnQualifier2="}"#,
            ],
        ),
        _ => out.push('}'),
    }
    push_tail(call, &mut numbers, "sts", true, out);
}

fn push_service(service: &str, out: &mut String) {
    push(out, &[r#"{"type":"AWSService","invokedBy":""#, service, r#""}"#]);
}

fn push_head(call: &Call<'_>, numbers: &mut Numbers, service: &str, event: &str, out: &mut String) {
    push(
        out,
        &[
            r#","eventTime":""#,
            &time(call.time),
            r#"","eventSource":""#,
            service,
            r#".amazonaws.com","eventName":""#,
        ],
    );
    push(out, &[event, r#"","awsRegion":""#, call.region, r#"","sourceIPAddress":"192.0.2."#]);
    out.push_str(&numbers.below(256).to_string());
    push(out, &[r#"","userAgent":""#, numbers.pick(&AGENTS).copied().unwrap_or_default(), r#"""#]);
}

fn push_tail(call: &Call<'_>, numbers: &mut Numbers, service: &str, read_only: bool, out: &mut String) {
    out.push_str(r#","requestID":""#);
    push_uuid(numbers.any(), numbers.any(), out);
    out.push_str(r#"","eventID":""#);
    push_uuid(numbers.any(), call.unique, out);
    push(out, &[r#"","readOnly":"#, if read_only { "true" } else { "false" }]);
    out.push_str(r#","eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":""#);
    push(out, &[call.account, r#"","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3","#]);
    push(out, &[r#""cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":""#, service, "."]);
    push(out, &[call.region, r#".amazonaws.com"}}"#]);
}

fn push_parts(call: &Call<'_>, parts: &[Part], out: &mut String) {
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Slot(slot) => push_slot(call, *slot, out),
        }
    }
}

fn push_slot(call: &Call<'_>, slot: Slot, out: &mut String) {
    match slot {
        Slot::Account => out.push_str(call.account),
        Slot::Region => out.push_str(call.region),
        Slot::Digits => push_number(10 + call.unique % 90, 2, out),
        Slot::Milliseconds => out.push_str(&call.time.to_string()),
        Slot::Name => push_number(call.number, 9, out),
        Slot::Time => out.push_str(&time(call.time)),
        Slot::Uuid => push_uuid(mix(call.unique ^ 1), mix(call.unique ^ 2), out),
        Slot::Id => {
            out.push('0');
            push_hex(call.unique, 16, out);
        }
        // Reads name the same resources again and again.
        Slot::OtherId => {
            out.push('0');
            push_hex(mix(call.unique % 4096), 16, out);
        }
    }
}
