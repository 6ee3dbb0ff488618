//! List prices, without free tiers and discounts.

/// The month in which the prices were looked up.
pub(crate) const CHECKED: &str = "2026-11";

/// The region of the prices.
pub(crate) const REGION: &str = "us-east-1";

/// A price in US dollars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Price {
    pub(super) usd: f64,
    /// For so many pieces.
    pub(super) per: f64,
    /// Their name: of one, of a million, or with the number before it.
    pub(super) unit: &'static str,
}

const MILLION: f64 = 1_000_000.0;

const fn price(usd: f64, per: f64, unit: &'static str) -> Price {
    Price { usd, per, unit }
}

// https://aws.amazon.com/eventbridge/pricing/
/// An event of up to 64 KB to a bus of another account or region. The account that sends pays.
pub(super) const FORWARD: Price = price(1.0, MILLION, "events");
// https://aws.amazon.com/sqs/pricing/
pub(super) const SQS: Price = price(0.40, MILLION, "requests");
/// On top of that, for messages with a group.
pub(super) const FAIR_QUEUE: Price = price(0.10, MILLION, "requests");
// https://aws.amazon.com/lambda/pricing/, arm64
pub(super) const INVOCATION: Price = price(0.20, MILLION, "invocations");
pub(super) const COMPUTE: Price = price(0.000_013_333_4, 1.0, "GB-second");
// https://aws.amazon.com/dynamodb/pricing/on-demand/
pub(super) const WRITE: Price = price(0.625, MILLION, "write units");
pub(super) const READ: Price = price(0.125, MILLION, "read units");
/// Storage with its point-in-time recovery.
pub(super) const TABLE_STORAGE: Price = price(0.45, 1.0, "GB");
// https://aws.amazon.com/cloudwatch/pricing/
pub(super) const LOGS: Price = price(0.50, 1.0, "GB");
pub(super) const METRIC: Price = price(0.30, 1.0, "metric");
pub(super) const ALARM: Price = price(0.10, 1.0, "metric in an alarm");
pub(super) const DASHBOARD: Price = price(3.0, 1.0, "dashboard");
// https://aws.amazon.com/ec2/pricing/on-demand/, data transfer between regions
pub(super) const TRANSFER: Price = price(0.02, 1.0, "GB");
// https://aws.amazon.com/config/pricing/, continuous recording
pub(super) const CONFIG_ITEM: Price = price(0.003, 1.0, "configuration item");
// https://aws.amazon.com/s3/pricing/
pub(super) const OBJECT_TAG: Price = price(0.01, 10_000.0, "10,000 object tags");
// https://aws.amazon.com/cloudtrail/pricing/
pub(super) const TRAIL_COPY: Price = price(2.0, 100_000.0, "100,000 events");

impl Price {
    /// The price of a quantity.
    pub(super) fn of(self, quantity: f64) -> f64 {
        quantity / self.per * self.usd
    }

    /// `$0.40 a million requests`.
    pub(super) fn text(self) -> String {
        let Self { usd, per, unit } = self;
        let amount = if usd < 0.001 {
            format!("${usd:.10}").trim_end_matches('0').to_owned()
        } else {
            let text = format!("${usd:.3}");
            text.strip_suffix('0').map(str::to_owned).unwrap_or(text)
        };
        match per {
            p if p >= MILLION => format!("{amount} a million {unit}"),
            p if p > 1.0 => format!("{amount} for {unit}"),
            _ => format!("{amount} a {unit}"),
        }
    }
}
