//! A bucket of any store that speaks the protocol of S3.
//!
//! Region, endpoint and keys come from the environment (`AWS_REGION`, `AWS_ENDPOINT`,
//! `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`; `AWS_ALLOW_HTTP=true` for a store without TLS).
//! An object is written whole or not at all, and is durable when the store has answered.

use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig};

use super::wire::Connector;
use crate::error::ArchiveError;

/// How often, and for how long, a request is tried again before whoever asked hears of it.
const RETRIES: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(20);

/// A prefix in a bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    store: AmazonS3,
    location: String,
    prefix: String,
}

impl Bucket {
    pub(super) fn at(location: &str) -> Result<Self, ArchiveError> {
        let wrong =
            |reason: String| ArchiveError::Store { file: location.to_owned(), reason, full: false };
        let Some(place) = location.strip_prefix("s3://") else {
            return Err(wrong("write a folder, or s3://bucket/prefix".to_owned()));
        };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let retry = RetryConfig {
            max_retries: RETRIES,
            retry_timeout: RETRY_TIMEOUT,
            ..Default::default()
        };
        let store = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_http_connector(Connector)
            .with_retry(retry)
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let prefix = prefix.trim_matches('/').to_owned();
        Ok(Self { store, location: location.trim_end_matches('/').to_owned(), prefix })
    }

    pub(super) fn name(&self, path: &str) -> String {
        if path.is_empty() { self.location.clone() } else { format!("{}/{path}", self.location) }
    }

    fn place(&self, path: &str) -> Path {
        if self.prefix.is_empty() { path.into() } else { format!("{}/{path}", self.prefix).into() }
    }

    fn failed(&self, path: &str, error: &Error) -> ArchiveError {
        let file = self.name(path);
        ArchiveError::Store { file, reason: error.to_string(), full: false }
    }

    /// Does one request, wherever the caller runs.
    fn ask<T: Send>(
        &self,
        path: &str,
        request: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, ArchiveError> {
        // On a thread of its own, so that the caller may itself be a task.
        let answer = std::thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.map(|runtime| runtime.block_on(request))
            });
            asking.join()
        });
        let failed =
            |reason: String| ArchiveError::Store { file: self.name(path), reason, full: false };
        match answer {
            Ok(Ok(answer)) => answer.map_err(|error| self.failed(path, &error)),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(_) => Err(failed("the request's thread ended".to_owned())),
        }
    }

    pub(super) fn list(&self, below: &str) -> Result<Vec<String>, ArchiveError> {
        let root = self.place(below);
        let listed = self.ask(below, async {
            let found = self.store.list(Some(&root));
            found.map_ok(|object| object.location.to_string()).try_collect::<Vec<_>>().await
        })?;
        let skip = if self.prefix.is_empty() { 0 } else { self.prefix.len() + 1 };
        let mut paths: Vec<String> =
            listed.iter().filter_map(|path| path.get(skip..)).map(str::to_owned).collect();
        paths.sort_unstable();
        Ok(paths)
    }

    pub(super) fn read(&self, path: &str) -> Result<Option<Bytes>, ArchiveError> {
        let place = self.place(path);
        self.ask(path, async {
            match self.store.get(&place).await {
                Ok(found) => found.bytes().await.map(Some),
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    pub(super) fn write_new(&self, path: &str, bytes: &[u8]) -> Result<bool, ArchiveError> {
        let place = self.place(path);
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let content = Bytes::copy_from_slice(bytes);
        self.ask(path, async {
            match self.store.put_opts(&place, content.into(), options).await {
                Ok(_) => Ok(true),
                Err(Error::AlreadyExists { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        })
    }

    pub(super) fn replace(&self, path: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        let (place, content) = (self.place(path), Bytes::copy_from_slice(bytes));
        self.ask(path, async { self.store.put(&place, content.into()).await.map(|_| ()) })
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), ArchiveError> {
        // The copy is there before the object goes.
        let (source, target) = (self.place(from), self.place(to));
        self.ask(from, async {
            self.store.copy(&source, &target).await?;
            self.store.delete(&source).await
        })
    }

    pub(super) fn remove(&self, path: &str) -> Result<(), ArchiveError> {
        let place = self.place(path);
        self.ask(path, async { self.store.delete(&place).await })
    }
}
