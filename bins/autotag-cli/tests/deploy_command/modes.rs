//! The effect of each mode on the stacks, the bucket and the tables.

use crate::common::{stderr, stdout};
use crate::estate::{Estate, HUB, REGIONS, emulator, results};
use autotag_testkit::Fault;
use std::fs;

const THREE: [&str; 3] = ["eu-west-1", "eu-central-1", "us-east-1"];

#[test]
fn one_command_deploys_all_regions_and_a_second_one_has_nothing_to_do() {
    let emulator = emulator();
    let estate = Estate::new(&emulator, "autotag-one");
    let output = estate.deployed(&[]);
    assert_eq!(
        results(&output),
        [
            "autotag-one eu-west-1 created",
            "autotag-one-region eu-central-1 created",
            "autotag-one-region us-east-1 created"
        ],
        "{}",
        stderr(&output)
    );
    let release = estate.hub("Release");
    assert_eq!(estate.hub("TagHandlerKey"), format!("{release}/tag-handler.zip"));
    let region = estate.formation.stack("us-east-1", "autotag-one-region").unwrap();
    assert_eq!(
        region.parameters["HubBusArn"],
        "arn:aws:events:eu-west-1:123456789012:event-bus/of-the-stack"
    );
    let mut keys = ["region.yaml", "release.json", "session-handler.zip", "single.yaml", "tag-handler.zip"]
        .map(|file| format!("{release}/{file}"));
    keys.sort();
    assert_eq!(estate.keys(), keys);
    let bucket = estate.buckets().concat();
    for (query, text) in [
        ("publicAccessBlock", "<RestrictPublicBuckets>true</RestrictPublicBuckets>"),
        ("encryption", "AES256"),
        ("versioning", "Enabled"),
        ("tagging", "autotag:deployment"),
    ] {
        let answer = estate.s3(&format!("/{bucket}?{query}"));
        assert!(answer.contains(text), "{query}: {answer}");
    }
    let (before, calls) = (estate.end_state(), estate.proxy.count("cloudformation", "CreateChangeSet"));
    let again = estate.deploy(&["--yes"]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert!(results(&again).iter().all(|line| line.ends_with("unchanged")), "{:?}", results(&again));
    assert_eq!(results(&again).len(), 3, "regions with stacks are found again");
    assert_eq!(estate.end_state(), before);
    assert_eq!(estate.proxy.count("cloudformation", "CreateChangeSet"), calls, "no change set is made");
}

/// The files of `cargo xtask dist`: their names end in the processor that the function then runs on.
#[test]
fn the_folder_of_a_release_is_deployed_for_its_processor() {
    let emulator = emulator();
    let estate = Estate::new(&emulator, "autotag-dist");
    let template = fs::read_to_string(estate.folder.path().join("templates/single.yaml")).unwrap();
    let parameter = "  Architecture:\n    Type: String\n    Default: arm64\n  MemorySize:\n";
    estate.write("templates/single.yaml", &template.replacen("  MemorySize:\n", parameter, 1));
    for name in ["tag-handler", "session-handler"] {
        estate.write(&format!("release/{name}-0.1.0-x86_64.zip"), "PK");
    }
    estate.deployed(&["--packages", "release"]);
    assert_eq!(estate.hub("Architecture"), "x86_64");
    let release = estate.hub("Release");
    assert!(estate.keys().contains(&format!("{release}/tag-handler.zip")), "{:?}", estate.keys());
    let refused = estate.deploy(&["--yes", "--packages", "release", "--parameter", "Architecture=arm64"]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("for arm64"), "{}", stderr(&refused));
}

#[test]
fn an_upgrade_keeps_parameters_and_a_rollback_brings_the_release_before_back() {
    let emulator = emulator();
    let estate = Estate::new(&emulator, "autotag-up");
    let missing = estate.deploy(&["--upgrade", "--yes"]);
    assert_eq!(missing.status.code(), Some(1), "{}", stderr(&missing));
    assert!(stderr(&missing).contains("without --upgrade"), "{}", stderr(&missing));
    estate.deployed(&["--parameter", "MemorySize=512", "--parameter", "region.ForwardDeletions=true"]);
    let (first, before) = (estate.hub("Release"), estate.end_state());
    estate.package("2");
    let text = std::fs::read_to_string(estate.folder.path().join("templates/single.yaml")).unwrap();
    estate.write(
        "templates/single.yaml",
        &text.replace("  Queue:\n", "  Other:\n    Type: AWS::SNS::Topic\n  Queue:\n"),
    );
    let upgrade =
        estate.deploy(&["--upgrade", "--yes", "--parameter", "AlarmTopicArn=arn:aws:sns:eu-west-1:1:t"]);
    assert_eq!(upgrade.status.code(), Some(0), "{}", stderr(&upgrade));
    let second = estate.hub("Release");
    assert_ne!(second, first);
    assert_eq!((estate.hub("MemorySize"), estate.hub("CreateSessionTable")), ("512".into(), "true".into()));
    let stack = estate.formation.stack(HUB, "autotag-up").unwrap();
    assert!(stack.template.contains("AWS::SNS::Topic"));
    assert_eq!(stack.alarms, ["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:autotag-up-AlarmErrors"]);
    let rollback = estate.deploy(&["--rollback", "--yes"]);
    assert_eq!(rollback.status.code(), Some(0), "{}", stderr(&rollback));
    assert_eq!(estate.hub("Release"), first);
    let state = estate.end_state();
    for line in before.iter().filter(|line| line.contains("CREATE_COMPLETE")) {
        assert!(state.contains(line), "{line}\nis not in\n{}", state.join("\n"));
    }
    let none = estate.deploy(&["--rollback", "--yes"]);
    assert_eq!(none.status.code(), Some(1), "there is none before the first");
    assert!(stderr(&none).contains("no release is known before"), "{}", stderr(&none));
    let named = estate.deploy(&["--rollback", &second, "--yes"]);
    assert_eq!(named.status.code(), Some(0), "{}", stderr(&named));
    assert_eq!(estate.hub("Release"), second);
}

#[test]
fn a_stack_that_fails_is_reported_with_its_reason_and_repaired_by_the_next_run() {
    let emulator = emulator();
    let estate = Estate::new(&emulator, "autotag-bad");
    let fail = |stack: &str, reason: &str| {
        estate.formation.state(|state| state.failing.insert(stack.to_owned(), reason.to_owned()));
    };
    fail("autotag-bad", "no right to <sqs:CreateQueue>");
    let output = estate.deploy(&["--yes", "--regions", REGIONS]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(results(&output), ["autotag-bad eu-west-1 failed"], "regions are not begun without a hub");
    let errors = stderr(&output);
    assert!(
        errors.contains("ROLLBACK_COMPLETE") && errors.contains("no right to <sqs:CreateQueue>"),
        "{errors}"
    );
    assert!(!errors.contains("Resource creation cancelled"), "{errors}");
    fail("autotag-bad-region", "the region is full");
    let output = estate.deploy(&["--yes", "--regions", REGIONS]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let created = results(&output).iter().filter(|line| line.ends_with("created")).count();
    assert_eq!(created, 2, "the hub and the other region: {:?}", results(&output));
    estate.deployed(&[]);
    for region in THREE {
        let name = if region == HUB { "autotag-bad" } else { "autotag-bad-region" };
        assert_eq!(estate.formation.stack(region, name).unwrap().status, "CREATE_COMPLETE", "{region}");
    }
    // An update that fails leaves what was there, and the state of before is not taken for success.
    estate.package("2");
    fail("autotag-bad", "a wrong value");
    let before = estate.hub("Release");
    let output = estate.deploy(&["--yes"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("UPDATE_ROLLBACK_COMPLETE"), "{}", stderr(&output));
    assert_eq!(estate.hub("Release"), before);
}

#[test]
fn a_removal_names_what_stays_and_keeps_queues_with_messages() {
    let emulator = emulator();
    let estate = Estate::new(&emulator, "autotag-gone");
    estate.deployed(&[]);
    let bucket = estate.buckets().concat();
    estate.formation.state(|state| state.messages.insert("autotag-gone-Queue".to_owned(), 7));
    let full = estate.deploy(&["--destroy", "--yes"]);
    assert_eq!(full.status.code(), Some(1), "{}", stderr(&full));
    assert!(stderr(&full).contains("about 7 in https://sqs.eu-west-1"), "{}", stderr(&full));
    assert!(estate.formation.stack(HUB, "autotag-gone").is_some(), "nothing is removed");
    let unasked = estate.deploy(&["--destroy", "--discard-messages"]);
    assert_eq!(unasked.status.code(), Some(2), "no terminal to ask on: {}", stderr(&unasked));
    let gone = estate.deploy(&["--destroy", "--yes", "--discard-messages"]);
    assert_eq!(gone.status.code(), Some(0), "{}", stderr(&gone));
    for kept in ["AWS::DynamoDB::Table autotag-sessions", &format!("AWS::S3::Bucket {bucket}")] {
        assert!(stderr(&gone).contains(kept), "{kept}: {}", stderr(&gone));
    }
    for region in THREE {
        for name in ["autotag-gone", "autotag-gone-region"] {
            assert!(estate.formation.stack(region, name).is_none(), "{region} {name}");
        }
    }
    // The table that stayed is used again, and so is the bucket.
    let again = estate.deployed(&[]);
    assert!(
        stderr(&again).contains("`autotag-sessions` of an earlier deployment is used again"),
        "{}",
        stderr(&again)
    );
    assert_eq!(estate.hub("CreateSessionTable"), "false");
    assert_eq!(estate.buckets(), [bucket]);
}

#[test]
fn a_plan_shows_changes_and_changes_nothing() {
    let emulator = emulator();
    let estate = Estate::new(&emulator, "autotag-plan");
    let first = estate.deploy(&["--plan", "--regions", REGIONS]);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    assert_eq!(results(&first)[0], "autotag-plan eu-west-1 create");
    assert!(
        stdout(&first).contains("\"action\":\"add\",\"logical_id\":\"SessionTable\""),
        "{}",
        stdout(&first)
    );
    assert!(estate.buckets().is_empty(), "no bucket is made");
    estate.deployed(&[]);
    let before = estate.end_state();
    estate.package("2");
    let plan = estate.deploy(&["--plan"]);
    assert_eq!(plan.status.code(), Some(0), "{}", stderr(&plan));
    assert_eq!(
        results(&plan),
        [
            "autotag-plan eu-west-1 update",
            "autotag-plan-region eu-central-1 unchanged",
            "autotag-plan-region us-east-1 unchanged"
        ]
    );
    assert_eq!(estate.end_state(), before, "change sets and templates are removed again");
    let text = estate.deploy(&["--plan", "--format", "text"]);
    assert!(stdout(&text).contains("  ~ AWS::SQS::Queue Queue"), "{}", stdout(&text));
    assert!(
        stderr(&text).contains("3 stacks: 0 to add, 3 to change, 0 to replace, 0 to remove"),
        "{}",
        stderr(&text)
    );
}

#[test]
fn status_shows_stacks_releases_and_messages() {
    let emulator = emulator();
    let estate = Estate::new(&emulator, "autotag-show");
    assert_eq!(estate.deploy(&["--status"]).status.code(), Some(1), "there is nothing");
    estate.deployed(&[]);
    estate.formation.state(|state| state.messages.insert("autotag-show-Queue".to_owned(), 3));
    let status = estate.deploy(&["--status"]);
    assert_eq!(status.status.code(), Some(0), "{}", stderr(&status));
    let hub = stdout(&status).lines().next().unwrap().to_owned();
    for part in ["\"status\":\"CREATE_COMPLETE\"", &estate.hub("Release"), "\"autotag-show-Queue\":3"] {
        assert!(hub.contains(part), "{part}: {hub}");
    }
    assert_eq!(stdout(&status).lines().count(), 3);
    let text = estate.deploy(&["--status", "--format", "text"]);
    let stacks = stdout(&text).lines().filter_map(|line| line.find("autotag-show")).collect::<Vec<_>>();
    assert_eq!(stacks, [16, 24, 16, 16], "stacks in a column, a queue below its stack: {}", stdout(&text));
}

/// A region without the hub is mostly a forgotten `--region`. A second hub there would take the rules away from the first one.
#[test]
fn a_region_without_the_hub_is_refused_in_each_mode() {
    let emulator = emulator();
    let estate = Estate::new(&emulator, "autotag-else");
    estate.deployed(&[]);
    let before = estate.end_state();
    for mode in [["--yes"].as_slice(), &["--plan"], &["--status"], &["--destroy", "--yes"]] {
        let mut command = estate.command_in("us-east-1", &Estate::with_templates(mode));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{mode:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("use `--region eu-west-1`"), "{mode:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{mode:?}");
    }
    assert_eq!(estate.end_state(), before);
}

#[test]
fn a_plan_of_a_new_stack_counts_what_parameters_leave_out_apart() {
    let emulator = emulator();
    let estate = Estate::new(&emulator, "autotag-new");
    let template = fs::read_to_string(estate.folder.path().join("templates/single.yaml")).unwrap();
    let alarm = "    Type: AWS::CloudWatch::Alarm\n";
    let conditional = format!("{alarm}    Condition: HasTopic\n");
    estate.write("templates/single.yaml", &template.replacen(alarm, &conditional, 1));
    let plan = estate.deploy(&["--plan", "--regions", REGIONS]);
    assert_eq!(plan.status.code(), Some(0), "{}", stderr(&plan));
    let summary = "3 stacks: 4 to add and 1 more if parameters ask for them, 0 to change";
    assert!(stderr(&plan).contains(summary), "{}", stderr(&plan));
}

#[test]
fn stack_sets_are_followed_to_their_end_and_failures_are_grouped() {
    let emulator = emulator();
    let estate = Estate::new(&emulator, "autotag-org");
    estate.formation.state(|state| {
        state.operations = [vec!["RUNNING"], vec!["RUNNING", "QUEUED"], vec!["SUCCEEDED"]].into();
        state.instances = (0..50)
            .map(|number| {
                let account = format!("{:012}", 222_222_222_000_u64 + number);
                let reason = format!("Account {account} has no role of its own (RequestToken: {number})");
                (account, "eu-west-1".to_owned(), "OUTDATED", reason)
            })
            .collect();
    });
    let args =
        ["--org", "--yes", "--units", "r-exmp", "--organization-id", "o-exampleorgid", "--regions", REGIONS];
    let output = estate.deploy(&args);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let errors = stderr(&output);
    assert!(errors.contains("2 operations running"), "{errors}");
    let groups: Vec<&str> = errors.lines().filter(|line| line.contains("50 instances OUTDATED")).collect();
    assert_eq!(groups.len(), 2, "one line for each stack set: {errors}");
    assert!(groups[0].contains("Account ACCOUNT has no role of its own"), "{errors}");
    let stack = estate.formation.stack(HUB, "autotag-org").unwrap();
    assert_eq!(stack.parameters["Regions"], "eu-central-1,eu-west-1,us-east-1");
    let external_id = stack.parameters["ExternalId"].clone();
    assert_eq!(external_id.len(), 16);
    assert!(stack.parameters["MemberTemplateUrl"].ends_with("/member.yaml"));
    estate.formation.state(|state| state.instances.clear());
    let again = estate.deploy(&args);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert_eq!(estate.formation.stack(HUB, "autotag-org").unwrap().parameters["ExternalId"], external_id);
}

#[test]
fn packages_of_a_named_release_are_never_overwritten() {
    let emulator = emulator();
    let estate = Estate::new(&emulator, "autotag-named");
    estate.deployed(&["--release", "r1"]);
    assert_eq!(estate.hub("TagHandlerKey"), "r1/tag-handler.zip");
    estate.package("2");
    for args in [
        ["--release", "r1", "--yes"].as_slice(),
        &["--release", "r1", "--yes", "--parameter", "MemorySize=512"],
    ] {
        let output = estate.deploy(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("it is not overwritten"), "{args:?}: {}", stderr(&output));
    }
    assert_eq!(estate.hub("MemorySize"), "256");
}

#[test]
fn a_region_that_does_not_answer_is_not_left_behind() {
    let emulator = emulator();
    let estate = Estate::new(&emulator, "autotag-calm");
    estate.deployed(&[]);
    estate.package("2");
    estate.proxy.rule(|call| {
        (call.operation == "DescribeStacks" && call.region == "us-east-1")
            .then(|| Fault::refused("InternalFailure"))
    });
    let output = estate.deploy(&["--yes"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("InternalFailure"), "{}", stderr(&output));
    assert_eq!(
        estate.formation.stack(HUB, "autotag-calm").unwrap().status,
        "CREATE_COMPLETE",
        "nothing is begun"
    );
}

#[test]
fn a_bucket_of_another_account_is_refused() {
    let emulator = emulator();
    let estate = Estate::new(&emulator, "autotag-foreign");
    estate.proxy.rule(|call| {
        let denied = Fault::Refused {
            status: 403,
            code: "AccessDenied".to_owned(),
            message: "not the owner".to_owned(),
        };
        (call.method == "HEAD" && call.path.contains("somebodys-bucket")).then_some(denied)
    });
    let output = estate.deploy(&["--yes", "--bucket", "somebodys-bucket"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("belong to account 123456789012"), "{}", stderr(&output));
    assert_eq!(estate.proxy.count("cloudformation", "CreateChangeSet"), 0);
}
