//! Recognizes objects that begin with a long list of records, such as `{"Records": [`.

/// The beginning of an object.
pub(super) enum Header {
    /// `{"Records": [` and its length.
    List(&'static str, usize),
    /// More bytes are needed to tell.
    Undecided,
    Other,
}

/// Tells if an object begins with one of the lists that may be too long to hold in memory.
pub(super) fn list_header(bytes: &[u8]) -> Header {
    let mut undecided = false;
    for name in ["Records", "Events"] {
        let parts: [&[u8]; 5] = [b"{", b"\"", name.as_bytes(), b"\":", b"["];
        // Blanks are accepted before the key and after the colon. No known writer puts one before the colon.
        let mut at = 0;
        let mut matched = true;
        for (index, part) in parts.iter().enumerate() {
            if index == 1 || index == 4 {
                at += bytes.iter().skip(at).take_while(|b| b.is_ascii_whitespace()).count();
            }
            let rest = bytes.get(at..).unwrap_or_default();
            if rest.len() < part.len() && part.starts_with(rest) {
                undecided = true;
                matched = false;
                break;
            }
            if !rest.starts_with(part) {
                matched = false;
                break;
            }
            at += part.len();
        }
        if matched {
            return Header::List(name, at);
        }
    }
    if undecided { Header::Undecided } else { Header::Other }
}
