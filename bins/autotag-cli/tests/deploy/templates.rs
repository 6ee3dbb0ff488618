//! The templates pass all rules of cfn-lint, and further checks that it lacks.

use crate::{FOLDER, generated, installed, resources};
use autotag_testkit::Tools;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const TEMPLATES: [&str; 5] = ["hub.yaml", "org.yaml", "region.yaml", "session.yaml", "single.yaml"];

/// A folder with templates that a test may change.
fn copied() -> TempDir {
    let folder = TempDir::new().unwrap();
    for template in TEMPLATES {
        fs::copy(generated().join(template), folder.path().join(template)).unwrap();
    }
    folder
}

/// The output of cfn-lint for templates of a folder.
fn lint(folder: &Path, options: &[&str], templates: &[&str]) -> String {
    let mut lint = Command::new(installed(Tools::start(FOLDER)).cfn_lint());
    let output = lint.args(options).args(templates.iter().map(|name| folder.join(name))).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.success(), said.trim().is_empty(), "{said}");
    said
}

#[test]
fn cfn_lint_accepts_the_templates() {
    let said = lint(&generated(), &[], &TEMPLATES);
    assert!(said.trim().is_empty(), "{said}");
}

#[test]
fn cfn_lint_finds_breakages() {
    // The template, the change, and the rule that must report it.
    let breakages = [
        ("hub.yaml", "BatchSize: 10", "BatchSize: 10001", "E3034"),
        ("hub.yaml", "[ReportBatchItemFailures]", "[ReportFailures]", "E3030"),
        ("hub.yaml", "dynamodb:Query", "dynamodb:Querry", "W3037"),
        ("session.yaml", "dynamodb:PutItem", "dynamodb:PutEntry", "W3037"),
        ("session.yaml", "!GetAtt SessionQueue.Arn", "!GetAtt SessionQueues.Arn", "E1010"),
        ("org.yaml", "PermissionModel: SERVICE_MANAGED", "PermissionModel: SERVICE", "E3030"),
        ("single.yaml", "S3BucketName: !Ref TrailLogs", "S3BucketName: !Ref TrailLog", "E1020"),
        ("region.yaml", "MaximumRetryAttempts: 185", "MaximumRetryAttempts: 1850", "E3034"),
        ("region.yaml", "State: ENABLED\n", "State: ON\n", "E3030"),
    ];
    // All at once: to start cfn-lint takes longer than to check a template.
    let folder = copied();
    for (template, from, to, _) in breakages {
        let path = folder.path().join(template);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{template}: {from}");
        fs::write(&path, text.replace(from, to)).unwrap();
    }
    let said = lint(folder.path(), &["--format", "parseable"], &TEMPLATES);
    for (template, _, to, rule) in breakages {
        let is_told =
            |line: &str| line.contains(&format!("/{template}:")) && line.contains(&format!(":{rule}:"));
        assert!(said.lines().any(is_told), "{template}, `{to}`: {rule} is not in\n{said}");
    }
}

/// Faults of a template that cfn-lint does not find.
fn faults(resources: &serde_json::Map<String, Value>) -> Vec<String> {
    let mut faults = Vec::new();
    for (id, resource) in resources {
        let properties = &resource["Properties"];
        let mut demand = |holds: bool, what: &str| {
            if !holds {
                faults.push(format!("{id}: {what}"));
            }
        };
        match resource["Type"].as_str().unwrap() {
            "AWS::Events::Rule" => {
                for target in properties["Targets"].as_array().unwrap() {
                    demand(
                        target["DeadLetterConfig"]["Arn"].is_object(),
                        "a target without a dead-letter queue",
                    );
                    demand(
                        target["RetryPolicy"]["MaximumRetryAttempts"] == 185,
                        "a target that is given up early",
                    );
                    let of_queue = target["Id"].as_str().is_some_and(|id| id.ends_with("-queue"));
                    demand(
                        !of_queue || target["SqsParameters"]["MessageGroupId"] == "$.account",
                        "a target that lets one account hold up the others",
                    );
                }
                let tagged = properties["Tags"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|tag| tag["Key"] == "autotag-catalogue");
                demand(tagged, "does not say of which catalogue it is");
            }
            "AWS::SQS::Queue" => {
                let dead = id.ends_with("DeadLetters");
                demand(!properties["SqsManagedSseEnabled"].is_null(), "is not encrypted");
                demand(
                    !dead || properties["MessageRetentionPeriod"] == 1_209_600,
                    "does not keep for 14 days",
                );
                // cfn-lint compares it with the function's timeout too, but does not look behind an alias.
                demand(
                    dead || properties["VisibilityTimeout"] == 360,
                    "is not visible again after six timeouts",
                );
                demand(
                    dead || properties["RedrivePolicy"]["maxReceiveCount"] == 5,
                    "tries for another time than is documented",
                );
            }
            "AWS::Lambda::Function" => {
                demand(properties["Timeout"] == 60, "runs for another time than is documented");
            }
            "AWS::Lambda::EventSourceMapping" => {
                demand(
                    properties["FunctionResponseTypes"] == serde_json::json!(["ReportBatchItemFailures"]),
                    "loses what is not done",
                );
                demand(
                    properties["FunctionName"]["Fn::Ref"].as_str().is_some_and(|name| name.ends_with("Live")),
                    "is not on the alias",
                );
                demand(properties["ScalingConfig"].is_object(), "has no bound");
            }
            "AWS::DynamoDB::Table" => {
                // A ledger is never deleted. A table that a failed deployment leaves behind would stop the next
                // one.
                let is_ledger = id == "LedgerTable";
                let kept = if is_ledger { "RetainExceptOnCreate" } else { "Retain" };
                let ttl = &properties["TimeToLiveSpecification"];
                let forgets = ttl["AttributeName"] == "expires_at" && ttl["Enabled"] == true;
                demand(forgets || is_ledger, "never forgets");
                demand(
                    properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] == true,
                    "has no backup",
                );
                demand(properties["SSESpecification"]["SSEEnabled"] == true, "is not encrypted");
                demand(
                    properties["DeletionProtectionEnabled"] == true && resource["DeletionPolicy"] == kept,
                    "may be deleted",
                );
                demand(properties["BillingMode"] == "PAY_PER_REQUEST", "has to be sized");
            }
            "AWS::Logs::LogGroup" => demand(properties["RetentionInDays"].is_object(), "keeps for ever"),
            "AWS::Lambda::Version" => {
                demand(resource["UpdateReplacePolicy"] == "Retain", "cannot be rolled back to");
            }
            _ => {}
        }
    }
    faults
}

#[test]
fn events_are_not_lost_and_data_is_encrypted_and_expires() {
    let folder = copied();
    for template in TEMPLATES {
        let found = faults(&resources(&folder.path().join(template)));
        assert!(found.is_empty(), "{template}: {found:?}");
    }
    for (template, from, to, what) in [
        (
            "region.yaml",
            "DeadLetterConfig: {Arn: !GetAtt ForwardDeadLetters.Arn}\n",
            "\n",
            "without a dead-letter queue",
        ),
        (
            "hub.yaml",
            "FunctionName: !Ref TagHandlerLive",
            "FunctionName: !Ref TagHandler",
            "not on the alias",
        ),
        ("hub.yaml", "VisibilityTimeout: 360", "VisibilityTimeout: 60", "six timeouts"),
        ("hub.yaml", "AttributeName: expires_at", "AttributeName: expires", "never forgets"),
        ("region.yaml", "SqsManagedSseEnabled: true\n", "\n", "is not encrypted"),
        (
            "session.yaml",
            "SqsParameters: {MessageGroupId: $.account}",
            "InputPath: $",
            "lets one account hold up the others",
        ),
    ] {
        let path = folder.path().join(template);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace(from, to)).unwrap();
        let found = faults(&resources(&path));
        assert!(found.iter().any(|fault| fault.contains(what)), "{what}: {found:?}");
        fs::write(&path, text).unwrap();
    }
}

/// The dashboard with the first widget of this type, which depends on a topic.
fn dashboard(body: &Value, first: &str) -> Value {
    let choice = &body[1]["First"]["Fn::If"];
    let [with_topic, without] = [&choice[1]["Fn::Sub"][0], &choice[2]];
    let widget = [with_topic, without]
        .into_iter()
        .filter_map(Value::as_str)
        .find(|text| text.contains(first))
        .unwrap();
    serde_json::from_str(&body[0].as_str().unwrap().replace("${First}", widget)).unwrap()
}

/// The names of autotag's metrics in alarms and on the dashboard.
fn counted(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let resources = resources(&folder.join("hub.yaml"));
    for resource in resources.values().filter(|resource| resource["Type"] == "AWS::CloudWatch::Alarm") {
        let properties = &resource["Properties"];
        let stats = properties["Metrics"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|metric| &metric["MetricStat"]["Metric"]);
        let ours = stats.chain([properties]).filter(|metric| metric["Namespace"] == "autotag");
        names.extend(ours.map(|metric| metric["MetricName"].as_str().unwrap().to_owned()));
    }
    let dashboard = dashboard(&resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"], "alarm");
    for widget in dashboard["widgets"].as_array().unwrap() {
        let Some(metrics) = widget["properties"]["metrics"].as_array() else { continue };
        if metrics.iter().any(|metric| metric[0] == "autotag") {
            // `.` repeats the namespace of the previous metric.
            let ours = metrics.iter().filter(|metric| metric[0] == "autotag" || metric[0] == ".");
            names.extend(ours.map(|metric| metric[1].as_str().unwrap().to_owned()));
        }
    }
    names
}

#[test]
fn alarms_and_dashboard_use_metrics_of_the_functions() {
    let bins = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let sources = ["tag-handler/src/metrics.rs", "tag-handler/src/work.rs", "session-handler/src/work.rs"];
    let code: String = sources.iter().map(|path| fs::read_to_string(bins.join(path)).unwrap()).collect();
    let counted = counted(&generated());
    assert!(
        counted.contains("AlreadyTagged") && counted.contains("EventToTag") && counted.contains("Kept"),
        "{counted:?}"
    );
    let unknown: Vec<&String> =
        counted.iter().filter(|name| !code.contains(&format!("(\"{name}\", "))).collect();
    assert!(unknown.is_empty(), "no function writes {unknown:?}");
    assert!(!code.contains("(\"TaggedAlready\", "));
}

/// Widgets do not overlap, and with or without a topic the first row is filled.
#[test]
fn the_dashboard_is_valid_with_and_without_alarms() {
    let resources = resources(&generated().join("hub.yaml"));
    let body = &resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"];
    let alarms: BTreeSet<String> =
        alarms().into_iter().map(|(name, _)| name.replace("autotag-", "${Alarm}")).collect();
    for first in ["alarm", "text"] {
        let dashboard = dashboard(body, &format!("\"type\": \"{first}\""));
        let widgets = dashboard["widgets"].as_array().unwrap();
        assert_eq!(widgets[0]["type"], first);
        let mut taken = BTreeSet::new();
        for widget in widgets {
            let [x, y, width, height] =
                ["x", "y", "width", "height"].map(|key| widget[key].as_u64().unwrap());
            for place in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
                assert!(place.0 < 24 && taken.insert(place), "{widget} overlaps");
            }
        }
        for alarm in widgets[0]["properties"]["alarms"].as_array().into_iter().flatten() {
            assert!(alarms.contains(alarm.as_str().unwrap()), "there is no alarm {alarm}");
        }
    }
}

/// Names and properties of all alarms.
fn alarms() -> Vec<(String, Value)> {
    let folder = generated();
    let of = |template: &&str| resources(&folder.join(template)).into_values().collect::<Vec<Value>>();
    let all = TEMPLATES.iter().flat_map(of);
    let alarms = all.filter(|resource| resource["Type"] == "AWS::CloudWatch::Alarm");
    alarms
        .map(|alarm| {
            let name = alarm["Properties"]["AlarmName"]["Fn::Sub"].as_str().unwrap();
            (name.replace("${Name}", "autotag"), alarm.clone())
        })
        .collect()
}

/// An alarm costs money, so there is none that cannot tell anybody.
#[test]
fn there_are_no_alarms_without_a_topic() {
    let folder = generated();
    for template in TEMPLATES {
        let text = fs::read_to_string(folder.join(template)).unwrap();
        for resource in resources(&folder.join(template)).values() {
            if resource["Type"] != "AWS::CloudWatch::Alarm" {
                continue;
            }
            let condition = resource["Condition"].as_str().unwrap();
            let of_topic = condition == "HasTopic"
                || text.contains(&format!("  {condition}: !And [!Condition HasTopic, "))
                || text.contains(&format!(
                    "  {condition}: !And [!Condition TakesOwnRegion, !Condition HasTopic]"
                ));
            assert!(of_topic, "{template}: {}", resource["Properties"]["AlarmName"]);
            let topic = serde_json::json!([{"Fn::Ref": "AlarmTopicArn"}]);
            assert_eq!(resource["Properties"]["AlarmActions"], topic, "{template}");
        }
    }
}

/// Missing data is the alarm where nothing arrives: metrics of a queue end if no program sends, and those of a rule
/// end with the rule.
#[test]
fn silence_raises_an_alarm_and_nothing_else_does() {
    let silent: BTreeSet<String> = alarms()
        .into_iter()
        .filter(|(_, alarm)| alarm["Properties"]["TreatMissingData"] == "breaching")
        .map(|(name, alarm)| {
            assert_eq!(alarm["Properties"]["ComparisonOperator"], "LessThanThreshold", "{name}");
            name
        })
        .collect();
    let expected =
        ["autotag-nothing-arrives", "autotag-session-nothing-arrives", "autotag-nothing-forwarded"]
            .map(str::to_owned);
    assert_eq!(silent, BTreeSet::from(expected));
}

/// The documentation says what to do when an alarm fires.
#[test]
fn every_alarm_is_documented() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    let page = fs::read_to_string(page).unwrap();
    let alarms = alarms();
    // Those of the composed templates are called as those of the parts.
    let names: BTreeSet<&String> = alarms.iter().map(|(name, _)| name).collect();
    for name in &names {
        assert!(
            page.contains(&format!("| `{name}`")),
            "docs/operations.md does not say what to do when {name} fires"
        );
    }
    assert_eq!(names.len(), 24);
}
