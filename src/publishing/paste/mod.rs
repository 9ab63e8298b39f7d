//! What somebody pasted, from a word processor or a web page, as clean Markdown.
//!
//! Three steps, each linear in the size of the text: [`tree`] reads the HTML as a browser's clipboard hands it over,
//! [`blocks`] finds paragraphs, lists and tables in it, whatever program wrote it, and [`markdown`] writes them down.
//! Words that can be seen are kept, in their order. Styles, scripts, comments and addresses of other kinds than http,
//! https and mailto are not; pictures that stand in the HTML itself are counted, so that the editor can say so.
//!
//! It is our own code, on the tokenizer that the second wall of [`crate::mail::markdown`] has already: lists in Word are
//! paragraphs, bold in Google Docs is a style, and a converter of HTML that was cleaned first has lost both.

use reqwest::Url;

mod blocks;
mod markdown;
mod tree;

/// Largest HTML, in octets: a book from a word processor. What is larger holds pictures.
pub const INPUT_MAX_OCTETS: usize = 4 * 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pasted {
    pub markdown: String,
    /// Pictures that were left out, because they have no address.
    pub pictures: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the HTML has more than {INPUT_MAX_OCTETS} octets")]
pub struct TooLarge;

/// Writes HTML as Markdown.
///
/// # Errors
/// [`TooLarge`].
pub fn to_markdown(html: &str) -> Result<Pasted, TooLarge> {
    to_markdown_of(html, None)
}

/// The same for HTML of a page, whose relative addresses are read against that of the page.
///
/// # Errors
/// [`TooLarge`].
pub fn to_markdown_of(html: &str, page: Option<&Url>) -> Result<Pasted, TooLarge> {
    if html.len() > INPUT_MAX_OCTETS {
        return Err(TooLarge);
    }
    let mut tree = tree::read(html);
    if let Some(page) = page {
        tree.resolve(page);
    }
    let (blocks, pictures) = blocks::find(&tree);
    Ok(Pasted { markdown: markdown::write(&blocks), pictures })
}

#[cfg(test)]
mod tests;
