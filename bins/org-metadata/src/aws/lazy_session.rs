//! Sessions in accounts that are opened when they are first needed.

use super::client::Aws;
use super::failure::Failure;
use super::session::AccountSession;
use autotag_aws::MemberRole;
use autotag_model::arn::AccountId;
use tokio::sync::OnceCell;

/// A session that is opened when it is first needed.
#[derive(Debug)]
pub(crate) struct LazyAccountSession<'a> {
    /// How to open it; `None` for the credentials that the program was started with.
    role: Option<RoleInAccount<'a>>,
    session: OnceCell<Result<AccountSession, Failure>>,
}

/// A role in an account, and the session that assumes it.
#[derive(Debug, Clone, Copy)]
struct RoleInAccount<'a> {
    aws: &'a Aws,
    from: &'a LazyAccountSession<'a>,
    id: &'a AccountId,
    role: &'a MemberRole,
}

impl<'a> LazyAccountSession<'a> {
    /// A session that is open already.
    pub(crate) fn open(session: AccountSession) -> Self {
        Self { role: None, session: OnceCell::new_with(Some(Ok(session))) }
    }

    /// A session in the account `id`, by a role that `from` assumes.
    pub(crate) fn by_role(aws: &'a Aws, from: &'a Self, id: &'a AccountId, role: &'a MemberRole) -> Self {
        Self { role: Some(RoleInAccount { aws, from, id, role }), session: OnceCell::new() }
    }

    /// The session. The first caller opens it; the others wait, and get the same session or the same failure.
    pub(crate) async fn get(&self) -> Result<&AccountSession, Failure> {
        let open = async || {
            let Some(RoleInAccount { aws, from, id, role }) = self.role else {
                return Err(Failure::new("AssumeRole", "NotSent", None));
            };
            let from = Box::pin(from.get()).await?;
            aws.assume(from, id, role).await
        };
        self.session.get_or_init(open).await.as_ref().map_err(Failure::clone)
    }

    /// Why the session could not be opened, if that was tried.
    pub(crate) fn refusal(&self) -> Option<&Failure> {
        self.session.get()?.as_ref().err()
    }
}
