//! A picture of an article.

use std::path::PathBuf;
use std::str::FromStr;

use uuid::Uuid;

use super::{ImageId, Timestamp, UserId};

text_enum!(
    /// As what the variants are stored and served.
    ImageType { Jpeg = "image/jpeg", Png = "image/png", Gif = "image/gif" }
);

impl ImageType {
    /// The end of its file names.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
        }
    }
}

text_enum!(
    /// One picture in two sizes.
    ImageVariant {
        /// For the column of a mail, at two pixels for each of its own.
        Mail = "mail",
        /// For a wide window.
        Web = "web",
    }
);

#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Image {
    pub id: ImageId,
    /// What the outside sees.
    pub public_id: Uuid,
    /// SHA-256 of the file as it was handed in.
    pub sha256: Vec<u8>,
    pub media_type: ImageType,
    /// Of the variant for mails, as are height and octets.
    pub width: i64,
    pub height: i64,
    pub octets: i64,
    /// What it shows, as last said; empty: not said, or decoration.
    pub alt: String,
    pub user_id: Option<UserId>,
    pub created_at: Timestamp,
}

/// Width of the column of a mail, in its own pixels.
const COLUMN_PX: i64 = 536;

impl Image {
    /// Where a variant is served, and its name in the image store.
    pub fn file(&self, variant: ImageVariant) -> String {
        format!("{}/{variant}.{}", self.public_id, self.media_type.extension())
    }

    /// The address in Markdown, with the size that it has in a mail: `/images/../mail.jpg#536x402`.
    pub fn address(&self) -> String {
        let (width, height) = self.shown();
        format!("/images/{}#{width}x{height}", self.file(ImageVariant::Mail))
    }

    /// Width and height in a mail: as it is, or as wide as the column.
    pub fn shown(&self) -> (i64, i64) {
        let width = self.width.clamp(1, COLUMN_PX);
        (width, ((self.height * width + self.width / 2) / self.width.max(1)).max(1))
    }
}

/// Where the files of images are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageStore {
    Folder(PathBuf),
    /// `s3://bucket`. Keys, region and endpoint are in the environment variables that every client of S3 reads
    /// (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT`).
    S3 {
        bucket: String,
    },
}

impl FromStr for ImageStore {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("s3://") {
            None if text.trim().is_empty() => Err("is not a folder".to_owned()),
            None => Ok(Self::Folder(PathBuf::from(text))),
            Some(_) if cfg!(not(feature = "s3")) => {
                Err("asks for S3, and this program was built without it (cargo feature s3)".to_owned())
            }
            Some(bucket) if bucket.is_empty() || bucket.contains('/') => {
                Err("is not s3:// and the name of a bucket".to_owned())
            }
            Some(bucket) => Ok(Self::S3 { bucket: bucket.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_folder_or_a_bucket() {
        assert_eq!("pictures".parse(), Ok(ImageStore::Folder("pictures".into())));
        assert!(" ".parse::<ImageStore>().is_err());
        let bucket = "s3://pictures".parse::<ImageStore>();
        assert_eq!(bucket.is_ok(), cfg!(feature = "s3"), "{bucket:?}");
    }
}
