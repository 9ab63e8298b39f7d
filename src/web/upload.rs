//! A posted form that may hold one file: `multipart/form-data`, or the usual encoding without a file.

use std::future::Future;
use std::pin::Pin;

use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest};
use futures_util::TryStreamExt as _;

use super::PageError;
use super::form::Form;
use crate::publishing::images::FILE_MAX_OCTETS;

/// Most parts of a form.
const PARTS_MAX: usize = 50;
/// Longest text field, in octets.
const TEXT_MAX_OCTETS: usize = 8 * 1024;
/// So much is read of a form whose file is too large: a browser shows no answer before it has sent everything.
const READ_MAX_OCTETS: usize = 4 * FILE_MAX_OCTETS;

/// The fields of a form, and its file. The names of files are nobody's business.
#[derive(Debug, Clone, Default)]
pub struct Upload {
    pub form: Form,
    pub file: File,
}

#[derive(Debug, Clone, Default)]
pub enum File {
    #[default]
    None,
    Octets(Vec<u8>),
    /// More than [`FILE_MAX_OCTETS`].
    TooLarge,
}

async fn read(mut parts: Multipart) -> Result<Upload, PageError> {
    let mut upload = Upload::default();
    let (mut count, mut whole) = (0, 0);
    while let Some(mut part) = parts.try_next().await.map_err(|_| PageError::BadRequest)? {
        count += 1;
        if count > PARTS_MAX {
            return Err(PageError::TooLarge);
        }
        let name = part.name().unwrap_or_default().to_owned();
        let is_file = part.content_disposition().is_some_and(|about| about.get_filename().is_some());
        let kept_max = if is_file { FILE_MAX_OCTETS } else { TEXT_MAX_OCTETS };
        let (mut octets, mut read) = (Vec::new(), 0);
        while let Some(chunk) = part.try_next().await.map_err(|_| PageError::BadRequest)? {
            read += chunk.len();
            whole += chunk.len();
            if whole > READ_MAX_OCTETS || (!is_file && read > kept_max) {
                return Err(PageError::TooLarge);
            }
            if read <= kept_max {
                octets.extend_from_slice(&chunk);
            }
        }
        match (is_file, read) {
            (false, _) => upload.form.push(&name, String::from_utf8_lossy(&octets)),
            // A field of a file that nobody chose.
            (true, 0) => {}
            (true, read) if read > kept_max => upload.file = File::TooLarge,
            (true, _) => upload.file = File::Octets(octets),
        }
    }
    Ok(upload)
}

impl FromRequest for Upload {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_multipart = media_type.is_some_and(|media_type| {
            media_type.trim_start().to_ascii_lowercase().starts_with("multipart/form-data")
        });
        if is_multipart {
            let parts = Multipart::from_request(request, payload);
            return Box::pin(async move { read(parts.await.map_err(|_| PageError::BadRequest)?).await });
        }
        let form = Form::from_request(request, payload);
        Box::pin(async move { Ok(Self { form: form.await?, file: File::None }) })
    }
}
