//! Resources that a call makes in another account than the one of its record.

use super::*;

const OTHER: &str = "444455556666";

/// Plans and executes what records say, with the rows of those that lead to no resource to tag.
fn all_rows(memory: &InMemory, records: &[Value]) -> Vec<ResourceOutcome> {
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    let text = records.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let read = ClassifiedRecords::read(text.as_bytes(), &classifier);
    let (sessions, backend, now) = memory.parts();
    let plan = block_on(Planner::new(&Policy::default(), sessions, backend, now).plan(read));
    execute(memory, plan)
}

fn database(time: &str, who: &str, catalog: Option<&str>) -> Value {
    let mut request = json!({"databaseInput": {"name": "sales"}});
    if let Some(catalog) = catalog {
        request["catalogId"] = json!(catalog);
    }
    call(time, &user(who), "glue:CreateDatabase", &request, &Value::Null)
}

fn database_arn(account: &str) -> String {
    format!("arn:aws:glue:eu-west-1:{account}:database/sales")
}

fn accounts_disagree(row: &ResourceOutcome) -> bool {
    matches!(row.status, Outcome::Skipped(SkipReason::AccountsDisagree(_)))
}

#[test]
fn a_database_in_the_catalog_of_another_account_is_not_its_local_namesake() {
    let memory = memory();
    let rows =
        all_rows(&memory, &[database("09:00:00", "ana", None), database("09:30:00", "mallory", Some(OTHER))]);
    assert_eq!(owner_on(&memory, &database_arn(HERE)).as_deref(), Some("ana"));
    assert!(accounts_disagree(row_of(&rows, &database_arn(OTHER))), "{rows:?}");
    assert!(memory.tags_on(&database_arn(OTHER)).is_empty());
}

/// A catalog below the account's own has databases of its own, whose ARNs name the catalog.
#[test]
fn a_database_in_a_catalog_below_the_accounts_own_is_not_its_namesake() {
    for (id, below) in [
        (":s3tablescatalog/bucket", "s3tablescatalog/bucket"),
        (":rms/x", "rms/x"),
        (":lake", "lake"),
        ("/lake", "lake"),
    ] {
        let memory = memory();
        let nested = format!("{HERE}{id}");
        let rows = all_rows(
            &memory,
            &[database("09:00:00", "ana", None), database("09:30:00", "mallory", Some(&nested))],
        );
        assert_eq!(owner_on(&memory, &database_arn(HERE)).as_deref(), Some("ana"));
        let arn = format!("arn:aws:glue:eu-west-1:{HERE}:database/{below}/sales");
        assert_eq!(row_of(&rows, &arn).status, Outcome::Tagged, "{rows:?}");
        assert_eq!(owner_on(&memory, &arn).as_deref(), Some("mallory"));
    }
}

#[test]
fn a_catalog_below_that_of_another_account_is_the_others() {
    let memory = memory();
    let rows = all_rows(&memory, &[database("09:00:00", "mallory", Some(&format!("{OTHER}:rms/x")))]);
    assert!(accounts_disagree(&rows[0]), "{rows:?}");
    assert!(rows[0].reason().is_some_and(|why| why.contains(OTHER)), "{:?}", rows[0].reason());
    for odd in ["1111:rms/x", &format!("{HERE}:"), &format!("{HERE}:a//b"), "rms/x", &format!("x{HERE}:y")] {
        let rows = all_rows(&memory, &[database("09:00:00", "mallory", Some(odd))]);
        assert!(accounts_disagree(&rows[0]), "{odd}: {rows:?}");
        assert!(rows[0].reason().is_some_and(|why| why.contains("not an account")), "{odd}: {rows:?}");
    }
    assert!(memory.writes().is_empty());
}

#[test]
fn a_call_that_names_the_own_account_is_a_call_like_any_other() {
    let memory = memory();
    all_rows(&memory, &[database("09:00:00", "ana", Some(HERE))]);
    assert_eq!(owner_on(&memory, &database_arn(HERE)).as_deref(), Some("ana"));
}

/// `resources` of a record names the account of what the call made, although no parameter does.
#[test]
fn the_account_in_the_records_list_of_resources_counts() {
    let memory = memory();
    let listed = |account: &str, kind: &str| {
        let resources = json!([{"accountId": account, "type": kind, "ARN": database_arn(account)}]);
        with(database("09:30:00", "mallory", None), "resources", resources)
    };
    let rows = all_rows(&memory, &[listed(OTHER, "AWS::Glue::Database")]);
    assert!(accounts_disagree(row_of(&rows, &database_arn(OTHER))), "{rows:?}");
    assert!(memory.writes().is_empty());
    // Another kind of resource, such as a key that the call uses, says nothing about the new one.
    all_rows(&memory, &[listed(OTHER, "AWS::KMS::Key")]);
    assert_eq!(owner_on(&memory, &database_arn(HERE)).as_deref(), Some("mallory"));
}

#[test]
fn an_item_of_work_for_another_account_is_not_tagged_in_the_callers() {
    let memory = memory();
    let request = json!({"title": "disk full", "accountId": OTHER});
    let made =
        call("09:00:00", &user("mallory"), "ssm:CreateOpsItem", &request, &json!({"opsItemId": "oi-1"}));
    let rows = all_rows(&memory, &[made]);
    assert!(accounts_disagree(&rows[0]), "{rows:?}");
    assert!(memory.writes().is_empty());
}

/// The caller's copy of a write across accounts. Without `resources` nothing says whose bucket it is.
#[test]
fn an_object_in_a_bucket_whose_owner_is_unknown_is_not_tagged() {
    let memory = memory();
    let request = json!({"bucketName": "shop", "key": "a.txt"});
    let own = call("09:00:00", &user("mallory"), "s3:PutObject", &request, &Value::Null);
    // CloudTrail gives this id to records that it delivers to more than one account.
    let put = with(own.clone(), "sharedEventID", json!("shared"));
    let rows = all_rows(&memory, std::slice::from_ref(&put));
    assert!(accounts_disagree(&rows[0]), "{rows:?}");
    assert!(memory.writes().is_empty());
    // The call itself says whose bucket it expects, and would have failed if it were somebody else's.
    let mut expecting = put.clone();
    expecting["requestParameters"]["x-amz-expected-bucket-owner"] = json!(OTHER);
    let rows = all_rows(&self::memory(), &[expecting]);
    assert_eq!((&rows[0].status, rows[0].account()), (&Outcome::Tagged, Some(OTHER)));
    // The copy of an account in which the caller is a stranger is the one of the bucket's owner.
    let mut of_owner = put;
    of_owner["recipientAccountId"] = json!(OTHER);
    let rows = all_rows(&memory, &[of_owner]);
    assert_eq!(rows[0].status, Outcome::Tagged);
    assert_eq!(rows[0].account(), Some(OTHER));
    // A record of one account only is of its own bucket.
    let rows = all_rows(&self::memory(), &[own]);
    assert_eq!((&rows[0].status, rows[0].account()), (&Outcome::Tagged, Some(HERE)));
}
