//! The trails. `EventBridge` gets events of API calls only while a trail logs.

use super::check::{CheckFailure, CheckResult, Finding, blocked_by, fail};
use super::checks::{TRAIL, TRAIL_SESSIONS};
use super::deployment::DeploymentView;
use autotag_aws::query::{AwsQuery, QueryError};
use autotag_aws::signed::CLOUDTRAIL;
use autotag_model::arn::Region;
use futures_util::future::join_all;
use serde_json::{Value, json};

/// One trail.
#[derive(Debug, Default, Clone)]
struct Trail {
    name: String,
    logging: bool,
    /// True if it logs management events that write.
    writes: bool,
    /// True if it logs management events that read.
    reads: bool,
}

pub(super) async fn examine(view: &DeploymentView) -> Vec<Finding> {
    let findings = view.regions.iter().map(async |region| {
        let trails = trails(&region.aws, &region.region).await;
        let place = region.to_string();
        [TRAIL.at(&place, writes(&trails)), TRAIL_SESSIONS.at(&place, reads(&trails))]
    });
    join_all(findings).await.concat()
}

/// The trails that log events of a region. A trail that cannot be read is an error in the list.
async fn trails(aws: &AwsQuery, region: &Region) -> Result<Vec<Result<Trail, QueryError>>, QueryError> {
    let input = json!({"includeShadowTrails": true});
    let answer = aws.json(CLOUDTRAIL, "cloudtrail:DescribeTrails", region, &input).await?;
    let trails = answer.get("trailList").and_then(Value::as_array).into_iter().flatten();
    let text = |trail: &Value, name: &str| trail.get(name).and_then(Value::as_str).map(str::to_owned);
    let here = |trail: &&Value| {
        let everywhere = trail.get("IsMultiRegionTrail").and_then(Value::as_bool).unwrap_or_default();
        everywhere || text(trail, "HomeRegion").is_none_or(|home| home == region.as_str())
    };
    let trails = trails.filter(here).map(async |trail| {
        let arn = text(trail, "TrailARN").or_else(|| text(trail, "Name")).unwrap_or_default();
        // A trail of another region is described only in its home region.
        let home = text(trail, "HomeRegion").and_then(|home| Region::new(&home));
        let is = |name: &str| trail.get(name).and_then(Value::as_bool);
        // Members of an organization may not read the selectors of its trail, but may read that it has no custom ones.
        let selects_all =
            is("IsOrganizationTrail") == Some(true) && is("HasCustomEventSelectors") == Some(false);
        read_trail(aws, &home.unwrap_or_else(|| region.clone()), &arn, selects_all).await
    });
    Ok(join_all(trails).await)
}

async fn read_trail(
    aws: &AwsQuery,
    home: &Region,
    arn: &str,
    selects_all: bool,
) -> Result<Trail, QueryError> {
    let (named, selected) = (json!({"Name": arn}), json!({"TrailName": arn}));
    let selectors = async {
        if selects_all {
            return Ok(Value::Null);
        }
        aws.json(CLOUDTRAIL, "cloudtrail:GetEventSelectors", home, &selected).await
    };
    let (status, selectors) =
        tokio::join!(aws.json(CLOUDTRAIL, "cloudtrail:GetTrailStatus", home, &named), selectors);
    let (status, selectors) = (status?, selectors?);
    Ok(Trail {
        name: arn.rsplit('/').next().unwrap_or(arn).to_owned(),
        logging: status.get("IsLogging").and_then(Value::as_bool).unwrap_or_default(),
        writes: selects(&selectors, false),
        reads: selects(&selectors, true),
    })
}

/// True if the selectors include management events that read, or that write.
fn selects(selectors: &Value, reading: bool) -> bool {
    let list =
        |name: &str| selectors.get(name).and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
    let (basic, advanced) = (list("EventSelectors"), list("AdvancedEventSelectors"));
    if basic.is_empty() && advanced.is_empty() {
        // The default of a trail without selectors.
        return true;
    }
    let basic = basic.iter().any(|selector| {
        let kind = selector.get("ReadWriteType").and_then(Value::as_str).unwrap_or("All");
        let management = selector.get("IncludeManagementEvents").and_then(Value::as_bool).unwrap_or(true);
        management && (kind == "All" || kind == if reading { "ReadOnly" } else { "WriteOnly" })
    });
    basic || advanced.iter().any(|selector| selects_by_fields(selector, reading))
}

fn selects_by_fields(selector: &Value, reading: bool) -> bool {
    let fields =
        selector.get("FieldSelectors").and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
    let equals = |field: &Value| field.get("Equals").cloned().unwrap_or_default();
    let is = |field: &&Value, name: &str| field.get("Field").is_some_and(|field| field == name);
    let mut categories = fields.iter().filter(|field| is(field, "eventCategory"));
    let mut kinds = fields.iter().filter(|field| is(field, "readOnly"));
    categories.any(|field| equals(field) == json!(["Management"]))
        && kinds.all(|field| equals(field) == json!([reading.to_string()]))
}

fn writes(trails: &Result<Vec<Result<Trail, QueryError>>, QueryError>) -> CheckResult {
    let trails = trails.as_ref().map_err(|error| CheckFailure::from(error.clone()))?;
    let known = || trails.iter().filter_map(|trail| trail.as_ref().ok());
    if let Some(trail) = known().find(|trail| trail.logging && trail.writes) {
        return Ok(format!("`{}` logs", trail.name));
    }
    // The trail that cannot be read may be the one that logs them.
    if let Some(error) = trails.iter().find_map(|trail| trail.as_ref().err()) {
        return Err(error.clone().into());
    }
    match known().next() {
        None => fail("there is no trail"),
        Some(trail) if !trail.logging => fail(format!("`{}` has stopped logging", trail.name)),
        Some(trail) => fail(format!("`{}` logs no management events that write", trail.name)),
    }
}

fn reads(trails: &Result<Vec<Result<Trail, QueryError>>, QueryError>) -> CheckResult {
    if writes(trails).is_err() {
        return blocked_by(TRAIL);
    }
    let trails = || trails.iter().flatten();
    let mut known = trails().filter_map(|trail| trail.as_ref().ok());
    if let Some(trail) = known.find(|trail| trail.logging && trail.reads) {
        return Ok(format!("`{}` logs", trail.name));
    }
    // The trail that cannot be read may be the one that logs them.
    match trails().find_map(|trail| trail.as_ref().err()) {
        Some(error) => Err(error.clone().into()),
        None => {
            fail("only management events that write are logged: the trail has no record of assumed roles")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_trail_makes_the_result_unknown() {
        let trail = |reads| Ok(Trail { name: "own".to_owned(), logging: true, writes: true, reads });
        let unreadable = || Err(QueryError::unreadable("cloudtrail:GetEventSelectors"));
        assert!(matches!(reads(&Ok(vec![trail(false)])), Err(CheckFailure::Broken(_))));
        assert!(matches!(reads(&Ok(vec![trail(false), unreadable()])), Err(CheckFailure::Unknown(..))));
        assert_eq!(reads(&Ok(vec![unreadable(), trail(true)])), Ok("`own` logs".to_owned()));
    }

    #[test]
    fn basic_and_advanced_selectors_are_read() {
        let both = |selectors: Value| (selects(&selectors, false), selects(&selectors, true));
        let basic = |kind: &str, management: bool| json!({"EventSelectors": [{"ReadWriteType": kind, "IncludeManagementEvents": management}]});
        assert_eq!(both(json!({})), (true, true));
        assert_eq!(both(basic("All", true)), (true, true));
        assert_eq!(both(basic("WriteOnly", true)), (true, false));
        assert_eq!(both(basic("ReadOnly", true)), (false, true));
        assert_eq!(both(basic("All", false)), (false, false));
        let advanced = |fields: Value| json!({"AdvancedEventSelectors": [{"FieldSelectors": fields}]});
        let management = json!({"Field": "eventCategory", "Equals": ["Management"]});
        let writes = json!({"Field": "readOnly", "Equals": ["false"]});
        assert_eq!(both(advanced(json!([management]))), (true, true));
        assert_eq!(both(advanced(json!([management, writes]))), (true, false));
        let data = json!({"Field": "eventCategory", "Equals": ["Data"]});
        assert_eq!(both(advanced(json!([data]))), (false, false));
    }
}
