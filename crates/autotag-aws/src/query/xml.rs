//! Reads XML answers of IAM, STS and CloudFormation. Element names are compared without their namespace.

use super::error::QueryError;
use roxmltree::{Document, Node};

/// Parses the answer to `action`.
///
/// # Errors
/// [`QueryError::unreadable`] if it is not XML.
pub fn parse<'i>(action: &str, answer: &'i str) -> Result<Document<'i>, QueryError> {
    Document::parse(answer).map_err(|_| QueryError::unreadable(action))
}

/// The first element of this name below a node, at any depth.
pub fn find<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.descendants().find(|node| node.has_tag_name(name))
}

/// The child of this name.
pub fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|node| node.has_tag_name(name))
}

/// The text of the child of this name, without white space around it. An empty element has the text `""`.
pub fn child_text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name).map(text)
}

/// The text of an element, without white space around it.
pub fn text<'a>(node: Node<'a, '_>) -> &'a str {
    node.text().unwrap_or_default().trim()
}

/// The members of the child of this name, which is a list of AWS's query protocol: `<Name><member>..</member></Name>`.
pub fn members<'a, 'i>(node: Node<'a, 'i>, name: &str) -> impl Iterator<Item = Node<'a, 'i>> {
    let list = child(node, name);
    list.into_iter().flat_map(|list| list.children()).filter(|node| node.has_tag_name("member"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_in_any_namespace() {
        let answer = "<R xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Role><Arn> a&amp;b </Arn><Tags>\
                      <member><Key>k</Key><member/></member><member/></Tags></Role></R>";
        let document = parse("iam:GetRole", answer).unwrap();
        let role = find(document.root(), "Role").unwrap();
        assert_eq!(child_text(role, "Arn"), Some("a&b"));
        assert_eq!(child_text(role, "Key"), None, "only children count");
        let tags: Vec<_> = members(role, "Tags").collect();
        assert_eq!(tags.len(), 2, "members of members do not count");
        assert_eq!(child_text(tags[0], "Key"), Some("k"));
    }

    #[test]
    fn an_answer_that_is_not_xml_is_an_error() {
        for answer in ["", "<html><br></html>", "{\"Role\": {}}"] {
            assert_eq!(parse("iam:GetRole", answer).unwrap_err().code, "UnreadableAnswer");
        }
    }
}
