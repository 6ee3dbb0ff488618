//! The answers of the APIs.

use super::{Account, Caller, Estate, MEMBER_ROLE, Organization, ROLE, TABLE};
use autotag_testkit::{Call, Protocol, Reply};
use serde_json::{Value, json};

/// Tags of an account on a page.
const TAGS_A_PAGE: usize = 10;

/// An error code, with its status.
type Refused = (u16, &'static str);

const DENIED: Refused = (403, "AccessDenied");

/// Other codes have the services that speak JSON.
const DENIED_EXCEPTION: Refused = (400, "AccessDeniedException");

const INVALID: Refused = (400, "ValidationException");

pub(super) fn answer(
    estate: &Estate,
    call: &Call,
    operation: &str,
    caller: Caller<'_>,
    body: &Value,
) -> Reply {
    let answered = match operation {
        "AssumeRole" => estate.assume_role(call, caller),
        "Scan" => estate.scan(caller, body),
        "DescribeOrganization" => estate.describe_organization(caller),
        "ListAccounts" => estate.list_accounts(caller, body),
        "ListTagsForResource" => estate.list_tags(caller, body),
        "ListRegions" => estate.list_regions(caller, body),
        "GetResources" => estate.get_resources(call, caller, body),
        "GetBucketLocation" => estate.bucket_location(call, caller),
        "PutObject" => estate.put_object(call, caller),
        _ => Err((400, "UnknownOperationException")),
    };
    answered.unwrap_or_else(|(status, code)| refusal(call, status, code))
}

/// The API's own error for too many calls.
pub(super) fn throttled(call: &Call) -> Reply {
    let (status, code) = match call.service.as_str() {
        "account" => (429, "TooManyRequestsException"),
        "organizations" => (400, "TooManyRequestsException"),
        "s3" => (503, "SlowDown"),
        "sts" => (400, "Throttling"),
        "tagging" => (400, "ThrottledException"),
        _ => (400, "ThrottlingException"),
    };
    refusal(call, status, code)
}

fn refusal(call: &Call, status: u16, code: &str) -> Reply {
    let inner = format!("<Code>{code}</Code><Message>{code}, says the estate</Message>");
    match call.protocol {
        Protocol::Query => {
            Reply::xml(status, format!("<ErrorResponse><Error>{inner}</Error></ErrorResponse>"))
        }
        Protocol::S3 => Reply::xml(status, format!("<Error>{inner}</Error>")),
        _ => Reply::json(status, &json!({"__type": code, "message": format!("{code}, says the estate")}))
            .with_header("x-amzn-errortype", code),
    }
}

impl Estate {
    /// The account of the caller, where it is one that is looked into: the caller must be in it.
    fn visited(&self, caller: Caller<'_>) -> Option<&Account> {
        match caller {
            Caller::Member(id) => self.account(id).map(|(_, account)| account),
            Caller::Organization(id) => {
                self.account(id).filter(|(organization, _)| organization.management == id).map(|(_, a)| a)
            }
            Caller::Ambient | Caller::Stranger => None,
        }
    }

    /// The organization that the caller manages.
    fn managed(&self, caller: Caller<'_>) -> Option<&Organization> {
        let Caller::Organization(id) = caller else { return None };
        self.account(id)
            .map(|(organization, _)| organization)
            .filter(|organization| organization.management == id)
    }

    fn assume_role(&self, call: &Call, caller: Caller<'_>) -> Result<Reply, Refused> {
        let arn = call.field("RoleArn").unwrap_or_default();
        let (id, role) =
            arn.strip_prefix("arn:aws:iam::").and_then(|arn| arn.split_once(":role/")).ok_or(INVALID)?;
        let (organization, account) = self.account(id).ok_or(DENIED)?;
        let kind = match caller {
            Caller::Ambient if role == ROLE => 'O',
            Caller::Organization(by) if role == MEMBER_ROLE && by == organization.management => 'M',
            _ => return Err(DENIED),
        };
        if !account.is_open() {
            return Err(DENIED);
        }
        Ok(Reply::xml(
            200,
            format!(
                "<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:s</AssumedRoleId>\
                 <Arn>arn:aws:sts::{id}:assumed-role/{role}/s</Arn></AssumedRoleUser><Credentials><AccessKeyId>\
                 ASIA{kind}{id}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
                 <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
            ),
        ))
    }

    /// Every management account is a tenant. Each has another entry that is filtered out.
    fn scan(&self, caller: Caller<'_>, body: &Value) -> Result<Reply, Refused> {
        if caller != Caller::Ambient || body["TableName"] != TABLE {
            return Err(DENIED_EXCEPTION);
        }
        let key = body["ExclusiveStartKey"]["tenant_id"]["S"].as_str();
        let last = key.and_then(|key| self.organizations.iter().position(|one| one.management == key));
        let at = last.map_or(0, |last| last + 1);
        let organization = self.organizations.get(at).ok_or(INVALID)?;
        let tenant = |id: &str, status: &str| {
            json!({"tenant_id": {"S": id}, "tenant_type": {"S": "Cloud Usage"}, "tenant_status": {"S": status},
                "cloud_service_provider": {"S": "AWS"}, "mgmt_category": {"S": "Known Managed"}})
        };
        let items = [tenant("000000000001", "Closed"), tenant(&organization.management, "Active")];
        let passed: Vec<Value> = items.into_iter().filter(|item| passes(item, body)).collect();
        let mut page = json!({"Count": passed.len(), "ScannedCount": 2, "Items": passed});
        if at + 1 < self.organizations.len() {
            page["LastEvaluatedKey"] = json!({"tenant_id": {"S": organization.management}});
        }
        Ok(Reply::json(200, &page))
    }

    /// Every account of an organization may ask for it.
    fn describe_organization(&self, caller: Caller<'_>) -> Result<Reply, Refused> {
        let (organization, _) = self.account(caller.account()).ok_or(DENIED_EXCEPTION)?;
        let Organization { id, management, .. } = organization;
        let arn = format!("arn:aws:organizations::{management}:organization/{id}");
        Ok(Reply::json(
            200,
            &json!({"Organization": {"Id": id, "Arn": arn, "FeatureSet": "ALL", "MasterAccountId": management}}),
        ))
    }

    fn list_accounts(&self, caller: Caller<'_>, body: &Value) -> Result<Reply, Refused> {
        let organization = self.managed(caller).ok_or(DENIED_EXCEPTION)?;
        let size = body["MaxResults"].as_u64().unwrap_or(20).min(20);
        let (size, token) = (usize::try_from(size).unwrap_or(20), body["NextToken"].as_str().unwrap_or("0"));
        // An empty page, with the token of the page after it.
        if let Some(token) = token.strip_prefix("empty-") {
            return Ok(Reply::json(200, &json!({"Accounts": [], "NextToken": token})));
        }
        let from: usize = token.parse().map_err(|_| INVALID)?;
        let accounts = organization.accounts.iter().enumerate().skip(from).take(size);
        let mut page = json!({"Accounts": accounts.map(|(place, one)| listed(organization, place, one)).collect::<Vec<_>>()});
        let next = from + size;
        if next < organization.accounts.len() {
            let empty = if organization.empty_page && from == 0 { "empty-" } else { "" };
            page["NextToken"] = json!(format!("{empty}{next}"));
        }
        Ok(Reply::json(200, &page))
    }

    fn list_tags(&self, caller: Caller<'_>, body: &Value) -> Result<Reply, Refused> {
        let organization = self.managed(caller).ok_or(DENIED_EXCEPTION)?;
        let id = body["ResourceId"].as_str().unwrap_or_default();
        let (of, account) = self.account(id).ok_or((400, "TargetNotFoundException"))?;
        if of.id != organization.id {
            return Err((400, "TargetNotFoundException"));
        }
        let from: usize = body["NextToken"].as_str().unwrap_or("0").parse().map_err(|_| INVALID)?;
        let tags = account.tags.iter().skip(from).take(TAGS_A_PAGE);
        let mut page =
            json!({"Tags": tags.map(|(key, value)| json!({"Key": key, "Value": value})).collect::<Vec<_>>()});
        if from + TAGS_A_PAGE < account.tags.len() {
            page["NextToken"] = json!((from + TAGS_A_PAGE).to_string());
        }
        Ok(Reply::json(200, &page))
    }

    /// Those that are enabled, and one that is not.
    fn list_regions(&self, caller: Caller<'_>, body: &Value) -> Result<Reply, Refused> {
        let account = self.visited(caller).ok_or((403, "AccessDeniedException"))?;
        let enabled = account.regions.keys().map(|region| (*region, "ENABLED_BY_DEFAULT"));
        let all = enabled.chain([("af-south-1", "DISABLED")]);
        let wanted = body["RegionOptStatusContains"].as_array();
        let wanted = |status: &str| wanted.is_none_or(|wanted| wanted.iter().any(|one| one == status));
        let regions = all.filter(|(_, status)| wanted(status));
        let regions =
            regions.map(|(region, status)| json!({"RegionName": region, "RegionOptStatus": status}));
        Ok(Reply::json(200, &json!({"Regions": regions.collect::<Vec<_>>()})))
    }

    /// Accounts have their tags in `us-east-1` only, and only for the management account. Those without tags are left out.
    fn tagged_accounts(&self, call: &Call, caller: Caller<'_>, body: &Value) -> Result<Reply, Refused> {
        self.visited(caller).ok_or(DENIED_EXCEPTION)?;
        let of = self.managed(caller).filter(|_| call.region == "us-east-1" && self.lists_account_tags);
        let accounts = of.iter().flat_map(|organization| {
            let tagged = organization.accounts.iter().filter(|account| !account.tags.is_empty());
            tagged.map(|account| (account, listed(organization, 0, account)["Arn"].clone()))
        });
        let size = body["ResourcesPerPage"].as_u64().unwrap_or(50).min(100);
        let token = body["PaginationToken"].as_str().filter(|token| !token.is_empty()).unwrap_or("0");
        let (size, from) = (usize::try_from(size).unwrap_or(50), token.parse().map_err(|_| INVALID)?);
        let tag = |(key, value): &(String, String)| json!({"Key": key, "Value": value});
        let mut page: Vec<Value> = accounts
            .skip(from)
            .take(size + 1)
            .map(|(account, arn)| json!({"ResourceARN": arn, "Tags": account.tags.iter().map(tag).collect::<Vec<_>>()}))
            .collect();
        let token = if page.len() > size { (from + size).to_string() } else { String::new() };
        page.truncate(size);
        Ok(Reply::json(200, &json!({"ResourceTagMappingList": page, "PaginationToken": token})))
    }

    /// A token says how many empty pages, or how many resources, have been shown.
    fn get_resources(&self, call: &Call, caller: Caller<'_>, body: &Value) -> Result<Reply, Refused> {
        if body["ResourceTypeFilters"] == json!(["organizations:account"]) {
            return self.tagged_accounts(call, caller, body);
        }
        let account = self.visited(caller).ok_or(DENIED_EXCEPTION)?;
        let holdings =
            account.regions.get(call.region.as_str()).ok_or((403, "UnrecognizedClientException"))?;
        let size = body["ResourcesPerPage"].as_u64().unwrap_or(50).min(100);
        let token = body["PaginationToken"].as_str().filter(|token| !token.is_empty()).unwrap_or("empty-0");
        let (empty, from) = match token.strip_prefix("empty-") {
            Some(shown) => (shown.parse().map_err(|_| INVALID)?, 0),
            None => (holdings.empty_pages, token.parse::<u64>().map_err(|_| INVALID)?),
        };
        let page = if empty < holdings.empty_pages {
            json!({"ResourceTagMappingList": [], "PaginationToken": format!("empty-{}", empty + 1)})
        } else {
            let upto = holdings.listed().min(from + size);
            let resources: Vec<Value> =
                (from..upto).map(|number| holdings.resource(number, &account.id, &call.region)).collect();
            let token = if upto < holdings.listed() { upto.to_string() } else { String::new() };
            json!({"ResourceTagMappingList": resources, "PaginationToken": token})
        };
        Ok(Reply::json(200, &page))
    }

    /// Told by the bucket's name, `account-region-number`, to the account that has it.
    fn bucket_location(&self, call: &Call, caller: Caller<'_>) -> Result<Reply, Refused> {
        let name = call.path.trim_matches('/');
        let account = self.visited(caller).ok_or(DENIED)?;
        let rest = name.strip_prefix(&account.id).and_then(|rest| rest.strip_prefix('-')).ok_or(DENIED)?;
        let (region, _) = rest.rsplit_once('-').ok_or((404, "NoSuchBucket"))?;
        let region = if region == "us-east-1" { "" } else { region };
        let space = "http://s3.amazonaws.com/doc/2006-03-01/";
        Ok(Reply::xml(200, format!("<LocationConstraint xmlns=\"{space}\">{region}</LocationConstraint>")))
    }

    fn put_object(&self, call: &Call, caller: Caller<'_>) -> Result<Reply, Refused> {
        if caller != Caller::Ambient {
            return Err(DENIED);
        }
        let key = call.path.trim_matches('/').to_owned();
        self.objects.lock().unwrap().insert(key, call.body.to_vec());
        Ok(Reply::empty(200).with_header("etag", "\"0\""))
    }
}

/// An account as `ListAccounts` has it: the state as `State`, as `Status`, or as both.
fn listed(organization: &Organization, place: usize, account: &Account) -> Value {
    let Account { id, name, state, .. } = account;
    let arn = format!("arn:aws:organizations::{}:account/{}/{id}", organization.management, organization.id);
    let mut listed = json!({"Id": id, "Arn": arn, "Name": name, "Email": format!("{id}@example.com"),
        "JoinedMethod": "CREATED", "JoinedTimestamp": 1_772_452_800.25,
        "Paths": [format!("{}/r-ab12/ou-ab12-11111111/{id}/", organization.id)]});
    if let (Some(state), false) = (state, place % 4 == 1) {
        listed["State"] = json!(state);
    }
    // The old word has no `PENDING_ACTIVATION` and no `CLOSED`; the estate uses neither.
    if let (Some(state), false) = (state, place.is_multiple_of(4)) {
        listed["Status"] = json!(state);
    }
    listed
}

impl super::Holdings {
    /// The resource at this place of the list.
    fn resource(&self, number: u64, account: &str, region: &str) -> Value {
        let ahead = [self.untagged, self.global, self.buckets_elsewhere, self.buckets];
        let ends: Vec<u64> = ahead
            .iter()
            .scan(0, |end, more| {
                *end += more;
                Some(*end)
            })
            .collect();
        let elsewhere = if region == "eu-west-1" { "us-east-1" } else { "eu-west-1" };
        let arn = match ends.iter().position(|end| number < *end) {
            Some(1) => format!("arn:aws:cloudfront::{account}:distribution/E{number}"),
            Some(2) => format!("arn:aws:s3:::{account}-{elsewhere}-{number}"),
            Some(3) => format!("arn:aws:s3:::{account}-{region}-{number}"),
            _ => format!("arn:aws:ec2:{region}:{account}:volume/vol-{number:017x}"),
        };
        let tags = if number < self.untagged { json!([]) } else { json!([{"Key": "team", "Value": "shop"}]) };
        json!({"ResourceARN": arn, "Tags": tags})
    }
}

/// True if an item passes the filter: terms with `AND` between them, each an attribute and its allowed values, in
/// any notation.
fn passes(item: &Value, body: &Value) -> bool {
    let Some(filter) = body["FilterExpression"].as_str() else { return true };
    filter.split(" AND ").all(|term| {
        let words = || term.split(|c: char| !c.is_alphanumeric() && !"#:_".contains(c));
        let name =
            words().find_map(|word| body["ExpressionAttributeNames"][word].as_str()).unwrap_or_default();
        let mut values = words().filter(|word| word.starts_with(':'));
        values.any(|value| body["ExpressionAttributeValues"][value] == item[name])
    })
}
