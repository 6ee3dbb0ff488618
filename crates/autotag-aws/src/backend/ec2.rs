//! EC2: one call tags many resources by id, and fails as a whole when one of them is gone.

use super::tagger::Answers;
use super::{AwsBackend, client_of};
use crate::errors;
use autotag_handlers::backend::TaggableResource;
use autotag_handlers::error::{BackendError, ErrorClass};
use autotag_model::rule::Resource;
use autotag_model::tags::TagSet;
use aws_sdk_ec2::types::Tag;
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;

/// AWS takes a thousand, and advises fewer.
const IDS: usize = 200;
const OPERATION: &str = "CreateTags";

impl AwsBackend {
    /// Tags resources of one account and region. If the call fails because of some ids, the others are tried again
    /// without them.
    pub(super) async fn create_tags(&self, items: &[TaggableResource], tags: &TagSet) -> Answers {
        let mut answers: Answers =
            items.iter().map(|_| Err(errors::invalid(OPERATION, "NotTried"))).collect();
        let all: Vec<usize> = (0..items.len()).collect();
        let mut parts: Vec<Vec<usize>> = all.chunks(IDS).map(<[usize]>::to_vec).collect();
        while let Some(part) = parts.pop() {
            let of_part: Vec<&TaggableResource> = part.iter().filter_map(|index| items.get(*index)).collect();
            let Some(first) = of_part.first() else { continue };
            let ids: Vec<String> = of_part.iter().map(|taggable| taggable.resource.id.clone()).collect();
            let (answer, named) = self.try_create_tags(&ids, &first.resource, tags).await;
            let about_ids = answer.as_ref().is_err_and(is_about_ids);
            let (bad, good) = if about_ids { split(&part, &ids, &named) } else { (part, Vec::new()) };
            if about_ids && bad.is_empty() {
                // The error does not name the id: halving finds it.
                let (front, back) = good.split_at(good.len() / 2);
                parts.extend([back.to_vec(), front.to_vec()]);
                continue;
            }
            for index in bad {
                if let Some(place) = answers.get_mut(index) {
                    place.clone_from(&answer);
                }
            }
            parts.push(good);
        }
        answers
    }

    /// The answer, and what AWS says of it in words.
    async fn try_create_tags(
        &self,
        ids: &[String],
        place: &Resource,
        tags: &TagSet,
    ) -> (Result<(), BackendError>, String) {
        let client = match self.client(place, client_of!(aws_sdk_ec2)).await {
            Ok(client) => client,
            Err(error) => return (Err(error), String::new()),
        };
        let tags: Vec<Tag> =
            tags.pairs().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
        let sent = client.create_tags().set_resources(Some(ids.to_vec())).set_tags(Some(tags)).send().await;
        match sent {
            Ok(_) => (Ok(()), String::new()),
            Err(error) => {
                let words = error.as_service_error().and_then(|error| error.message()).unwrap_or_default();
                (Err(errors::of_sdk(OPERATION, &error)), words.to_owned())
            }
        }
    }
}

fn is_about_ids(error: &BackendError) -> bool {
    matches!(error.class, ErrorClass::NotFound | ErrorClass::WrongState | ErrorClass::Invalid)
}

/// The part in two: ids that the error names, and the others. The code decides the failure. Only the text names
/// ids. If it names none, or there is only one id, the text is not needed.
fn split(part: &[usize], ids: &[String], words: &str) -> (Vec<usize>, Vec<usize>) {
    if part.len() == 1 {
        return (part.to_vec(), Vec::new());
    }
    let named =
        |id: &str| words.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(|word| word == id);
    let (bad, good): (Vec<_>, Vec<_>) = part.iter().zip(ids).partition(|(_, id)| named(id));
    let indices = |pairs: Vec<(&usize, &String)>| pairs.into_iter().map(|(index, _)| *index).collect();
    (indices(bad), indices(good))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_that_an_error_names() {
        let ids: Vec<String> = ["i-1", "i-12", "vol-3"].map(str::to_owned).to_vec();
        let words = "The instance ID 'i-12' does not exist";
        assert_eq!(split(&[0, 1, 2], &ids, words), (vec![1], vec![0, 2]));
        assert_eq!(split(&[0, 1, 2], &ids, "something"), (Vec::new(), vec![0, 1, 2]));
        assert_eq!(split(&[4], &ids[..1], "something"), (vec![4], Vec::new()));
    }
}
