//! The pieces into which the readers split an input.

use super::malformed::MalformedKind;
use super::position::Position;

/// A result of a reader: a whole value, or a fault in the place of one.
pub(super) enum Piece<'a> {
    Value {
        bytes: &'a [u8],
        position: Position,
    },
    /// A record whose own members are plain texts, words, objects and lists, without a blank between them.
    Record {
        text: &'a str,
        position: Position,
    },
    Fault {
        position: Position,
        kind: MalformedKind,
    },
}

/// Tells if a value is JSON, as far as that is known without its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    NotJson,
}

/// Takes a piece, and tells if its value is JSON.
pub(super) type Each<'e> = &'e mut dyn FnMut(Piece<'_>) -> Form;
