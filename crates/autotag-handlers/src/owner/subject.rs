//! Subjects of web identities, as people read them.
//!
//! Only of providers whose form of subject is their own: another provider may say anything, and is quoted as it is.

/// Who a web identity's subject is. `provider` is the OIDC provider's URL or ARN, or names a well-known one.
///
/// | provider | subject | owner |
/// |---|---|---|
/// | GitHub Actions | `repo:example/shop:ref:refs/heads/main` | `repo:example/shop@main` |
/// | | `repo:example/shop:ref:refs/tags/v1` | `repo:example/shop@refs/tags/v1` |
/// | | `repo:example/shop:environment:prod` | `repo:example/shop@environment:prod` |
/// | GitLab | `project_path:example/shop:ref_type:branch:ref:main` | `project:example/shop@main` |
/// | EKS | `system:serviceaccount:web:checkout` | `serviceaccount:web/checkout` |
pub(super) fn readable(subject: &str, provider: Option<&str>) -> String {
    let host = provider.map(host).unwrap_or_default();
    let read = match host {
        "token.actions.githubusercontent.com" => github(subject),
        "gitlab.com" => gitlab(subject),
        _ if is_eks(host) => service_account(subject),
        _ => None,
    };
    read.unwrap_or_else(|| subject.to_owned())
}

/// The host of `https://host/path`, `host/path` or `arn:aws:iam::111122223333:oidc-provider/host/path`.
fn host(provider: &str) -> &str {
    let url = provider.split_once(":oidc-provider/").map_or(provider, |(_, url)| url);
    let url = url.split_once("://").map_or(url, |(_, url)| url);
    url.split('/').next().unwrap_or(url)
}

/// `oidc.eks.<region>.amazonaws.com`, `oidc-eks.<region>.api.aws`; nobody but AWS has hosts under these names.
fn is_eks(host: &str) -> bool {
    let of_aws = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"].iter().any(|end| host.ends_with(end));
    of_aws && (host.starts_with("oidc.eks.") || host.starts_with("oidc-eks."))
}

fn github(subject: &str) -> Option<String> {
    let (repository, of) = subject.strip_prefix("repo:")?.split_once(':')?;
    let of = of.strip_prefix("ref:").unwrap_or(of);
    // A branch may be called like another kind of run.
    let plain =
        |branch: &&str| *branch != "pull_request" && !branch.starts_with("refs/") && !branch.contains(':');
    Some(format!("repo:{repository}@{}", of.strip_prefix("refs/heads/").filter(plain).unwrap_or(of)))
}

fn gitlab(subject: &str) -> Option<String> {
    let (project, of) = subject.strip_prefix("project_path:")?.split_once(":ref_type:")?;
    let (kind, name) = of.split_once(":ref:")?;
    Some(match kind {
        "branch" => format!("project:{project}@{name}"),
        kind => format!("project:{project}@{kind}:{name}"),
    })
}

fn service_account(subject: &str) -> Option<String> {
    let (namespace, name) = subject.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    Some(format!("serviceaccount:{namespace}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            (
                Some("evil.example/token.actions.githubusercontent.com"),
                "repo:example/shop:ref:refs/heads/main",
            ),
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
}
