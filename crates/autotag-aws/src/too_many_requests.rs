//! Treats status 429 as throttling, whatever the body contains.

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

/// Retries calls that AWS answers with status 429. The classifiers of the SDK go by the error code, which an empty body does
/// not have, and by status 500, 502, 503 and 504.
#[derive(Debug, Clone, Copy, Default)]
pub struct TooManyRequests;

impl ClassifyRetry for TooManyRequests {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response() {
            Some(response) if response.status().as_u16() == 429 => RetryAction::throttling_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "status 429"
    }
}
