//! The list of stacks that make up a deployment.

/// The list of stacks that make up a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One account: `NAME` from `single.yaml`, and `NAME-region` in each other region.
    Single,
    /// One account, from the parts: `NAME-hub`, `NAME-session`, and `NAME-region` in each region.
    Parts,
    /// An organization: `NAME` from `org.yaml`, whose stack sets make the rest.
    Organization,
}

/// A stack of the hub's region: the name of its template, and what follows the name of the deployment in its own.
pub type Central = (&'static str, &'static str);

impl Layout {
    /// The stacks of the hub's region that come first, in their order.
    pub fn central(self) -> &'static [Central] {
        match self {
            Self::Single => &[("single", "")],
            Self::Parts => &[("hub", "-hub"), ("session", "-session")],
            Self::Organization => &[("org", "")],
        }
    }

    /// The names of all templates.
    pub fn templates(self) -> &'static [&'static str] {
        match self {
            Self::Single => &["single", "region"],
            Self::Parts => &["hub", "session", "region"],
            Self::Organization => &["org", "member", "region"],
        }
    }
}
