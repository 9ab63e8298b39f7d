//! The image store: files under names, in a folder of this machine or in an S3-compatible service.
//!
//! Files are written once and never changed; their names are made by us. `images.store` in the settings says where.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Name;
use object_store::{ObjectStore, ObjectStoreExt as _};

use crate::model::ImageStore;

#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    #[error("the folder for images, {0}, cannot be made: {1}")]
    Folder(PathBuf, std::io::Error),
    #[error(transparent)]
    Store(#[from] object_store::Error),
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Files(Arc<dyn ObjectStore>);

impl Files {
    /// # Errors
    /// When the folder cannot be made, or the settings of the service are not complete.
    pub fn open(place: &ImageStore) -> Result<Self, FilesError> {
        match place {
            ImageStore::Folder(folder) => Self::in_folder(folder),
            ImageStore::S3 { bucket } => Self::in_s3(bucket),
        }
    }

    fn in_folder(folder: &Path) -> Result<Self, FilesError> {
        let cannot = |error| FilesError::Folder(folder.to_owned(), error);
        std::fs::create_dir_all(folder).map_err(cannot)?;
        Ok(Self(Arc::new(LocalFileSystem::new_with_prefix(folder)?)))
    }

    #[cfg(feature = "s3")]
    fn in_s3(bucket: &str) -> Result<Self, FilesError> {
        let builder = object_store::aws::AmazonS3Builder::from_env().with_bucket_name(bucket);
        Ok(Self(Arc::new(builder.build()?)))
    }

    #[cfg(not(feature = "s3"))]
    fn in_s3(_: &str) -> Result<Self, FilesError> {
        Err(object_store::Error::NotImplemented {
            operation: "s3".to_owned(),
            implementer: "this build".to_owned(),
        }
        .into())
    }

    /// Gone with the process; for tests.
    pub fn in_memory() -> Self {
        Self(Arc::new(InMemory::new()))
    }

    /// # Errors
    /// When the disk is full, or the service refuses.
    pub async fn put(&self, name: &str, octets: Vec<u8>) -> Result<(), FilesError> {
        self.0.put(&Name::from(name), octets.into()).await?;
        Ok(())
    }

    /// The whole file; `None` when there is none of that name.
    ///
    /// # Errors
    /// When the disk or the service fails.
    pub async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, FilesError> {
        match self.0.get(&Name::from(name)).await {
            Ok(found) => Ok(Some(found.bytes().await?.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_comes_back_as_it_went_in_and_stays_in_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::open(&ImageStore::Folder(folder.path().join("images"))).expect("opened");
        files.put("a/mail.png", vec![1, 2, 3]).await.expect("written");
        assert_eq!(files.get("a/mail.png").await.expect("read"), Some(vec![1, 2, 3]));
        assert_eq!(files.get("a/web.png").await.expect("read"), None);
        files.put("../../outside.png", vec![1]).await.expect("written");
        assert!(!folder.path().join("outside.png").exists());
    }

    /// The variables that every client of S3 reads name the service; `scripts/s3.sh` starts one and sets them.
    #[cfg(feature = "s3")]
    #[tokio::test]
    #[ignore = "needs a service: scripts/s3.sh runs it"]
    async fn a_file_comes_back_from_a_service_and_a_bucket_that_is_not_there_is_told() {
        let bucket = |name: &str| Files::open(&ImageStore::S3 { bucket: name.to_owned() }).expect("opened");
        let files = bucket("pictures");
        let large = vec![7_u8; 3 * 1024 * 1024];
        files.put("a/mail.png", large.clone()).await.expect("written");
        assert_eq!(files.get("a/mail.png").await.expect("read"), Some(large));
        assert_eq!(files.get("a/web.png").await.expect("read"), None);
        let refused = bucket("nothing").put("a/mail.png", vec![1]).await.expect_err("refused");
        assert!(refused.to_string().contains("NoSuchBucket"), "{refused}");
    }
}
