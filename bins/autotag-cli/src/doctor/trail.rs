//! The trail: without one that logs, `EventBridge` hears of no API call.

use super::{Ask, Check, Finding, NoAnswer, Trouble, Verdict, World, broken, hangs_on};
use autotag_aws::signed::CLOUDTRAIL;
use autotag_model::arn::Region;
use futures_util::future::join_all;
use serde_json::{Value, json};

/// Creations are management events that write.
const TRAIL: Check = Check {
    name: "trail",
    question: "does a trail log management events that write?",
    fix: "create a trail for all regions that logs management events, read and write, and start its logging",
};

/// `AssumeRole` counts as a read.
const STS_TRAIL: Check = Check {
    name: "trail.sessions",
    question: "does it log management events that read, as AssumeRole is one?",
    fix: "let the trail log read management events too (ReadWriteType `All`)",
};

/// What is known of one trail.
#[derive(Debug, Default, Clone)]
struct Trail {
    name: String,
    logging: bool,
    writes: bool,
    reads: bool,
}

pub(super) async fn examine(world: &World) -> Vec<Finding> {
    let looks = world.places.iter().map(async |place| {
        let trails = trails(&place.ask, &place.region).await;
        let here = place.to_string();
        [TRAIL.at(&here, writes(&trails)), STS_TRAIL.at(&here, reads(&trails))]
    });
    join_all(looks).await.concat()
}

/// The trails that log what happens in a region; of one that cannot be asked about, why not.
async fn trails(ask: &Ask, region: &Region) -> Result<Vec<Result<Trail, NoAnswer>>, NoAnswer> {
    let input = json!({"includeShadowTrails": true});
    let answer = ask.json(CLOUDTRAIL, "cloudtrail:DescribeTrails", region, &input).await?;
    let trails = answer.get("trailList").and_then(Value::as_array).into_iter().flatten();
    let text = |trail: &Value, name: &str| trail.get(name).and_then(Value::as_str).map(str::to_owned);
    let here = |trail: &&Value| {
        let everywhere = trail.get("IsMultiRegionTrail").and_then(Value::as_bool).unwrap_or_default();
        everywhere || text(trail, "HomeRegion").is_none_or(|home| home == region.as_str())
    };
    let looks = trails.filter(here).map(async |trail| {
        let arn = text(trail, "TrailARN").or_else(|| text(trail, "Name")).unwrap_or_default();
        // A shadow of a trail is asked about at home.
        let home = text(trail, "HomeRegion").and_then(|home| Region::new(&home));
        let is = |name: &str| trail.get(name).and_then(Value::as_bool);
        // Only the account of an organization's trail may ask what it selects; that it selects nothing special all may see.
        let selects_all =
            is("IsOrganizationTrail") == Some(true) && is("HasCustomEventSelectors") == Some(false);
        look(ask, &home.unwrap_or_else(|| region.clone()), &arn, selects_all).await
    });
    Ok(join_all(looks).await)
}

async fn look(ask: &Ask, home: &Region, arn: &str, selects_all: bool) -> Result<Trail, NoAnswer> {
    let (named, selected) = (json!({"Name": arn}), json!({"TrailName": arn}));
    let selectors = async {
        if selects_all {
            return Ok(Value::Null);
        }
        ask.json(CLOUDTRAIL, "cloudtrail:GetEventSelectors", home, &selected).await
    };
    let (status, selectors) =
        tokio::join!(ask.json(CLOUDTRAIL, "cloudtrail:GetTrailStatus", home, &named), selectors);
    let (status, selectors) = (status?, selectors?);
    Ok(Trail {
        name: arn.rsplit('/').next().unwrap_or(arn).to_owned(),
        logging: status.get("IsLogging").and_then(Value::as_bool).unwrap_or_default(),
        writes: selects(&selectors, false),
        reads: selects(&selectors, true),
    })
}

/// Whether the selectors take management events that read, or that write.
fn selects(selectors: &Value, reading: bool) -> bool {
    let list =
        |name: &str| selectors.get(name).and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
    let (basic, advanced) = (list("EventSelectors"), list("AdvancedEventSelectors"));
    if basic.is_empty() && advanced.is_empty() {
        // What a trail does that nobody has told anything.
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

fn writes(trails: &Result<Vec<Result<Trail, NoAnswer>>, NoAnswer>) -> Verdict {
    let trails = trails.as_ref().map_err(|none| Trouble::from(none.clone()))?;
    let known = || trails.iter().filter_map(|trail| trail.as_ref().ok());
    if let Some(trail) = known().find(|trail| trail.logging && trail.writes) {
        return Ok(format!("`{}` logs", trail.name));
    }
    // It may be the one that nothing is known of.
    if let Some(none) = trails.iter().find_map(|trail| trail.as_ref().err()) {
        return Err(none.clone().into());
    }
    match known().next() {
        None => broken("there is no trail"),
        Some(trail) if !trail.logging => broken(format!("`{}` has stopped logging", trail.name)),
        Some(trail) => broken(format!("`{}` logs no management events that write", trail.name)),
    }
}

fn reads(trails: &Result<Vec<Result<Trail, NoAnswer>>, NoAnswer>) -> Verdict {
    if writes(trails).is_err() {
        return hangs_on(TRAIL);
    }
    let trails = || trails.iter().flatten();
    let mut known = trails().filter_map(|trail| trail.as_ref().ok());
    if let Some(trail) = known.find(|trail| trail.logging && trail.reads) {
        return Ok(format!("`{}` logs", trail.name));
    }
    // It may be the one that nothing is known of.
    match trails().find_map(|trail| trail.as_ref().err()) {
        Some(none) => Err(none.clone().into()),
        None => broken("only management events that write are logged: who assumed a role is not known"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_of_which_nothing_is_known_may_be_the_right_one() {
        let trail = |reads| Ok(Trail { name: "own".to_owned(), logging: true, writes: true, reads });
        let none = || Err(NoAnswer::unreadable("cloudtrail:GetEventSelectors"));
        assert!(matches!(reads(&Ok(vec![trail(false)])), Err(Trouble::Broken(_))));
        assert!(matches!(reads(&Ok(vec![trail(false), none()])), Err(Trouble::Unknown(..))));
        assert_eq!(reads(&Ok(vec![none(), trail(true)])), Ok("`own` logs".to_owned()));
    }

    #[test]
    fn selectors_of_both_kinds() {
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
