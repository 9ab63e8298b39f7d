//! Pictures of articles: taken in, made small and clean, kept.
//!
//! A file is looked at, not believed: its first octets say what it is, and what is kept is a new file made of its
//! pixels, so that nothing but a picture comes out, whatever went in. See `docs/decisions/0016-images.md`.

mod gif;
mod prepare;

use std::sync::Arc;

use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::clock::Clock;
use crate::files::{Files, FilesError};
use crate::i18n::Message;
use crate::keys::sha256;
use crate::model::{Act, Image, ImageVariant, Permission, UserId};
use crate::store::images::{self as table, NewImage};
use crate::store::{Store, StoreError};

pub use prepare::{MAIL_WIDTH_MAX_PX, WEB_SIDE_MAX_PX};

/// Largest file that is taken, in octets: a photo of a good camera.
pub const FILE_MAX_OCTETS: usize = 10 * 1024 * 1024;
/// How many pictures are worked on at once: each may need 200 MB while it is.
const AT_ONCE_MAX: usize = 1;
/// Longest description of a picture.
pub const ALT_MAX_CHARS: usize = 500;

/// Where pictures are kept and worked on. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Images {
    pub files: Files,
    turn: Arc<Semaphore>,
}

impl Images {
    pub fn new(files: Files) -> Self {
        Self { files, turn: Arc::new(Semaphore::new(AT_ONCE_MAX)) }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    #[error("{}", self.message())]
    TooLarge,
    #[error("{}", self.message())]
    Svg,
    /// HEIC: what iPhones make, and mail programs do not show.
    #[error("{}", self.message())]
    Heic,
    #[error("{}", self.message())]
    Avif,
    #[error("{}", self.message())]
    Unknown,
    #[error("{}", self.message())]
    TooManyPixels,
    /// Moving, and too heavy for a mail.
    #[error("{}", self.message())]
    TooMuchMotion,
    /// Not all of it is there, or it is not what it says.
    #[error("{}", self.message())]
    Broken,
    #[error("{}", self.message())]
    AltTooLong,
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the work on a picture was ended")]
    Ended,
}

impl ImageError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        let megabytes = |octets: usize| super::number(octets / 1024 / 1024);
        match self {
            Self::TooLarge => Message::new("image-error-large").number("most", megabytes(FILE_MAX_OCTETS)),
            Self::Svg => Message::new("image-error-svg"),
            Self::Heic => Message::new("image-error-heic"),
            Self::Avif => Message::new("image-error-avif"),
            Self::Unknown => Message::new("image-error-unknown"),
            Self::TooManyPixels => Message::new("image-error-pixels"),
            Self::TooMuchMotion => {
                Message::new("image-error-motion").number("most", megabytes(gif::MOVING_MAX_OCTETS))
            }
            Self::Broken => Message::new("image-error-broken"),
            Self::AltTooLong => Message::new("error-too-long")
                .number("most", super::number(ALT_MAX_CHARS))
                .number("chars", super::number(ALT_MAX_CHARS + 1)),
            Self::Files(_) | Self::Store(_) | Self::Ended => Message::new("page-error-internal"),
        }
    }

    /// Whether another file would do better, or nothing would.
    pub const fn is_of_file(&self) -> bool {
        !matches!(self, Self::Files(_) | Self::Store(_) | Self::Ended)
    }
}

/// Keeps a picture, and says where it is. The same file is one image, whoever hands it in; `alt` is what it shows, or
/// empty for decoration.
///
/// # Errors
/// [`ImageError`] says what is wrong with the file, or what failed.
pub async fn add(
    store: &Store,
    clock: &Clock,
    images: &Images,
    by: Option<UserId>,
    alt: &str,
    file: Vec<u8>,
) -> Result<Image, ImageError> {
    store.permit(Permission::WriteArticles, None)?;
    if file.len() > FILE_MAX_OCTETS {
        return Err(ImageError::TooLarge);
    }
    let alt = crate::mail::slot::clean_line(alt);
    if alt.chars().count() > ALT_MAX_CHARS {
        return Err(ImageError::AltTooLong);
    }
    let hash = sha256(&file);
    let known = table::by_sha256(store.read().await?.db(), &hash).await?;
    if let Some(known) = known {
        return describe(store, known, &alt).await;
    }
    let turn = images.turn.acquire().await.map_err(|_| ImageError::Ended)?;
    let worked = tokio::task::spawn_blocking(move || prepare::prepare(&file)).await;
    drop(turn);
    let prepared = worked.map_err(|_| ImageError::Ended)??;
    let new = NewImage {
        public_id: Uuid::now_v7(),
        sha256: &hash,
        media_type: prepared.media_type,
        width: i64::from(prepared.mail.width),
        height: i64::from(prepared.mail.height),
        octets: i64::try_from(prepared.mail.octets.len()).unwrap_or(i64::MAX),
        alt: &alt,
        by,
    };
    // The files first: a row promises that they are there.
    let name =
        |variant: ImageVariant| format!("{}/{variant}.{}", new.public_id, prepared.media_type.extension());
    images.files.put(&name(ImageVariant::Web), prepared.web.octets).await?;
    images.files.put(&name(ImageVariant::Mail), prepared.mail.octets).await?;
    let mut tx = store.begin().await?;
    let kept = table::insert(&mut tx, &new, clock.now()).await?;
    if let Some(image) = &kept {
        tx.note(Act::ImageAdded, None, image.id.0).await?;
    }
    tx.commit().await?;
    match kept {
        Some(image) => Ok(image),
        // Somebody handed in the same file at the same moment.
        None => {
            let other = table::by_sha256(store.read().await?.db(), &hash).await?;
            other.ok_or(ImageError::Ended)
        }
    }
}

async fn describe(store: &Store, mut image: Image, alt: &str) -> Result<Image, ImageError> {
    if !alt.is_empty() && image.alt != alt {
        let mut tx = store.begin().await?;
        table::set_alt(&mut tx, image.id, alt).await?;
        tx.commit().await?;
    }
    alt.clone_into(&mut image.alt);
    Ok(image)
}
