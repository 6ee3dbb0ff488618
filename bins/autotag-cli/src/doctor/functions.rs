//! The functions: whether they can run, are given messages, and are told the right things.

use super::ask::{encoded, if_there};
use super::consumer::{Consumer, Queue};
use super::queues::queue_of;
use super::{Check, Finding, NoAnswer, Verdict, World, broken, hangs_on};
use serde_json::Value;

/// The alias of the version that runs.
pub(super) const LIVE: &str = "live";

pub(super) const FUNCTION: Check = Check {
    name: "function",
    question: "is the function there, and able to run?",
    fix: "deploy the stack again, with the package of the function's processor; if it has another name, name its stack",
};

const ALIAS: Check = Check {
    name: "function.alias",
    question: "does the alias `live` point to a published version?",
    fix: "point the alias to a version: aws lambda update-alias --function-name F --name live --function-version N",
};

const SOURCE: Check = Check {
    name: "function.source",
    question: "does an enabled event source mapping bring the queue's messages to the alias?",
    fix: "enable the mapping: aws lambda update-event-source-mapping --uuid ID --enabled; if it is gone, deploy again",
};

const ANSWERS: Check = Check {
    name: "function.answers",
    question: "does Lambda read which messages of a batch are not done?",
    fix: "set FunctionResponseTypes of the mapping to ReportBatchItemFailures: without it, what fails is lost",
};

const ENVIRONMENT: Check = Check {
    name: "function.environment",
    question: "does the environment name the deployment's table, queues and role?",
    fix: "correct the function's environment, publish a version, and point the alias to it",
};

const RECEIVES: Check = Check {
    name: "function.receives",
    question: "does the function know which receive is the last?",
    fix: "set AUTOTAG_MAX_RECEIVES of the function to the maxReceiveCount of its queue",
};

const ERRORS: Check = Check {
    name: "function.errors",
    question: "has the function run without errors in the last hour?",
    fix: "read the function's log group: aws logs tail /aws/lambda/F --since 1h",
};

/// What `AUTOTAG_MAX_RECEIVES` is where nothing is said.
const RECEIVES_BY_DEFAULT: u64 = 5;

/// What the role of other accounts asks for.
const EXTERNAL_ID: &str = "AUTOTAG_EXTERNAL_ID";

/// How far back errors count, in seconds.
const LATELY: u64 = 3600;

pub(super) async fn examine(world: &World) -> Vec<Finding> {
    let (tagger, keeper) = tokio::join!(consumer(world, &world.tagger), consumer(world, &world.keeper));
    [tagger, keeper].concat()
}

async fn consumer(world: &World, consumer: &Consumer) -> Vec<Finding> {
    let (alias, mapping, errors) =
        tokio::join!(alias(world, consumer), mapping(world, consumer), errors(world, consumer));
    let place = &consumer.function;
    vec![
        FUNCTION.at(place, runs(consumer)),
        ALIAS.at(place, alias),
        SOURCE.at(place, source(consumer, &mapping)),
        ANSWERS.at(place, answers(&mapping)),
        ENVIRONMENT.at(place, environment(world, consumer)),
        RECEIVES.at(place, receives(consumer)),
        ERRORS.at(place, errors),
    ]
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn runs(consumer: &Consumer) -> Verdict {
    let config = match &consumer.config {
        Ok(Some(config)) => config,
        Ok(None) => {
            return broken(format!("there is no function `{}` in {}", consumer.function, consumer.region));
        }
        Err(none) => return Err(none.clone().into()),
    };
    let (state, update) = (text(config, "State"), text(config, "LastUpdateStatus"));
    let reason = |name: &str| match text(config, name) {
        "" => String::new(),
        reason => format!(": {reason}"),
    };
    match (state, update) {
        // Lambda wakes it by itself.
        ("Active" | "Inactive" | "", "Successful" | "InProgress" | "") => {
            Ok(format!("{state}, {} MB, {} s", config["MemorySize"], config["Timeout"]))
        }
        ("Active" | "Inactive" | "", _) => {
            broken(format!("its last update is {update}{}", reason("LastUpdateStatusReason")))
        }
        _ => broken(format!("it is {state}{}", reason("StateReason"))),
    }
}

async fn alias(world: &World, consumer: &Consumer) -> Verdict {
    consumer.config(FUNCTION)?;
    let target = format!("/2015-03-31/functions/{}/aliases/{LIVE}", encoded(&consumer.function));
    let Some(alias) = if_there(world.ask.lambda("lambda:GetAlias", &consumer.region, &target).await)? else {
        return broken("there is no alias `live`");
    };
    match text(&alias, "FunctionVersion") {
        "$LATEST" => {
            broken("it points to $LATEST, which changes with every upload and cannot be rolled back")
        }
        version => Ok(format!("version {version}")),
    }
}

/// The mapping from the queue to the function, or to one of its aliases; of several the best.
type Mapping = Result<Option<Value>, NoAnswer>;

async fn mapping(world: &World, consumer: &Consumer) -> Mapping {
    let queue = world.queue_arn(&consumer.queue);
    let target = format!("/2015-03-31/event-source-mappings/?EventSourceArn={}", encoded(&queue));
    let answer = world.ask.lambda("lambda:ListEventSourceMappings", &consumer.region, &target).await?;
    let all = answer.get("EventSourceMappings").and_then(Value::as_array).into_iter().flatten();
    let ours = |mapping: &&Value| {
        let arn = text(mapping, "FunctionArn");
        text(mapping, "EventSourceArn") == queue && arn.split(':').nth(6) == Some(&consumer.function)
    };
    let goodness = |mapping: &&Value| (is_live(mapping), is_enabled(mapping));
    Ok(all.filter(ours).max_by_key(goodness).cloned())
}

fn is_live(mapping: &Value) -> bool {
    text(mapping, "FunctionArn").split(':').nth(7) == Some(LIVE)
}

fn is_enabled(mapping: &Value) -> bool {
    ["Enabled", "Enabling", "Updating", "Creating"].contains(&text(mapping, "State"))
}

fn source(consumer: &Consumer, mapping: &Mapping) -> Verdict {
    consumer.config(FUNCTION)?;
    let Some(mapping) = mapping.as_ref().map_err(Clone::clone)? else {
        return broken(format!("nothing brings messages of `{}` to it", consumer.queue.name));
    };
    let (id, state) = (text(mapping, "UUID"), text(mapping, "State"));
    if !is_enabled(mapping) {
        return broken(format!("mapping {id} is {state}"));
    }
    if !is_live(mapping) {
        let arn = text(mapping, "FunctionArn");
        return broken(format!("mapping {id} brings them to {arn}, not to its alias `live`"));
    }
    Ok(format!("mapping {id} is {state}"))
}

fn answers(mapping: &Mapping) -> Verdict {
    let Some(mapping) = mapping.as_ref().map_err(Clone::clone)? else { return hangs_on(SOURCE) };
    let types = mapping.get("FunctionResponseTypes").and_then(Value::as_array);
    if types.is_some_and(|types| types.iter().any(|kind| kind == "ReportBatchItemFailures")) {
        Ok("ReportBatchItemFailures".to_owned())
    } else {
        broken("the mapping has no ReportBatchItemFailures")
    }
}

fn environment(world: &World, consumer: &Consumer) -> Verdict {
    consumer.environment(FUNCTION)?;
    let mut wrong = Vec::new();
    let mut compare = |name: &str, wanted: Option<&str>, must: bool| {
        let Some(wanted) = wanted else { return };
        match consumer.variable(name) {
            // Not for everybody's eyes.
            Some(said) if said != wanted && name == EXTERNAL_ID => {
                wrong.push(format!("{name} is another one"));
            }
            Some(said) if said != wanted => wrong.push(format!("{name} is `{said}`, not `{wanted}`")),
            None if must => wrong.push(format!("{name} is not set")),
            _ => {}
        }
    };
    let url = |queue: &Queue| Some(queue.there.as_ref().ok()?.as_ref()?.url.clone());
    compare("AUTOTAG_SESSION_TABLE", Some(&world.table), true);
    // Without it the function takes its own region.
    let elsewhere = consumer.region != world.table_region;
    compare("AUTOTAG_SESSION_REGION", Some(world.table_region.as_str()), elsewhere);
    compare("AUTOTAG_DEAD_LETTER_QUEUE_URL", url(&consumer.dead).as_deref(), true);
    if consumer.kind == world.tagger.kind
        && let Some(role) = &world.member_role
    {
        compare("AUTOTAG_MEMBER_ROLE", Some(&role.name), true);
        compare(EXTERNAL_ID, role.external_id.as_deref(), true);
    }
    if wrong.is_empty() { Ok("as deployed".to_owned()) } else { broken(wrong.join("; ")) }
}

fn receives(consumer: &Consumer) -> Verdict {
    consumer.environment(FUNCTION)?;
    let Some((receives, _)) = queue_of(consumer)?.redrive() else {
        return Ok("the queue counts none".to_owned());
    };
    let said = consumer.variable("AUTOTAG_MAX_RECEIVES");
    let told = said.map_or(Some(RECEIVES_BY_DEFAULT), |said| said.trim().parse().ok());
    if told == Some(receives) {
        return Ok(format!("receive {receives}"));
    }
    let said =
        said.map_or_else(|| format!("not set, which is {RECEIVES_BY_DEFAULT}"), |said| format!("`{said}`"));
    broken(format!("AUTOTAG_MAX_RECEIVES is {said}, the queue's maxReceiveCount is {receives}"))
}

async fn errors(world: &World, consumer: &Consumer) -> Verdict {
    consumer.config(FUNCTION)?;
    let dimension = ("FunctionName", consumer.function.as_str());
    let sum = async |name| {
        let metric = ("AWS/Lambda", name, "Sum");
        world.ask.metric(&consumer.region, metric, dimension, LATELY).await
    };
    let (errors, calls) = tokio::join!(sum("Errors"), sum("Invocations"));
    // The sum of no numbers is -0.
    let all = |points: Vec<f64>| points.into_iter().fold(0.0, |all, one| all + one);
    let (errors, calls) = (all(errors?), all(calls?));
    let seen = format!("{errors} errors in {calls} invocations");
    if errors > 0.0 { broken(seen) } else { Ok(seen) }
}
