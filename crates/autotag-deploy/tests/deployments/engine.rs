//! The engine over one stack whose states follow a script.

use async_trait::async_trait;
use autotag_deploy::DeployError;
use autotag_deploy::engine::{Applied, Engine, StackTarget};
use autotag_deploy::formation::{
    ChangeSet, ChangeSetRequest, Formation, Place, RollBack, Stack, StackResource, Status, TemplateSource,
};
use autotag_deploy::progress::Silent;
use autotag_model::arn::Region;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

/// One stack whose states follow a script. Calls that change it are listed.
#[derive(Debug, Default)]
struct Scripted {
    states: Mutex<VecDeque<&'static str>>,
    executed: bool,
    calls: Mutex<Vec<String>>,
}

impl Scripted {
    /// The last state stays.
    fn new(states: &[&'static str]) -> Self {
        Self { states: Mutex::new(states.iter().copied().collect()), ..Self::default() }
    }

    fn call(&self, what: &str) {
        self.calls.lock().unwrap().push(what.to_owned());
    }

    async fn converge(&self) -> (Result<Applied, DeployError>, Vec<String>) {
        let engine = Engine { formation: self, observer: &Silent, run: "1", pause: Duration::ZERO };
        let target = StackTarget {
            place: Place::new(&Region::new("eu-west-1").unwrap(), "autotag"),
            template: TemplateSource::Body("new".into()),
            text: "new".into(),
            declared: vec!["A".into(), "B".into(), "New".into()],
            parameters: [("A".into(), "1".into())].into(),
            tags: BTreeMap::new(),
            alarms: vec!["AlarmErrors".into()],
            minutes: 5,
        };
        let result = engine.converge(&target).await;
        (result, self.calls.lock().unwrap().clone())
    }
}

#[async_trait]
impl Formation for Scripted {
    async fn stack(&self, _: &Place) -> Result<Option<Stack>, DeployError> {
        let mut states = self.states.lock().unwrap();
        let state = if states.len() > 1 { states.pop_front() } else { states.front().copied() };
        let state = state.filter(|state| *state != "none");
        Ok(state.map(|state| Stack {
            id: "arn:aws:cloudformation:eu-west-1:111122223333:stack/autotag/1".into(),
            status: Status(state.to_owned()),
            reason: None,
            updated: None,
            parameters: [("A".into(), "0".into()), ("B".into(), "0".into()), ("Old".into(), "0".into())]
                .into(),
            outputs: BTreeMap::new(),
        }))
    }

    async fn resources(&self, _: &Place) -> Result<Vec<StackResource>, DeployError> {
        let resource = |logical: &str, kind: &str| StackResource {
            logical_id: logical.into(),
            physical_id: format!("autotag-{logical}"),
            kind: kind.into(),
            status: "CREATE_COMPLETE".into(),
        };
        Ok(vec![
            resource("AlarmErrors", "AWS::CloudWatch::Alarm"),
            resource("AlarmAge", "AWS::CloudWatch::Alarm"),
        ])
    }

    async fn template(&self, _: &Place) -> Result<String, DeployError> {
        Ok("old".into())
    }

    async fn failures(&self, _: &Place, _: &str) -> Result<Vec<String>, DeployError> {
        Ok(vec!["Queue failed".into()])
    }

    async fn change_sets(&self, _: &Place, _: &str) -> Result<Vec<String>, DeployError> {
        Ok(vec!["left".into()])
    }

    async fn create_change_set(&self, _: &Place, wanted: &ChangeSetRequest) -> Result<String, DeployError> {
        self.call(&format!("{:?} {:?} {:?}", wanted.kind, wanted.parameters, wanted.alarms));
        Ok("set".into())
    }

    async fn change_set(&self, _: &Place, _: &str) -> Result<ChangeSet, DeployError> {
        let execution = if self.executed { "EXECUTE_COMPLETE" } else { "EXECUTE_IN_PROGRESS" };
        Ok(ChangeSet {
            status: "CREATE_COMPLETE".into(),
            execution: execution.into(),
            ..ChangeSet::default()
        })
    }

    async fn execute(&self, _: &Place, id: &str) -> Result<(), DeployError> {
        self.call(&format!("execute {id}"));
        Ok(())
    }

    async fn delete_change_set(&self, _: &Place, id: &str) -> Result<(), DeployError> {
        self.call(&format!("delete {id}"));
        Ok(())
    }

    async fn delete_stack(&self, _: &Place) -> Result<(), DeployError> {
        self.call("delete stack");
        Ok(())
    }

    async fn roll_back(&self, _: &Place, how: RollBack) -> Result<(), DeployError> {
        self.call(&format!("roll back {how:?}"));
        Ok(())
    }
}

#[tokio::test]
async fn the_status_of_before_is_not_taken_for_that_of_an_update() {
    let stack = Scripted::new(&[
        "CREATE_COMPLETE",
        // The status of before, twice.
        "CREATE_COMPLETE",
        "CREATE_COMPLETE",
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]);
    let (result, _) = stack.converge().await;
    let error = result.unwrap_err().to_string();
    assert!(error.contains("UPDATE_ROLLBACK_COMPLETE") && error.contains("Queue failed"), "{error}");
}

#[tokio::test]
async fn an_update_that_was_too_fast_to_be_seen_is_known_by_its_change_set() {
    let mut stack = Scripted::new(&["UPDATE_COMPLETE"]);
    stack.executed = true;
    assert!(matches!(stack.converge().await.0, Ok(Applied::Updated(_))));
}

#[tokio::test]
async fn an_update_keeps_values_that_are_not_given_and_watches_alarms() {
    let (result, calls) =
        Scripted::new(&["CREATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]).converge().await;
    assert!(matches!(result, Ok(Applied::Updated(_))), "{result:?}");
    let alarm = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:autotag-AlarmErrors";
    let request = format!("Update {{\"A\": Is(\"1\"), \"B\": Previous}} [{alarm:?}]");
    assert_eq!(calls, ["delete left".to_owned(), request, "execute set".to_owned()]);
}

#[tokio::test]
async fn each_state_of_a_stack_leads_to_the_wanted_one() {
    let create = "Create {\"A\": Is(\"1\")} []";
    for (states, steps) in [
        (vec!["none", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"], vec![create]),
        (
            vec!["REVIEW_IN_PROGRESS", "none", "none", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"],
            vec!["delete stack", create],
        ),
        (
            vec![
                "ROLLBACK_COMPLETE",
                "DELETE_IN_PROGRESS",
                "DELETE_COMPLETE",
                "none",
                "CREATE_IN_PROGRESS",
                "CREATE_COMPLETE",
            ],
            vec!["delete stack", create],
        ),
    ] {
        let (result, mut calls) = Scripted::new(&states).converge().await;
        assert!(matches!(result, Ok(Applied::Created(_))), "{states:?}: {result:?}");
        assert_eq!(calls.pop().as_deref(), Some("execute set"), "{states:?}");
        assert_eq!(calls, steps, "{states:?}");
    }
    let stuck = ["UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"];
    let (result, calls) = Scripted::new(&stuck).converge().await;
    assert!(result.is_err(), "{result:?}");
    assert_eq!(calls, ["roll back Again"], "once, not for ever");
}
