//! The script of a page with a table that is searched, filtered and sorted.

/// The names in the script that differ between pages.
#[derive(Debug, Clone, Copy)]
pub struct Script<'a> {
    /// The name of the rows, in the plural.
    pub noun: &'a str,
    /// How many rows are shown at first.
    pub few: usize,
    /// The id of the heading of the table. It has the focus after a link has set the filter.
    pub heading: &'a str,
    /// JavaScript that knows the rows. It defines the functions `arrange` and `filter`: the first puts the rows into the order of
    /// `sort`, and the second shows at most `most` of those that fit the form. It may define `fitting`, which answers with the texts
    /// of the cells of all rows that fit: then they can be saved as CSV. It may use what `before.js` defines.
    pub rows: &'a str,
}

impl Script<'_> {
    /// The whole script. The state of the form and the order are kept in the fragment of the address.
    pub fn text(self) -> String {
        let before = include_str!("../templates/before.js");
        let before = before.replace("NOUN", self.noun).replace("FEW", &self.few.to_string());
        let after =
            include_str!("../templates/after.js").replace("TITLE", self.heading).replace("NOUN", self.noun);
        [&before, self.rows, &after].concat()
    }
}
