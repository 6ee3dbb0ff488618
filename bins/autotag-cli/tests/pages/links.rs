//! Links of pages lead to files and headings, and the book has every page.

use super::blocks::{line_of, pages, parser, root};
use pulldown_cmark::{Event, Tag, TagEnd};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// A page: the anchors of its headings, and its links with their lines.
#[derive(Default)]
struct Page {
    anchors: BTreeSet<String>,
    links: Vec<(usize, String)>,
}

/// The anchor of a heading, as forges and the book make it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

/// The values of an attribute in HTML: ours are in double quotes.
fn attributes(html: &str, name: &str) -> Vec<String> {
    let start = format!(" {name}=\"");
    html.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

fn read(text: &str) -> Page {
    let mut page = Page::default();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let mut heading: Option<String> = None;
    for (event, range) in parser(text).into_offset_iter() {
        let line = || line_of(text, range.start);
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(part) | Event::Code(part) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&part);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let name = anchor(&heading.take().unwrap_or_default());
                let time = times.entry(name.clone()).or_default();
                page.anchors.insert(if *time == 0 { name.clone() } else { format!("{name}-{time}") });
                *time += 1;
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                page.links.push((line(), dest_url.to_string()));
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                page.anchors.extend(attributes(&html, "id"));
                for name in ["src", "srcset", "href"] {
                    page.links.extend(attributes(&html, name).into_iter().map(|link| (line(), link)));
                }
            }
            _ => {}
        }
    }
    page
}

/// The path without `.` and `..`; `None` if it leaves the repository.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => plain.pop().then_some(())?,
            Component::Normal(name) => plain.push(name),
            _ => {}
        }
    }
    Some(plain)
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let root = root();
    let all: BTreeMap<PathBuf, Page> = pages()
        .into_iter()
        .map(|path| (path.clone(), read(&fs::read_to_string(root.join(path)).unwrap())))
        .collect();
    let mut faults = Vec::new();
    for (path, page) in &all {
        for (line, link) in &page.links {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if file.is_empty() { Some(path.clone()) } else { plain(&path.parent().unwrap().join(file)) };
            let is_there = target.as_ref().is_some_and(|target| root.join(target).exists());
            let of_page = target.and_then(|target| all.get(&target));
            let has_anchor = anchor.is_empty() || of_page.is_some_and(|page| page.anchors.contains(anchor));
            if !(is_there && has_anchor) {
                faults.push(format!("{}:{line}: {link}", path.display()));
            }
        }
    }
    let links: usize = all.values().map(|page| page.links.len()).sum();
    assert!(links > 500, "{links} links");
    assert!(faults.is_empty(), "links that lead nowhere:\n{}", faults.join("\n"));
}

#[test]
fn the_book_has_every_page_once() {
    let docs = Path::new("docs");
    let summary = read(&fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap());
    let listed: Vec<PathBuf> = summary.links.iter().map(|(_, link)| docs.join(link)).collect();
    for page in pages().iter().filter(|page| page.starts_with(docs) && !page.ends_with("SUMMARY.md")) {
        let times = listed.iter().filter(|listed| *listed == page).count();
        assert_eq!(times, 1, "docs/SUMMARY.md lists {} {times} times", page.display());
    }
}
