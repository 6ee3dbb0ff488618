//! `autotag estimate`: the monthly cost of a deployment, and the limits that it meets first.

use crate::cli::{EstimateArgs, EstimateFormat};
use crate::completion::Completion;
use crate::estimate::{CHECKED, CostLine, Limit, Load, Options, REGION, Sample, costs, limits, sample};
use crate::input::{self, Days};
use crate::output::{plural, tell_unread};
use crate::setup::{self, usage_error};
use anyhow::Result;
use autotag_handlers::classify::Classifier;
use serde_json::json;
use std::io::Write;

pub(crate) fn run(args: &EstimateArgs) -> Result<Completion> {
    let options = Options {
        ledger: args.ledger,
        watch_tags: args.watch_tags,
        region_alarms: args.region_alarms,
        config: args.config,
        trail_copies: f64::from(args.trail_copies),
        peak: f64::from(args.peak.max(1)),
    };
    let (mut load, completion) = match args.creations {
        Some(creations) => (of_numbers(args, creations), Completion::Complete),
        None => of_trail(args)?,
    };
    if let Some(accounts) = args.accounts {
        load.accounts = f64::from(accounts.max(1));
    }
    if let Some(regions) = args.regions {
        load.regions = f64::from(regions.max(1));
    }
    let (costs, limits) = (costs(&load, &options), limits(&load, &options));
    let mut out = anstream::stdout().lock();
    match args.format {
        EstimateFormat::Table => write_tables(&mut out, &load, &costs, &limits)?,
        EstimateFormat::Json => {
            let total: f64 = costs.iter().map(|line| line.usd).sum();
            let answer = json!({"usd_a_month": total, "prices_of": CHECKED, "region": REGION, "costs": costs, "limits": limits});
            writeln!(out, "{answer}")?;
        }
    }
    Ok(completion)
}

#[expect(clippy::cast_precision_loss, reason = "an estimate needs three digits")]
fn of_numbers(args: &EstimateArgs, creations: u64) -> Load {
    Load {
        accounts: 1.0,
        regions: 1.0,
        creations: creations as f64,
        resources: creations as f64,
        objects: args.objects as f64,
        sessions: args.sessions as f64,
        deletions: args.deletions as f64,
        tag_changes: 0.0,
    }
}

/// The load of a month at the rates of a trail.
fn of_trail(args: &EstimateArgs) -> Result<(Load, Completion)> {
    let classifier = Classifier::new(setup::catalog(&args.rules)?, setup::policy(args.policy.as_deref())?);
    let (inputs, unlisted) = input::find(&args.paths, &Days::default())?;
    let read: Sample = sample(&classifier, args.jobs, &inputs);
    tell_unread(&unlisted, &read.unreadable)?;
    let no_time =
        "the sample has no two creations or sessions at different times: give a longer one, or --creations";
    let (Some(load), Some(seconds)) = (read.load(), read.seconds()) else { return Err(usage_error(no_time)) };
    let hours = seconds / 3600.0;
    let records = plural(usize::try_from(read.records).unwrap_or(usize::MAX), "record");
    writeln!(crate::console::notes(), "{records} of {hours:.1} hours; a month is 730 hours")?;
    let is_read = unlisted.is_empty() && read.unreadable.is_empty();
    Ok((load, if is_read { Completion::Complete } else { Completion::Partial }))
}

/// A number with commas between thousands.
fn number(value: f64) -> String {
    let digits = if value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") };
    let (whole, rest) = digits.split_once('.').map_or((digits.as_str(), ""), |(whole, rest)| (whole, rest));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if rest.is_empty() || rest == "0" { grouped } else { format!("{grouped}.{rest}") }
}

/// `1 account`, `5,000 accounts`.
fn counted(value: f64, noun: &str) -> String {
    let ending = if number(value) == "1" { "" } else { "s" };
    format!("{} {noun}{ending}", number(value))
}

/// Dollars with cents.
fn dollars(usd: f64) -> String {
    let cents = format!("{usd:.2}");
    let (whole, rest) = cents.split_once('.').unwrap_or((&cents, "00"));
    format!("${}.{rest}", number(whole.parse().unwrap_or_default()))
}

fn write_tables(out: &mut impl Write, load: &Load, costs: &[CostLine], limits: &[Limit]) -> Result<()> {
    let Load { accounts, regions, creations, sessions, deletions, .. } = *load;
    writeln!(
        out,
        "{} in {}; a month has {} creations, {} STS records, {} deletions.\n",
        counted(accounts, "account"),
        counted(regions, "region"),
        number(creations),
        number(sessions),
        number(deletions)
    )?;
    writeln!(out, "| Part | Item | Quantity | Price | A month | Paid by |\n|---|---|---:|---|---:|---|")?;
    for CostLine { part, item, quantity, price, usd, payer } in costs {
        writeln!(out, "| {part} | {item} | {} | {price} | {} | {payer} |", number(*quantity), dollars(*usd))?;
    }
    let of = |payer: &str| costs.iter().filter(|line| line.payer == payer).map(|line| line.usd).sum::<f64>();
    let (hub, members) = (of("hub"), of("members"));
    writeln!(
        out,
        "| **all** | | | list prices of {REGION}, {CHECKED} | **{}** | hub {}, members {} |\n",
        dollars(hub + members),
        dollars(hub),
        dollars(members)
    )?;
    writeln!(
        out,
        "| Limit, first reached first | Busiest second | Limit | Fits | Raised by |\n|---|---:|---:|---:|---|"
    )?;
    for limit in limits {
        let Limit { name, used, most, unit, remedy } = limit;
        let fits = limit.headroom();
        let fits = if fits < 1.0 { "**exceeded**".to_owned() } else { format!("{} times", number(fits)) };
        writeln!(
            out,
            "| {name} | {} {unit} | {} {unit} | {fits} | {remedy} |",
            number(*used),
            number(*most)
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas_between_thousands() {
        for (value, text) in
            [(0.04, "0"), (1.25, "1.2"), (12.0, "12"), (1234.4, "1,234"), (1_500_000_000.0, "1,500,000,000")]
        {
            assert_eq!(number(value), text);
        }
        assert_eq!(dollars(1234.5), "$1,234.50");
        assert_eq!(dollars(0.004), "$0.00");
    }
}
