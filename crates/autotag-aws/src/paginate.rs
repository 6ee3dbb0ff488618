//! Paged calls: all pages are read, and a list whose pages never end is an error.
//!
//! AWS may return an empty page that is not the last one, and an empty token on the last one. A token that comes back a second
//! time would repeat the same pages for ever: what was read so far is incomplete, so the call fails.

use std::collections::HashSet;

/// The most pages that are read of one list.
const MAX_PAGES: usize = 100_000;

/// The pages of a list do not end: a token was returned twice, or there were too many pages. The list is incomplete.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pages of {operation} do not end: a page token repeats")]
pub struct PagingDoesNotEnd {
    /// AWS's name of the operation.
    pub operation: String,
}

impl PagingDoesNotEnd {
    /// The error code that outcomes and reports show for it.
    pub const CODE: &'static str = "PagingDoesNotEnd";
}

/// The position in a paged list. The caller makes the calls, so that it can process each page as it arrives, or stop early.
///
/// ```
/// use autotag_aws::paginate::{Paginator, PagingDoesNotEnd};
///
/// fn list(call: impl Fn(Option<String>) -> (Vec<u8>, Option<String>)) -> Result<Vec<u8>, PagingDoesNotEnd> {
///     let mut pages = Paginator::new("ListNumbers");
///     let mut numbers = Vec::new();
///     while pages.has_next() {
///         let (page, next_token) = call(pages.token());
///         numbers.extend(page);
///         pages.advance(next_token)?;
///     }
///     Ok(numbers)
/// }
/// let pages = |token: Option<String>| match token {
///     None => (vec![1], Some("second".to_owned())),
///     Some(_) => (vec![2], None),
/// };
/// assert_eq!(list(pages), Ok(vec![1, 2]));
/// ```
#[derive(Debug, Clone)]
pub struct Paginator {
    operation: String,
    /// The token of the next page; `None` for the first page, and after the last one.
    token: Option<String>,
    ended: bool,
    seen: HashSet<String>,
}

impl Paginator {
    /// Starts at the first page of `operation`.
    pub fn new(operation: &str) -> Self {
        Self { operation: operation.to_owned(), token: None, ended: false, seen: HashSet::new() }
    }

    /// True if there is a page to ask for.
    pub fn has_next(&self) -> bool {
        !self.ended
    }

    /// The token of the next page; `None` for the first page.
    pub fn token(&self) -> Option<String> {
        self.token.clone()
    }

    /// Moves to the page after the one that was just read, whose next token this is. An empty token ends the list like a missing one.
    ///
    /// # Errors
    /// [`PagingDoesNotEnd`] if the token was returned before, or if there are more than 100,000 pages.
    pub fn advance(&mut self, next_token: Option<String>) -> Result<(), PagingDoesNotEnd> {
        self.token = next_token.filter(|token| !token.is_empty());
        let Some(token) = &self.token else {
            self.ended = true;
            return Ok(());
        };
        if self.seen.len() < MAX_PAGES && self.seen.insert(token.clone()) {
            return Ok(());
        }
        self.ended = true;
        Err(PagingDoesNotEnd { operation: self.operation.clone() })
    }
}

/// Reads all pages of `operation` into one list. `call` gets the token of a page (`None` for the first one) and returns the
/// page's items with the next token.
///
/// # Errors
/// The first error of `call`, or [`PagingDoesNotEnd`]. What was read before is dropped: an incomplete list is never a success.
pub async fn paginate<T, E: From<PagingDoesNotEnd>>(
    operation: &str,
    mut call: impl AsyncFnMut(Option<String>) -> Result<(Vec<T>, Option<String>), E>,
) -> Result<Vec<T>, E> {
    let mut pages = Paginator::new(operation);
    let mut items = Vec::new();
    while pages.has_next() {
        let (page, next_token) = call(pages.token()).await?;
        items.extend(page);
        pages.advance(next_token)?;
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a list whose pages, in this order, have these next tokens; each page has its number.
    async fn read(next_tokens: &[Option<&str>]) -> Result<Vec<usize>, PagingDoesNotEnd> {
        let mut number = 0;
        paginate("ListNumbers", async |_| {
            let next = next_tokens.get(number).copied().flatten().map(str::to_owned);
            number += 1;
            Ok((vec![number], next))
        })
        .await
    }

    #[tokio::test]
    async fn all_pages_are_read_until_a_token_is_missing_or_empty() {
        assert_eq!(read(&[None]).await, Ok(vec![1]));
        assert_eq!(read(&[Some("a"), Some("b"), None]).await, Ok(vec![1, 2, 3]));
        assert_eq!(read(&[Some("a"), Some(""), Some("never read")]).await, Ok(vec![1, 2]));
    }

    #[tokio::test]
    async fn a_repeated_token_is_an_error() {
        let error = PagingDoesNotEnd { operation: "ListNumbers".to_owned() };
        assert_eq!(read(&[Some("a"), Some("a")]).await, Err(error.clone()));
        assert_eq!(read(&[Some("a"), Some("b"), Some("a")]).await, Err(error), "a cycle of two pages");
    }

    #[tokio::test]
    async fn endless_new_tokens_are_an_error() {
        let mut number = 0;
        let read = paginate::<(), PagingDoesNotEnd>("ListNumbers", async |_| {
            number += 1;
            Ok((Vec::new(), Some(number.to_string())))
        });
        assert!(read.await.is_err());
        assert_eq!(number, MAX_PAGES + 1);
    }

    #[tokio::test]
    async fn a_failed_page_fails_the_list() {
        let list = paginate::<u8, PagingDoesNotEnd>("ListNumbers", async |token| match token {
            None => Ok((vec![1], Some("second".to_owned()))),
            Some(_) => Err(PagingDoesNotEnd { operation: "the call itself".to_owned() }),
        });
        assert!(list.await.is_err());
    }
}
