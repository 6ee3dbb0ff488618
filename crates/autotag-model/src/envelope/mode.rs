//! The state of the splitter: its place in the structure of the input.

use super::position::Root;
use super::scan::Scan;

/// The part that the splitter reads.
#[derive(Clone, Copy)]
pub(super) enum Mode {
    /// Between top-level values.
    Top,
    /// Between elements of a list. `true`: the list is a member of an object, whose rest is skipped after the list.
    Elements(Root, bool),
    /// Inside a value to emit, which began at `start`.
    Value(Scan, Root, bool),
    /// Inside a value to skip.
    Skip(Scan, Root, bool),
    /// After a value that does not end, searching for the beginning of the next one.
    Seek(Root, bool),
    /// After bytes that belong to no value of the list: the same, and not beyond the end of the line.
    SeekInLine(Root, bool),
    /// After the `]` of a list. Whether it ends the list is told by what follows.
    ListEnd(Root, bool),
    /// After the list, in the rest of the object that holds it.
    Tail(Scan),
}

impl Mode {
    /// The place of the current value: top level or a list.
    pub(super) fn root(self) -> Root {
        match self {
            Self::Elements(root, _)
            | Self::Value(_, root, _)
            | Self::Skip(_, root, _)
            | Self::Seek(root, _)
            | Self::SeekInLine(root, _)
            | Self::ListEnd(root, _) => root,
            Self::Top | Self::Tail(_) => Root::Value,
        }
    }
}

/// The part that the splitter reads after a value.
pub(super) fn after_value(root: Root, in_object: bool) -> Mode {
    if root == Root::Value { Mode::Top } else { Mode::Elements(root, in_object) }
}
