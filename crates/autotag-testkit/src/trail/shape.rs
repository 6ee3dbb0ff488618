//! The options of a trail.

/// The shape of a trail. Shares are in percent, to four decimals.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// How many records.
    pub records: u64,
    /// How many records are in a file; the last one may have fewer.
    pub records_a_file: u64,
    /// Records of calls that create a resource of the catalogue.
    pub creations: f64,
    /// Records of STS calls that begin a session of a role. Later calls are made in these sessions.
    pub sessions: f64,
    /// How many accounts, up to 10,000.
    pub accounts: u64,
    /// How many regions, up to 12.
    pub regions: u64,
    /// How many days the trail covers, from 1 January 2026.
    pub days: u64,
    /// The start value of all random choices.
    pub seed: u64,
    /// Odd records: escapes, texts beyond ASCII, omitted parts, failed calls, unknown members, objects within that
    /// look like records, and values that are not records.
    pub odd: f64,
    /// Files that are cut or changed, before or after compression; wrapped ones as well.
    pub damaged: f64,
    /// Files in another wrapping than CloudTrail's.
    pub wrapped: f64,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            records: 100_000,
            records_a_file: 1500,
            creations: 4.0,
            sessions: 3.0,
            accounts: 2,
            regions: 3,
            days: 2,
            seed: 1,
            odd: 0.0,
            damaged: 0.0,
            wrapped: 0.0,
        }
    }
}

/// Why no trail can have a shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A share is below 0 or above 100.
    #[error("{0} is a share in percent: from 0 to 100")]
    Share(&'static str),
    /// Creations and sessions together are more than everything.
    #[error("creations and sessions together are at most 100 %")]
    Shares,
    /// A number is 0, or larger than there are examples.
    #[error("{0} is from 1 to {1}")]
    Number(&'static str, u64),
}

impl Shape {
    /// Says what no trail can have.
    pub(super) fn check(&self) -> Result<(), ShapeError> {
        let numbers = [
            ("records", self.records, 1_000_000_000),
            ("records a file", self.records_a_file, 1_000_000),
            ("accounts", self.accounts, 10_000),
            ("regions", self.regions, REGIONS.len() as u64),
            ("days", self.days, 36_500),
        ];
        let wrong = |(_, number, most): &(_, u64, u64)| !(1..=*most).contains(number);
        if let Some((name, _, most)) = numbers.into_iter().find(wrong) {
            return Err(ShapeError::Number(name, most));
        }
        let shares = [
            ("creations", self.creations),
            ("sessions", self.sessions),
            ("odd", self.odd),
            ("damaged", self.damaged),
            ("wrapped", self.wrapped),
        ];
        if let Some((name, _)) = shares.into_iter().find(|(_, share)| !(0.0..=100.0).contains(share)) {
            return Err(ShapeError::Share(name));
        }
        if self.creations + self.sessions > 100.0 { Err(ShapeError::Shares) } else { Ok(()) }
    }
}

/// The regions of a trail's calls.
pub(super) const REGIONS: [&str; 12] = [
    "eu-west-1",
    "us-east-1",
    "ap-southeast-2",
    "eu-central-1",
    "us-west-2",
    "us-east-2",
    "eu-north-1",
    "ap-northeast-1",
    "ap-south-1",
    "ca-central-1",
    "sa-east-1",
    "eu-west-2",
];

/// A share in percent, in millionths of the whole.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is from 0 to 100")]
pub(super) fn millionths(percent: f64) -> u64 {
    (percent * 10_000.0).round() as u64
}
