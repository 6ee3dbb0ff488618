//! Finds the trails of an account. Without a trail, EventBridge gets no events.

use crate::DeployError;
use crate::actions;
use autotag_aws::query::AwsQuery;
use autotag_aws::signed::CLOUDTRAIL;
use autotag_model::arn::Region;
use serde_json::{Value, json};

/// The trails of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trail {
    /// This one sends management events of all regions.
    Found(String),
    /// This one would, and is switched off.
    NotLogging(String),
    /// There is none.
    Missing,
    /// The caller may not ask.
    Unknown,
}

/// Looks for a trail of all regions with management events that is logging.
///
/// # Errors
/// AWS does not answer. A call that is denied is [`Trail::Unknown`].
pub async fn find(aws: &AwsQuery, region: &Region) -> Result<Trail, DeployError> {
    let list = match aws.json(CLOUDTRAIL, actions::TRAILS.name, region, &json!({})).await {
        Ok(answer) => answer,
        Err(error) => return denied(error.into()),
    };
    let trails = list.get("trailList").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut best = Trail::Missing;
    for trail in &trails {
        let text = |name: &str| trail.get(name).and_then(Value::as_str).unwrap_or_default();
        if trail.get("IsMultiRegionTrail") != Some(&Value::Bool(true)) {
            continue;
        }
        let home = Region::new(text("HomeRegion")).unwrap_or_else(|| region.clone());
        match logs(aws, &home, text("TrailARN")).await {
            Ok(true) => return Ok(Trail::Found(text("Name").to_owned())),
            Ok(false) => best = Trail::NotLogging(text("Name").to_owned()),
            // A trail of the organization cannot be asked about by every member.
            Err(error) if error.is_denied() && best == Trail::Missing => best = Trail::Unknown,
            Err(error) if error.is_denied() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(best)
}

fn denied(error: DeployError) -> Result<Trail, DeployError> {
    if error.is_denied() { Ok(Trail::Unknown) } else { Err(error) }
}

/// True if a trail is switched on and has management events.
async fn logs(aws: &AwsQuery, home: &Region, arn: &str) -> Result<bool, DeployError> {
    let status = aws.json(CLOUDTRAIL, actions::TRAIL_STATUS.name, home, &json!({"Name": arn})).await?;
    if status.get("IsLogging") != Some(&Value::Bool(true)) {
        return Ok(false);
    }
    let selectors =
        aws.json(CLOUDTRAIL, actions::TRAIL_SELECTORS.name, home, &json!({"TrailName": arn})).await?;
    Ok(has_management_events(&selectors))
}

fn has_management_events(selectors: &Value) -> bool {
    let list = |name: &str| selectors.get(name).and_then(Value::as_array).into_iter().flatten();
    // Writes at least: creations are writes.
    let simple = list("EventSelectors").any(|selector| {
        selector.get("IncludeManagementEvents") != Some(&Value::Bool(false))
            && selector.get("ReadWriteType").and_then(Value::as_str) != Some("ReadOnly")
    });
    let advanced = list("AdvancedEventSelectors").any(|selector| {
        let fields = selector.get("FieldSelectors").and_then(Value::as_array).into_iter().flatten();
        let equals = |field: &Value, name: &str, value: &str| {
            let values = field.get("Equals").and_then(Value::as_array);
            field.get("Field").and_then(Value::as_str) == Some(name)
                && values.is_some_and(|values| values.iter().any(|one| one == value))
        };
        let fields: Vec<&Value> = fields.collect();
        fields.iter().any(|field| equals(field, "eventCategory", "Management"))
            && !fields.iter().any(|field| equals(field, "readOnly", "true"))
    });
    simple || advanced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_with_writes_of_management_events_count() {
        let field = |name: &str, value: &str| json!({"Field": name, "Equals": [value]});
        let advanced = |fields: Value| json!({"AdvancedEventSelectors": [{"FieldSelectors": fields}]});
        for (selectors, want) in [
            (json!({"EventSelectors": [{"IncludeManagementEvents": true, "ReadWriteType": "All"}]}), true),
            (
                json!({"EventSelectors": [{"IncludeManagementEvents": true, "ReadWriteType": "WriteOnly"}]}),
                true,
            ),
            (
                json!({"EventSelectors": [{"IncludeManagementEvents": true, "ReadWriteType": "ReadOnly"}]}),
                false,
            ),
            (json!({"EventSelectors": [{"IncludeManagementEvents": false, "ReadWriteType": "All"}]}), false),
            (advanced(json!([field("eventCategory", "Management")])), true),
            (advanced(json!([field("eventCategory", "Management"), field("readOnly", "true")])), false),
            (advanced(json!([field("eventCategory", "Data")])), false),
            (json!({}), false),
        ] {
            assert_eq!(has_management_events(&selectors), want, "{selectors}");
        }
    }
}
