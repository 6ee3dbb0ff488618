//! Plain words in documents, comments, messages and templates, and short sentences in documents.
//!
//! [`HABITS`] lists the wordings that make readers read twice. A finding says where, why, and what to write instead.
//! To add a habit, add an entry, and let the test list the places.

use crate::source::{self, Kind};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// The longest sentence of a document, in words. A code span is one word.
const SENTENCE_WORDS: usize = 35;

/// The longest median sentence of a document, in words.
const MEDIAN_WORDS: usize = 16;

/// The number of sentences from which a document has a median that means something.
const MEDIAN_FROM: usize = 10;

/// A wording to avoid.
struct Habit {
    /// The alternatives for each word, in lower case.
    words: &'static [&'static [&'static str]],
    /// Words before it that make it harmless.
    unless_after: &'static [&'static str],
    /// Words after it that make it harmless.
    unless_before: &'static [&'static str],
    why: &'static str,
    instead: &'static str,
}

const HABIT: Habit = Habit { words: &[], unless_after: &[], unless_before: &[], why: "", instead: "" };

const HABITS: &[Habit] = &[
    Habit {
        words: &[&["is", "are", "was", "were", "be"], &["no"]],
        unless_after: &["there"],
        unless_before: &["longer", "more", "less", "fewer", "better", "worse"],
        why: "the negation comes too late",
        instead: "`is not a ...` or `has no ...`",
    },
    Habit {
        words: &[&["mend", "mends", "mended", "mending"]],
        why: "a rare word",
        instead: "`fix` or `repair`",
        ..HABIT
    },
    Habit {
        words: &[&["stand", "stands", "stood"], &["in"]],
        why: "it has several meanings",
        instead: "`is in`, or `replaces`",
        ..HABIT
    },
    Habit {
        words: &[&["what"], &["is"], &["there"]],
        why: "it does not name the thing",
        instead: "the name of the thing",
        ..HABIT
    },
    Habit {
        words: &[&["nobody", "whoever", "whom"]],
        why: "it does not name the actor",
        instead: "the actor, `no one`, or `they ... who`",
        ..HABIT
    },
    Habit {
        words: &[&["he", "him", "his", "himself", "she", "her", "hers", "herself"]],
        why: "it gives an unknown person a gender",
        instead: "`they`, or the name of the role: `the caller`",
        ..HABIT
    },
    Habit {
        words: &[&["else"], &["the", "it"]],
        unless_after: &[
            "anybody",
            "anyone",
            "anything",
            "anywhere",
            "everybody",
            "everyone",
            "everything",
            "nothing",
            "or",
            "somebody",
            "someone",
            "something",
            "somewhere",
            "what",
            "whatever",
            "where",
            "who",
        ],
        why: "`else` is not an adverb here",
        instead: "`otherwise`",
        ..HABIT
    },
    Habit { words: &[&["to"], &["be"], &["had"]], why: "an idiom", instead: "`available`", ..HABIT },
    Habit { words: &[&["the"], &["like"]], why: "it names nothing", instead: "the other cases", ..HABIT },
    Habit {
        words: &[&["hereby", "thereby", "whereby", "so-called"]],
        why: "the language of contracts",
        instead: "a new sentence: `This ...`",
        ..HABIT
    },
    Habit {
        words: &[&["the"], &["one"], &["whose"]],
        why: "it does not name the thing",
        instead: "`the ... that has`",
        ..HABIT
    },
];

/// The first words of a comment that ask a question instead of naming its subject.
const QUESTION_WORDS: &[&[&str]] = &[&["what"], &["whether"], &["whose"], &["where", "a"], &["where", "an"]];

/// Abbreviations whose full stop does not end a sentence.
const ABBREVIATIONS: &[&str] =
    &["e.g.", "i.e.", "etc.", "vs.", "cf.", "no.", "approx.", "incl.", "resp.", "fig."];

/// A paragraph, a list item, a heading or a cell of a table: its texts, each with its line.
#[derive(Debug)]
struct Block {
    texts: Vec<(usize, String)>,
    has_sentences: bool,
}

/// The blocks of a Markdown text. Code blocks and HTML are left out, and a code span is the word `CODE`.
fn blocks(markdown: &str) -> Vec<Block> {
    let (mut blocks, mut texts, mut left_out, mut no_sentences) = (Vec::new(), Vec::new(), 0_usize, 0_usize);
    for (event, place) in Parser::new_ext(markdown, Options::ENABLE_TABLES).into_offset_iter() {
        let line = source::line(markdown, place.start);
        match event {
            Event::Text(text) if left_out == 0 => texts.push((line, text.into_string())),
            Event::Code(_) if left_out == 0 => texts.push((line, "CODE".to_owned())),
            Event::SoftBreak | Event::HardBreak => texts.push((line, " ".to_owned())),
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Link { .. })
            | Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Link) => {}
            Event::Start(Tag::Image { .. }) => left_out += 1,
            Event::End(TagEnd::Image) => left_out -= 1,
            Event::Start(tag) => {
                flush(&mut blocks, &mut texts, no_sentences == 0);
                left_out += usize::from(matches!(tag, Tag::CodeBlock(_)));
                no_sentences += usize::from(matches!(tag, Tag::Heading { .. } | Tag::Table(_)));
            }
            Event::End(tag) => {
                flush(&mut blocks, &mut texts, no_sentences == 0);
                left_out -= usize::from(matches!(tag, TagEnd::CodeBlock));
                no_sentences -= usize::from(matches!(tag, TagEnd::Heading(_) | TagEnd::Table));
            }
            _ => {}
        }
    }
    blocks
}

fn flush(blocks: &mut Vec<Block>, texts: &mut Vec<(usize, String)>, has_sentences: bool) {
    if !texts.is_empty() {
        blocks.push(Block { texts: std::mem::take(texts), has_sentences });
    }
}

/// The words in lower case and the punctuation, each with its line.
fn words(texts: &[(usize, String)]) -> Vec<(usize, String)> {
    let mut words: Vec<(usize, String)> = Vec::new();
    let in_word = |c: char| source::is_word(c) || c == '-' || c == '\'' || c == '’';
    for (line, text) in texts {
        let mut before = false;
        for c in text.chars() {
            match words.last_mut() {
                Some((_, word)) if before && in_word(c) => word.extend(c.to_lowercase()),
                _ if !c.is_whitespace() => words.push((*line, c.to_lowercase().collect())),
                _ => {}
            }
            before = in_word(c);
        }
    }
    words
}

/// The habits in a text, each with its line.
fn habits(texts: &[(usize, String)]) -> Vec<(usize, String)> {
    let words = words(texts);
    let is = |at: Option<usize>, any: &[&str]| {
        at.and_then(|at| words.get(at)).is_some_and(|(_, word)| any.contains(&word.as_str()))
    };
    let mut found = Vec::new();
    for habit in HABITS {
        for at in 0..words.len() {
            let end = at + habit.words.len();
            let said = habit.words.iter().enumerate().all(|(place, any)| is(Some(at + place), any));
            if said && !is(at.checked_sub(1), habit.unless_after) && !is(Some(end), habit.unless_before) {
                let said: Vec<&str> = words[at..end].iter().map(|(_, word)| word.as_str()).collect();
                let said = said.join(" ");
                found.push((words[at].0, format!("`{said}`: {}; write {}", habit.why, habit.instead)));
            }
        }
    }
    found
}

/// The sentences of a text, each as its number of words.
fn sentences(text: &str) -> Vec<usize> {
    let (mut sentences, mut length) = (Vec::new(), 0);
    let mut all = text.split_whitespace().peekable();
    while let Some(word) = all.next() {
        length += usize::from(word.contains(char::is_alphanumeric));
        let bare = word.trim_matches(['"', '\'', '(', ')', '[', ']', '“', '”', '’']);
        let lower = bare.to_lowercase();
        let goes_on = all.peek().is_some_and(|next| !next.starts_with(char::is_uppercase));
        let ends = bare.ends_with(['.', '!', '?']) && !ABBREVIATIONS.contains(&lower.as_str());
        if length > 0 && ends && !(bare.ends_with("...") && goes_on) {
            sentences.push(std::mem::take(&mut length));
        }
    }
    sentences.extend(Some(length).filter(|length| *length > 0));
    sentences
}

/// The findings in a document, each with its line: habits, and if `readable`, what its sentences have too many words of.
pub(crate) fn in_document(markdown: &str, readable: bool) -> Vec<(usize, String)> {
    let (mut found, mut lengths) = (Vec::new(), Vec::new());
    for block in blocks(markdown) {
        found.extend(habits(&block.texts));
        if readable && block.has_sentences {
            let text: String = block.texts.iter().map(|(_, text)| text.as_str()).collect();
            let start: String = text.chars().take(60).collect();
            let line = block.texts[0].0;
            for length in sentences(&text) {
                if length > SENTENCE_WORDS {
                    let said = "words; make two of it or a list, at most";
                    found
                        .push((line, format!("a sentence has {length} {said} {SENTENCE_WORDS}: {start}...")));
                }
                lengths.push(length);
            }
        }
    }
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or_default();
    if lengths.len() >= MEDIAN_FROM && median > MEDIAN_WORDS {
        found.push((1, format!("half of the sentences have {median} words or more; at most {MEDIAN_WORDS}")));
    }
    found
}

/// The findings in a template: habits in its descriptions and comments.
pub(crate) fn in_template(yaml: &str) -> Vec<(usize, String)> {
    let lines: Vec<_> = yaml.lines().enumerate().map(|(at, line)| (at + 1, line.to_owned())).collect();
    habits(&lines)
}

/// The findings in a Rust source: habits and questions in its comments, and if not of a test, habits in its messages.
pub(crate) fn in_source(text: &str, is_test: bool) -> Vec<(usize, String)> {
    let tests = if is_test { vec![(1, usize::MAX)] } else { source::test_lines(text) };
    let is_in_tests = |line: usize| tests.iter().any(|(from, to)| (*from..=*to).contains(&line));
    let mut found = Vec::new();
    for (line, comment) in comments(text) {
        let blocks = blocks(&comment);
        for block in &blocks {
            found.extend(habits(&block.texts).into_iter().map(|(at, said)| (line + at - 1, said)));
        }
        let Some(first) = blocks.first() else { continue };
        let first = words(&first.texts);
        let start: Vec<&str> = first.iter().map(|(_, word)| word.as_str()).collect();
        if QUESTION_WORDS.iter().any(|words| start.starts_with(words)) {
            let said = "begin with a noun, a verb or `If`";
            found.push((line + first[0].0 - 1, format!("a comment begins with `{}`; {said}", start[0])));
        }
    }
    let messages = source::pieces(text).into_iter().filter(|piece| piece.kind == Kind::Text);
    for piece in messages.filter(|piece| !is_in_tests(source::line(text, piece.at))) {
        let line = source::line(text, piece.at);
        let message = piece.text.replace("\\n", " ").replace("\\\n", "\n");
        if message.split_whitespace().count() > 2 {
            let trimmed: Vec<&str> = message.lines().map(str::trim).collect();
            let blocks = blocks(&trimmed.join("\n"));
            let of_block = blocks.iter().flat_map(|block| habits(&block.texts));
            found.extend(of_block.map(|(at, said)| (line + at - 1, said)));
        }
    }
    found
}

/// The comments, each with its first line. Lines of comment below each other are one comment.
fn comments(text: &str) -> Vec<(usize, String)> {
    let mut comments: Vec<(usize, String)> = Vec::new();
    let mut last = (0, "");
    for piece in source::pieces(text).into_iter().filter(|piece| piece.kind == Kind::Comment) {
        let line = source::line(text, piece.at);
        let marker = ["//!", "///", "//", "/*"].into_iter().find(|marker| piece.text.starts_with(marker));
        let marker = marker.unwrap_or_default();
        let content = piece.text.trim_start_matches(marker).trim_end_matches("*/");
        let content = content.strip_prefix(' ').unwrap_or(content);
        let indent = text[..piece.at].rsplit('\n').next().unwrap_or_default();
        match comments.last_mut() {
            Some((_, comment)) if last == (line - 1, marker) && indent.trim().is_empty() => {
                comment.push('\n');
                comment.push_str(content);
            }
            _ => comments.push((line, content.to_owned())),
        }
        last = (line, marker);
    }
    comments
}

mod can_fail {
    use super::*;

    fn lines(found: &[(usize, String)]) -> Vec<usize> {
        found.iter().map(|(line, _)| *line).collect()
    }

    #[test]
    fn each_habit_is_found_in_a_document() {
        for wrong in [
            "A role is no person.",
            "Somebody has to mend it.",
            "The replica stands in for it.",
            "Tag what is there.",
            "Nobody knows.",
            "The caller gets his tags.",
            "By mail, else the name.",
            "No key is to be had.",
            "Roles, users and the like.",
            "It is thereby tagged.",
            "Take the one whose name fits.",
            "# Nobody",
            "| a | b |\n|---|---|\n| whom | c |",
            "- a [link to\n  nobody](x.md)",
        ] {
            assert_eq!(in_document(wrong, true).len(), 1, "{wrong}");
        }
        assert_eq!(lines(&in_document("Good.\n\nGood,\nand mended.", true)), [4]);
    }

    #[test]
    fn plain_words_pass() {
        for right in [
            "There is no key. It is no longer needed, and is no more than a name. Is that so? No.",
            "The others, something else the caller chose, or else it fails.",
            "`nobody` and `is no file`\n\n```\nnobody\n```\n",
            "A recommendation, amended there. Likely the likeness.",
        ] {
            assert_eq!(in_document(right, true), [], "{right}");
        }
    }

    #[test]
    fn long_sentences_are_found() {
        let sentence = |words: usize| format!("{}end.", "word ".repeat(words - 1));
        let short = sentence(3).repeat(3).replace("end.", "end. ");
        assert_eq!(in_document(&format!("{short}{}", sentence(SENTENCE_WORDS)), true), []);
        assert_eq!(in_document(&format!("{short}{}", sentence(SENTENCE_WORDS + 1)), true).len(), 1);
        assert_eq!(in_document(&sentence(SENTENCE_WORDS + 1), false), []);
        let page = |words: usize| format!("{} ", sentence(words)).repeat(MEDIAN_FROM);
        assert_eq!(in_document(&page(MEDIAN_WORDS), true), []);
        assert_eq!(in_document(&page(MEDIAN_WORDS + 1), true).len(), 1);
        assert_eq!(in_document(&sentence(MEDIAN_WORDS + 1), true), []);
        let table = format!("| {} |\n|---|\n| {} |\n", sentence(40), sentence(40));
        assert_eq!(in_document(&format!("# {}\n\n{table}", sentence(40)), true), []);
    }

    #[test]
    fn names_and_abbreviations_do_not_end_a_sentence() {
        assert_eq!(
            sentences("Use e.g. version 1.2.3 of CODE, i.e. the newest ... or none. It works (mostly.) Yes!"),
            [11, 3, 1]
        );
        let text = "See `a.b` and [the page. It](x.md) helps.\n\n- one item\n- two";
        let found: Vec<_> = blocks(text)
            .iter()
            .map(|block| block.texts.iter().map(|(_, text)| text.as_str()).collect::<String>())
            .collect();
        assert_eq!(found, ["See CODE and the page. It helps.", "one item", "two"]);
        assert_eq!(sentences(&found[0]), [5, 2]);
    }

    #[test]
    fn comments_and_messages_are_read() {
        let source = "//! Good,\n//! nobody.\n\n/// What it does.\nfn f() {\n    g(\"say it to\\n \\\n       whom it concerns\"); // his\n}\n\
                      /// ```\n/// what is there\n/// ```\n/// Where a session is.\nstruct S;\n// Whether.\n\
                      #[cfg(test)]\nmod tests {\n    const A: &str = \"nobody is here\";\n    // nobody\n}\n";
        let mut found = lines(&in_source(source, false));
        found.sort_unstable();
        assert_eq!(found, [2, 4, 7, 7, 12, 14, 18]);
        assert_eq!(lines(&in_source("const A: &str = \"nobody is here\";", true)), [0; 0]);
        assert_eq!(lines(&in_source("const A: &str = \"nobody\";", false)), [0; 0]);
    }

    #[test]
    fn templates_are_read() {
        assert_eq!(lines(&in_template("A:\n  Description: nobody\n  # his own\n")), [2, 3]);
    }
}
