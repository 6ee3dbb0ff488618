//! Words of command lines that people copy from the output.

/// The name of a file or folder as an argument, which no shell and no option reads in another way.
pub(crate) fn path(path: &str) -> String {
    quoted(&if path.starts_with('-') { format!("./{path}") } else { path.to_owned() })
}

/// One word of a shell.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:,=@+%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
