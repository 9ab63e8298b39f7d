use image::codecs::gif::GifEncoder;
use image::{Frame, Rgb, RgbImage, Rgba, RgbaImage};

use super::*;

fn file(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut octets = Cursor::new(Vec::new());
    image.write_to(&mut octets, format).expect("encoded");
    octets.into_inner()
}

/// Noise, which no drawing is.
fn photo(width: u32, height: u32) -> DynamicImage {
    let mut seed = 7_u32;
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |_, _| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Rgb([(seed >> 24) as u8, (seed >> 16) as u8, (seed >> 8) as u8])
    }))
}

fn flat(width: u32, height: u32) -> DynamicImage {
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, _| {
        Rgb([if x < 9 { 200 } else { 10 }, 20, 30])
    }))
}

fn moving(frames: usize) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut encoder = GifEncoder::new(&mut octets);
    for at in 0..frames {
        let shade = u8::try_from(at * 40 % 256).expect("a shade");
        encoder
            .encode_frame(Frame::new(RgbaImage::from_pixel(40, 20, Rgba([shade, 0, 0, 255]))))
            .expect("a frame");
    }
    drop(encoder);
    octets
}

#[test]
fn a_photo_is_a_jpeg_in_two_sizes_and_a_drawing_a_png() {
    let prepared = prepare(&file(&photo(3000, 1500), ImageFormat::Jpeg)).expect("a picture");
    assert_eq!(prepared.media_type, ImageType::Jpeg);
    assert_eq!((prepared.mail.width, prepared.mail.height), (1072, 536));
    assert_eq!((prepared.web.width, prepared.web.height), (2000, 1000));
    assert!(prepared.mail.octets.starts_with(b"\xff\xd8\xff"));
    let drawing = prepare(&file(&flat(600, 300), ImageFormat::Png)).expect("a picture");
    assert_eq!((drawing.media_type, drawing.mail.width), (ImageType::Png, 600));
    let noise = prepare(&file(&photo(600, 300), ImageFormat::Png)).expect("a picture");
    assert_eq!(noise.media_type, ImageType::Jpeg);
    let webp = prepare(&file(&photo(60, 30), ImageFormat::WebP)).expect("a picture");
    assert_eq!((webp.mail.width, webp.mail.height), (60, 30));
}

#[test]
fn what_one_sees_through_stays_so() {
    let glass = DynamicImage::ImageRgba8(RgbaImage::from_pixel(40, 40, Rgba([9, 9, 9, 100])));
    let prepared = prepare(&file(&glass, ImageFormat::Png)).expect("a picture");
    assert_eq!(prepared.media_type, ImageType::Png);
    let again = image::load_from_memory(&prepared.mail.octets).expect("a picture").into_rgba8();
    assert_eq!(again.get_pixel(1, 1).0[3], 100);
}

/// A JPEG with an EXIF block: where it was taken, and that it lies on its side.
fn on_its_side() -> Vec<u8> {
    let mut jpeg = file(&flat(60, 20), ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    exif.extend_from_slice(b"GPS 51.05N 3.72E");
    let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
    jpeg.splice(2..2, [0xff, 0xe1, length[0], length[1]].into_iter().chain(exif));
    jpeg
}

#[test]
fn a_photo_is_turned_upright_and_says_nothing_of_its_maker() {
    let file = on_its_side();
    assert!(file.windows(3).any(|three| three == b"GPS"));
    let prepared = prepare(&file).expect("a picture");
    assert_eq!((prepared.mail.width, prepared.mail.height), (20, 60));
    for picture in [&prepared.mail, &prepared.web] {
        assert!(!picture.octets.windows(4).any(|four| four == b"Exif" || four == b"GPS "));
    }
}

#[test]
fn a_moving_gif_is_kept_without_what_is_no_picture() {
    let mut gif = moving(3);
    let end = gif.len() - 1;
    let comment = b"!\xfe\x0d<script>x</s>\0";
    gif.splice(end..end, comment.iter().copied());
    gif.extend_from_slice(b"<script>alert(1)</script>");
    let prepared = prepare(&gif).expect("a picture");
    assert_eq!((prepared.media_type, prepared.mail.width, prepared.mail.height), (ImageType::Gif, 40, 20));
    assert!(!prepared.mail.octets.windows(7).any(|some| some == b"<script"));
    let decoder = image::codecs::gif::GifDecoder::new(Cursor::new(&prepared.mail.octets)).expect("a gif");
    assert_eq!(image::AnimationDecoder::into_frames(decoder).count(), 3);
    // One that stands still is a drawing.
    assert_eq!(prepare(&moving(1)).expect("a picture").media_type, ImageType::Png);
}

#[test]
fn a_file_that_is_two_things_becomes_one() {
    let mut both = file(&flat(60, 20), ImageFormat::Png);
    both.extend_from_slice(b"<html><script>alert(1)</script>PK\x03\x04");
    let prepared = prepare(&both).expect("a picture");
    assert!(!prepared.mail.octets.windows(7).any(|some| some == b"<script"));
}

/// The head of a PNG that claims a size.
fn claims(width: u32, height: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    png.extend_from_slice(&width.to_be_bytes());
    png.extend_from_slice(&height.to_be_bytes());
    png.extend_from_slice(&[8, 2, 0, 0, 0]);
    let mut crc = flate2::Crc::new();
    crc.update(&png[12..]);
    png.extend_from_slice(&crc.sum().to_be_bytes());
    png.extend_from_slice(b"\0\0\0\x01IDAT\x08");
    png
}

#[test]
fn a_file_that_claims_a_huge_picture_is_refused_before_it_is_unpacked() {
    let begun = std::time::Instant::now();
    for (width, height) in [(50_000, 50_000), (19_000, 19_000), (u32::MAX >> 1, 1)] {
        assert!(
            matches!(prepare(&claims(width, height)), Err(ImageError::TooManyPixels)),
            "{width}x{height}"
        );
    }
    assert!(begun.elapsed().as_secs() < 5);
}

#[test]
fn what_is_no_picture_is_refused_with_its_reason() {
    let why = |file: &[u8]| match prepare(file) {
        Ok(_) => "taken",
        Err(error) => error.message().key(),
    };
    assert_eq!(
        why(b"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>"),
        "image-error-svg"
    );
    for brand in ["heic", "heix", "hevc", "mif1"] {
        let file = format!("\0\0\0\x18ftyp{brand}\0\0\0\0mif1heic");
        assert_eq!(why(file.as_bytes()), "image-error-heic", "{brand}");
    }
    assert_eq!(why(b"\0\0\0\x1cftypavif\0\0\0\0avifmif1"), "image-error-avif");
    assert_eq!(why(b"\0\0\0\x18ftypisom\0\0\0\0isomavc1"), "image-error-unknown");
    assert_eq!(why(b"\0\0\0\x18ftyp"), "image-error-unknown");
    assert_eq!(why(b"%PDF-1.7"), "image-error-unknown");
    assert_eq!(why(b""), "image-error-unknown");
    assert_eq!(why(b"GIF89a"), "image-error-broken");
    assert_eq!(why(b"RIFF\0\0\0\0WEBP"), "image-error-broken");
}

#[test]
fn a_file_that_ends_too_early_is_broken_or_whole_and_never_a_crash() {
    for whole in [
        file(&photo(64, 64), ImageFormat::Jpeg),
        file(&photo(64, 64), ImageFormat::Png),
        file(&photo(64, 64), ImageFormat::WebP),
        moving(3),
        on_its_side(),
    ] {
        for share in 0..20 {
            let _ = prepare(&whole[..whole.len() * share / 20]);
        }
        for at in (0..whole.len()).step_by(whole.len() / 40 + 1) {
            let mut bent = whole.clone();
            bent[at] ^= 0x5a;
            let _ = prepare(&bent);
        }
    }
    let png = file(&photo(64, 64), ImageFormat::Png);
    assert!(matches!(prepare(&png[..png.len() / 2]), Err(ImageError::Broken)));
}
