//! Properties of owners that subjects of web identities name, whatever the subjects are.

#![expect(clippy::unwrap_used, clippy::string_slice, reason = "helpers of tests are tests")]

use autotag_model::policy::{Policy, Trust};
use autotag_model::subject::{Subject, examples, read_subject};
use proptest::prelude::*;
use std::collections::HashMap;

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const BUILDKITE: &str = "https://agent.buildkite.com";
const CIRCLECI: &str = "https://oidc.circleci.com/org/11111111-2222-3333-4444-555555555555";

/// An issuer for each form, and two of a policy.
const ISSUERS: [&str; 14] = [
    GITHUB,
    "https://token.actions.octocorp.ghe.com",
    "https://gitlab.com",
    BUILDKITE,
    "https://app.terraform.io",
    CIRCLECI,
    "https://example.app.spacelift.io",
    "https://api.bitbucket.org/2.0/workspaces/example/pipelines-config/identity/oidc",
    "https://vstoken.dev.azure.com/11111111-2222-3333-4444-555555555555",
    "accounts.google.com",
    "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE",
    "cognito-identity.amazonaws.com",
    "https://gitlab.example.com",
    "https://gitlab.example.com/a",
];

fn trust() -> Trust {
    let policy =
        "[trust.issuers]\n\"gitlab.example.com\" = \"gitlab\"\n\"gitlab.example.com/a\" = \"gitlab\"\n";
    Policy::from_toml(policy).unwrap().trust
}

fn read(subject: &str, issuer: &str) -> Subject {
    read_subject(subject, Some(issuer), &trust())
}

/// Text of pieces that separate something somewhere.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            ":",
            "@",
            "/",
            "//",
            "%3A",
            "refs/heads/",
            "refs/tags/",
            "pull_request",
            "environment",
            "ref",
            "repo",
            "/vcs-ref/refs/heads/",
            ":commit:9f31:step:",
            "actor",
            "commit",
            "step",
            "vcs-ref",
            "vcs-origin",
            "project",
            "main",
            " ",
            ": ",
            "..",
        ]),
        prop::sample::select(vec!["a", "b", "1", "-", "_", ".", "ä"]),
    ];
    prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
}

/// Two texts, of which the second one often contains the first one where a text of this kind separates parts.
fn related() -> impl Strategy<Value = (String, String)> {
    let short = || prop::sample::select(vec!["a", "main", "pull_request", "refs/tags/a"]);
    let separator = || {
        prop::sample::select(vec![
            "/vcs-ref/refs/heads/",
            ":commit:9f31:step:",
            ":actor:",
            ":ref:refs/heads/",
            "refs/heads/",
            "@",
            "/",
            ":",
        ])
    };
    prop_oneof![
        (hostile(), hostile()),
        (short(), short()).prop_map(|(one, two)| (one.to_owned(), two.to_owned())),
        (short(), separator(), hostile())
            .prop_map(|(one, by, two)| (one.to_owned(), format!("{one}{by}{two}"))),
        (short(), separator(), hostile())
            .prop_map(|(one, by, two)| (one.to_owned(), format!("{two}{by}{one}"))),
        (short(), separator()).prop_map(|(one, by)| (one.to_owned(), format!("{by}{one}"))),
    ]
}

/// Two names of branches or tags, without what git forbids.
fn git_names() -> impl Strategy<Value = (String, String)> {
    let clean = |text: String| text.replace([':', ' '], "");
    related()
        .prop_map(move |(one, two)| (clean(one), clean(two)))
        .prop_filter("empty", |(one, two)| !one.is_empty() && !two.is_empty())
}

/// A name as GitHub allows it: ASCII letters, digits, `-`, `_`, `.`.
fn github_name() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "1", "-", "_", ".", "repo", "ref"]), 1..3)
        .prop_map(|pieces| pieces.concat())
}

/// The contexts of two runs, apart from the repository, with the text in the subject.
fn github_contexts() -> impl Strategy<Value = (String, String)> {
    let context = |kind: u8, name: &str| match kind {
        0 => format!("ref:refs/heads/{}", name.replace([':', ' '], "")),
        1 => format!("ref:refs/tags/{}", name.replace([':', ' '], "")),
        2 => format!("environment:{}", name.replace(':', "%3A")),
        _ => "pull_request".to_owned(),
    };
    let contexts = (related(), 0..4_u8, 0..4_u8);
    contexts
        .prop_map(move |((one, two), first, second)| (context(first, &one), context(second, &two)))
        .prop_filter("empty", |(one, two)| !one.ends_with("s/") && !two.ends_with("s/"))
}

/// The claims of a customized template that change from run to run.
fn run() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z]{1,3}".prop_map(|actor| format!(":actor:{actor}")),
        "[0-9]{1,3}".prop_map(|run| format!(":run_id:{run}:event_name:push")),
    ]
}

/// An issuer that the table does not have: any text, or a known one with something changed.
fn unknown_issuer() -> impl Strategy<Value = String> {
    let changed = (prop::sample::select(&ISSUERS[..]), 0..12_usize).prop_map(|(known, how)| {
        let host = known.trim_start_matches("https://");
        match how {
            0 => format!("https://evil.example/{host}"),
            1 => format!("https://evil.example/:oidc-provider/{host}"),
            2 => format!("https://{host}.evil.example"),
            3 => format!("https://evil.{host}"),
            4 => format!("https://{host}/"),
            5 => format!("https://{host}:443"),
            6 => format!("https://evil@{host}"),
            7 => format!("https://{host}."),
            8 => format!("http://{host}"),
            9 => format!("arn:aws:iam::111122223333:saml-provider/{host}"),
            10 => known.replacen('o', "O", 1),
            _ => format!("{known} "),
        }
    });
    prop_oneof![changed, "[a-z0-9.:/@-]{0,20}", any::<String>()]
}

fn any_subject() -> impl Strategy<Value = String> {
    let samples: Vec<&'static str> =
        examples().flat_map(|example| [example.subject, example.owner]).collect();
    let spliced = (prop::sample::select(samples.clone()), hostile(), any::<prop::sample::Index>()).prop_map(
        |(sample, hostile, at)| {
            let at = at.index(sample.len());
            format!("{}{hostile}{}", &sample[..at], &sample[at..])
        },
    );
    prop_oneof![prop::sample::select(samples).prop_map(str::to_owned), spliced, hostile(), any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_subject_of_an_unknown_issuer_comes_out_whole(subject in any_subject(), issuer in unknown_issuer()) {
        let read = read(&subject, &issuer);
        prop_assert!(!read.known, "{issuer:?} is believed");
        let named = read.issuer.unwrap_or_default();
        prop_assert!(read.owner == subject || read.owner == format!("{named}: {subject}"), "{}", read.owner);
        prop_assert_eq!(&read.fields["text"], &subject);
    }

    #[test]
    fn what_an_unknown_issuer_says_is_never_the_owner_of_a_known_one(
        subject in any_subject(), issuer in unknown_issuer(),
    ) {
        for known in ISSUERS {
            let genuine = read(&subject, known);
            if genuine.known {
                let imitation = read(&genuine.owner, &issuer);
                prop_assert_ne!(imitation.owner, genuine.owner);
            }
        }
    }

    #[test]
    fn two_repositories_branches_or_environments_of_github_never_have_the_same_owner(
        repositories in ((github_name(), github_name()), (github_name(), github_name())),
        contexts in github_contexts(),
        same_repository in any::<bool>(), ids in any::<(bool, bool)>(), runs in (run(), run()),
    ) {
        let ((organization, repository), two) = repositories;
        let two = if same_repository { (organization.clone(), repository.clone()) } else { two };
        let (one, two) = ((organization, repository, contexts.0), (two.0, two.1, contexts.1));
        let text = |(organization, repository, context): &(String, String, String), ids: bool, run: &str| {
            let (owner_id, repository_id) = if ids { ("@1", "@2") } else { ("", "") };
            format!("repo:{organization}{owner_id}/{repository}{repository_id}:{context}{run}")
        };
        let (first, second) = (read(&text(&one, ids.0, &runs.0), GITHUB), read(&text(&two, ids.1, &runs.1), GITHUB));
        prop_assert!(first.known && second.known, "{first:?}, {second:?}");
        prop_assert_eq!(first.owner == second.owner, one == two, "{} {}", first.owner, second.owner);
    }

    #[test]
    fn two_branches_of_gitlab_never_have_the_same_owner(
        projects in ((github_name(), github_name()), (github_name(), github_name())),
        names in git_names(), tags in any::<(bool, bool)>(), same_project in any::<bool>(),
        issuers in (prop::sample::select(vec![2, 12, 13_usize]), prop::sample::select(vec![2, 12, 13_usize])),
        turned in any::<bool>(),
    ) {
        let (one, two) = projects;
        let two = if same_project { one.clone() } else { two };
        let (one, two) = ((one.0, one.1, names.0, tags.0), (two.0, two.1, names.1, tags.1));
        let text = |(group, project, name, is_tag): &(String, String, String, bool), turned: bool| {
            let kind = if *is_tag { "tag" } else { "branch" };
            if turned {
                format!("project_path:{group}/{project}:ref:{name}:ref_type:{kind}")
            } else {
                format!("project_path:{group}/{project}:ref_type:{kind}:ref:{name}")
            }
        };
        let first = read(&text(&one, turned), ISSUERS[issuers.0]);
        let second = read(&text(&two, false), ISSUERS[issuers.1]);
        prop_assert!(first.known && second.known, "{first:?}, {second:?}");
        prop_assert_eq!(first.owner == second.owner, (one, issuers.0) == (two, issuers.1));
    }

    // Buildkite takes any text as a branch.
    #[test]
    fn a_branch_of_buildkite_never_imitates_another_one(
        branches in related(), commits in ("[0-9a-f]{4}", "[0-9a-f]{4}"), steps in ("[a-z:]{0,4}", "[a-z:]{0,4}"),
    ) {
        let text = |branch: &str, commit: &str, step: &str| {
            format!("organization:acme:pipeline:shop:ref:refs/heads/{branch}:commit:{commit}:step:{step}")
        };
        let first = read(&text(&branches.0, &commits.0, &steps.0), BUILDKITE);
        let second = read(&text(&branches.1, &commits.1, &steps.1), BUILDKITE);
        if first.owner == second.owner {
            prop_assert_eq!(&branches.0, &branches.1, "{}", first.owner);
        }
        let again = read(&text(&branches.0, &commits.1, &steps.1), BUILDKITE);
        if first.known && again.known {
            prop_assert_eq!(first.owner, again.owner);
        }
    }

    #[test]
    fn a_branch_or_tag_in_circleci_never_imitates_another_one(
        names in git_names(), tags in any::<(bool, bool)>(), users in any::<(u32, u32)>(),
    ) {
        let (one, two) = ((names.0, tags.0), (names.1, tags.1));
        let text = |(name, is_tag): &(String, bool), user: u32| {
            let kind = if *is_tag { "tags" } else { "heads" };
            format!(
                "org/11111111-2222-3333-4444-555555555555/project/66666666-7777-8888-9999-000000000000\
                 /user/{user:08x}-bbbb-cccc-dddd-eeeeeeeeeeee/vcs-origin/github.com/a/b/vcs-ref/refs/{kind}/{name}"
            )
        };
        let (first, second) = (read(&text(&one, users.0), CIRCLECI), read(&text(&two, users.1), CIRCLECI));
        prop_assert!(first.known && second.known, "{first:?}, {second:?}");
        prop_assert_eq!(first.owner == second.owner, one == two);
    }

    #[test]
    fn another_run_of_the_same_pipeline_has_the_same_owner(
        name in "[a-z]{1,4}", phases in ("[a-z]{1,6}", "[a-z]{1,6}"), step in any::<(u32, u32)>(),
    ) {
        let uuid = |number: u32| format!("{number:08x}-1111-2222-3333-444444444444");
        let runs = |text: &dyn Fn(&str, u32) -> String| (text(&phases.0, step.0), text(&phases.1, step.1));
        let pairs = [
            (ISSUERS[4], runs(&|phase, _| format!("organization:acme:project:p:workspace:{name}:run_phase:{phase}"))),
            (ISSUERS[4], runs(&|phase, _| {
                format!("organization:acme:project:p:stack:{name}:deployment:prod:operation:{phase}")
            })),
            (ISSUERS[6], runs(&|phase, step| format!("space:s{step}:stack:{name}:run_type:{phase}:scope:{phase}"))),
            (ISSUERS[7], runs(&|_, step| format!("{{{}}}:{{{}}}", uuid(1), uuid(step)))),
            (ISSUERS[7], runs(&|_, step| format!("{{{}}}:{{{}}}:{{{}}}", uuid(1), uuid(2), uuid(step)))),
        ];
        for (issuer, (first, second)) in pairs {
            let (first, second) = (read(&first, issuer), read(&second, issuer));
            prop_assert!(first.known && second.known, "{first:?}, {second:?}");
            prop_assert_eq!(first.owner, second.owner);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn equal_owners_have_equal_parts_and_the_same_issuer_form(
        subjects in prop::collection::vec((any_subject(), prop::sample::select(&ISSUERS[..])), 40),
    ) {
        // These parts are not in the owner, or are in another field by another text.
        let apart = ["text", "issuer", "commit", "step", "user", "run", "event", "phase", "scope", "space", "owner_id",
            "repository_id", "enterprise", "tenant", "organization_id"];
        let mut by_owner: HashMap<String, (Subject, &str)> = HashMap::new();
        for (subject, issuer) in &subjects {
            let read = read(subject, issuer);
            if let Some((known, other)) = by_owner.get(&read.owner) {
                prop_assert_eq!(known.known, read.known, "{} of {} and {}", read.owner, issuer, other);
                if read.known {
                    let parts = |read: &Subject| {
                        let mut fields = read.fields.clone();
                        fields.retain(|name, _| !apart.contains(&name.as_str()));
                        if read.owner.starts_with("workspace:") {
                            fields.remove("project");
                        }
                        if read.owner.starts_with("circleci:") {
                            fields.remove("repository");
                        }
                        fields
                    };
                    prop_assert_eq!(parts(known), parts(&read), "{}", read.owner);
                }
            }
            by_owner.entry(read.owner.clone()).or_insert((read, *issuer));
        }
    }
}

/// A user who wonders about an owner looks their subject up on this page.
#[test]
fn the_documentation_has_every_text_of_a_subject_and_its_placeholders() {
    let page = include_str!("../../../docs/subjects.md");
    for example in examples() {
        let row = format!("| `{}` | `{}` |", example.subject, example.owner);
        assert!(page.contains(&row), "docs/subjects.md has no row {row}");
    }
    let placeholders = autotag_model::policy::TagTemplate::placeholders().iter();
    for field in placeholders.filter_map(|name| name.strip_prefix("subject.")) {
        let alone = format!("`{field}`");
        assert!(
            page.contains(&alone) || page.contains(&format!("subject.{field}")),
            "docs/subjects.md has no {alone}"
        );
    }
}
