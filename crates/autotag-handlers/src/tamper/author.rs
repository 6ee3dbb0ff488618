//! One stable name for each principal that changes tags.

use autotag_model::identity::{Principal, PrincipalKind};

/// The name of the principal of a call, the same for all its sessions: the ARN of the user, of the role, or the name of the
/// service. Sessions of a role are one principal, because callers choose their names; those of a role of Identity Center
/// are told apart, because AWS writes the person's name. `None` if the record names no caller.
///
/// ```
/// use autotag_handlers::tamper::author;
/// use autotag_model::identity::Principal;
///
/// let session = |name: &str| {
///     let arn = format!("arn:aws:sts::111122223333:assumed-role/Terraform/{name}");
///     Principal::from_value(&serde_json::json!({"type": "AssumedRole", "arn": arn}))
/// };
/// assert_eq!(author(&session("run-1")), author(&session("run-2")));
/// assert_eq!(author(&session("run-1")).as_deref(), Some("arn:aws:iam::111122223333:role/Terraform"));
/// ```
pub fn author(principal: &Principal) -> Option<String> {
    let role = principal.role_arn();
    let person = principal.is_identity_center_role().then(|| principal.session_name()).flatten();
    let of_role = role.map(|role| person.map_or(role.clone(), |person| format!("{role}/{person}")));
    let of_session = || {
        let issuer = principal.issuer_arn().filter(|_| principal.kind == PrincipalKind::FederatedUser);
        issuer.map(str::to_owned)
    };
    of_role
        .or_else(of_session)
        .or_else(|| principal.arn.clone())
        .or_else(|| principal.principal_id.clone())
        .or_else(|| principal.invoked_by.clone())
}
