//! Groups equal findings of many accounts into one.

use super::check::{Finding, State};
use autotag_model::arn::{AccountId, Region};
use std::collections::BTreeMap;

/// So many findings that differ only in their place are shown one by one.
const SHOWN: usize = 3;

/// Equal findings: the first ones, and how many there are.
#[derive(Debug)]
struct Group {
    first: Vec<Finding>,
    count: usize,
}

/// The check, the state, and what was seen without the names of the place.
type Key = (&'static str, State, String);

/// Findings of other accounts wait until those of the same family end. Findings of the deployment's account are not grouped.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: BTreeMap<Key, Group>,
}

impl Groups {
    /// Adds a finding, and returns those that can be printed.
    pub(crate) fn add(&mut self, finding: Finding) -> Vec<Finding> {
        let Some(shape) = shape(&finding) else {
            let mut ended = self.end();
            ended.push(finding);
            return ended;
        };
        let group = self.groups.entry((finding.check, finding.state, shape));
        let group = group.or_insert_with(|| Group { first: Vec::new(), count: 0 });
        group.count += 1;
        if group.first.len() < SHOWN {
            group.first.push(finding);
        }
        Vec::new()
    }

    /// All that waits.
    pub(crate) fn end(&mut self) -> Vec<Finding> {
        let groups = std::mem::take(&mut self.groups).into_values();
        groups
            .flat_map(|mut group| {
                if group.count > SHOWN
                    && let Some(first) = group.first.first_mut()
                {
                    first.place = format!("{} and {} more", first.place, group.count - 1);
                    group.first.truncate(1);
                }
                group.first
            })
            .collect()
    }
}

/// The observation without account and region; `None` if the finding is not about another account.
fn shape(finding: &Finding) -> Option<String> {
    let mut words = finding.place.split(' ');
    let account = words.next().and_then(AccountId::new)?;
    let mut shape = finding.seen.replace(account.as_str(), "ACCOUNT");
    for region in words.filter_map(Region::new) {
        shape = shape.replace(region.as_str(), "REGION");
    }
    Some(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(place: &str, seen: &str) -> Finding {
        let fix = Some("in account ...".to_owned());
        Finding {
            check: "rule.creations",
            place: place.to_owned(),
            state: State::Broken,
            question: "?",
            seen: seen.to_owned(),
            fix,
            needs: None,
        }
    }

    #[test]
    fn equal_findings_of_many_accounts_are_one() {
        let mut groups = Groups::default();
        for number in 0..40 {
            let account = format!("4444555566{number:02}");
            let place = format!("{account} eu-west-1");
            assert!(groups.add(finding(&place, &format!("no rules in {account}"))).is_empty());
        }
        groups.add(finding("444455557777 eu-west-1", "disabled"));
        let ended: Vec<(String, String)> = groups
            .add(finding("eu-west-1", "there are no rules"))
            .into_iter()
            .map(|one| (one.place, one.seen))
            .collect();
        let places: Vec<&str> = ended.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["444455557777 eu-west-1", "444455556600 eu-west-1 and 39 more", "eu-west-1"]);
        assert!(groups.end().is_empty());
    }

    #[test]
    fn a_few_equal_findings_are_shown_one_by_one() {
        let mut groups = Groups::default();
        groups.add(finding("444455556666 eu-west-1", "none"));
        groups.add(finding("444455556666 us-east-1", "none"));
        assert_eq!(groups.end().len(), 2);
    }
}
