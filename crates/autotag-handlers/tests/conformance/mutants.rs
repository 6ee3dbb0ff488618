//! Rules that are made wrong on purpose.

use super::botocore::Facts;
use super::naming::names_its_resource;
use super::subject::Subject;
use super::tables::Tables;
use autotag_model::rule::TagCall;
use std::collections::BTreeSet;

/// A rule with one mistake.
pub(crate) struct Mutant {
    /// The kind of mistake.
    pub(crate) change: &'static str,
    /// The rule and the mistake.
    pub(crate) name: String,
    pub(crate) subject: Subject,
}

/// How many of each kind of mistake.
const EACH: usize = 110;

/// Numbers that look random and are the same each time (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % count.max(1) as u64).unwrap()
    }

    fn one_of<'o, T>(&mut self, all: &'o [T]) -> Option<&'o T> {
        all.get(self.below(all.len()))
    }
}

/// The change of a mistake: a key of the rule, its new value, and a description.
type Change = (&'static str, toml::Value);

type Rules = [(Subject, Facts)];

/// The path leads to another ARN of the answer.
fn path(rule: &Subject, facts: &Facts, _: &Rules, _: &Tables, random: &mut Random) -> Option<Change> {
    let own: BTreeSet<String> = rule.rule.id.iter().map(|path| path.to_string().to_lowercase()).collect();
    let others = facts.arns.iter().filter(|path| !own.contains(&path.to_lowercase()));
    // Another member with the resource's own name holds the resource's ARN.
    let others: Vec<&String> = others.filter(|path| !names_its_resource(rule, path)).collect();
    let other = random.one_of(&others)?;
    Some(("id", toml::Value::String((*other).clone())))
}

/// The kind or the template is that of another resource of the service.
fn kind(rule: &Subject, _: &Facts, _: &Rules, tables: &Tables, random: &mut Random) -> Option<Change> {
    let prefixes = rule.prefixes();
    let forms = tables.resources.iter().filter(|resource| prefixes.contains(resource.prefix.as_str()));
    let template = rule.template();
    if let Some(template) = template {
        let forms: Vec<&str> =
            forms.map(|resource| resource.form.as_str()).filter(|form| *form != template).collect();
        let form = random.one_of(&forms)?;
        return Some((
            "arn",
            toml::Value::String(format!("arn:{{partition}}:{}", form.replace('*', "{id}"))),
        ));
    }
    let own = rule.kinds();
    // A narrower form of the rule's own kind is not a mistake.
    let is_other = |kind: &String| {
        !own.iter()
            .any(|own| kind == own || own.strip_suffix('*').is_some_and(|front| kind.starts_with(front)))
    };
    let kinds: Vec<String> = forms.map(super::tables::IamResource::kind).filter(is_other).collect();
    let kind = random.one_of(&kinds).filter(|_| !own.is_empty())?;
    Some(("kind", toml::Value::String(kind.clone())))
}

/// The tag action is another service's.
fn action(rule: &Subject, _: &Facts, rules: &Rules, _: &Tables, random: &mut Random) -> Option<Change> {
    if rule.rule.call == TagCall::None {
        return None;
    }
    let (other, _) = random.one_of(rules)?;
    let foreign =
        other.rule.actions.iter().filter(|action| {
            action.split_once(':').is_some_and(|(prefix, _)| !rule.prefixes().contains(prefix))
        });
    let actions: Vec<toml::Value> = foreign.map(|action| toml::Value::String(action.clone())).collect();
    (!actions.is_empty()).then(|| ("actions", toml::Value::Array(actions)))
}

/// The type is another rule's of the service, or of any service.
fn resource_type(
    rule: &Subject,
    _: &Facts,
    rules: &Rules,
    _: &Tables,
    random: &mut Random,
) -> Option<Change> {
    let same = random.below(2) == 0;
    let others = rules.iter().map(|(other, _)| other).filter(|other| {
        other.rule.resource_type != rule.rule.resource_type
            && other.rule.event != rule.rule.event
            && (!same || other.source == rule.source)
    });
    let others: Vec<&str> = others.map(|other| other.rule.resource_type.as_str()).collect();
    Some(("type", toml::Value::String((*random.one_of(&others)?).to_owned())))
}

/// The event is another call of the service.
fn event(rule: &Subject, _: &Facts, rules: &Rules, tables: &Tables, random: &mut Random) -> Option<Change> {
    let others = rules.iter().map(|(other, _)| other).filter(|other| {
        other.source == rule.source
            && other.rule.event != rule.rule.event
            && other.rule.resource_type != rule.rule.resource_type
    });
    let mut others: Vec<String> = others.map(|other| other.rule.event.clone()).collect();
    let calls = tables.calls.iter().filter(|(_, makes)| *makes == "nothing").filter_map(|(call, _)| {
        let (prefix, name) = call.split_once(':')?;
        (rule.prefixes().contains(prefix)).then(|| name.to_owned())
    });
    others.extend(calls);
    Some(("event", toml::Value::String(random.one_of(&others)?.clone())))
}

type Mistake = (&'static str, fn(&Subject, &Facts, &Rules, &Tables, &mut Random) -> Option<Change>);

const MISTAKES: &[Mistake] = &[
    ("another ARN of the answer", path),
    ("another kind", kind),
    ("an action of another service", action),
    ("another type", resource_type),
    ("another event", event),
];

/// The same number of each mistake, in rules that are drawn by lot.
pub(crate) fn all(rules: &Rules, tables: &Tables) -> Vec<Mutant> {
    let mut random = Random(2026);
    let mut mutants = Vec::new();
    for (change, mistake) in MISTAKES {
        let mut names = BTreeSet::new();
        for _ in 0..EACH * 40 {
            if names.len() == EACH {
                break;
            }
            let Some((rule, facts)) = random.one_of(rules).filter(|(_, facts)| facts.error.is_none()) else {
                continue;
            };
            let Some((key, value)) = mistake(rule, facts, rules, tables, &mut random) else { continue };
            let name = format!("{}: {key} = {value}", rule.name());
            let mut written = rule.written.clone();
            written.insert(key.to_owned(), value);
            // A rule that cannot be read is refused before any gate.
            let Ok(subject) = Subject::new(&rule.head, &written) else { continue };
            // A rule of the catalogue is not a mistake.
            let is_known = |(other, _): &(Subject, Facts)| {
                matches!(key, "event" | "type") && other.name() == subject.name()
            };
            if rules.iter().any(is_known) {
                continue;
            }
            if names.insert(name.clone()) {
                mutants.push(Mutant { change, name, subject });
            }
        }
    }
    mutants
}
