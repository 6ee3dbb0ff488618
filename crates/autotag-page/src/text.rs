//! Formats hostile texts, numbers and times for a page.

use jiff::Timestamp;

/// The number of characters that are shown of a text. No value that users of AWS can choose is longer.
const LONGEST: usize = 256;

/// Characters that change the direction of the text after them.
const DIRECTIONS: [char; 9] = [
    '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}',
    '\u{2069}',
];

/// A text whose control characters are replaced by visible ones. It may change the direction of text, so it needs an element
/// `<bdi>`.
pub fn visible(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).map(picture).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

/// As [`visible`], for places without `<bdi>`: attributes, options, charts.
pub fn plain(text: &str) -> String {
    visible(text).chars().map(|c| if DIRECTIONS.contains(&c) { '\u{fffd}' } else { c }).collect()
}

fn picture(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        // Other control characters, and line separators.
        '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => '\u{fffd}',
        _ => c,
    }
}

/// `12,345`
///
/// ```
/// assert_eq!(autotag_page::text::thousands(12_345), "12,345");
/// ```
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 account`, `12,345 accounts`
pub fn counted(number: usize, one: &str, more: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { more })
}

/// `12%`, rounded. A part above zero is never `0%`, and a part below the whole is never `100%`.
pub fn share(part: usize, whole: usize) -> String {
    match (part * 100 + whole / 2).checked_div(whole) {
        None => String::new(),
        Some(0) if part > 0 => "< 1%".to_owned(),
        Some(100) if part < whole => "> 99%".to_owned(),
        Some(percent) => format!("{percent}%"),
    }
}

/// `2 March 2026, 09:00:00 UTC`
pub fn time(time: Timestamp) -> String {
    time.strftime("%-d %B %Y, %H:%M:%S UTC").to_string()
}

/// `4.2 s`, `3 min 12 s`, `1 h 5 min`
pub fn duration(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs_f64().max(0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no run takes so long")]
    let whole = seconds as u64;
    match (whole / 3600, whole / 60, whole % 60) {
        (0, 0, _) => format!("{seconds:.1} s"),
        (0, minutes, rest) => format!("{minutes} min {rest} s"),
        (hours, minutes, _) => format!("{hours} h {} min", minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(visible("a\0b\r\nc\td\u{7f}\u{9b}\u{2028}"), "a␀b␍␊c␉d␡\u{fffd}\u{fffd}");
        assert_eq!(visible("Zoë's <b> \u{202e}x"), "Zoë's <b> \u{202e}x");
        assert_eq!(plain("a\u{202e}b\u{2069}c\u{200f}"), "a\u{fffd}b\u{fffd}c\u{200f}");
    }

    #[test]
    fn long_texts_end_between_characters() {
        let long = "ä".repeat(LONGEST);
        assert_eq!(visible(&long), long);
        assert_eq!(visible(&format!("{long}ä")), format!("{long}…"));
    }

    #[test]
    fn numbers_are_formatted() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), text);
        }
        assert_eq!(
            [counted(1, "account", "accounts"), counted(0, "account", "accounts")],
            ["1 account", "0 accounts"]
        );
        for ((part, whole), text) in [
            ((0, 0), ""),
            ((0, 9), "0%"),
            ((1, 5000), "< 1%"),
            ((4999, 5000), "> 99%"),
            ((1, 13), "8%"),
            ((3, 13), "23%"),
            ((5, 5), "100%"),
        ] {
            assert_eq!(share(part, whole), text);
        }
    }

    #[test]
    fn times_are_formatted() {
        let from: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        assert_eq!(time(from), "2 March 2026, 09:00:00 UTC");
        for (to, text) in [
            ("2026-03-02T09:00:04.25Z", "4.2 s"),
            ("2026-03-02T09:03:12Z", "3 min 12 s"),
            ("2026-03-02T10:05:59Z", "1 h 5 min"),
            // The clock was set back.
            ("2026-03-02T08:00:00Z", "0.0 s"),
        ] {
            assert_eq!(duration(from, to.parse().unwrap()), text);
        }
    }
}
