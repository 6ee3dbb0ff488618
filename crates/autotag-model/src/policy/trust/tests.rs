use super::*;
use crate::policy::Policy;
use proptest::prelude::*;

fn read(trust: &str) -> Result<Trust, String> {
    Policy::from_toml(trust).map(|policy| policy.trust).map_err(|error| error.to_string())
}

#[test]
fn a_file_without_the_section_trusts_nobody_beyond_aws() {
    for file in ["", "[trust]\n", "[trust.issuers]\n", "[static]\nManagedBy = \"autotag\"\n"] {
        assert_eq!(read(file).unwrap(), Trust::default(), "{file}");
    }
    assert_eq!(Trust::default().workload_name, WorkloadName::Role);
}

#[test]
fn the_whole_section() {
    let trust = read(
        "[trust]\n\
         source_identity = [\"arn:aws:iam::111122223333:role/Broker*\"]\n\
         identity_stores = [\"d-1234567890\", \"arn:aws:identitystore::111122223333:identitystore/d-0987654321\"]\n\
         actor_tag = \"Actor\"\n\
         workload_name = \"source\"\n\
         [trust.issuers]\n\
         \"gitlab.example.com\" = \"gitlab\"\n\
         \"https://k8s.example.com/prod\" = \"kubernetes\"\n",
    )
    .unwrap();
    assert!(trust.source_identity[0].matches("arn:aws:iam::111122223333:role/BrokerProd"));
    assert_eq!(trust.identity_stores.len(), 2);
    let issuers: Vec<_> = trust.issuers.iter().map(|(url, form)| format!("{url} {form}")).collect();
    assert_eq!(issuers, ["gitlab.example.com gitlab", "k8s.example.com/prod kubernetes"]);
    assert_eq!(trust.actor_tag.as_deref(), Some("Actor"));
    assert_eq!(trust.workload_name, WorkloadName::Source);
}

#[test]
fn a_section_that_cannot_mean_what_it_says_is_refused_with_its_position() {
    for (line, why) in [
        ("source_identity = \"arn:aws:iam::111122223333:role/Broker\"", "expected a sequence"),
        ("source_identity = [\"\"]", "not a pattern for the ARN"),
        ("source_identity = [\"*\"]", "not a pattern for the ARN"),
        ("source_identity = [\"Broker\"]", "not a pattern for the ARN"),
        ("source_identity = [\"*:role/Broker\"]", "not a pattern for the ARN"),
        ("identity_stores = [\"\"]", "not an identity store"),
        ("identity_stores = [\"*\"]", "not an identity store"),
        ("identity_stores = [\"d-12345\"]", "not an identity store"),
        ("identity_stores = [\"d-123456789g\"]", "not an identity store"),
        (
            "identity_stores = [\"arn:aws:iam::111122223333:identitystore/d-1234567890\"]",
            "not an identity store",
        ),
        (
            "identity_stores = [\"arn:aws:identitystore::111122223333:user/d-1234567890\"]",
            "not an identity store",
        ),
        (
            "identity_stores = [\"arn:aws:identitystore::1:identitystore/d-1234567890\"]",
            "not an identity store",
        ),
        ("actor_tag = \"\"", "empty"),
        ("actor_tag = \"aws:Actor\"", "aws:"),
        ("actor_tag = \"Ac\u{200b}tor\"", "not a valid tag key"),
        ("actor_tag = true", "expected a string"),
        ("workload_name = \"Source\"", "expected `role` or `source`"),
        ("workload_name = \"function\"", "expected `role` or `source`"),
        ("issuers = [\"gitlab.example.com\"]", "expected a map"),
        (
            "issuers = { \"gitlab.example.com\" = \"github.com\" }",
            "no form `github.com` of subjects; there are github, gitlab",
        ),
        ("issuers = { \"gitlab.example.com\" = \"google\" }", "no form `google`"),
        ("issuers = { \"*.example.com\" = \"gitlab\" }", "not an OIDC issuer"),
        ("issuers = { \"\" = \"gitlab\" }", "not an OIDC issuer"),
        ("issuers = { \"localhost\" = \"gitlab\" }", "not an OIDC issuer"),
        ("issuers = { \"GitLab.example.com\" = \"gitlab\" }", "not an OIDC issuer"),
        ("issuers = { \"http://gitlab.example.com\" = \"gitlab\" }", "not an OIDC issuer"),
        ("issuers = { \"gitlab.example.com:8443\" = \"gitlab\" }", "not an OIDC issuer"),
        ("issuers = { \"anna@gitlab.example.com\" = \"gitlab\" }", "not an OIDC issuer"),
        ("issuers = { \"gitlab.example.com/\" = \"gitlab\" }", "not an OIDC issuer"),
        ("issuers = { \"gitlab.example.com.\" = \"gitlab\" }", "not an OIDC issuer"),
        ("issuers = { \"gitlab.example.com//a\" = \"gitlab\" }", "not an OIDC issuer"),
        ("issuers = { \"gitlab.example.com?a\" = \"gitlab\" }", "not an OIDC issuer"),
        ("issuers = { \"gitlab.com\" = \"github\" }", "`gitlab.com` is a known issuer"),
        ("issuers = { \"token.actions.githubusercontent.com/acme\" = \"gitlab\" }", "is a known issuer"),
        ("issuers = { \"a.example.com\" = \"gitlab\", \"https://a.example.com\" = \"github\" }", "twice"),
        ("sources = []", "unknown field `sources`"),
    ] {
        let Err(error) = read(&format!("[trust]\n{line}\n")) else { panic!("{line} is accepted") };
        assert!(error.contains(why), "{line}: {error}");
        assert!(error.contains("line 2"), "{line}: {error}");
    }
}

/// TOML values of any kind, and the texts that the section expects.
fn value() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        any::<String>(),
        "[a-z0-9./:@*-]{0,24}",
        Just("arn:aws:iam::111122223333:role/Broker".to_owned()),
        Just("d-1234567890".to_owned()),
        Just("gitlab.example.com".to_owned()),
        Just("gitlab".to_owned()),
        Just("source".to_owned()),
    ];
    let text = text.prop_map(|text| toml::Value::String(text).to_string());
    prop_oneof![
        text.clone(),
        prop::collection::vec(text.clone(), 0..3).prop_map(|texts| format!("[{}]", texts.join(", "))),
        (text.clone(), text).prop_map(|(key, value)| format!("{{ {key} = {value} }}")),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<bool>().prop_map(|yes| yes.to_string()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// A file is refused, or what is read believes only what the file names.
    #[test]
    fn whatever_the_section_has_nobody_is_trusted_by_accident(
        key in prop::sample::select(vec![
            "source_identity", "identity_stores", "issuers", "actor_tag", "workload_name", "issuers.\"a.example\"",
        ]),
        value in value(),
    ) {
        if let Ok(trust) = read(&format!("[trust]\n{key} = {value}\n")) {
            for pattern in &trust.source_identity {
                prop_assert!(!pattern.matches("") && !pattern.matches("AROAEXAMPLE:session"), "{pattern}");
                prop_assert!(pattern.to_string().starts_with("arn:"), "{pattern}");
            }
            for (issuer, _) in &trust.issuers {
                prop_assert!(value.contains(issuer.host()) || key.contains(issuer.host()), "{issuer}");
                let again = IssuerUrl::of_provider(&issuer.to_string());
                prop_assert_eq!(again.as_ref(), Some(issuer));
            }
            prop_assert!(trust.identity_stores.iter().all(|store| !store.contains('*') && !store.is_empty()));
            prop_assert!(trust.actor_tag.is_none_or(|tag| !tag.trim().is_empty()));
        }
    }
}
