//! The bucket of packages and templates. Its name ends with random characters, so no other account can have taken
//! it before. A later run finds it among the account's own buckets. Each call names its owner, so S3 refuses a
//! bucket of another account.

use crate::DeployError;
use crate::actions::{self, Action};
use crate::packages::Sum;
use autotag_aws::CallError;
use autotag_model::arn::{AccountId, Partition, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging, VersioningConfiguration,
};
use std::error::Error;

/// The tag of the bucket. Its value is the name of the deployment.
pub const TAG: &str = "autotag:deployment";

/// The number of random hexadecimal digits at the end of the name.
pub const RANDOM_DIGITS: usize = 12;

/// The metadata of an object with its hash.
const SUM: &str = "sha256";

/// The longest object that is read, in bytes. Templates and lists are read, packages are not.
const LONGEST: usize = 2 << 20;

/// A bucket of packages and templates.
#[derive(Debug, Clone)]
pub struct CodeBucket {
    client: Client,
    account: AccountId,
    region: Region,
    name: String,
}

/// The name of a new bucket. `random` has at least [`RANDOM_DIGITS`] hexadecimal digits.
pub fn new_name(deployment: &str, random: &str) -> String {
    let digits: String = random.chars().filter(char::is_ascii_hexdigit).take(RANDOM_DIGITS).collect();
    format!("{deployment}-code-{}", digits.to_ascii_lowercase())
}

/// True if this is a name that [`new_name`] makes.
fn is_ours(deployment: &str, name: &str) -> bool {
    let digits = name.strip_prefix(deployment).and_then(|rest| rest.strip_prefix("-code-"));
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    digits.is_some_and(|digits| digits.len() == RANDOM_DIGITS && digits.bytes().all(is_hex))
}

fn failed<E>(action: Action, error: &SdkError<E>) -> DeployError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let operation = action.name.trim_start_matches("s3:");
    DeployError::Storage { action: action.name.to_owned(), error: CallError::of_sdk(operation, error) }
}

/// The code of an error of S3.
fn code<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

fn unbuilt(error: impl std::fmt::Display) -> DeployError {
    DeployError::stopped(format!("cannot make a request to S3: {error}"))
}

impl CodeBucket {
    /// The bucket of this name.
    pub fn named(client: Client, account: &AccountId, region: &Region, name: &str) -> Self {
        Self { client, account: account.clone(), region: region.clone(), name: name.to_owned() }
    }

    /// Finds the bucket of a deployment among the buckets of the account: by its name and its tag. One without any tag was being
    /// made when a run was ended, and is taken too.
    ///
    /// # Errors
    /// S3 refuses a call.
    pub async fn find(
        client: &Client,
        account: &AccountId,
        region: &Region,
        deployment: &str,
    ) -> Result<Option<Self>, DeployError> {
        let mut names = Vec::new();
        let mut pages = client.list_buckets().prefix(format!("{deployment}-code-")).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed(actions::BUCKETS, &error))?;
            let buckets = page.buckets.unwrap_or_default().into_iter();
            let in_region = buckets.filter(|bucket| {
                // An emulator may not tell the region.
                bucket.bucket_region().is_none_or(|there| there == region.as_str())
            });
            names.extend(in_region.filter_map(|bucket| bucket.name).filter(|name| is_ours(deployment, name)));
        }
        names.sort();
        for name in names {
            let bucket = Self::named(client.clone(), account, region, &name);
            if bucket.is_of(deployment).await? {
                return Ok(Some(bucket));
            }
        }
        Ok(None)
    }

    /// True if its tags say that it is of this deployment, or it has none.
    async fn is_of(&self, deployment: &str) -> Result<bool, DeployError> {
        let asked =
            self.client.get_bucket_tagging().bucket(&self.name).expected_bucket_owner(self.account.as_str());
        match asked.send().await {
            Ok(answer) => {
                let ours = answer.tag_set().iter().any(|tag| tag.key() == TAG && tag.value() == deployment);
                Ok(ours || answer.tag_set().is_empty())
            }
            Err(error) => match code(&error) {
                Some("NoSuchTagSet") => Ok(true),
                // In another region, or removed since.
                Some("PermanentRedirect" | "IllegalLocationConstraintException" | "NoSuchBucket") => {
                    Ok(false)
                }
                _ => Err(failed(actions::BUCKET_TAGS, &error)),
            },
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Checks that the bucket is there and belongs to the account.
    ///
    /// # Errors
    /// It does not, or S3 refuses the call.
    pub async fn check(&self) -> Result<(), DeployError> {
        let head = self.client.head_bucket().bucket(&self.name).expected_bucket_owner(self.account.as_str());
        head.send().await.map(drop).map_err(|error| failed(actions::LIST_BUCKET, &error))
    }

    /// Makes it if it is not there, and sets it up: tagged, encrypted, closed to the public, with versions. All of it may be done
    /// twice.
    ///
    /// # Errors
    /// S3 refuses a call.
    pub async fn set_up(&self, deployment: &str) -> Result<(), DeployError> {
        self.create().await?;
        let owner = self.account.as_str();
        let tag = Tag::builder().key(TAG).value(deployment).build().map_err(unbuilt)?;
        let tags = Tagging::builder().tag_set(tag).build().map_err(unbuilt)?;
        let tagged =
            self.client.put_bucket_tagging().bucket(&self.name).tagging(tags).expected_bucket_owner(owner);
        tagged.send().await.map_err(|error| failed(actions::TAG_BUCKET, &error))?;
        let by_default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256);
        let by_default = by_default.build().map_err(unbuilt)?;
        let rule =
            ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(by_default).build();
        let rules = ServerSideEncryptionConfiguration::builder().rules(rule).build().map_err(unbuilt)?;
        let encrypted = self.client.put_bucket_encryption().bucket(&self.name).expected_bucket_owner(owner);
        let encrypted = encrypted.server_side_encryption_configuration(rules);
        encrypted.send().await.map_err(|error| failed(actions::ENCRYPT_BUCKET, &error))?;
        let block = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        let closed = self.client.put_public_access_block().bucket(&self.name).expected_bucket_owner(owner);
        let closed = closed.public_access_block_configuration(block);
        closed.send().await.map_err(|error| failed(actions::CLOSE_BUCKET, &error))?;
        let versions = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let versioned = self.client.put_bucket_versioning().bucket(&self.name).expected_bucket_owner(owner);
        let versioned = versioned.versioning_configuration(versions);
        versioned.send().await.map_err(|error| failed(actions::VERSION_BUCKET, &error))?;
        Ok(())
    }

    async fn create(&self) -> Result<(), DeployError> {
        let mut asked = self.client.create_bucket().bucket(&self.name);
        // us-east-1 has no name as a location.
        if self.region.as_str() != "us-east-1" {
            let location = BucketLocationConstraint::from(self.region.as_str());
            let place = CreateBucketConfiguration::builder().location_constraint(location).build();
            asked = asked.create_bucket_configuration(place);
        }
        match asked.send().await {
            Err(error) if code(&error) != Some("BucketAlreadyOwnedByYou") => {
                Err(failed(actions::CREATE_BUCKET, &error))
            }
            _ => Ok(()),
        }
    }

    /// Puts an object, unless the bucket has it with the same hash. Returns whether it was put.
    ///
    /// # Errors
    /// There is another object of this key, which is not overwritten, or S3 refuses a call.
    pub async fn put(&self, key: &str, bytes: &[u8]) -> Result<bool, DeployError> {
        let sum = Sum::of(bytes);
        match self.sum(key).await? {
            None => self.replace(key, bytes).await.map(|()| true),
            Some(there) if there == sum.to_string() => Ok(false),
            Some(there) => Err(DeployError::stopped(format!(
                "s3://{}/{key} has the hash {there}, and {sum} is to be put there: it is not overwritten; remove it, or name another \
                 --release",
                self.name
            ))),
        }
    }

    /// Puts an object, and replaces an existing one.
    ///
    /// # Errors
    /// S3 refuses the call.
    pub async fn replace(&self, key: &str, bytes: &[u8]) -> Result<(), DeployError> {
        let sum = Sum::of(bytes);
        let put = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .expected_bucket_owner(self.account.as_str())
            .metadata(SUM, sum.to_string())
            // S3 refuses what arrives with another hash.
            .checksum_sha256(sum.base64())
            .body(ByteStream::from(bytes.to_vec()));
        put.send().await.map(drop).map_err(|error| failed(actions::PUT_OBJECT, &error))
    }

    /// The hash of an object, if it exists: by its metadata, otherwise a text that equals no hash.
    async fn sum(&self, key: &str) -> Result<Option<String>, DeployError> {
        let head = self
            .client
            .head_object()
            .bucket(&self.name)
            .key(key)
            .expected_bucket_owner(self.account.as_str());
        match head.send().await {
            Ok(answer) => {
                let known = answer.metadata().and_then(|metadata| metadata.get(SUM).cloned());
                Ok(Some(known.unwrap_or_else(|| "unknown".to_owned())))
            }
            Err(error) if error.raw_response().is_some_and(|response| response.status().as_u16() == 404) => {
                Ok(None)
            }
            Err(error) => Err(failed(actions::GET_OBJECT, &error)),
        }
    }

    /// Reads an object; `None` if it is not there.
    ///
    /// # Errors
    /// S3 refuses the call, or the object is too long.
    pub async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, DeployError> {
        let get =
            self.client.get_object().bucket(&self.name).key(key).expected_bucket_owner(self.account.as_str());
        let mut answer = match get.send().await {
            Ok(answer) => answer,
            Err(error) if code(&error) == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(failed(actions::GET_OBJECT, &error)),
        };
        let shown = format!("s3://{}/{key}", self.name);
        let mut bytes = Vec::new();
        while let Some(part) = answer.body.next().await {
            let part = part.map_err(|error| DeployError::stopped(format!("cannot read {shown}: {error}")))?;
            bytes.extend_from_slice(&part);
            if bytes.len() > LONGEST {
                return Err(DeployError::stopped(format!("{shown} has more than {LONGEST} bytes")));
            }
        }
        Ok(Some(bytes))
    }

    /// Removes an object. What is not there needs no removal.
    ///
    /// # Errors
    /// S3 refuses the call.
    pub async fn remove(&self, key: &str) -> Result<(), DeployError> {
        let asked = self
            .client
            .delete_object()
            .bucket(&self.name)
            .key(key)
            .expected_bucket_owner(self.account.as_str());
        asked.send().await.map(drop).map_err(|error| failed(actions::DELETE_OBJECT, &error))
    }
}

/// The address of an object, as CloudFormation takes it.
pub fn url(region: &Region, bucket: &str, key: &str) -> String {
    let partition = Partition::of_region(region).unwrap_or_default();
    let suffix = partition.info().map_or("amazonaws.com", |info| info.dns_suffix);
    format!("https://{bucket}.s3.{region}.{suffix}/{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again_and_those_of_others_are_not() {
        let name = new_name("autotag", "0123456789ABCDEF-0");
        assert_eq!(name, "autotag-code-0123456789ab");
        assert!(is_ours("autotag", &name));
        assert!(!is_ours("autotag-test", &name), "of another deployment");
        for other in [
            "autotag-code-111122223333x",
            "autotag-code-0123456789ag",
            "autotag-code-",
            "my-autotag-code-0123456789ab",
        ] {
            assert!(!is_ours("autotag", other), "{other}");
        }
    }
}
