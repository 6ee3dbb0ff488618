//! S3: both tag calls replace the whole set, so it is read, merged, written, and read again.

use super::AwsBackend;
use super::tagger::arn;
use crate::errors;
use autotag_handlers::backend::Tags;
use autotag_handlers::error::{BackendError, ErrorClass};
use autotag_model::rule::Resource;
use autotag_model::tags::{TagSet, is_reserved};
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{Tag, Tagging};

/// The most attempts to write a set that another writer changes in between.
const TRIES: usize = 3;

/// How many tags of users a bucket takes, and an object.
const BUCKET_TAGS: usize = 50;
const OBJECT_TAGS: usize = 10;

/// Reads and writes the whole set of one bucket or object.
struct Whole<'r> {
    client: Client,
    bucket: String,
    /// Key and version of an object; `None` for a bucket.
    object: Option<(String, Option<&'r str>)>,
}

impl AwsBackend {
    pub(super) async fn tag_bucket(&self, resource: &Resource, tags: &TagSet) -> Result<(), BackendError> {
        self.merge(resource, tags, BUCKET_TAGS).await
    }

    pub(super) async fn tag_object(&self, resource: &Resource, tags: &TagSet) -> Result<(), BackendError> {
        self.merge(resource, tags, OBJECT_TAGS).await
    }

    /// The tags on a bucket or object.
    pub(super) async fn s3_tags(&self, resource: &Resource) -> Result<Tags, BackendError> {
        self.whole(resource).await?.read().await
    }

    async fn merge(&self, resource: &Resource, tags: &TagSet, most: usize) -> Result<(), BackendError> {
        let whole = self.whole(resource).await?;
        // Somebody who read before our write may have written after it: the set is read again, until it has our
        // tags.
        for tries in 0..=TRIES {
            let there = whole.read().await?;
            let merged = merged(&there, tags);
            if merged == there {
                return Ok(());
            }
            if tries == TRIES {
                break;
            }
            if merged.iter().filter(|(key, _)| !is_reserved(key)).count() > most {
                return Err(errors::invalid(whole.write_operation(), TOO_MANY));
            }
            whole.write(&merged).await?;
        }
        Err(BackendError::new(ErrorClass::Conflict, whole.write_operation(), "TagsChanged"))
    }

    async fn whole<'r>(&self, resource: &'r Resource) -> Result<Whole<'r>, BackendError> {
        let arn = arn(resource, "GetBucketTagging")?;
        let name = arn.splitn(6, ':').nth(5).unwrap_or_default();
        let (bucket, object) = match name.split_once('/') {
            Some((bucket, key)) => (bucket, Some((key.to_owned(), resource.version.as_deref()))),
            None => (name, None),
        };
        Ok(Whole {
            client: self.client(resource, crate::s3_client).await?,
            bucket: bucket.to_owned(),
            object,
        })
    }
}

/// The code of our own refusal to push out tags of users.
const TOO_MANY: &str = "TooManyTags";

/// The present tags with ours over them; the order of the present tags stays.
fn merged(there: &Tags, ours: &TagSet) -> Tags {
    let mut merged = there.clone();
    for (key, value) in ours.pairs() {
        match merged.iter_mut().find(|(known, _)| known == key) {
            Some((_, known)) => value.clone_into(known),
            None => merged.push((key.to_owned(), value.to_owned())),
        }
    }
    merged
}

impl Whole<'_> {
    fn write_operation(&self) -> &'static str {
        if self.object.is_some() { "PutObjectTagging" } else { "PutBucketTagging" }
    }

    /// "No tags" is an error code of its own; every other error is one.
    async fn read(&self) -> Result<Tags, BackendError> {
        let tags = if let Some((key, version)) = &self.object {
            let asked = self.client.get_object_tagging().bucket(&self.bucket).key(key);
            let asked = asked.set_version_id(version.map(str::to_owned)).send().await;
            asked.map(|answer| answer.tag_set).map_err(|error| errors::of_sdk("GetObjectTagging", &error))
        } else {
            let asked = self.client.get_bucket_tagging().bucket(&self.bucket).send().await;
            asked.map(|answer| answer.tag_set).map_err(|error| errors::of_sdk("GetBucketTagging", &error))
        };
        match tags {
            Ok(tags) => Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect()),
            Err(error) if error.code == "NoSuchTagSet" => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn write(&self, tags: &Tags) -> Result<(), BackendError> {
        let operation = self.write_operation();
        let invalid = || errors::invalid(operation, "IncompleteTag");
        let tags: Result<Vec<Tag>, _> =
            tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
        let set = Tagging::builder().set_tag_set(Some(tags.map_err(|_| invalid())?)).build();
        let set = set.map_err(|_| invalid())?;
        if let Some((key, version)) = &self.object {
            let put = self.client.put_object_tagging().bucket(&self.bucket).key(key).tagging(set);
            let put = put.set_version_id(version.map(str::to_owned)).send().await;
            return put.map(drop).map_err(|error| errors::of_sdk(operation, &error));
        }
        let put = self.client.put_bucket_tagging().bucket(&self.bucket).tagging(set).send().await;
        put.map(drop).map_err(|error| errors::of_sdk(operation, &error))
    }
}
