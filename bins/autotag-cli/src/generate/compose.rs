//! Composes `single.yaml` and `org.yaml` from sections and entries of other templates.
//!
//! A composed template takes whole entries of the generated parts, with their comments. So what changes in a part changes in the
//! composed templates, too.

mod text;

use anyhow::{Context as _, Result, bail, ensure};
use text::{Property, replaced};

/// A section of a template. The others (`Description`, `Metadata`) are not composed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Parameters,
    Conditions,
    Rules,
    Resources,
    Outputs,
}

/// The sections in the order of a template.
const SECTIONS: [(Section, &str); 5] = [
    (Section::Parameters, "Parameters"),
    (Section::Conditions, "Conditions"),
    (Section::Rules, "Rules"),
    (Section::Resources, "Resources"),
    (Section::Outputs, "Outputs"),
];

/// The use of a parameter of a part in the composed template. A parameter that is not named in a table is shared if the entries are
/// equal, and otherwise an error.
#[derive(Debug, Clone, Copy)]
pub(super) enum Use {
    /// It is the parameter of this name in the template that the part is added to. Its entry may be another.
    Shared,
    /// It gets this name.
    Named(&'static str),
    /// It is not a parameter. The first text replaces references to it, the second one references within `!Sub`.
    Given(&'static str, &'static str),
}

/// Parameters with their uses.
pub(super) type Uses = [(&'static str, Use)];

/// One parameter, condition, rule, resource or output.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    section: Section,
    pub(super) id: String,
    /// The comments before it.
    pub(super) lead: String,
    /// Its lines, beginning with that of its id.
    pub(super) body: String,
    /// There is an empty line before it.
    spaced: bool,
}

impl Entry {
    /// True for a resource of this type.
    pub(super) fn is(&self, kind: &str) -> bool {
        self.body.lines().any(|line| line.strip_prefix("    Type: ") == Some(kind))
    }

    /// The same under another id, without its comments.
    pub(super) fn copied(&self, id: &str) -> Self {
        let (_, rest) = self.body.split_once(':').unwrap_or_default();
        Self { id: id.to_owned(), lead: String::new(), body: format!("  {id}:{rest}"), ..self.clone() }
    }

    /// A property of a parameter or of a resource: its lines.
    pub(super) fn property(&self, indent: usize, key: &str) -> Option<Property> {
        Property::find(&self.body, indent, key)
    }

    /// Sets a property of a parameter to one line, or removes it.
    pub(super) fn set(&mut self, key: &str, value: Option<&str>) {
        let line = value.map(|value| format!("    {key}: {value}\n")).unwrap_or_default();
        if let Some(found) = self.property(4, key) {
            self.body = found.with(&line);
        } else {
            // The first line is that of the id, the second one the type.
            let (head, rest) = text::after_lines(&self.body, 2);
            self.body = format!("{head}{line}{rest}");
        }
    }
}

/// A template in entries.
#[derive(Debug, Default)]
pub(super) struct Template {
    entries: Vec<Entry>,
    /// Comments before sections.
    comments: Vec<(Section, String)>,
    /// The lines of `Metadata`, with that name.
    pub(super) metadata: String,
}

impl Template {
    /// The entries of a generated template.
    pub(super) fn parse(text: &str) -> Self {
        let mut template = Self::default();
        let (mut section, mut pending, mut in_metadata) = (None, String::new(), false);
        for line in text.lines() {
            let indent = line.len() - line.trim_start().len();
            let is_comment = line.trim_start().starts_with('#');
            if line.is_empty() || (is_comment && indent <= 2) {
                pending.push_str(line);
                pending.push('\n');
            } else if indent == 0 {
                let name = line.split(':').next().unwrap_or_default();
                section = SECTIONS.iter().find(|(_, known)| *known == name).map(|(section, _)| *section);
                in_metadata = name == "Metadata";
                if in_metadata {
                    template.metadata = format!("{line}\n");
                }
                let comment = std::mem::take(&mut pending).trim_start().to_owned();
                template.comments.extend(section.map(|section| (section, comment)));
            } else if let Some(section) = section {
                template.add_line(section, indent, line, &mut pending);
            } else if in_metadata {
                template.metadata.push_str(line);
                template.metadata.push('\n');
            }
        }
        template
    }

    fn add_line(&mut self, section: Section, indent: usize, line: &str, pending: &mut String) {
        let before = std::mem::take(pending);
        match self.entries.last_mut() {
            Some(entry) if indent > 2 => entry.body.extend([&before, line, "\n"]),
            _ => self.entries.push(Entry {
                section,
                id: line.trim().split(':').next().unwrap_or_default().to_owned(),
                spaced: before.starts_with('\n'),
                lead: before.trim_start_matches('\n').to_owned(),
                body: format!("{line}\n"),
            }),
        }
    }

    /// The entries of a section.
    pub(super) fn of(&self, section: Section) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.section == section)
    }

    /// True if a section has an entry.
    pub(super) fn has(&self, section: Section, id: &str) -> bool {
        self.of(section).any(|entry| entry.id == id)
    }

    /// True if an entry refers to a condition.
    pub(super) fn refers(&self, condition: &str) -> bool {
        let mut others =
            self.entries.iter().filter(|entry| entry.section != Section::Conditions || entry.id != condition);
        others.any(|entry| replaced(&entry.body, condition, "") != entry.body)
    }

    /// An entry.
    ///
    /// # Errors
    /// There is none with this id.
    pub(super) fn entry(&mut self, section: Section, id: &str) -> Result<&mut Entry> {
        let found = self.entries.iter_mut().find(|entry| entry.section == section && entry.id == id);
        found.with_context(|| format!("there is no `{id}` in {section:?}"))
    }

    /// Takes an entry out.
    ///
    /// # Errors
    /// There is none with this id.
    pub(super) fn remove(&mut self, section: Section, id: &str) -> Result<Entry> {
        let place = self.entries.iter().position(|entry| entry.section == section && entry.id == id);
        Ok(self.entries.remove(place.with_context(|| format!("there is no `{id}` in {section:?}"))?))
    }

    /// Replaces a text of an entry.
    ///
    /// # Errors
    /// The entry or the text is not there.
    pub(super) fn edit(&mut self, section: Section, id: &str, from: &str, to: &str) -> Result<()> {
        let entry = self.entry(section, id)?;
        ensure!(entry.body.contains(from), "`{id}` does not contain `{}`", from.trim());
        entry.body = entry.body.replace(from, to);
        Ok(())
    }

    /// Adds an entry at the end of its section.
    pub(super) fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Renames parameters or removes them, as the table says.
    ///
    /// # Errors
    /// The template does not have a parameter of the table.
    pub(super) fn apply(&mut self, uses: &Uses) -> Result<()> {
        for (parameter, one) in uses {
            let (reference, inside) = match one {
                Use::Shared => {
                    self.remove(Section::Parameters, parameter)?;
                    continue;
                }
                Use::Named(name) => (format!("!Ref {name}"), format!("${{{name}}}")),
                Use::Given(reference, inside) => ((*reference).to_owned(), (*inside).to_owned()),
            };
            if let Use::Named(name) = one {
                let renamed = self.entry(Section::Parameters, parameter)?.copied(name);
                *self.entry(Section::Parameters, parameter)? = renamed;
                self.rename_output(parameter, name);
            } else {
                self.remove(Section::Parameters, parameter)?;
            }
            for entry in &mut self.entries {
                entry.body = replaced(&entry.body, &format!("!Ref {parameter}"), &reference);
                entry.body = entry.body.replace(&format!("${{{parameter}}}"), &inside);
            }
        }
        Ok(())
    }

    /// Renames an output with the name of a parameter, and updates the name in it.
    fn rename_output(&mut self, parameter: &str, name: &str) {
        for entry in self.entries.iter_mut().filter(|entry| entry.section == Section::Outputs) {
            if entry.id == parameter {
                *entry = Entry { lead: entry.lead.clone(), ..entry.copied(name) };
            }
            entry.body = replaced(&entry.body, parameter, name);
        }
    }

    /// Gives a prefix to the conditions on renamed parameters that `base` has on its own ones.
    pub(super) fn rename_conditions(&mut self, base: &Self, uses: &Uses, prefix: &str) {
        let mut renamed: Vec<String> = uses
            .iter()
            .filter_map(
                |(_, one)| if let Use::Named(name) = one { Some(format!("!Ref {name}")) } else { None },
            )
            .collect();
        loop {
            let differs = |entry: &&Entry| {
                renamed.iter().any(|name| replaced(&entry.body, name, "") != entry.body)
                    && base.of(Section::Conditions).any(|other| other.id == entry.id)
            };
            let Some(id) = self.of(Section::Conditions).find(differs).map(|entry| entry.id.clone()) else {
                return;
            };
            let name = format!("{prefix}{id}");
            for entry in &mut self.entries {
                if entry.id == id && entry.section == Section::Conditions {
                    *entry = entry.copied(&name);
                }
                entry.body = replaced(&entry.body, &id, &name);
            }
            renamed.push(format!("!Condition {name}"));
        }
    }

    /// Adds the entries of another template that are not equal to one of this.
    ///
    /// # Errors
    /// Entries of the same id differ.
    pub(super) fn merge(&mut self, part: Self, name: &str) -> Result<()> {
        for entry in part.entries {
            match self.entries.iter().find(|own| own.section == entry.section && own.id == entry.id) {
                None => self.entries.push(entry),
                Some(own) if own.body == entry.body => {}
                Some(_) => bail!(
                    "`{}` in {:?} of {name} differs from that of another part: name its use in the table of the composed template",
                    entry.id,
                    entry.section
                ),
            }
        }
        Ok(())
    }

    /// The text of the template.
    pub(super) fn text(&self, head: &str) -> String {
        let mut text = format!("{}\n\n{}", head.trim_end(), self.metadata);
        for (section, name) in SECTIONS {
            let mut entries = self.of(section).peekable();
            if entries.peek().is_none() {
                continue;
            }
            let comment = self.comments.iter().find(|(of, _)| *of == section);
            let comment = comment.map(|(_, comment)| comment.as_str()).unwrap_or_default();
            text.extend(["\n", comment, name, ":\n"]);
            for (number, entry) in entries.enumerate() {
                let spaced = number > 0 && (entry.spaced || section == Section::Resources);
                text.push_str(if spaced { "\n" } else { "" });
                text.push_str(&entry.lead);
                text.push_str(&entry.body);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests;
