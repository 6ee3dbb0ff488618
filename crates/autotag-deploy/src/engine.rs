//! Brings stacks from any state to the wanted one. If a run ends at any point, the next run continues it, because
//! each status of a stack has a defined next step:
//!
//! | Status | Next step |
//! |---|---|
//! | no stack | a change set makes it |
//! | `REVIEW_IN_PROGRESS` | it has no resources: removed, then as above |
//! | `*_IN_PROGRESS` | waited for, then by the status that comes |
//! | `CREATE_FAILED`, `ROLLBACK_COMPLETE`, `ROLLBACK_FAILED` | it was never whole: removed, then made |
//! | `CREATE_COMPLETE`, `UPDATE_COMPLETE`, `UPDATE_ROLLBACK_COMPLETE` | a change set changes it; if there is nothing to change it stays |
//! | `UPDATE_FAILED` | rolled back, then by the status that comes |
//! | `UPDATE_ROLLBACK_FAILED` | rolled back once more; if that fails the run stops, with the resources that failed |
//! | `DELETE_FAILED` | removed once more; if that fails the run stops, with the resources that failed |

use crate::DeployError;
use crate::formation::{
    ChangeKind, ChangeSet, ChangeSetRequest, Formation, Phase, Place, RollBack, Stack, TemplateSource, Value,
};
use crate::progress::{Observer, ends, goes_on};
use std::collections::BTreeMap;
use std::time::Duration;

/// The names of our change sets begin so. What an ended run left is found by it.
pub const CHANGE_SETS: &str = "autotag-";

/// The most steps from a state to the wanted one. The longest way has six.
const MAX_STEPS: usize = 12;

/// A stack as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackTarget {
    /// Its place.
    pub place: Place,
    /// Its template.
    pub template: TemplateSource,
    /// The text of the template.
    pub text: String,
    /// The parameters that the template has.
    pub declared: Vec<String>,
    /// The values that are given. The others stay as they are.
    pub parameters: BTreeMap<String, String>,
    /// The tags of the stack.
    pub tags: BTreeMap<String, String>,
    /// The names in the template of alarms that roll an update back.
    pub alarms: Vec<String>,
    /// How many minutes they are watched after an update.
    pub minutes: u32,
}

impl StackTarget {
    /// The change set from a stack to this.
    pub(crate) fn request(
        &self,
        name: String,
        stack: Option<&Stack>,
        alarms: Vec<String>,
    ) -> ChangeSetRequest {
        let there = stack.map(|stack| &stack.parameters);
        let of = |key: &String| match self.parameters.get(key) {
            Some(value) => Some((key.clone(), Value::Is(value.clone()))),
            None => there?.contains_key(key).then(|| (key.clone(), Value::Previous)),
        };
        ChangeSetRequest {
            name,
            kind: if stack.is_some() { ChangeKind::Update } else { ChangeKind::Create },
            template: self.template.clone(),
            parameters: self.declared.iter().filter_map(of).collect(),
            tags: self.tags.clone(),
            alarms,
            minutes: self.minutes,
        }
    }
}

/// How a stack ended that is as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It was made.
    Created(Stack),
    /// It was changed.
    Updated(Stack),
    /// There was nothing to change.
    Unchanged(Stack),
}

impl Applied {
    /// The stack.
    pub fn stack(&self) -> &Stack {
        match self {
            Self::Created(stack) | Self::Updated(stack) | Self::Unchanged(stack) => stack,
        }
    }

    /// In a word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Created(_) => "created",
            Self::Updated(_) => "updated",
            Self::Unchanged(_) => "unchanged",
        }
    }
}

/// Changes stacks, and waits for them.
#[derive(Debug, Clone, Copy)]
pub struct Engine<'e> {
    /// CloudFormation.
    pub formation: &'e dyn Formation,
    /// Is told what happens.
    pub observer: &'e dyn Observer,
    /// A text of letters, digits and hyphens that no other run has.
    pub run: &'e str,
    /// The pause between two looks at something that takes its time.
    pub pause: Duration,
}

impl Engine<'_> {
    /// Brings a stack to the wanted state.
    ///
    /// # Errors
    /// AWS refuses a call, or the stack does not end in the wanted state; the error has the reasons of its resources.
    pub async fn converge(&self, target: &StackTarget) -> Result<Applied, DeployError> {
        let result = self.converged(target).await;
        let what = result.as_ref().map_or("failed", Applied::as_str);
        ends(self.observer, target.place.region.as_str(), &target.place.stack, what);
        result
    }

    async fn converged(&self, target: &StackTarget) -> Result<Applied, DeployError> {
        let place = &target.place;
        let mut rolled_back = false;
        for _ in 0..MAX_STEPS {
            let Some(stack) = self.formation.stack(place).await? else {
                return self.change(target, None).await;
            };
            match stack.status.phase() {
                Phase::Gone => return self.change(target, None).await,
                Phase::Settled if self.is_as_wanted(target, &stack).await? => {
                    return Ok(Applied::Unchanged(stack));
                }
                Phase::Settled => return self.change(target, Some(&stack)).await,
                Phase::Announced | Phase::Unmade | Phase::Undeleted => {
                    self.delete_there(place, &stack).await?;
                }
                Phase::Moving => drop(self.settled(place, &stack.id).await?),
                Phase::HalfUpdated | Phase::Stuck if rolled_back => {
                    return Err(self
                        .why(place, &stack, "cannot be rolled back; repair what failed, then run this again")
                        .await);
                }
                Phase::HalfUpdated | Phase::Stuck => {
                    rolled_back = true;
                    self.roll_back(place, &stack).await?;
                }
                Phase::Unknown => {
                    return Err(place.failed(
                        format!("is {}, which this version does not know", stack.status),
                        Vec::new(),
                    ));
                }
            }
        }
        Err(place
            .failed("changes again and again: does another deployment run at the same time?", Vec::new()))
    }

    /// True if a stack has the wanted template and parameters. It is read without a change set, which takes longer and needs more
    /// rights. Where a text is shown otherwise than it was sent, a change set decides.
    pub(crate) async fn is_as_wanted(
        &self,
        target: &StackTarget,
        stack: &Stack,
    ) -> Result<bool, DeployError> {
        // An update that alarms rolled back has the parameters of before.
        let given = target.parameters.iter().filter(|(key, _)| target.declared.contains(key));
        let mut given = given.map(|(key, value)| stack.parameters.get(key) == Some(value));
        Ok(given.all(|same| same) && self.formation.template(&target.place).await? == target.text)
    }

    /// Waits until no operation of a stack runs, and returns it.
    ///
    /// # Errors
    /// AWS refuses a call.
    pub async fn at_rest(&self, place: &Place) -> Result<Option<Stack>, DeployError> {
        match self.formation.stack(place).await? {
            Some(stack) if stack.status.phase() == Phase::Moving => self.settled(place, &stack.id).await,
            stack => Ok(stack.filter(|stack| stack.status.phase() != Phase::Gone)),
        }
    }

    async fn roll_back(&self, place: &Place, stack: &Stack) -> Result<(), DeployError> {
        let how = if stack.status.phase() == Phase::Stuck { RollBack::Again } else { RollBack::HalfUpdated };
        self.formation.roll_back(place, how).await?;
        self.settled(place, &stack.id).await.map(drop)
    }

    /// Removes a stack, and waits until it is gone. A missing stack is not an error.
    ///
    /// # Errors
    /// AWS refuses a call, or resources of the stack cannot be removed.
    pub async fn delete(&self, place: &Place) -> Result<bool, DeployError> {
        let there = self.at_rest(place).await?;
        let Some(stack) = there else { return Ok(false) };
        let result = self.delete_there(place, &stack).await;
        let what = if result.is_ok() { "removed" } else { "failed" };
        ends(self.observer, place.region.as_str(), &place.stack, what);
        result.map(|()| true)
    }

    async fn delete_there(&self, place: &Place, stack: &Stack) -> Result<(), DeployError> {
        self.formation.delete_stack(place).await?;
        // The status may be the earlier one for a moment.
        for _ in 0..MAX_STEPS {
            match self.settled(place, &stack.id).await? {
                None => return Ok(()),
                Some(left) if left.status == stack.status && left.status.phase() != Phase::Undeleted => {
                    tokio::time::sleep(self.pause).await;
                }
                Some(left) => {
                    return Err(self
                        .why(place, &left, &format!("is {} and was not removed", left.status))
                        .await);
                }
            }
        }
        Err(place.failed(format!("is {} and was not removed", stack.status), Vec::new()))
    }

    /// Makes and executes a change set.
    async fn change(&self, target: &StackTarget, stack: Option<&Stack>) -> Result<Applied, DeployError> {
        let place = &target.place;
        if stack.is_some() {
            self.remove_leftovers(place).await?;
        }
        let alarms = self.alarms(target, stack).await?;
        let name = format!("{CHANGE_SETS}deploy-{}", self.run);
        let id = self.formation.create_change_set(place, &target.request(name, stack, alarms)).await?;
        let made = self.made(place, &id).await?;
        if !made.is_ready() {
            self.discard(place, &id, stack).await?;
            return match stack {
                Some(stack) if made.has_no_changes() => Ok(Applied::Unchanged(stack.clone())),
                _ => {
                    Err(place
                        .failed(format!("change set is {}", made.status), made.reason.into_iter().collect()))
                }
            };
        }
        self.formation.execute(place, &id).await?;
        let now = self.executed(place, &id, stack).await?;
        match now.status.0.as_str() {
            "CREATE_COMPLETE" => Ok(Applied::Created(now)),
            "UPDATE_COMPLETE" => Ok(Applied::Updated(now)),
            status => Err(self.why(place, &now, &ended(status)).await),
        }
    }

    /// The ARNs of the alarms that are in the stack. A change set with one that is missing fails.
    async fn alarms(&self, target: &StackTarget, stack: Option<&Stack>) -> Result<Vec<String>, DeployError> {
        let (Some(stack), false) = (stack, target.alarms.is_empty()) else { return Ok(Vec::new()) };
        // The ARN of the stack says partition and account: arn:aws:cloudformation:REGION:ACCOUNT:stack/...
        let parts: Vec<&str> = stack.id.split(':').collect();
        let [_, partition, _, region, account, ..] = parts.as_slice() else { return Ok(Vec::new()) };
        let resources = self.formation.resources(&target.place).await?;
        let wanted = resources.iter().filter(|resource| {
            resource.kind == "AWS::CloudWatch::Alarm" && target.alarms.contains(&resource.logical_id)
        });
        let arn = |name: &str| format!("arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}");
        // CloudFormation takes five.
        Ok(wanted.take(5).map(|resource| arn(&resource.physical_id)).collect())
    }

    /// Removes change sets that an ended run left: they have the parameters of that run.
    async fn remove_leftovers(&self, place: &Place) -> Result<(), DeployError> {
        for id in self.formation.change_sets(place, CHANGE_SETS).await? {
            self.formation.delete_change_set(place, &id).await?;
        }
        Ok(())
    }

    /// Waits until a change set is made, or has failed.
    pub(crate) async fn made(&self, place: &Place, id: &str) -> Result<ChangeSet, DeployError> {
        loop {
            let set = self.formation.change_set(place, id).await?;
            if !set.is_pending() {
                return Ok(set);
            }
            goes_on(self.observer, place.region.as_str(), &place.stack, "change set");
            tokio::time::sleep(self.pause).await;
        }
    }

    /// Removes a change set, and the stack that it announced.
    pub(crate) async fn discard(
        &self,
        place: &Place,
        id: &str,
        stack: Option<&Stack>,
    ) -> Result<(), DeployError> {
        self.formation.delete_change_set(place, id).await?;
        if stack.is_none() {
            self.formation.delete_stack(place).await?;
        }
        Ok(())
    }

    /// Waits until an executed change set has ended.
    ///
    /// CloudFormation may show the status of before for a moment. A status counts once it belongs to this execution: the stack was
    /// seen at work, its time of update is another one, or the change set says that it was executed.
    async fn executed(&self, place: &Place, id: &str, before: Option<&Stack>) -> Result<Stack, DeployError> {
        let mut begun = false;
        loop {
            let Some(stack) = self.formation.stack(place).await? else {
                return Err(place.failed("was removed while it was made", Vec::new()));
            };
            goes_on(self.observer, place.region.as_str(), &place.stack, &stack.status.0);
            match stack.status.phase() {
                Phase::Moving => begun = true,
                Phase::Announced => {}
                _ => {
                    begun = begun || before.is_none_or(|before| before.updated != stack.updated);
                    if begun || self.is_executed(place, id).await? {
                        return Ok(stack);
                    }
                }
            }
            tokio::time::sleep(self.pause).await;
        }
    }

    async fn is_executed(&self, place: &Place, id: &str) -> Result<bool, DeployError> {
        match self.formation.change_set(place, id).await {
            Ok(set) => Ok(set.is_executed()),
            // A later operation of the stack has removed it.
            Err(DeployError::Query(error)) if error.code == "ChangeSetNotFound" => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Waits until an operation of a stack has ended. `None` if the stack is gone.
    async fn settled(&self, place: &Place, id: &str) -> Result<Option<Stack>, DeployError> {
        // A removed stack is found by its id only.
        let by_id = Place { stack: id.to_owned(), ..place.clone() };
        loop {
            match self.formation.stack(&by_id).await? {
                None => return Ok(None),
                Some(stack) if stack.status.phase() == Phase::Gone => return Ok(None),
                Some(stack) if stack.status.phase() == Phase::Moving => {
                    goes_on(self.observer, place.region.as_str(), &place.stack, &stack.status.0);
                }
                Some(stack) => return Ok(Some(stack)),
            }
            tokio::time::sleep(self.pause).await;
        }
    }

    /// The error of a stack, with the reasons of its resources as far as they can be read.
    async fn why(&self, place: &Place, stack: &Stack, what: &str) -> DeployError {
        let mut reasons = self.formation.failures(place, &stack.id).await.unwrap_or_default();
        if reasons.is_empty() {
            reasons.extend(stack.reason.clone());
        }
        place.failed(what, reasons)
    }
}

/// How a stack ended that was to be made or changed, and what to do.
fn ended(status: &str) -> String {
    let what = match status {
        "ROLLBACK_COMPLETE" => "nothing of it was made; repair the cause, then run this again",
        "UPDATE_ROLLBACK_COMPLETE" => "it is as it was before; repair the cause, then run this again",
        _ => "repair the cause, then run this again",
    };
    format!("is {status}: {what}")
}
