//! Services whose resources are tagged only if the policy says so.

/// Services without a tag call. The call that changes the tags of their resources changes everything else of them too, so a role
/// that may make it can have a `CodeBuild` project run other code.
pub const OPT_IN_SERVICES: [&str; 1] = ["codebuild"];

/// True if tags of a service's resources are written by a policy that has opted in to these services.
pub(super) fn writes_to(event_source: &str, opted_in: &[String]) -> bool {
    let service = event_source.split('.').next().unwrap_or_default();
    !OPT_IN_SERVICES.contains(&service) || opted_in.iter().any(|one| one == service)
}
