//! The report as data: one row a resource, then one for each cost without a resource.

use super::entry::Entry;
use super::estate::{Estate, OtherCost};
#[cfg(feature = "parquet")]
use super::money::Amount;
use super::money::Money;
#[cfg(feature = "parquet")]
use anyhow::Context as _;
use anyhow::Result;
use autotag_handlers::owner::Proof;
use autotag_model::arn::AccountId;
use autotag_model::spreadsheet::neutralized;
#[cfg(feature = "parquet")]
use parquet::{
    data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType},
    file::properties::WriterProperties,
    file::writer::{SerializedFileWriter, SerializedRowGroupWriter},
    schema::parser::parse_message_type,
};
use serde::Serialize;
use serde_json::Map;
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;

/// A cell of CSV and Parquet.
trait Cell {
    /// Its text; `None` if it is empty.
    fn cell(&self) -> Option<String>;
}

impl Cell for &str {
    fn cell(&self) -> Option<String> {
        Some((*self).to_owned())
    }
}

impl Cell for String {
    fn cell(&self) -> Option<String> {
        Some(self.clone())
    }
}

impl Cell for bool {
    fn cell(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Cell for Map<String, serde_json::Value> {
    fn cell(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

impl<T: Cell> Cell for Option<T> {
    fn cell(&self) -> Option<String> {
        self.as_ref().and_then(T::cell)
    }
}

/// Makes the struct of a line, the columns of CSV and Parquet, and their cells of one list.
macro_rules! line {
    ($life:lifetime: $($name:ident: $type:ty,)*) => {
        /// One line.
        #[derive(Debug, Default, Serialize)]
        struct Line<$life> {
            $($name: $type,)*
            cost: Option<Map<String, serde_json::Value>>,
        }

        /// The columns of CSV and Parquet, but for those of costs.
        const COLUMNS: &[&str] = &[$(stringify!($name)),*];

        impl Line<'_> {
            /// In the order of [`COLUMNS`].
            fn cells(&self) -> [Option<String>; COLUMNS.len()] {
                [$(self.$name.cell()),*]
            }
        }
    };
}

// The names and their order are a contract: new ones are added at the end. `kind` is `resource`, or `other-cost`.
line! {
    'e:
    kind: &'static str,
    class: Option<&'static str>,
    reason: Option<&'e str>,
    next: Option<&'e str>,
    arn: Option<String>,
    id: Option<&'e str>,
    resource_type: Option<&'e str>,
    service: Option<String>,
    account: Option<&'e str>,
    region: Option<&'e str>,
    owner: Option<&'e str>,
    proof: Option<&'static str>,
    owner_source: Option<&'static str>,
    owner_account: Option<&'e str>,
    declared: Option<&'e str>,
    claimed: Option<&'e str>,
    channel: Option<&'e str>,
    created: Option<String>,
    event: Option<&'e str>,
    event_id: Option<&'e str>,
    listed: Option<bool>,
    tags: Option<Map<String, serde_json::Value>>,
    state: Option<&'static str>,
    deleted: Option<String>,
    person: Option<&'e str>,
}

impl<'e> Line<'e> {
    fn of(entry: &'e Entry) -> Self {
        let (maker, owner) = (entry.maker.as_deref(), entry.owner_facts());
        let text = |text: &'e str| Some(text).filter(|text| !text.is_empty());
        Self {
            kind: "resource",
            class: Some(entry.class().as_str()),
            reason: Some(&entry.verdict.reason),
            next: text(&entry.verdict.next),
            arn: entry.arn(),
            id: Some(&entry.resource.id),
            resource_type: text(&entry.resource.resource_type),
            service: Some(entry.service()).filter(|service| !service.is_empty()),
            account: entry.account(),
            region: entry.region(),
            owner: entry.owner(),
            proof: owner.and_then(|owner| owner.proof).map(Proof::as_str),
            owner_source: owner.and_then(|owner| owner.source),
            owner_account: owner.and_then(|owner| owner.account.as_deref()),
            declared: entry.declared.as_deref(),
            claimed: maker.and_then(|maker| maker.claimed.as_deref()),
            channel: maker.and_then(|maker| maker.channel.as_deref()),
            created: entry.created.map(|time| time.to_string()),
            event: entry.event.as_deref(),
            event_id: entry.event_id.as_deref(),
            listed: entry.listed,
            tags: entry
                .tags
                .as_ref()
                .map(|tags| tags.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect()),
            state: entry.state,
            deleted: entry.deleted.map(|time| time.to_string()),
            person: owner.and_then(|owner| owner.person.as_deref()),
            cost: cost(&entry.cost),
        }
    }

    fn of_cost(other: &'e OtherCost) -> Self {
        let text = |text: &'e str| Some(text).filter(|text| !text.is_empty());
        let reason = if other.charged.resource.is_empty() {
            "the cost names no resource"
        } else {
            "the cost names a resource that is not in the report, or several that are"
        };
        Self {
            kind: "other-cost",
            reason: Some(reason),
            arn: text(&other.charged.resource).filter(|id| id.starts_with("arn:")).map(str::to_owned),
            id: text(&other.charged.resource),
            service: text(&other.charged.service).map(str::to_owned),
            account: other.charged.account.as_ref().map(AccountId::as_str),
            cost: cost(&other.cost),
            ..Self::default()
        }
    }
}

/// Exact amounts, as texts.
fn cost(cost: &Money) -> Option<Map<String, serde_json::Value>> {
    let exact = || cost.iter().map(|(currency, amount)| (currency.to_owned(), amount.to_string().into()));
    (!cost.is_empty()).then(|| exact().collect())
}

/// All lines with their costs.
fn lines(estate: &Estate) -> impl Iterator<Item = (Line<'_>, &Money)> {
    let resources = estate.entries.iter().map(|entry| (Line::of(entry), &entry.cost));
    resources.chain(estate.other_costs.iter().map(|other| (Line::of_cost(other), &other.cost)))
}

/// The currencies of all costs: each has a column of its own.
fn currencies(estate: &Estate) -> Vec<Arc<str>> {
    let costs = estate.entries.iter().map(|entry| &entry.cost);
    let costs = costs.chain(estate.other_costs.iter().map(|other| &other.cost));
    let all: BTreeSet<Arc<str>> = costs.flat_map(Money::currencies).cloned().collect();
    all.into_iter().collect()
}

/// Writes JSON lines.
///
/// # Errors
/// `out` cannot be written.
pub(crate) fn jsonl(estate: &Estate, out: &mut dyn Write) -> Result<()> {
    for (line, _) in lines(estate) {
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Writes CSV. Cells that a spreadsheet would evaluate get a single quote before them.
///
/// # Errors
/// `out` cannot be written.
pub(crate) fn csv(estate: &Estate, out: &mut dyn Write) -> Result<()> {
    let currencies = currencies(estate);
    let mut writer = csv::Writer::from_writer(out);
    let of_costs = currencies.iter().map(|currency| format!("cost_{currency}"));
    writer.write_record(COLUMNS.iter().map(|name| (*name).to_owned()).chain(of_costs))?;
    for (line, cost) in lines(estate) {
        let cells = line.cells().map(|cell| neutralized(&cell.unwrap_or_default()).into_owned());
        // A negative number is not a formula.
        let amount =
            |currency: &Arc<str>| cost.of(currency).map_or(String::new(), |amount| amount.to_string());
        writer.write_record(cells.into_iter().chain(currencies.iter().map(amount)))?;
    }
    Ok(writer.flush()?)
}

/// How many rows of a Parquet file are in memory at a time.
#[cfg(feature = "parquet")]
const GROUP: usize = 100_000;

/// Writes Apache Parquet: texts, and costs as decimals.
///
/// # Errors
/// `out` cannot be written.
#[cfg(feature = "parquet")]
pub(crate) fn parquet(estate: &Estate, out: &mut (dyn Write + Send)) -> Result<()> {
    let currencies = currencies(estate);
    let texts = COLUMNS.iter().map(|name| format!("OPTIONAL BYTE_ARRAY {name} (UTF8);"));
    let decimal = "OPTIONAL FIXED_LEN_BYTE_ARRAY(16)";
    let costs = currencies.iter().map(|currency| format!("{decimal} cost_{currency} (DECIMAL(38,24));"));
    let fields: Vec<String> = texts.chain(costs).collect();
    let schema = parse_message_type(&format!("message resource {{ {} }}", fields.join(" ")))?;
    let mut writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(WriterProperties::default()))?;
    let mut lines = lines(estate);
    loop {
        let part: Vec<(Line<'_>, &Money)> = lines.by_ref().take(GROUP).collect();
        if part.is_empty() {
            break;
        }
        let mut group = writer.next_row_group()?;
        let cells: Vec<_> = part.iter().map(|(line, _)| line.cells()).collect();
        for at in 0..COLUMNS.len() {
            text_column(&mut group, cells.iter().map(|row| row.get(at).and_then(Option::as_deref)))?;
        }
        for currency in &currencies {
            decimal_column(&mut group, part.iter().map(|(_, cost)| cost.of(currency)))?;
        }
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

#[cfg(feature = "parquet")]
type Group<'g, 'w> = SerializedRowGroupWriter<'g, &'w mut (dyn Write + Send)>;

#[cfg(feature = "parquet")]
fn text_column<'c>(
    group: &mut Group<'_, '_>,
    cells: impl Iterator<Item = Option<&'c str>> + Clone,
) -> Result<()> {
    let mut column = group.next_column()?.context("a column is missing")?;
    let levels: Vec<i16> = cells.clone().map(|cell| i16::from(cell.is_some())).collect();
    let values: Vec<ByteArray> = cells.flatten().map(ByteArray::from).collect();
    column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
    Ok(column.close()?)
}

#[cfg(feature = "parquet")]
fn decimal_column(
    group: &mut Group<'_, '_>,
    cells: impl Iterator<Item = Option<Amount>> + Clone,
) -> Result<()> {
    let mut column = group.next_column()?.context("a column is missing")?;
    let levels: Vec<i16> = cells.clone().map(|cell| i16::from(cell.is_some())).collect();
    let bytes = |amount: Amount| FixedLenByteArray::from(amount.units().to_be_bytes().to_vec());
    let values: Vec<FixedLenByteArray> = cells.flatten().map(bytes).collect();
    column.typed::<FixedLenByteArrayType>().write_batch(&values, Some(&levels), None)?;
    Ok(column.close()?)
}
