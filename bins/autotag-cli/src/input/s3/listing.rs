//! Lists the keys below a prefix. In a trail's layout it lists only the folders of the requested days, several at
//! the same time.

use crate::input::layout::{Days, Folder};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Error;
use aws_sdk_s3::types::Object;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

/// Folders that are listed at the same time.
const AT_ONCE: usize = 32;

/// How far below the prefix a folder `AWSLogs` is looked for. Trails have at most a prefix of their own before it.
const MAX_DEPTH: usize = 3;

/// A folder with more folders than this, outside of a trail's layout, is listed flat: one call returns a thousand keys, but the
/// keys of one folder at most.
const MAX_FOLDERS: usize = 50;

pub(super) type ListError = Box<SdkError<ListObjectsV2Error>>;

/// An object, as the listing describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) size: u64,
    /// Its `ETag`.
    pub(super) version: Option<String>,
}

/// A prefix to list.
#[derive(Debug)]
struct Prefix {
    text: String,
    /// Folders between it and the prefix that was asked for.
    depth: usize,
    flat: bool,
}

/// All objects whose keys begin with `prefix`, in the order of their keys. Folders of other days and of digests are not listed;
/// outside of a trail's layout everything is.
pub(super) async fn list(
    client: &Client,
    bucket: &str,
    prefix: &str,
    days: &Days,
) -> Result<Vec<Listed>, ListError> {
    let mut waiting = vec![Prefix::new(prefix.to_owned(), 0, days)];
    let mut running = FuturesUnordered::new();
    let mut found = Vec::new();
    loop {
        while running.len() < AT_ONCE
            && let Some(next) = waiting.pop()
        {
            running.push(list_one(client, bucket, next, days));
        }
        let Some(answer) = running.next().await else { break };
        let (objects, folders) = answer?;
        found.extend(objects);
        waiting.extend(folders);
    }
    found.sort_unstable_by(|a: &Listed, b| a.key.cmp(&b.key));
    Ok(found)
}

impl Prefix {
    fn new(text: String, depth: usize, days: &Days) -> Self {
        let folder = Folder::of(&text);
        let too_deep = folder == Folder::Elsewhere && depth > MAX_DEPTH;
        Self { flat: too_deep || folder.is_listed_flat(days), text, depth }
    }
}

/// The objects of a folder and the folders in it; or all objects below it.
async fn list_one(
    client: &Client,
    bucket: &str,
    prefix: Prefix,
    days: &Days,
) -> Result<(Vec<Listed>, Vec<Prefix>), ListError> {
    let request = client.list_objects_v2().bucket(bucket).prefix(&prefix.text);
    let request = if prefix.flat { request } else { request.delimiter("/") };
    let mut pages = request.into_paginator().send();
    let (mut objects, mut folders) = (Vec::new(), Vec::new());
    while let Some(page) = pages.next().await {
        let page = page.map_err(Box::new)?;
        objects.extend(page.contents.unwrap_or_default().into_iter().filter_map(listed));
        folders.extend(page.common_prefixes.unwrap_or_default().into_iter().filter_map(|one| one.prefix));
        if is_no_trail(&prefix, &folders) {
            return Ok((Vec::new(), vec![Prefix { flat: true, ..prefix }]));
        }
    }
    let wanted = folders.into_iter().filter(|folder| Folder::of(folder).may_hold(days));
    let folders = wanted.map(|folder| Prefix::new(folder, prefix.depth + 1, days));
    Ok((objects, folders.collect()))
}

/// True if a folder outside of a trail's layout has so many folders that one by one they would take more calls.
fn is_no_trail(prefix: &Prefix, folders: &[String]) -> bool {
    Folder::of(&prefix.text) == Folder::Elsewhere
        && folders.len() > MAX_FOLDERS
        && !folders.iter().any(|folder| Folder::of(folder) != Folder::Elsewhere)
}

fn listed(object: Object) -> Option<Listed> {
    let size = object.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
    let version = object.e_tag;
    object.key.map(|key| Listed { key, size, version })
}
