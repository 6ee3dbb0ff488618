use super::*;
use crate::policy::Policy;

const GITHUB: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
const EKS: &str = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE";
const MAIN: &str = "repo:example/shop:ref:refs/heads/main";
const ACCOUNT: &str = "system:serviceaccount:web:checkout";

fn subject(subject: &str, provider: &str) -> Subject {
    read_subject(subject, Some(provider), &Trust::default())
}

fn owner(text: &str, provider: &str) -> String {
    let read = subject(text, provider);
    assert!(read.known, "{provider}: {text}");
    read.owner
}

fn fields(read: &Subject) -> Vec<(&str, &str)> {
    let of_subject = |name: &&str| !["text", "issuer", "provider"].contains(name);
    let fields = read.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    fields.filter(|(name, _)| of_subject(name)).collect()
}

fn trust(text: &str) -> Trust {
    Policy::from_toml(text).unwrap().trust
}

#[test]
fn as_people_read_them() {
    for (provider, subject, expected) in [
        (GITHUB, MAIN, "repo:example/shop@main"),
        (GITHUB, "repo:example/shop:ref:refs/heads/fix/a", "repo:example/shop@fix/a"),
        (
            GITHUB,
            "repo:example/shop:ref:refs/heads/pull_request",
            "repo:example/shop@refs/heads/pull_request",
        ),
        (
            GITHUB,
            "repo:example/shop:ref:refs/heads/refs/tags/v1",
            "repo:example/shop@refs/heads/refs/tags/v1",
        ),
        (GITHUB, "repo:example/shop:ref:refs/tags/v1", "repo:example/shop@refs/tags/v1"),
        (GITHUB, "repo:example/shop:environment:prod", "repo:example/shop@environment:prod"),
        (GITHUB, "repo:example/shop:pull_request", "repo:example/shop@pull_request"),
        ("gitlab.com", "project_path:a/b/shop:ref_type:branch:ref:main", "project:a/b/shop@main"),
        ("gitlab.com", "project_path:a/shop:ref_type:tag:ref:v1", "project:a/shop@tag:v1"),
        (EKS, ACCOUNT, "serviceaccount:web/checkout"),
    ] {
        assert_eq!(owner(subject, provider), expected);
    }
}

/// The URL of an issuer for each form.
fn issuer_of(form: &str) -> &'static str {
    match form {
        "github" => "https://token.actions.githubusercontent.com",
        "gitlab" => "https://gitlab.com",
        "buildkite" => "https://agent.buildkite.com",
        "terraform" => "https://app.terraform.io",
        "circleci" => "https://oidc.circleci.com/org/11111111-2222-3333-4444-555555555555",
        "spacelift" => "https://example.app.spacelift.io",
        "bitbucket" => "https://api.bitbucket.org/2.0/workspaces/example/pipelines-config/identity/oidc",
        "azure-devops" => "https://vstoken.dev.azure.com/11111111-2222-3333-4444-555555555555",
        "google" => "accounts.google.com",
        "kubernetes" => EKS,
        "cognito" => "cognito-identity.amazonaws.com",
        form => panic!("{form} has no issuer here"),
    }
}

#[test]
fn every_example_of_the_table_names_the_owner_beside_it() {
    for example in examples() {
        assert_eq!(owner(example.subject, issuer_of(example.form)), example.owner);
        assert!(TABLE.is_owner(example.owner), "{} is not seen as an owner", example.owner);
    }
}

#[test]
fn an_id_in_the_subject_of_github_is_a_field_and_not_a_part_of_the_owner() {
    for (with_ids, without) in [
        (
            "repo:octocat@123456/my-repo@456789:ref:refs/heads/main",
            "repo:octocat/my-repo:ref:refs/heads/main",
        ),
        ("repo:octocat@123456/my-repo@456789:environment:prod", "repo:octocat/my-repo:environment:prod"),
        ("repo:octocat@123456/my-repo@456789:pull_request", "repo:octocat/my-repo:pull_request"),
        ("repo:octocat@123456/my-repo@456789", "repo:octocat/my-repo"),
        (
            "repository_visibility:private:repo:octocat@123456/my-repo@456789",
            "repository_visibility:private:repo:octocat/my-repo",
        ),
    ] {
        assert_eq!(owner(with_ids, GITHUB), owner(without, GITHUB));
        let read = subject(with_ids, GITHUB);
        let field = |name: &str| read.fields.get(name).map(String::as_str);
        assert_eq!(
            (field("owner_id"), field("repository_id")),
            (Some("123456"), Some("456789")),
            "{with_ids}"
        );
        assert_eq!(subject(without, GITHUB).fields.get("repository_id"), None);
    }
    // The announcement prints `-`. A name may have it, so it separates nothing.
    let dashes = "repo:octocat-123456/my-repo-456789:ref:refs/heads/main";
    assert_eq!(owner(dashes, GITHUB), "repo:octocat-123456/my-repo-456789@main");
}

#[test]
fn claims_of_a_customized_template_belong_to_the_owner_unless_they_change_from_run_to_run() {
    for (subject, expected) in [
        ("repo:example/shop:ref:refs/heads/main:actor:anna:run_id:7", "repo:example/shop@main"),
        ("repo:example/shop:environment:prod:actor:anna", "repo:example/shop@environment:prod"),
        ("enterprise:acme:repo:example@1/shop@2:ref:refs/heads/main:sha:9f31", "repo:example/shop@main"),
        ("repo:example/shop:workflow:Deploy%3A all", "repo:example/shop@workflow:Deploy%3A all"),
        (
            "repo:example/shop:environment:prod:job_workflow_ref:example/ci/.github/workflows/a.yml@refs/heads/main",
            "repo:example/shop@environment:prod:job_workflow_ref:example/ci/.github/workflows/a.yml@refs/heads/main",
        ),
        (
            "job_workflow_ref:example/ci/.github/workflows/a.yml@refs/heads/main:actor:anna",
            "job_workflow_ref:example/ci/.github/workflows/a.yml@refs/heads/main",
        ),
        ("repository_owner:example", "repository_owner:example"),
        ("repo_property_team:web:run_number:7", "repo_property_team:web"),
    ] {
        assert_eq!(owner(subject, GITHUB), expected);
    }
    let read = subject("repo:example/shop:ref:refs/heads/main:actor:anna:run_id:7", GITHUB);
    let expected = [
        ("branch", "main"),
        ("organization", "example"),
        ("repository", "shop"),
        ("run", "7"),
        ("user", "anna"),
    ];
    assert_eq!(fields(&read), expected);
}

#[test]
fn a_subject_without_the_form_of_its_issuer_is_quoted() {
    for (provider, text) in [
        (GITHUB, "repo:no-more"),
        (GITHUB, ""),
        (GITHUB, "repo:example/shop:"),
        (GITHUB, "repo:example/shop:anything"),
        (GITHUB, "repo:example/shop:unheard_of:claim"),
        (GITHUB, "repo:example/shop:actor:anna:actor:bob"),
        (GITHUB, "repo:example/shop@x:ref:refs/heads/main"),
        (GITHUB, "repo:example/shop/more:ref:refs/heads/main"),
        (GITHUB, "actor:anna"),
        (GITHUB, "project:example/shop"),
        ("gitlab.com", "project_path:shop:ref_type:branch:ref:main"),
        ("gitlab.com", "project_path:a//b:ref_type:branch:ref:main"),
        ("gitlab.com", MAIN),
        (EKS, "system:serviceaccount:web"),
        (EKS, "system:serviceaccount:web:checkout:more"),
    ] {
        let read = subject(text, provider);
        assert_eq!((read.owner.as_str(), read.known), (text, false), "{provider}");
    }
}

#[test]
fn only_the_exact_issuer_counts() {
    for provider in [
        "https://evil.example/:oidc-provider/token.actions.githubusercontent.com",
        "evil.example/token.actions.githubusercontent.com",
        "https://evil.example/arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
        "https://token.actions.githubusercontent.com@evil.example",
        "https://anna@token.actions.githubusercontent.com",
        "https://token.actions.githubusercontent.com:8443",
        "https://token.actions.githubusercontent.com.",
        "https://token.actions.githubusercontent.com.evil.example",
        "https://eviltoken.actions.githubusercontent.com",
        "https://token.actions.githubusercontent.com/",
        "https://token.actions.githubusercontent.com//acme",
        "https://token.actions.githubusercontent.com/acme/more",
        "https://token.actions.githubusercontent.com/../evil",
        "https://token.actions.githubusercontent.com?acme",
        "https://token.actions.githubusercontent.com#acme",
        "https://token.actions.githubusercontent.com\u{0}",
        " https://token.actions.githubusercontent.com",
        "https://TOKEN.actions.githubusercontent.com",
        "http://token.actions.githubusercontent.com",
        "https://https://token.actions.githubusercontent.com",
        "https://token.actions.evil.example.ghe.com",
        "https://token.actions.ghe.com",
        "arn:aws:iam::111122223333:saml-provider/token.actions.githubusercontent.com",
        "arn:aws:s3::111122223333:oidc-provider/token.actions.githubusercontent.com",
        "arn:aws:iam::1111:oidc-provider/token.actions.githubusercontent.com",
        "arn:aws:iam::111122223333:oidc-provider/https://token.actions.githubusercontent.com",
        "arn:evil:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
        "accounts.example.com",
        "",
    ] {
        let read = subject(MAIN, provider);
        assert_eq!((read.owner.as_str(), read.known), (MAIN, false), "{provider}");
        assert_eq!(read.issuer.as_deref().map(|issuer| provider.contains(issuer)), Some(true), "{provider}");
        let imitation = subject("repo:example/shop@main", provider);
        assert!(imitation.owner.ends_with(": repo:example/shop@main"), "{provider}: {}", imitation.owner);
    }
    let without = read_subject(MAIN, None, &Trust::default());
    assert_eq!((without.owner.as_str(), without.known, without.issuer), (MAIN, false, None));
}

#[test]
fn only_hosts_of_eks_itself_are_eks() {
    for provider in [
        "https://oidc.eks.cn-north-1.amazonaws.com.cn/id/0123456789ABCDEF0123456789ABCDEF",
        "https://oidc-eks.us-gov-west-1.api.aws/id/0123456789ABCDEF0123456789ABCDEF",
        "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
    ] {
        assert_eq!(owner(ACCOUNT, provider), "serviceaccount:web/checkout");
    }
    for provider in [
        "oidc-eks.s3.amazonaws.com",
        "oidc-eks.s3.amazonaws.com/id/EXAMPLE",
        "oidc.eks.s3.amazonaws.com/id/EXAMPLE",
        "oidc.eks.s3-eu-west-1.amazonaws.com/id/EXAMPLE",
        "oidc.eks.s3.eu-west-1.amazonaws.com/id/EXAMPLE",
        "oidc-eks.eu-west-1.amazonaws.com/id/EXAMPLE",
        "oidc.eks.eu-west-1.amazonaws.com",
        "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE/more",
        "oidc.eks.eu-west-1.amazonaws.com.evil.example/id/EXAMPLE",
        "oidc.eks.example",
        "oidc.eks.evil.example/oidc.eks.eu-west-1.amazonaws.com",
    ] {
        let read = subject(ACCOUNT, provider);
        assert_eq!((read.owner.as_str(), read.known), (ACCOUNT, false), "{provider}");
    }
    let read = subject(ACCOUNT, EKS);
    let expected = [
        ("cluster", "EXAMPLE"),
        ("namespace", "web"),
        ("region", "eu-west-1"),
        ("service_account", "checkout"),
    ];
    assert_eq!(fields(&read), expected);
}

#[test]
fn names_that_are_unique_in_a_scope_only_are_behind_it() {
    let own = trust(
        "[trust.issuers]\n\"https://gitlab.example.com\" = \"gitlab\"\n\"k8s.example.com/prod\" = \"kubernetes\"\n\
         \"github.example.com/_services/token\" = \"github\"\n",
    );
    for (provider, subject, expected) in [
        (
            "https://gitlab.example.com",
            "project_path:example/shop:ref_type:branch:ref:main",
            "project:gitlab.example.com//example/shop@main",
        ),
        ("https://k8s.example.com/prod", ACCOUNT, "serviceaccount:k8s.example.com/prod//web/checkout"),
        (
            "arn:aws:iam::111122223333:oidc-provider/github.example.com/_services/token",
            MAIN,
            "repo:github.example.com/_services/token//example/shop@main",
        ),
        ("https://token.actions.octocorp.ghe.com", MAIN, "repo:octocorp.ghe.com//example/shop@main"),
        ("https://token.actions.octocorp.ghe.com/octocorp", MAIN, "repo:octocorp.ghe.com//example/shop@main"),
        ("https://token.actions.githubusercontent.com/acme", MAIN, "repo:example/shop@main"),
    ] {
        let read = read_subject(subject, Some(provider), &own);
        assert_eq!((read.owner.as_str(), read.known), (expected, true), "{provider}");
        let imitation = self::subject(expected, "evil.example");
        assert_eq!(imitation.owner, format!("evil.example: {expected}"));
    }
    for other in ["https://gitlab.example.com/more", "https://k8s.example.com", "https://gitlab.example.com."]
    {
        assert!(!read_subject(ACCOUNT, Some(other), &own).known, "{other}");
    }
}

#[test]
fn a_field_says_the_same_in_the_url_and_in_the_subject() {
    let other = "org/22222222-2222-3333-4444-555555555555/project/66666666-7777-8888-9999-000000000000";
    let read = subject(other, issuer_of("circleci"));
    assert_eq!((read.owner.as_str(), read.known), (other, false));
}

#[test]
fn every_field_of_the_table_has_a_placeholder() {
    let names = crate::policy::TagTemplate::placeholders();
    for example in examples() {
        let read = subject(example.subject, issuer_of(example.form));
        for name in read.fields.keys() {
            assert!(
                names.contains(&format!("subject.{name}").as_str()),
                "subject.{name}: {}",
                example.subject
            );
        }
    }
}
