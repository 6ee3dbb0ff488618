use super::text::replaced;
use super::{Section, Template, Use};

const HUB: &str = "\
# A comment of the file.
AWSTemplateFormatVersion: \"2010-09-09\"

Parameters:
  Size:
    Type: Number
    Default: 1
    Description: Megabytes.

  Bus:
    Type: String

Conditions:
  IsLarge: !Equals [!Ref Size, 9]
  IsNamed: !Not [!Equals [!Ref Bus, \"\"]]

Resources:
  # The queue.
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      # Six times.
      VisibilityTimeout: !Ref Size

Outputs:
  Size:
    Description: Size sets it.
    Value: !Ref Size
";

const SESSION: &str = "\
Parameters:
  Size:
    Type: Number
    Default: 2
    Description: Megabytes.
  Bus:
    Type: String
Conditions:
  IsLarge: !Equals [!Ref Size, 9]
  IsVeryLarge: !And [!Condition IsLarge, !Condition IsNamed]
  IsNamed: !Not [!Equals [!Ref Bus, \"\"]]
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Condition: IsLarge
    Properties:
      Size: !If [IsLarge, !Ref Size, !Ref SizeOfAll]
      TopicName: !Sub \"${Size}-${Bus}\"
Outputs:
  Size:
    Description: Size sets it.
    Value: !Ref Size
";

fn merged(uses: &[(&'static str, Use)]) -> Result<String, String> {
    let (mut all, mut part) = (Template::parse(HUB), Template::parse(SESSION));
    part.apply(uses).map_err(|error| error.to_string())?;
    part.rename_conditions(&all, uses, "Session");
    all.merge(part, "session.yaml").map_err(|error| error.to_string())?;
    Ok(all.text("Head: 1"))
}

#[test]
fn a_template_keeps_its_text() {
    let text =
        Template::parse(HUB).text("# A comment of the file.\nAWSTemplateFormatVersion: \"2010-09-09\"");
    assert_eq!(text.replace("\n\n\n", "\n\n"), HUB);
}

/// Otherwise the stack would have one value for two things, or one function would silently lose its own.
#[test]
fn a_parameter_of_two_parts_that_differs_and_is_not_decided_fails() {
    let error = merged(&[]).unwrap_err();
    assert!(error.contains("`Size` in Parameters of session.yaml differs"), "{error}");
}

#[test]
fn a_condition_of_two_parts_that_differs_fails() {
    let (mut all, part) = (Template::parse(HUB), Template::parse("Conditions:\n  IsNamed: !Equals [a, b]\n"));
    let error = all.merge(part, "session.yaml").unwrap_err().to_string();
    assert!(error.contains("`IsNamed` in Conditions of session.yaml differs"), "{error}");
}

#[test]
fn a_use_of_a_parameter_that_is_not_there_fails() {
    let error = merged(&[("Sise", Use::Shared)]).unwrap_err();
    assert_eq!(error, "there is no `Sise` in Parameters");
}

#[test]
fn a_renamed_parameter_takes_its_references_conditions_and_output_along() {
    let text = merged(&[("Size", Use::Named("SessionSize"))]).unwrap();
    for wanted in [
        "  Size:\n    Type: Number\n    Default: 1\n",
        "  SessionSize:\n    Type: Number\n    Default: 2\n",
        "  IsLarge: !Equals [!Ref Size, 9]\n",
        "  SessionIsLarge: !Equals [!Ref SessionSize, 9]\n",
        "  IsVeryLarge: !And [!Condition SessionIsLarge, !Condition IsNamed]\n",
        "    Condition: SessionIsLarge\n",
        "      Size: !If [SessionIsLarge, !Ref SessionSize, !Ref SizeOfAll]\n",
        "      TopicName: !Sub \"${SessionSize}-${Bus}\"\n",
        "  SessionSize:\n    Description: SessionSize sets it.\n    Value: !Ref SessionSize\n",
        "  # The queue.\n  Queue:\n",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    assert_eq!(text.matches("  IsNamed:").count(), 1, "{text}");
}

#[test]
fn a_given_parameter_is_replaced_by_its_value() {
    let uses = [("Size", Use::Shared), ("Bus", Use::Given("!GetAtt Bus.Name", "${Bus.Name}"))];
    let (all, mut part) = (Template::parse(HUB), Template::parse(SESSION));
    part.apply(&uses).unwrap();
    part.rename_conditions(&all, &uses, "Session");
    let text = part.text("");
    assert!(
        text.contains("TopicName: !Sub \"${Size}-${Bus.Name}\"") && !text.contains("Parameters:"),
        "{text}"
    );
    assert!(text.contains("IsNamed: !Not [!Equals [!GetAtt Bus.Name, \"\"]]"), "{text}");
}

#[test]
fn properties_are_set_added_and_removed() {
    let mut template = Template::parse(HUB);
    let entry = template.entry(Section::Parameters, "Size").unwrap();
    entry.set("Default", Some("7"));
    entry.set("MinValue", Some("3"));
    entry.set("Description", None);
    assert_eq!(entry.body, "  Size:\n    Type: Number\n    MinValue: 3\n    Default: 7\n");
    let queue = template.entry(Section::Resources, "Queue").unwrap();
    let properties = queue.property(4, "Properties").unwrap();
    assert_eq!(properties.lines, "    Properties:\n      # Six times.\n      VisibilityTimeout: !Ref Size\n");
    assert!(queue.property(4, "Condition").is_none());
}

#[test]
fn only_whole_words_are_replaced() {
    assert_eq!(replaced("A AB BA A_ [A] A", "A", "X"), "X AB BA A_ [X] X");
}
