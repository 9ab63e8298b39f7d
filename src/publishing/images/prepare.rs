//! One file to two pictures: decoded, turned upright, made small, encoded again.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::imageops::FilterType as Resampling;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits};

use super::{ImageError, gif};
use crate::model::ImageType;

/// Width of the variant for mails: twice that of the column it stands in, for fine screens.
pub const MAIL_WIDTH_MAX_PX: u32 = 1072;
/// Longest side of the variant for the web.
pub const WEB_SIDE_MAX_PX: u32 = 2000;
/// Most pixels that are decoded: more than phones make, and 200 MB while it is worked on.
const PIXELS_MAX: u64 = 50_000_000;
/// Longest side that is decoded.
const SIDE_MAX_PX: u32 = 20_000;
/// Most memory that a decoder may ask for, in octets: [`PIXELS_MAX`] of four octets, and as much again.
const DECODER_MAX_OCTETS: u64 = PIXELS_MAX * 8;
/// Of JPEG: no difference that one sees, a third of the octets of 95.
const QUALITY: u8 = 82;
/// Largest description of colours that is kept with a picture, in octets. Those of cameras have 3 kB; more are tables
/// for printing.
const PROFILE_MAX_OCTETS: usize = 4096;

pub struct Prepared {
    pub media_type: ImageType,
    pub mail: Picture,
    pub web: Picture,
}

#[derive(Clone)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    pub octets: Vec<u8>,
}

/// # Errors
/// [`ImageError`] says what is wrong with the file.
pub fn prepare(file: &[u8]) -> Result<Prepared, ImageError> {
    let format = format_of(file)?;
    if format == ImageFormat::Gif
        && let Some(moving) = gif::keep_moving(file)?
    {
        return Ok(Prepared { media_type: ImageType::Gif, mail: moving.clone(), web: moving });
    }
    let (image, profile) = decode(file, format)?;
    let mail = fit(&image, MAIL_WIDTH_MAX_PX, SIDE_MAX_PX);
    let web = fit(&image, WEB_SIDE_MAX_PX, WEB_SIDE_MAX_PX);
    drop(image);
    let profile = profile.as_deref();
    let jpeg = encode(&mail, ImageType::Jpeg, profile)?;
    let (media_type, mail) = if format == ImageFormat::Jpeg {
        (ImageType::Jpeg, jpeg)
    } else {
        // Drawings and screenshots are smaller, and sharper, without the waves of JPEG; photos are not.
        let png = encode(&mail, ImageType::Png, profile)?;
        let is_png = mail.color().has_alpha() || png.octets.len() <= jpeg.octets.len();
        if is_png { (ImageType::Png, png) } else { (ImageType::Jpeg, jpeg) }
    };
    let web = encode(&web, media_type, profile)?;
    Ok(Prepared { media_type, mail, web })
}

/// What the first octets say.
fn format_of(file: &[u8]) -> Result<ImageFormat, ImageError> {
    let starts = |sign: &[u8]| file.starts_with(sign);
    if starts(b"\xff\xd8\xff") {
        return Ok(ImageFormat::Jpeg);
    }
    if starts(b"\x89PNG\r\n\x1a\n") {
        return Ok(ImageFormat::Png);
    }
    if starts(b"GIF87a") || starts(b"GIF89a") {
        return Ok(ImageFormat::Gif);
    }
    if starts(b"RIFF") && file.get(8..12) == Some(b"WEBP") {
        return Ok(ImageFormat::WebP);
    }
    // The same box begins films, which are none of these.
    match file.get(4..12) {
        Some(
            b"ftypheic" | b"ftypheix" | b"ftypheim" | b"ftypheis" | b"ftyphevc" | b"ftyphevx" | b"ftypmif1"
            | b"ftypmsf1",
        ) => return Err(ImageError::Heic),
        Some(b"ftypavif" | b"ftypavis") => return Err(ImageError::Avif),
        _ => {}
    }
    /// How far into a file a drawing says that it is one.
    const LOOK_OCTETS: usize = 1024;
    let head = String::from_utf8_lossy(file.get(..LOOK_OCTETS).unwrap_or(file)).to_lowercase();
    if head.contains("<svg") || head.contains("<!doctype svg") {
        return Err(ImageError::Svg);
    }
    Err(ImageError::Unknown)
}

/// The pixels, upright and of eight bits, and what their colours mean.
fn decode(file: &[u8], format: ImageFormat) -> Result<(DynamicImage, Option<Vec<u8>>), ImageError> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX_PX);
    limits.max_image_height = Some(SIDE_MAX_PX);
    limits.max_alloc = Some(DECODER_MAX_OCTETS);
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| refused(&error))?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(ImageError::Broken);
    }
    if u64::from(width) * u64::from(height) > PIXELS_MAX || width.max(height) > SIDE_MAX_PX {
        return Err(ImageError::TooManyPixels);
    }
    let profile = decoder.icc_profile().ok().flatten().filter(|profile| {
        // Of red, green and blue: that is what the pixels are by now.
        profile.len() <= PROFILE_MAX_OCTETS && profile.get(16..20) == Some(b"RGB ")
    });
    let orientation = decoder.orientation().map_err(|error| refused(&error))?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| refused(&error))?;
    image.apply_orientation(orientation);
    let is_seen_through =
        image.color().has_alpha() && image.to_rgba8().pixels().any(|pixel| pixel.0[3] < u8::MAX);
    let image = if is_seen_through {
        DynamicImage::ImageRgba8(image.into_rgba8())
    } else {
        DynamicImage::ImageRgb8(image.into_rgb8())
    };
    Ok((image, profile))
}

fn refused(error: &image::ImageError) -> ImageError {
    match error {
        image::ImageError::Limits(_) => ImageError::TooManyPixels,
        _ => ImageError::Broken,
    }
}

/// The picture as it is, or so small that it fits.
fn fit(image: &DynamicImage, width_max: u32, height_max: u32) -> DynamicImage {
    let (width, height) = (u64::from(image.width()), u64::from(image.height()));
    let (most_wide, most_high) = (u64::from(width_max), u64::from(height_max));
    if width <= most_wide && height <= most_high {
        return image.clone();
    }
    // The side that is more out of proportion decides.
    let (new_width, new_height) = if width * most_high >= height * most_wide {
        (most_wide, (height * most_wide + width / 2) / width)
    } else {
        ((width * most_high + height / 2) / height, most_high)
    };
    let side = |side: u64| u32::try_from(side.max(1)).unwrap_or(1);
    image.resize_exact(side(new_width), side(new_height), Resampling::Lanczos3)
}

fn encode(
    image: &DynamicImage,
    media_type: ImageType,
    profile: Option<&[u8]>,
) -> Result<Picture, ImageError> {
    let mut octets = Vec::new();
    let (width, height) = (image.width(), image.height());
    let written = match media_type {
        ImageType::Jpeg => {
            let pixels = image.to_rgb8();
            let mut encoder = JpegEncoder::new_with_quality(&mut octets, QUALITY);
            if let Some(profile) = profile {
                let _ = encoder.set_icc_profile(profile.to_vec());
            }
            encoder.write_image(pixels.as_raw(), width, height, ExtendedColorType::Rgb8)
        }
        ImageType::Png | ImageType::Gif => {
            let mut encoder =
                PngEncoder::new_with_quality(&mut octets, CompressionType::Best, FilterType::Adaptive);
            if let Some(profile) = profile {
                let _ = encoder.set_icc_profile(profile.to_vec());
            }
            image.write_with_encoder(encoder)
        }
    };
    written.map_err(|error| refused(&error))?;
    Ok(Picture { width, height, octets })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
