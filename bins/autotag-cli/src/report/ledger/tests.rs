//! The join of a ledger, on records with a known result.

use super::super::class::Class;
use super::super::cost::Costs;
use super::super::estate::tests::{ACCOUNT, arn, by_session, items, volume};
use super::super::estate::{Coverage, Estate, Joiner};
use super::super::made::tests::call;
use super::*;
use autotag_handlers::catalog::Catalog;
use autotag_handlers::event::EventSummary;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The entry of a record of [`volume`], as `tag-handler` keeps it.
fn created(id: &str, user: &str) -> Entry {
    let text = volume(id, user).to_string();
    let mut entry = of_record(&text, Action::Created, id);
    let owner = json!({"name": user, "source": "iam-user", "proof": "person", "claimed": null, "account": ACCOUNT,
        "arn": format!("arn:aws:iam::{ACCOUNT}:user/{user}"), "person": null, "workload": null, "channel": null,
        "tool": null, "chain": [], "knowledge": {"is_evaluated": true, "is_settled": true, "sessions": []}});
    entry.owner = serde_json::from_value(owner).unwrap();
    entry.call = serde_json::from_value(json!("new")).unwrap();
    entry.tagging.state = State::Tagged;
    entry.tagging.tags = [("Owner", user.to_owned()), ("PrincipalId", format!("AIDA{user}"))]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
    entry
}

fn of_record(text: &str, action: Action, id: &str) -> Entry {
    let record = serde_json::from_str(text).unwrap();
    let mut entry = Entry::of_event(&EventSummary::of(&record, None), action);
    entry.resource = serde_json::from_value(json!({"type": "AWS::EC2::Volume", "id": id, "arn": arn(id),
        "account": ACCOUNT, "region": "eu-west-1", "version": null}))
    .unwrap();
    entry
}

fn deleted(id: &str, at: &str) -> Entry {
    let record = call(
        at,
        &format!("deletes-{id}"),
        "eve",
        ("ec2", "DeleteVolume"),
        &json!({"volumeId": id}),
        &json!({}),
    );
    of_record(&record.to_string(), Action::Deleted, id)
}

/// A change of the identity tags of a volume, and what the watch did.
fn changed(id: &str, at: &str, watched: Watched) -> Entry {
    let record = call(at, &format!("untags-{id}-{at}"), "eve", ("ec2", "DeleteTags"), &json!({}), &json!({}));
    let mut entry = of_record(&record.to_string(), Action::TagsChanged, id);
    entry.owner.name = Some("eve".to_owned());
    match watched {
        Watched::Repaired => entry.tagging.state = State::Tagged,
        _ => entry.tagging.reason = Some("the policy says so".to_owned()),
    }
    entry
}

fn joined(entries: &[Entry], inventory: Option<&[Value]>) -> (Estate, Told) {
    let policy = Policy::default();
    let mut creations = Creations::of_ledger();
    let mut join = LedgerJoin::new(&policy, &mut creations);
    entries.iter().cloned().for_each(|entry| join.add(entry));
    for key in join.end() {
        let all: Vec<Entry> = entries.iter().filter(|entry| entry.key().resource == key).cloned().collect();
        join.resource(&all);
    }
    let told = join.told();
    let coverage = Coverage::of(&Catalog::embedded()).unwrap();
    let keys = ["Owner".to_owned()];
    let estate =
        Joiner::new(&policy, &coverage, &keys).join(inventory.map(items), Some(creations), Costs::default());
    (estate, told)
}

fn one<'e>(estate: &'e Estate, id: &str) -> &'e super::super::entry::Entry {
    let of_id: Vec<_> = estate.entries.iter().filter(|entry| entry.resource.id == id).collect();
    assert_eq!(of_id.len(), 1, "{id} is there once");
    of_id[0]
}

#[test]
fn a_resource_has_the_owner_proof_and_state_of_the_ledger() {
    let (estate, told) = joined(&[created("vol-1", "mara")], None);
    let entry = one(&estate, "vol-1");
    assert_eq!(
        (entry.class(), entry.owner(), entry.state),
        (Class::ProvenPerson, Some("mara"), Some("tagged"))
    );
    assert_eq!((estate.counted().count(), told.entries), (1, 1));
}

#[test]
fn what_is_deleted_does_not_exist() {
    let entries =
        [created("vol-1", "mara"), deleted("vol-1", "2026-03-03T09:00:00Z"), created("vol-2", "mara")];
    let (estate, _) = joined(&entries, None);
    assert_eq!((estate.entries.len(), estate.counted().count()), (2, 1));
    let gone = one(&estate, "vol-1").deleted.unwrap();
    assert_eq!(gone, "2026-03-03T09:00:00Z".parse::<Timestamp>().unwrap());
    // An inventory may list for hours what is deleted. An id is never used again.
    let (estate, _) = joined(&entries, Some(&[json!({"arn": arn("vol-1")}), json!({"arn": arn("vol-2")})]));
    assert_eq!((one(&estate, "vol-1").listed, estate.counted().count()), (Some(false), 1));
}

#[test]
fn what_has_the_name_of_a_deleted_resource_is_not_given_to_its_owner() {
    let mut gone = deleted("vol-1", "2026-03-03T09:00:00Z");
    gone.is_by_name = true;
    let entries = [created("vol-1", "mara"), gone];
    let line = json!({"arn": arn("vol-1"), "tags": [{"Key": "Team", "Value": "web"}]});
    let (estate, _) = joined(&entries, Some(&[line]));
    let entry = one(&estate, "vol-1");
    assert_eq!((entry.class(), entry.owner(), entry.listed), (Class::Unknown, None, Some(true)));
    assert!(entry.verdict.reason.contains("deleted at 2026-03-03T09:00:00Z"), "{:?}", entry.verdict);
    // The inventory says that it is the one of that creation, so it was read before the deletion.
    let line = json!({"arn": arn("vol-1"), "createdAt": "2026-03-02T09:00:05Z"});
    let (estate, _) = joined(&entries, Some(&[line]));
    assert!(one(&estate, "vol-1").deleted.is_some());
}

#[test]
fn changes_of_identity_tags_that_were_not_undone_are_tampering() {
    let reported = changed("vol-1", "2026-03-04T09:00:00Z", Watched::Reported);
    let repaired = changed("vol-1", "2026-03-05T09:00:00Z", Watched::Repaired);
    let untagged = json!({"arn": arn("vol-1"), "tags": []});
    let intact = json!({"arn": arn("vol-1"), "tags": [{"Key": "Owner", "Value": "mara"}, {"Key": "PrincipalId", "Value": "AIDAmara"}]});
    let class = |entries: &[Entry], line: &Value| {
        let (estate, _) = joined(entries, Some(std::slice::from_ref(line)));
        let entry = one(&estate, "vol-1");
        (entry.class(), entry.verdict.reason.to_string())
    };
    let made = created("vol-1", "mara");
    let (found, why) = class(&[made.clone(), reported.clone()], &untagged);
    assert_eq!(found, Class::Tampered);
    assert!(why.starts_with("eve changed the identity tags"), "{why}");
    assert_eq!(
        class(&[made.clone(), reported.clone()], &intact).0,
        Class::ProvenPerson,
        "they are there again"
    );
    assert_eq!(class(&[made.clone(), reported.clone(), repaired.clone()], &untagged).0, Class::ProvenPerson);
    let again = changed("vol-1", "2026-03-06T09:00:00Z", Watched::Reported);
    assert_eq!(class(&[made, reported, repaired, again], &untagged).0, Class::Tampered);
}

#[test]
fn entries_that_do_not_come_one_after_the_other_count_too() {
    let (first, second) = (created("vol-1", "mara"), created("vol-2", "jonas"));
    let (estate, _) = joined(&[first, second, deleted("vol-1", "2026-03-03T09:00:00Z")], None);
    assert!(one(&estate, "vol-1").deleted.is_some());
    assert_eq!(estate.counted().count(), 1);
}

#[test]
fn weeks_begin_on_mondays() {
    let (_, told) = joined(
        &[
            changed("vol-1", "2026-03-02T00:00:00Z", Watched::Reported),
            changed("vol-1", "2026-03-08T23:59:59Z", Watched::Repaired),
            changed("vol-1", "2026-03-09T00:00:00Z", Watched::Reported),
        ],
        None,
    );
    let mut expected = TamperWeeks::default();
    for (day, part) in [("2026-03-02", 0), ("2026-03-02", 1), ("2026-03-09", 0)] {
        expected.count(format!("{day}T12:00:00Z").parse().unwrap(), part);
    }
    assert_eq!(told.weeks, expected);
}

/// A trail says less about what happened since, and the ledger less about sessions that it never had.
#[test]
fn a_trail_and_a_ledger_are_one_estate() {
    let policy = Policy::default();
    let records = [volume("vol-1", "mara"), by_session("vol-2", "night-job"), volume("vol-3", "jonas")];
    let mut creations = super::super::made::tests::creations(&records);
    let mut proven = created("vol-2", "night-job");
    proven.owner.name = Some("priya".to_owned());
    let mut join = LedgerJoin::new(&policy, &mut creations);
    for entry in
        [created("vol-1", "mara"), deleted("vol-1", "2026-03-03T09:00:00Z"), proven, created("vol-4", "lena")]
    {
        join.add(entry);
    }
    assert!(join.end().is_empty());
    let coverage = Coverage::of(&Catalog::embedded()).unwrap();
    let keys = ["Owner".to_owned()];
    let estate = Joiner::new(&policy, &coverage, &keys).join(None, Some(creations), Costs::default());
    let told = |id: &str| (one(&estate, id).owner().map(str::to_owned), one(&estate, id).deleted.is_some());
    let owner = |name: &str| Some(name.to_owned());
    assert_eq!(told("vol-1"), (owner("mara"), true));
    assert_eq!(told("vol-2"), (owner("priya"), false));
    assert_eq!(told("vol-3"), (owner("jonas"), false));
    assert_eq!(told("vol-4"), (owner("lena"), false));
}

/// 100,000 resources: every one has its class, whatever became of it.
#[test]
fn every_class_of_a_large_estate_is_right() {
    let count = 100_000_usize;
    let id = |at: usize| format!("vol-{at:06}");
    let mut entries = Vec::new();
    for at in 0..count {
        entries.push(created(&id(at), "mara"));
        match at % 5 {
            1 => entries.push(deleted(&id(at), "2026-03-03T09:00:00Z")),
            2 => entries.push(changed(&id(at), "2026-03-04T09:00:00Z", Watched::Reported)),
            3 => entries.push(changed(&id(at), "2026-03-04T09:00:00Z", Watched::Repaired)),
            _ => {}
        }
    }
    let (estate, told) = joined(&entries, None);
    assert_eq!(told.entries, entries.len() as u64);
    assert_eq!(estate.entries.len(), count);
    for (at, entry) in estate.entries.iter().enumerate() {
        let class = if at % 5 == 2 { Class::Tampered } else { Class::ProvenPerson };
        assert_eq!((entry.class(), entry.deleted.is_some()), (class, at % 5 == 1), "{}", entry.resource.id);
    }
    assert_eq!((estate.counted().count(), estate.count(Class::Tampered)), (count / 5 * 4, count / 5));
}
