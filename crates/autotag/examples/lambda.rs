//! A Lambda function of one's own: it answers an `EventBridge` event of CloudTrail with the planned tags.
//!
//! Build it for Lambda as any function in Rust, and let an `EventBridge` rule invoke it.

use autotag::{Autotag, Plan};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

fn plan(autotag: &Autotag, event: &Value) -> Value {
    let plan: Plan = autotag.plan(event.to_string().as_bytes());
    json!({"resources": plan})
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let autotag = Autotag::new();
    let autotag = &autotag;
    run(service_fn(move |event: LambdaEvent<Value>| async move {
        Ok::<Value, Error>(plan(autotag, &event.payload))
    }))
    .await
}
