//! Moving GIFs are kept as they are, frame by frame: what a new encoder would make of them is larger and worse. Of the
//! file only the blocks that make the picture are copied; comments, data of programs and what stands behind the end are
//! not, so that what is kept is a picture and nothing else.

use std::io::Cursor;

use image::ImageFormat;

use super::ImageError;
use super::prepare::Picture;

/// Heaviest moving picture, in octets: readers on a phone load it with every opening.
pub const MOVING_MAX_OCTETS: usize = 3 * 1024 * 1024;
/// Largest canvas, in pixels: each frame needs one while it is shown.
const CANVAS_MAX_PIXELS: u32 = 4_000_000;
/// Most frames.
const FRAMES_MAX: usize = 1000;

/// The file without what is no picture; `None` when it does not move.
///
/// # Errors
/// [`ImageError::Broken`] when it ends too early, [`ImageError::TooMuchMotion`] when it is too heavy.
pub fn keep_moving(file: &[u8]) -> Result<Option<Picture>, ImageError> {
    let (octets, frames) = copy(file).ok_or(ImageError::Broken)?;
    if frames < 2 {
        return Ok(None);
    }
    let side = |at: usize| {
        let octets = file.get(at..at + 2).and_then(|octets| <[u8; 2]>::try_from(octets).ok());
        octets.map_or(0, |octets| u32::from(u16::from_le_bytes(octets)))
    };
    let (width, height) = (side(6), side(8));
    if width == 0 || height == 0 {
        return Err(ImageError::Broken);
    }
    if width.saturating_mul(height) > CANVAS_MAX_PIXELS {
        return Err(ImageError::TooManyPixels);
    }
    if octets.len() > MOVING_MAX_OCTETS || frames > FRAMES_MAX {
        return Err(ImageError::TooMuchMotion);
    }
    // That the first frame can be shown.
    image::load(Cursor::new(&octets), ImageFormat::Gif).map_err(|_| ImageError::Broken)?;
    Ok(Some(Picture { width, height, octets }))
}

/// What is left of a file.
struct Rest<'a> {
    file: &'a [u8],
    at: usize,
}

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.file.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }

    /// Blocks of a length and so many octets, up to the one of length zero.
    fn blocks(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        loop {
            let length = *self.take(1)?.first()?;
            if length == 0 {
                return self.file.get(start..self.at);
            }
            self.take(usize::from(length))?;
        }
    }
}

/// Octets of a table of colours whose size the flags give.
fn table_octets(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 0x07) + 1) }
}

/// The blocks of the picture, and how many frames there are; `None` when the file ends too early or is no GIF.
fn copy(file: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut rest = Rest { file, at: 0 };
    let mut kept = Vec::with_capacity(file.len());
    let head = rest.take(13)?;
    kept.extend_from_slice(head);
    kept.extend_from_slice(rest.take(table_octets(*head.get(10)?))?);
    let mut frames = 0;
    loop {
        match *rest.take(1)?.first()? {
            b',' => {
                let frame = rest.take(9)?;
                kept.push(b',');
                kept.extend_from_slice(frame);
                kept.extend_from_slice(rest.take(table_octets(*frame.get(8)?))?);
                kept.extend_from_slice(rest.take(1)?); // size of the codes
                kept.extend_from_slice(rest.blocks()?);
                frames += 1;
            }
            b'!' => {
                let label = *rest.take(1)?.first()?;
                let blocks = rest.blocks()?;
                let repeats = |name: &[u8]| blocks.get(1..12) == Some(name);
                let is_of_picture =
                    label == 0xf9 || (label == 0xff && (repeats(b"NETSCAPE2.0") || repeats(b"ANIMEXTS1.0")));
                if is_of_picture {
                    kept.extend_from_slice(&[b'!', label]);
                    kept.extend_from_slice(blocks);
                }
            }
            b';' => {
                kept.push(b';');
                return Some((kept, frames));
            }
            _ => return None,
        }
    }
}
