use super::*;
use autotag_handlers::catalog::Catalog;
use autotag_model::policy::Policy;

fn inventory() -> Inventory {
    Inventory::new(Catalog::embedded().services().unwrap(), Policy::from_toml("").unwrap())
}

fn template() -> Template {
    Template::parse(&files(&inventory()).unwrap().remove(0).text)
}

#[test]
fn it_is_within_the_limits_of_aws() {
    let text = files(&inventory()).unwrap().remove(0).text;
    assert!(text.len() < 1_000_000, "{} bytes", text.len());
    assert!(Template::parse(&text).of(Section::Resources).count() <= 500);
}

#[test]
fn what_an_organization_needs_has_to_be_given() {
    let template = template();
    let without = |entry: &&Entry| entry.property(4, "Default").is_none();
    let mut needed: Vec<&str> =
        template.of(Section::Parameters).filter(without).map(|entry| entry.id.as_str()).collect();
    needed.sort_unstable();
    let wanted =
        ["CodeBucket", "MemberTemplateUrl", "OrganizationId", "RegionTemplateUrl", "Regions", "TargetOus"];
    assert_eq!(needed, wanted);
}

#[test]
fn stacks_of_the_organization_get_what_the_hub_has() {
    let mut template = template();
    let member = template.entry(Section::Resources, "MemberStackSet").unwrap().body.clone();
    for line in [
        "{ParameterKey: ExternalId, ParameterValue: !If [HasExternalId, !Ref ExternalId, !Ref OrganizationId]}",
        "{ParameterKey: HubRoleArns, ParameterValue: !GetAtt TagHandlerRole.Arn}",
        "{ParameterKey: Name, ParameterValue: !Ref Name}",
        "{ParameterKey: RolePath, ParameterValue: !Ref RolePath}",
        "{ParameterKey: PermissionsBoundaryArn, ParameterValue: !Ref PermissionsBoundaryArn}",
    ] {
        assert!(member.contains(line), "{line}\n{member}");
    }
    assert!(!member.contains("ReadsPeople"), "{member}");
    let region = template.entry(Section::Resources, "RegionStackSet").unwrap().body.clone();
    for line in [
        "{ParameterKey: HubBusArn, ParameterValue: !GetAtt Bus.Arn}",
        "{ParameterKey: ForwardDeletions, ParameterValue: !Ref CreateLedger}",
        "{ParameterKey: ForwardTagChanges, ParameterValue: !Ref WatchTags}",
        "{ParameterKey: SessionRuleState, ParameterValue: !Ref SessionRuleState}",
    ] {
        assert!(region.contains(line), "{line}\n{region}");
    }
    assert!(!region.contains("AlarmTopicArn"), "{region}");
}

#[test]
fn a_list_is_passed_as_one_text_and_a_parameter_without_a_value_fails() {
    let all = Template::parse("Parameters:\n  Subnets:\n    Type: CommaDelimitedList\n");
    let of = Template::parse("Parameters:\n  Subnets:\n    Type: CommaDelimitedList\n    Default: \"\"\n");
    let lines = passed(&all, &of, &[]).unwrap();
    assert!(lines.contains("ParameterKey: Subnets, ParameterValue: !Join [\",\", !Ref Subnets]}"), "{lines}");
    let of = Template::parse("Parameters:\n  Subnet:\n    Type: String\n");
    let error = passed(&all, &of, &[]).unwrap_err().to_string();
    assert_eq!(error, "stacks of the organization get no value for `Subnet`");
}

/// The region's stack set makes rules of the same names in the hub's account, so both at once would clash.
#[test]
fn the_rules_of_the_own_region_are_made_on_demand_only() {
    let template = template();
    let own: Vec<&Entry> = template
        .of(Section::Resources)
        .filter(|entry| entry.id.starts_with("Own") || entry.id == "AlarmForwardFailures")
        .collect();
    assert!(own.len() > 10, "{}", own.len());
    for rule in own {
        let condition = rule.property(4, "Condition").map(|found| found.lines).unwrap_or_default();
        let name = condition.trim().trim_start_matches("Condition: ");
        let decides = name == "TakesOwnRegion"
            || template
                .of(Section::Conditions)
                .any(|entry| entry.id == name && entry.body.contains("!And [!Condition TakesOwnRegion,"));
        assert!(decides, "{} {condition}", rule.id);
    }
}

/// The role is there in every case, so nothing asks for its name.
#[test]
fn the_name_of_the_member_role_is_decided() {
    let text = files(&inventory()).unwrap().remove(0).text;
    assert!(!text.contains("Ref MemberRoleName") && !text.contains("${MemberRoleName}"));
    let role = "AUTOTAG_MEMBER_ROLE: !Select [1, !Split [\"^/\", !Sub \"^${RolePath}${Name}-member\"]]\n";
    assert!(text.contains(role));
    assert!(text.contains("iam::*:role${RolePath}${Name}-member\"\n"));
    assert!(!text.contains("  OtherAccounts:") && !text.contains("NoOtherAccounts:"));
    // Of a rule with more assertions the others stay.
    assert!(text.contains("  AccountsAreListed:"));
}
