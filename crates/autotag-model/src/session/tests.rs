use super::*;
use crate::time::written_time;
use serde_json::{Value, json};

fn read(record: &Value) -> SessionReading {
    let text = record.to_string();
    Session::read(&serde_json::from_str(&text).unwrap()).unwrap()
}

fn session(record: &Value) -> Session {
    match read(record) {
        SessionReading::Session(session) => *session,
        other => panic!("{other:?}"),
    }
}

fn assume_role() -> Value {
    json!({
        "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "eventTime": "2026-03-02T09:00:00Z",
        "eventID": "e1", "sharedEventID": "s1",
        "userIdentity": {"type": "IAMUser", "userName": "mara", "principalId": "AIDAMARA",
            "arn": "arn:aws:iam::111122223333:user/mara", "accountId": "111122223333"},
        "requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/jump", "roleSessionName": "mara",
            "tags": [{"key": "Team", "value": "shop"}, {"key": "team", "value": "other"}],
            "transitiveTagKeys": ["Team"], "incomingTransitiveTags": {"Center": "7"}},
        "responseElements": {"credentials": {"accessKeyId": "ASIAONE", "sessionToken": "CANARY",
            "expiration": "Mar 2, 2026, 10:00:00 AM"},
            "assumedRoleUser": {"assumedRoleId": "AROAJUMP:mara", "arn": "arn:aws:sts::111122223333:assumed-role/jump/mara"}}
    })
}

#[test]
fn assume_role_in_full() {
    let session = session(&assume_role());
    assert_eq!(session.role_session, "AROAJUMP:mara");
    assert_eq!(session.access_key.as_ref().unwrap().reveal(), "ASIAONE");
    assert_eq!(session.expires, Some("2026-03-02T10:00:00Z".parse().unwrap()));
    assert_eq!(session.effective_tags(), [("Center", "7"), ("Team", "shop")]);
    assert_eq!(session.transitive_keys, ["Team"]);
    assert_eq!(session.caller.user_name.as_deref(), Some("mara"));
    assert_eq!(session.event_id.as_deref(), Some("s1"));
    assert!(!serde_json::to_string(&session).unwrap().contains("CANARY"), "no token is kept");
}

#[test]
fn saml_and_web_identity() {
    let mut saml = assume_role();
    saml["eventName"] = json!("AssumeRoleWithSAML");
    saml["userIdentity"] =
        json!({"type": "SAMLUser", "userName": "ana@example.com", "identityProvider": "idp"});
    saml["requestParameters"] =
        json!({"principalTags": {"Team": "data"}, "principalArn": "arn:x", "durationSeconds": 3600});
    saml["responseElements"]["subject"] = json!("ana@example.com");
    let session = session(&saml);
    assert_eq!(session.kind, SessionKind::AssumeRoleWithSaml);
    assert_eq!(session.effective_tags(), [("Team", "data")]);
    assert_eq!(session.subject.as_deref(), Some("ana@example.com"));
    let mut web = saml;
    web["eventName"] = json!("AssumeRoleWithWebIdentity");
    web["responseElements"]["subjectFromWebIdentityToken"] = json!("repo:example/shop:ref:refs/heads/main");
    let session = super::tests::session(&web);
    assert_eq!(session.subject.as_deref(), Some("repo:example/shop:ref:refs/heads/main"));
}

/// The effective tags of a session with these inherited and these passed tags.
fn effective(incoming: &[(&str, &str)], passed: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |tags: &[(&str, &str)]| -> Vec<(String, String)> {
        tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let mut session = session(&assume_role());
    (session.incoming_tags, session.tags) = (owned(incoming), owned(passed));
    session.effective_tags().into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn keys(tags: &[(String, String)]) -> Vec<&str> {
    tags.iter().map(|(key, _)| key.as_str()).collect()
}

#[test]
fn tags_of_the_chain_come_before_those_passed_and_cannot_be_overridden() {
    let tags = effective(
        &[("Team", "shop"), ("Zone", "blue")],
        &[("Cost", "7"), ("Team", "mine"), ("team", "mine"), ("ZONE", ""), ("cost", "8")],
    );
    assert_eq!(
        tags,
        [("Team", "shop"), ("Zone", "blue"), ("Cost", "7")].map(|(key, value)| (key.into(), value.into()))
    );
}

#[test]
fn keys_that_differ_in_case_only_are_one_in_every_alphabet() {
    for (one, other) in
        [("Équipe", "éQUIPE"), ("Отдел", "отДЕЛ"), ("ΟΔΟΣ", "οδος"), ("Ａbteilung", "ａBTEILUNG")]
    {
        assert_eq!(keys(&effective(&[(one, "first")], &[(other, "second")])), [one]);
    }
    assert_eq!(keys(&effective(&[("Team", "")], &[("Team ", ""), ("Теam", "")])).len(), 3, "other keys");
}

#[test]
fn of_fifty_one_tags_the_session_has_the_first_fifty() {
    let names: Vec<String> = (0..51).map(|n| format!("k{n}")).collect();
    let all: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
    for incoming in [0, 1, 50, 51] {
        let (incoming, passed) = all.split_at(incoming);
        assert_eq!(keys(&effective(incoming, passed)), names[..50]);
    }
}

#[test]
fn what_is_too_long_for_sts_is_no_tag_of_the_session() {
    // The limits are in characters, not bytes.
    for c in ["x", "é"] {
        let (key, value) = (c.repeat(128), c.repeat(256));
        assert_eq!(effective(&[], &[(&key, &value)]), [(key.clone(), value.clone())]);
        let (long_key, long_value) = (c.repeat(129), c.repeat(257));
        let tags = effective(&[(&long_key, "v")], &[("a", &long_value), ("", "v"), ("b", "")]);
        assert_eq!(keys(&tags), ["b"], "an empty value is a value");
    }
}

#[test]
fn a_tag_may_be_called_key_where_sts_writes_tags_as_a_map() {
    let mut saml = assume_role();
    saml["eventName"] = json!("AssumeRoleWithSAML");
    saml["requestParameters"] = json!({"principalTags": {"Team": "data", "key": "Owner", "value": "boss"}});
    assert_eq!(session(&saml).effective_tags(), [("Team", "data"), ("key", "Owner"), ("value", "boss")]);
}

#[test]
fn records_without_a_session_are_skipped() {
    let mut failed = assume_role();
    failed["errorCode"] = json!("AccessDenied");
    assert!(matches!(read(&failed), SessionReading::Skipped(_)));
    let mut nameless = assume_role();
    nameless["responseElements"] = json!({"credentials": {"accessKeyId": "ASIAX"}});
    nameless["requestParameters"] = json!(null);
    assert!(matches!(read(&nameless), SessionReading::Skipped(_)));
    let mut other = assume_role();
    other["eventName"] = json!("GetCallerIdentity");
    assert_eq!(read(&other), SessionReading::NotSts);
}

#[test]
fn the_request_names_the_session_if_the_answer_does_not() {
    let mut lambda = assume_role();
    lambda["userIdentity"] = json!({"type": "AWSService", "invokedBy": "lambda.amazonaws.com"});
    lambda["requestParameters"]["roleArn"] = json!("arn:aws:iam::111122223333:role/service/thumbs");
    lambda["responseElements"] = json!({"credentials": {"accessKeyId": "ASIAONE"}});
    let session = session(&lambda);
    assert_eq!(session.role_session, "arn:aws:sts::111122223333:assumed-role/thumbs/mara");
    let principal = Principal::from_value(&json!({"type": "AssumedRole", "principalId": "AROATHUMBS:mara",
        "accessKeyId": "ASIAONE", "arn": "arn:aws:sts::111122223333:assumed-role/thumbs/mara"}));
    let known = [session];
    assert_eq!(find_session(&known, &principal), SessionMatch::ByKey(&known[0]));
}

#[test]
fn both_expiration_formats() {
    for (text, want) in [
        ("Jun 1, 2017 10:15:21 PM", Some("2017-06-01T22:15:21Z")),
        ("Jul 10, 2023, 12:09:47 PM", Some("2023-07-10T12:09:47Z")),
        ("Jul 10, 2023, 12:09:47\u{202f}AM", Some("2023-07-10T00:09:47Z")),
        ("2023-07-10T12:09:47Z", Some("2023-07-10T12:09:47Z")),
        ("tomorrow", None),
    ] {
        assert_eq!(written_time(text), want.map(|want| want.parse().unwrap()), "{text}");
    }
}

#[test]
fn copies_merge_to_the_same_in_any_order() {
    let rich = session(&assume_role());
    let mut record = assume_role();
    record["userIdentity"] =
        json!({"type": "AWSAccount", "accountId": "111122223333", "principalId": "AIDAMARA"});
    record["requestParameters"] = json!(null);
    let poor = session(&record);
    let (mut one, mut two) = (rich.clone(), poor.clone());
    one.merge(poor);
    two.merge(rich.clone());
    assert_eq!(one, two);
    assert_eq!(one.caller, rich.caller);
    assert_eq!(one.tags, rich.tags);
}

fn call(key: Option<&str>, created: &str) -> Principal {
    Principal::from_value(&json!({
        "type": "AssumedRole", "principalId": "AROAJUMP:mara", "accessKeyId": key,
        "sessionContext": {"attributes": {"creationDate": created}}
    }))
}

fn at(seconds: &str, key: &str, tag: &str) -> Session {
    let mut record = assume_role();
    record["eventTime"] = json!(format!("2026-03-02T09:00:{seconds}Z"));
    record["responseElements"]["credentials"]["accessKeyId"] = json!(key);
    record["requestParameters"]["tags"] = json!([{"key": "Team", "value": tag}]);
    session(&record)
}

#[test]
fn a_session_is_found_by_key_or_by_a_time_that_fits_no_other() {
    let known = [at("00", "A", "a"), at("30", "B", "b"), at("31", "C", "c")];
    let found = |key, time: &str| find_session(&known, &call(key, &format!("2026-03-02T09:00:{time}Z")));
    assert_eq!(found(Some("B"), "59"), SessionMatch::ByKey(&known[1]));
    assert_eq!(found(None, "01"), SessionMatch::ByTime(&known[0]));
    assert_eq!(found(None, "31"), SessionMatch::Ambiguous(2));
    assert_eq!(found(None, "20"), SessionMatch::None);
    assert_eq!(found(Some("D"), "00"), SessionMatch::None, "another key is another session");
    let mut identity_center = known.to_vec();
    identity_center[0].kind = SessionKind::AssumeRoleWithSaml;
    let principal = call(Some("D"), "2026-03-02T09:00:00Z");
    assert_eq!(find_session(&identity_center, &principal), SessionMatch::ByTime(&identity_center[0]));
    let agreeing = [at("30", "B", "same"), at("31", "C", "same")];
    assert!(matches!(find_session(&agreeing, &call(None, "2026-03-02T09:00:31Z")), SessionMatch::ByTime(_)));
}

#[test]
fn a_certificate_gets_its_session_from_roles_anywhere() {
    let text = r#"{"eventSource":"rolesanywhere.amazonaws.com","eventName":"CreateSession","eventTime":"2026-03-02T09:00:00Z",
        "eventID":"e-1","userIdentity":{"type":"Unknown"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/Backup"},
        "responseElements":{"credentialSet":[{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/Backup/0a1b",
        "assumedRoleId":"AROABACKUP:0a1b"},"credentials":{"accessKeyId":"ASIABACKUP","expiration":"2026-03-02T10:00:00Z",
        "sessionToken":"secret-token"},"sourceIdentity":"CN=backup-01"}]}}"#;
    let record: Value = serde_json::from_str(text).unwrap();
    let session = session(&record);
    assert_eq!(session.role_session, "AROABACKUP:0a1b");
    assert_eq!(session.access_key, AccessKeyId::new("ASIABACKUP"));
    assert_eq!(session.source_identity.as_deref(), Some("CN=backup-01"));
    assert_eq!(session.caller.invoked_by.as_deref(), Some("rolesanywhere.amazonaws.com"));
    assert_eq!(session.expires, Some("2026-03-02T10:00:00Z".parse().unwrap()));
    assert!(!format!("{session:?}").contains("secret-token"));
    let mut failed = record;
    failed["errorCode"] = json!("AccessDenied");
    assert!(matches!(read(&failed), SessionReading::Skipped(_)));
}

/// A caller who chooses a name can choose one that looks like a mask.
#[test]
fn a_session_that_is_named_like_a_mask_has_that_name() {
    let name = "HIDDEN_DUE_TO_SECURITY_REASONS";
    let mut record = assume_role();
    record["requestParameters"]["roleSessionName"] = json!(name);
    record["requestParameters"]["sourceIdentity"] = json!(name);
    record["responseElements"]["assumedRoleUser"] = Value::Null;
    let found = session(&record);
    assert_eq!(found.role_session, format!("arn:aws:sts::111122223333:assumed-role/jump/{name}"));
    assert_eq!(found.source_identity.as_deref(), Some(name));
    record["eventName"] = json!("AssumeRoleWithSAML");
    record["responseElements"] = json!({"subjectType": "transient", "subject": "_a1b2",
        "assumedRoleUser": {"assumedRoleId": format!("AROAJUMP:{name}")}});
    assert_eq!(session(&record).subject.as_deref(), Some(name));
}
