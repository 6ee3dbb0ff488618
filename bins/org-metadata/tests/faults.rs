//! An AWS in which much goes wrong: what can be known is in the report, what cannot is named, and is all that a later run
//! asks for.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use autotag_testkit::{Call, Fault, Faults, Protocol, Proxy};
use common::estate::{Account, Estate, Limits, MEMBER_ROLE, Organization, ROLE, Size, TABLE};
use common::run::{
    UNFINISHED, assert_uploaded, finish, header, manifest, program, reports, visible, without_pace,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

const SEED: u64 = 20_261_125;

/// The number of attempts of a call.
const TRIES: u32 = 8;

fn stub() -> Proxy {
    Proxy::stub(Duration::ZERO).unwrap()
}

/// One member account in twenty, of those that are entered.
fn some_members(estate: &Estate) -> BTreeSet<String> {
    let members = estate.organizations.iter().flat_map(|organization| {
        let members = organization.accounts.iter().filter(|account| account.id != organization.management);
        members.filter(|account| account.is_open())
    });
    members.skip(4).step_by(20).map(|account| account.id.clone()).collect()
}

fn deny(stub: &Proxy, accounts: &BTreeSet<String>) {
    let accounts = accounts.clone();
    stub.rule(move |call| {
        let role = call.field("RoleArn").filter(|_| call.operation == "AssumeRole")?;
        let (code, message) =
            ("AccessDenied".to_owned(), "not authorized to perform: sts:AssumeRole".to_owned());
        accounts.contains(role.split(':').nth(4)?).then_some(Fault::Refused { status: 403, code, message })
    });
}

/// Tells whether a call may be throttled. The last attempt of a call never is, because otherwise the result would depend on luck.
fn bearable() -> impl Fn(&Call) -> bool + Send + Sync {
    let made = Mutex::new(BTreeMap::<Vec<u8>, u32>::new());
    move |call| {
        let said = [&call.access_key, &call.region, &call.operation, &call.query].map(String::as_bytes);
        let said: Vec<u8> =
            said.into_iter().chain([&*call.body]).flat_map(|part| part.iter().chain(b" ")).copied().collect();
        let mut made = made.lock().unwrap();
        let tries = made.entry(said).or_default();
        *tries += 1;
        *tries < TRIES
    }
}

/// The rows of all organizations, each with its status behind, as if these members had been denied.
fn expected(estate: &Estate, denied: &BTreeSet<String>) -> BTreeMap<String, Vec<Vec<String>>> {
    let states: BTreeMap<&str, String> = estate
        .accounts()
        .map(|account| {
            let closed = || account.state.unwrap_or_default().to_lowercase();
            (account.id.as_str(), if account.is_open() { "ok".to_owned() } else { closed() })
        })
        .collect();
    let of = |mut row: Vec<String>| {
        let is_denied = denied.contains(&row[0]);
        row.push(if is_denied { "role_denied".to_owned() } else { states[row[0].as_str()].clone() });
        if is_denied {
            // Nothing is known of its regions; its tags come from the organization.
            row[6].clear();
            row[7].clear();
        }
        row
    };
    let organizations = estate.organizations.iter();
    organizations.map(|one| (one.management.clone(), one.rows().into_iter().map(of).collect())).collect()
}

/// Cell by cell, so that what is wrong is not lost in a hundred rows.
fn assert_reports(out: &Path, more: &[&str], expected: &BTreeMap<String, Vec<Vec<String>>>) {
    let found = reports(out, &header(more));
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (management, rows) in expected {
        let found = &found[management];
        assert_eq!(found.len(), rows.len(), "rows of {management}");
        for (found, expected) in found.iter().zip(rows) {
            assert_eq!(found, expected);
        }
    }
}

/// The accounts that the manifest of the run names as not whole.
fn named_in_manifest(out: &Path) -> BTreeSet<String> {
    let manifest = manifest(out).unwrap();
    let errors = manifest["errors"].as_array().unwrap_or_else(|| panic!("no errors in {manifest}")).clone();
    errors.iter().map(|error| error["account"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn throttled_runs_complete_and_denied_accounts_are_named_and_resumed() {
    let size = Size { organizations: 3, accounts: 40, regions: 6, resources: 50_000 };
    let (stub, out) = (stub(), tempfile::tempdir().unwrap());
    let estate = Estate::new(SEED, size).behind(&stub);
    let denied = some_members(&estate);
    assert!(denied.len() > 3, "{denied:?}");
    deny(&stub, &denied);
    stub.faults(SEED, Faults { throttled: 0.3, ..Faults::default() }, bearable());
    let run = |more: &[&str]| {
        finish(without_pace(&stub, out.path()).args(["--columns", "+Scan_Status"]).args(more))
    };

    let (code, said) = run(&[]);
    assert_eq!(code, 1, "{said}");
    let calls: u64 = stub.counts().values().sum();
    assert!(stub.faulted() * 10 > calls * 2, "the storm was none: {} of {calls}", stub.faulted());
    assert_reports(out.path(), &["Scan_Status"], &expected(&estate, &denied));
    assert_eq!(named_in_manifest(out.path()), denied);
    assert_uploaded(&estate, out.path());
    assert!(visible(out.path()).contains_key(UNFINISHED), "nothing is there to resume");

    stub.repair();
    estate.forget_calls();
    let (code, said) = run(&["--resume"]);
    assert_eq!(code, 0, "{said}");
    assert_reports(out.path(), &["Scan_Status"], &expected(&estate, &BTreeSet::new()));
    assert_eq!(named_in_manifest(out.path()), BTreeSet::new());
    assert_uploaded(&estate, out.path());
    assert!(!visible(out.path()).contains_key(UNFINISHED), "the report is whole, and still unfinished");
    assert_only_asked_about(&estate, &denied, size.regions as u64);
}

/// That these members were entered and looked into, each once, and nothing else was done.
fn assert_only_asked_about(estate: &Estate, members: &BTreeSet<String>, regions: u64) {
    let count = members.len() as u64;
    let managements: BTreeSet<String> = estate
        .organizations
        .iter()
        .filter(|organization| organization.accounts.iter().any(|account| members.contains(&account.id)))
        .map(|organization| organization.management.clone())
        .collect();
    let entered = managements.union(members).cloned().collect();
    let called = estate.operations();
    let needed =
        ["AssumeRole", "GetBucketLocation", "GetResources", "HEAD /reports/", "ListRegions", "PutObject"];
    assert!(called.iter().all(|operation| needed.contains(&operation.as_str())), "{called:?}");
    assert_eq!(estate.asked_about("AssumeRole"), entered);
    assert_eq!(estate.count("AssumeRole").calls, entered.len() as u64);
    assert_eq!(&estate.asked_about("ListRegions"), members);
    assert_eq!(estate.count("ListRegions").calls, count);
    assert_eq!(&estate.asked_about("GetResources"), members);
    let resources = estate.count("GetResources");
    assert_eq!(resources.calls - resources.further, count * regions);
}

/// Calls about the bucket of the report, which each run makes.
const OF_THE_BUCKET: [&str; 2] = ["HEAD /reports/", "PutObject"];

#[test]
fn a_broken_organization_does_not_stop_the_others() {
    let size = Size { organizations: 3, accounts: 12, regions: 4, resources: 1_000 };
    let (stub, out) = (stub(), tempfile::tempdir().unwrap());
    let estate = Estate::new(SEED, size).behind(&stub);
    let broken = estate.organizations[1].management.clone();
    deny(&stub, &BTreeSet::from([broken.clone()]));
    let (code, said) = finish(&mut without_pace(&stub, out.path()));
    assert_eq!(code, 1, "{said}");
    let mut others: BTreeMap<_, _> =
        estate.organizations.iter().map(|one| (one.management.clone(), one.rows())).collect();
    others.remove(&broken);
    assert_reports(out.path(), &[], &others);
    assert!(
        manifest(out.path()).unwrap().to_string().contains(&broken),
        "the manifest does not name {broken}"
    );

    stub.repair();
    estate.forget_calls();
    let (code, said) = finish(without_pace(&stub, out.path()).arg("--resume"));
    assert_eq!(code, 0, "{said}");
    others.insert(broken.clone(), estate.organization(&broken).rows());
    assert_reports(out.path(), &[], &others);
    for (operation, account) in
        estate.counts().keys().filter(|(operation, _)| !OF_THE_BUCKET.contains(&operation.as_str()))
    {
        let of = estate.organization(&broken).accounts.iter().any(|member| member.id == *account);
        assert!(of, "{operation} was called again about {account}");
    }
}

#[test]
fn default_rates_are_not_throttled_and_faster_ones_still_complete() {
    let size = Size { organizations: 2, accounts: 25, regions: 5, resources: 50_000 };
    let out = tempfile::tempdir().unwrap();
    for fast in [false, true] {
        let stub = stub();
        let mut estate = Estate::new(SEED, size).limited(Limits::real());
        // Otherwise the tags of accounts take too few calls to be throttled.
        estate.lists_account_tags = false;
        let estate = estate.behind(&stub);
        let mut command = if fast { without_pace(&stub, out.path()) } else { program(&stub, out.path()) };
        let (code, said) = finish(&mut command);
        assert_eq!(code, 0, "{said}");
        assert_eq!(estate.total().throttled > 0, fast, "{:?}", estate.total());
        let expected = estate.organizations.iter().map(|one| (one.management.clone(), one.rows())).collect();
        assert_reports(out.path(), &[], &expected);
        out.path().read_dir().unwrap().for_each(|entry| std::fs::remove_file(entry.unwrap().path()).unwrap());
    }
}

/// The list saves a call for each account with tags. Without the list the report is the same.
#[test]
fn account_tags_are_listed_and_only_other_accounts_are_asked_about() {
    let size = Size { organizations: 2, accounts: 25, regions: 2, resources: 100 };
    for (lists, denied) in [(true, false), (true, true), (false, false)] {
        let (stub, out) = (stub(), tempfile::tempdir().unwrap());
        let mut estate = Estate::new(SEED, size);
        estate.lists_account_tags = lists;
        let accounts = estate.organizations.iter_mut().flat_map(|organization| &mut organization.accounts);
        accounts.step_by(3).for_each(|account| account.tags.clear());
        let estate = estate.behind(&stub);
        stub.rule(move |call| {
            let is_list = call.operation == "GetResources" && call.mentions("organizations:account");
            let (code, message) = ("AccessDeniedException".to_owned(), String::new());
            (denied && is_list).then_some(Fault::Refused { status: 400, code, message })
        });
        let (code, said) = finish(&mut without_pace(&stub, out.path()));
        assert_eq!(code, 0, "{said}");
        let expected = estate.organizations.iter().map(|one| (one.management.clone(), one.rows())).collect();
        assert_reports(out.path(), &[], &expected);
        let is_asked_about = |account: &&Account| denied || !lists || account.tags.is_empty();
        let asked: BTreeSet<String> =
            estate.accounts().filter(is_asked_about).map(|account| account.id.clone()).collect();
        assert_eq!(estate.asked_about("ListTagsForResource"), asked);
    }
}

/// The judge itself: each call succeeds with the credentials that it needs, and with no others.
#[test]
fn the_estate_checks_credentials() {
    let size = Size { organizations: 2, accounts: 3, regions: 1, resources: 10 };
    let estate = Estate::new(SEED, size);
    let [first, second] = [0, 1].map(|number| &estate.organizations[number]);
    let member = |organization: &Organization| {
        organization.accounts.iter().find(|account| account.id != organization.management).unwrap().id.clone()
    };
    let (inside, outside) = (member(first), member(second));
    let role =
        |account: &str, name: &str| format!("Action=AssumeRole&RoleArn=arn:aws:iam::{account}:role/{name}");
    let (organization_role, member_role) = (role(&first.management, ROLE), role(&inside, MEMBER_ROLE));
    let tags = format!("{{\"ResourceId\":\"{inside}\"}}");
    let scan = format!("{{\"TableName\":\"{TABLE}\"}}");
    let keys = [
        "testing".to_owned(),
        format!("ASIAO{}", first.management),
        format!("ASIAO{}", second.management),
        format!("ASIAM{inside}"),
        format!("ASIAM{outside}"),
        "AKIAEXAMPLE".to_owned(),
    ];
    for (service, operation, body, fit) in [
        ("dynamodb", "Scan", scan.as_str(), &[0][..]),
        ("sts", "AssumeRole", &organization_role, &[0]),
        ("sts", "AssumeRole", &member_role, &[1]),
        ("organizations", "ListAccounts", "{}", &[1, 2]),
        ("organizations", "ListTagsForResource", &tags, &[1]),
        ("account", "ListRegions", "{}", &[1, 2, 3, 4]),
        ("tagging", "GetResources", "{}", &[1, 2, 3, 4]),
    ] {
        for (number, key) in keys.iter().enumerate() {
            let status = estate.answer(&call(service, operation, key, body)).status;
            assert_eq!(status == 200, fit.contains(&number), "{operation} with {key}: {status}");
        }
    }
}

fn call(service: &str, operation: &str, key: &str, body: &str) -> Call {
    let protocol = if service == "sts" { Protocol::Query } else { Protocol::Json };
    Call {
        service: service.to_owned(),
        region: "us-east-1".to_owned(),
        access_key: key.to_owned(),
        operation: operation.to_owned(),
        method: "POST".to_owned(),
        path: if service == "account" { "/listRegions" } else { "/" }.to_owned(),
        query: String::new(),
        protocol,
        body: body.to_owned().into(),
    }
}
