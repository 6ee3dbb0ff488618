use super::*;

fn readable(subject: &str, provider: Option<&str>) -> String {
    read_subject(subject, provider, &Trust::default()).owner
}

const GITHUB: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
const EKS: &str = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE";

#[test]
fn as_people_read_them() {
    for (provider, subject, owner) in [
        (GITHUB, "repo:example/shop:ref:refs/heads/main", "repo:example/shop@main"),
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
        (EKS, "system:serviceaccount:web:checkout", "serviceaccount:web/checkout"),
    ] {
        assert_eq!(readable(subject, Some(provider)), owner);
    }
}

#[test]
fn what_is_not_of_that_form_or_of_another_provider_is_quoted() {
    for (provider, subject) in [
        (Some("accounts.example.com"), "repo:example/shop:ref:refs/heads/main"),
        (Some("evil.example/token.actions.githubusercontent.com"), "repo:example/shop:ref:refs/heads/main"),
        (Some("oidc.eks.example"), "system:serviceaccount:web:checkout"),
        (
            Some("oidc.eks.evil.example/oidc.eks.eu-west-1.amazonaws.com"),
            "system:serviceaccount:web:checkout",
        ),
        (None, "system:serviceaccount:web:checkout"),
        (Some(GITHUB), "repo:no-more"),
        (Some(GITHUB), ""),
        (Some("cognito-identity.amazonaws.com"), "eu-west-1:11112222-3333-4444-5555-666677778888"),
    ] {
        assert_eq!(readable(subject, provider), subject);
    }
}
