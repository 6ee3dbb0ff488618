//! Names of members, types and operations, compared.

use super::subject::{Subject, last};
use super::tables::IamResource;

/// Suffixes of members that name a resource.
const SUFFIXES: &[&str] = &[
    "arns",
    "arn",
    "identifier",
    "ids",
    "uuid",
    "id",
    "names",
    "name",
    "url",
    "alias",
    "key",
    "number",
    "locator",
];

/// Lower case, letters and digits only.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// True if the name of an event begins with the verb.
pub(crate) fn is_named_after(event: &str, verb: &str) -> bool {
    event.strip_prefix(verb).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// The names of what a rule creates: the last part of its type, the operation without its verb.
fn nouns(subject: &Subject) -> Vec<String> {
    let of_type = subject.rule.resource_type.rsplit("::").next().unwrap_or_default();
    let operation = subject.operation();
    let verb = operation.char_indices().skip(1).find(|(_, c)| c.is_ascii_uppercase());
    let of_operation = verb.and_then(|(at, _)| operation.get(at..)).unwrap_or(operation);
    // `RestoreTableFromBackup` creates a table.
    let of_operation = of_operation.split_once("From").map_or(of_operation, |(created, _)| created);
    let of_operation = of_operation.split_once("ToPoint").map_or(of_operation, |(created, _)| created);
    vec![plain(of_type), plain(of_operation)]
}

/// True if a name is that of one of the nouns, or of its last part: `datastore` of `fhirdatastore`. Plurals count.
fn is_one_of(name: &str, nouns: &[String]) -> bool {
    let singular = name.strip_suffix('s').unwrap_or(name);
    let forms =
        [name, singular, name.strip_suffix("set").unwrap_or(name), name.strip_suffix("list").unwrap_or(name)];
    // Version 2 of an operation mostly names its members as version 1 did.
    let nouns = nouns.iter().flat_map(|noun| [noun.as_str(), noun.strip_suffix("v2").unwrap_or(noun)]);
    let mut nouns = nouns.filter(|_| name.len() > 2);
    nouns.any(|noun| forms.iter().any(|form| form.len() > 2 && noun.ends_with(form)))
}

/// Suffixes of structures around a resource's members.
const AROUND: &[&str] = &[
    "metadata",
    "status",
    "summary",
    "description",
    "details",
    "detail",
    "input",
    "info",
    "properties",
    "task",
];

/// The name of a member without what says that it is an ARN, an id or a name.
fn stem(member: &str) -> &str {
    let member = member.strip_suffix("set").or_else(|| member.strip_suffix("list")).unwrap_or(member);
    SUFFIXES.iter().find_map(|suffix| member.strip_suffix(suffix)).unwrap_or(member)
}

/// True if the structure around a bare `arn` is the answer, or is named after the resource.
fn is_inside_its_resource(mut parents: Vec<&str>, nouns: &[String]) -> bool {
    while let Some(parent) = parents.pop() {
        let parent = plain(parent);
        let name = AROUND.iter().find_map(|suffix| parent.strip_suffix(suffix)).unwrap_or(&parent);
        let name = name.strip_prefix("create").unwrap_or(name);
        if !name.is_empty() {
            return is_one_of(name, nouns) || is_one_of(&parent, nouns);
        }
    }
    true
}

/// True if the member at a path is named after the resource: `workspaceArn`, or a bare `arn` of the answer or of a member
/// that is named after it.
pub(crate) fn names_its_resource(subject: &Subject, path: &str) -> bool {
    let nouns = nouns(subject);
    let member = plain(last(path));
    let parents: Vec<&str> = path.split('.').skip(1).collect();
    let (_, parents) = parents.split_last().unwrap();
    match stem(&member) {
        "" => is_inside_its_resource(parents.to_vec(), &nouns),
        stem => {
            // A copy is named by `targetSnapshotName`, `newImageName` or `restoredTableArn`.
            let of_copies: &[&str] =
                if path.starts_with("request.") { &["target", "new"] } else { &["restored"] };
            let own = of_copies.iter().find_map(|copy| stem.strip_prefix(copy)).unwrap_or(stem);
            is_one_of(own, &nouns) || is_one_of(&member, &nouns)
        }
    }
}

/// Verbs of calls that make a resource of another one's type.
const COPYING: &[&str] = &["Copy", "Restore", "Import"];

/// True if the operation makes a copy of the type: `CopyDBSnapshot`, `RestoreDBInstanceFromS3`. To restore something by
/// itself is to bring back what was deleted.
pub(crate) fn copies_its_type(subject: &Subject) -> bool {
    let event = subject.operation();
    let is_copy = COPYING.iter().any(|verb| is_named_after(event, verb));
    let is_back = event.starts_with("Restore") && !event.contains("From") && !event.contains("ToPoint");
    is_copy && !is_back && is_called_like_its_type(subject)
}

/// True if the operation and the type have the same name.
pub(crate) fn is_called_like_its_type(subject: &Subject) -> bool {
    matches!(nouns(subject).as_slice(), [of_type, of_operation] if of_operation == of_type)
}

/// True if the operation and the type have the same name, or one ends with the other.
pub(crate) fn operation_names_its_type(subject: &Subject) -> bool {
    match nouns(subject).as_slice() {
        [of_type, of_operation] => {
            let (of_type, of_operation) = (singular(of_type), singular(of_operation));
            of_type.ends_with(of_operation) || of_operation.ends_with(of_type)
        }
        _ => false,
    }
}

fn singular(name: &str) -> &str {
    name.strip_suffix('s').unwrap_or(name)
}

/// The names of a resource of IAM. Its ARN also says one: the part before the last `/` and star.
fn names_of(resource: &IamResource, by_arn: bool) -> Vec<String> {
    let (_, of_arn) = resource.form.rsplit_once(':').unwrap_or_default();
    let literal = of_arn.split('/').rfind(|part| !part.is_empty() && !part.contains('*')).filter(|_| by_arn);
    let names = resource.name.split('/').chain(literal).map(plain);
    names.map(|name| singular(&name).to_owned()).filter(|name| name.len() > 1).collect()
}

/// True if IAM calls one of these resources like the type: exactly so if it has a resource of the type's exact name in
/// `all`, otherwise if one name ends with the other. The name of the operation counts if no resource is called like the type.
pub(crate) fn names_its_kind(subject: &Subject, these: &[&IamResource], all: &[&IamResource]) -> bool {
    let nouns = nouns(subject);
    let nouns: Vec<&str> = nouns.iter().map(|noun| singular(noun)).filter(|noun| noun.len() > 1).collect();
    for by_arn in [false, true] {
        let is_exact = |resource: &&IamResource| {
            let names = names_of(resource, by_arn);
            nouns.first().is_some_and(|of_type| names.iter().any(|name| name == of_type))
        };
        if all.iter().any(is_exact) {
            return these.iter().any(is_exact);
        }
    }
    let ends_alike = |resource: &IamResource, noun: &str| {
        names_of(resource, true).iter().any(|name| noun.ends_with(name) || name.ends_with(noun))
    };
    // `CreateFlow` also makes the sources of a flow: the type says more than the operation.
    let of_type = nouns.first().filter(|noun| all.iter().any(|resource| ends_alike(resource, noun)));
    match of_type {
        Some(noun) => these.iter().any(|resource| ends_alike(resource, noun)),
        None => these.iter().any(|resource| nouns.iter().any(|noun| ends_alike(resource, noun))),
    }
}
