//! The calls that a deployment makes to CloudFormation, as a trait: AWS answers them, or the memory of a test.

use crate::DeployError;
use async_trait::async_trait;
use autotag_model::arn::Region;
use std::collections::BTreeMap;
use std::fmt;

/// A stack's name and region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The region.
    pub region: Region,
    /// The name of the stack.
    pub stack: String,
}

impl Place {
    /// A stack of a region.
    pub fn new(region: &Region, stack: impl Into<String>) -> Self {
        Self { region: region.clone(), stack: stack.into() }
    }

    /// A failure of this stack.
    pub(crate) fn failed(&self, what: impl Into<String>, reasons: Vec<String>) -> DeployError {
        let (stack, region) = (self.stack.clone(), self.region.to_string());
        DeployError::Stack { stack, region, what: what.into(), reasons }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in {}", self.stack, self.region)
    }
}

/// The status of a stack, in the words of CloudFormation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status(pub String);

/// The operations that a stack allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It was announced by a change set and has no resources.
    Announced,
    /// An operation runs.
    Moving,
    /// It can be updated.
    Settled,
    /// It was never made, and can only be removed.
    Unmade,
    /// An update failed, and its resources were left as they are.
    HalfUpdated,
    /// An update failed, and so did going back.
    Stuck,
    /// It could not be removed.
    Undeleted,
    /// It is removed.
    Gone,
    /// A status that CloudFormation did not have when this was written.
    Unknown,
}

impl Status {
    /// The operations that a stack in this status allows.
    pub fn phase(&self) -> Phase {
        match self.0.as_str() {
            "REVIEW_IN_PROGRESS" => Phase::Announced,
            "CREATE_COMPLETE"
            | "UPDATE_COMPLETE"
            | "UPDATE_ROLLBACK_COMPLETE"
            | "IMPORT_COMPLETE"
            | "IMPORT_ROLLBACK_COMPLETE" => Phase::Settled,
            "CREATE_FAILED" | "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" => Phase::Unmade,
            "UPDATE_FAILED" => Phase::HalfUpdated,
            "UPDATE_ROLLBACK_FAILED" => Phase::Stuck,
            "DELETE_FAILED" => Phase::Undeleted,
            "DELETE_COMPLETE" => Phase::Gone,
            status if status.ends_with("_IN_PROGRESS") => Phase::Moving,
            _ => Phase::Unknown,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// Its ARN, which no other stack of the same name has.
    pub id: String,
    /// Its status.
    pub status: Status,
    /// Why it has that status, if CloudFormation says it.
    pub reason: Option<String>,
    /// When its last update began; `None` before the first one.
    pub updated: Option<String>,
    /// The parameters.
    pub parameters: BTreeMap<String, String>,
    /// The outputs.
    pub outputs: BTreeMap<String, String>,
}

/// A resource of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackResource {
    /// Its name in the template.
    pub logical_id: String,
    /// Its name in AWS.
    pub physical_id: String,
    /// Its type.
    pub kind: String,
    /// Its status.
    pub status: String,
}

/// The kind of a change set: it makes a stack, or changes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// There is no stack of this name.
    Create,
    /// There is one.
    Update,
}

impl ChangeKind {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
        }
    }
}

/// The template of a change set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateSource {
    /// The text, of at most 51,200 bytes.
    Body(String),
    /// An address in S3.
    Url(String),
    /// The one that the stack has.
    Previous,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// This one.
    Is(String),
    /// The one that the stack has.
    Previous,
}

/// A change set to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSetRequest {
    /// The name.
    pub name: String,
    /// True if the stack is there.
    pub kind: ChangeKind,
    /// The template.
    pub template: TemplateSource,
    /// The parameters. The others have the default of the template.
    pub parameters: BTreeMap<String, Value>,
    /// The tags of the stack, which its resources get as well.
    pub tags: BTreeMap<String, String>,
    /// ARNs of alarms that roll an update back.
    pub alarms: Vec<String>,
    /// How many minutes these are watched after an update.
    pub minutes: u32,
}

/// How far a change set is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// `CREATE_PENDING`, `CREATE_IN_PROGRESS`, `CREATE_COMPLETE`, `FAILED`, and those of its removal.
    pub status: String,
    /// Why it failed.
    pub reason: Option<String>,
    /// `AVAILABLE`, `EXECUTE_IN_PROGRESS`, `EXECUTE_COMPLETE`, `EXECUTE_FAILED`, and others.
    pub execution: String,
    /// The changes that it would make.
    pub changes: Vec<Change>,
}

impl ChangeSet {
    /// True if it is still being made.
    pub fn is_pending(&self) -> bool {
        matches!(self.status.as_str(), "CREATE_PENDING" | "CREATE_IN_PROGRESS")
    }

    /// True if it can be executed.
    pub fn is_ready(&self) -> bool {
        self.status == "CREATE_COMPLETE"
    }

    /// True if its execution has ended.
    pub fn is_executed(&self) -> bool {
        matches!(self.execution.as_str(), "EXECUTE_COMPLETE" | "EXECUTE_FAILED")
    }

    /// True if it failed because there is nothing to change. CloudFormation has no code for this, only these two texts.
    pub fn has_no_changes(&self) -> bool {
        let reason = self.reason.as_deref().unwrap_or_default();
        self.status == "FAILED"
            && self.changes.is_empty()
            && (reason.contains("didn't contain changes")
                || reason.contains("No updates are to be performed"))
    }
}

/// The change of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The kind of change.
    pub action: ChangeAction,
    /// The type of the resource.
    pub kind: String,
    /// Its name in the template.
    pub logical_id: String,
    /// The properties that change.
    pub properties: Vec<String>,
}

/// The kind of change of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeAction {
    /// It is made.
    Add,
    /// It is changed in place.
    Modify,
    /// It is created again, and the old one is removed.
    Replace,
    /// The same, if a value that is known later differs.
    MayReplace,
    /// It is removed.
    Remove,
}

/// How a stack is rolled back that cannot be updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RollBack {
    /// Going back failed: once more.
    Again,
    /// An update was left half done.
    HalfUpdated,
}

/// The calls to CloudFormation.
#[async_trait]
pub trait Formation: fmt::Debug + Send + Sync {
    /// The stack of this name; `None` if there is none.
    async fn stack(&self, place: &Place) -> Result<Option<Stack>, DeployError>;
    /// Its resources.
    async fn resources(&self, place: &Place) -> Result<Vec<StackResource>, DeployError>;
    /// Its template as it was given.
    async fn template(&self, place: &Place) -> Result<String, DeployError>;
    /// The failures of its last operation, the first failure first.
    async fn failures(&self, place: &Place, stack_id: &str) -> Result<Vec<String>, DeployError>;
    /// The ids of its change sets whose name begins so.
    async fn change_sets(&self, place: &Place, prefix: &str) -> Result<Vec<String>, DeployError>;
    /// Begins to make a change set, and returns its id.
    async fn create_change_set(
        &self,
        place: &Place,
        wanted: &ChangeSetRequest,
    ) -> Result<String, DeployError>;
    /// How far a change set is.
    async fn change_set(&self, place: &Place, id: &str) -> Result<ChangeSet, DeployError>;
    /// Begins to do what a change set says.
    async fn execute(&self, place: &Place, id: &str) -> Result<(), DeployError>;
    /// Removes a change set that was not executed.
    async fn delete_change_set(&self, place: &Place, id: &str) -> Result<(), DeployError>;
    /// Begins to remove a stack.
    async fn delete_stack(&self, place: &Place) -> Result<(), DeployError>;
    /// Begins to roll a stack back.
    async fn roll_back(&self, place: &Place, how: RollBack) -> Result<(), DeployError>;
}
