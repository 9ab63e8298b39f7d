//! Pictures of texts that come from elsewhere: by a feed, or handed in by a program.

use std::time::{Duration, Instant};

use reqwest::Url;

use super::images::{self, Images};
use crate::clock::Clock;
use crate::http::{Http, Known};
use crate::store::Store;

/// Most pictures of a text that are fetched; the others stay where they are.
const PICTURES_MAX: usize = 20;

/// What fetching pictures needs.
#[derive(Debug, Clone, Copy)]
pub struct Fetcher<'a> {
    pub store: &'a Store,
    pub clock: &'a Clock,
    pub http: &'a Http,
    pub images: &'a Images,
    /// No further picture is begun after so long; the others stay where they are.
    pub within: Duration,
}

impl Fetcher<'_> {
    /// The same Markdown with pictures of our own: fetched through the one door to the web (S13), looked at and made anew. What
    /// cannot be had stays where it is, and the check of an issue says so.
    pub async fn with_own_pictures(self, markdown: &str) -> String {
        let mut body = markdown.to_owned();
        let begun = Instant::now();
        for address in addresses(markdown).into_iter().take(PICTURES_MAX) {
            if begun.elapsed() > self.within {
                break;
            }
            let Ok(url) = Url::parse(&address) else { continue };
            let fetched = match self.http.fetch(&url, Known::default(), images::FILE_MAX_OCTETS).await {
                Ok(fetched) if (200..300).contains(&fetched.status) => fetched,
                _ => continue,
            };
            match images::add(self.store, self.clock, self.images, None, "", fetched.body).await {
                Ok(image) => body = replace_address(&body, &address, &image.address()),
                Err(error) => tracing::info!(%error, "a picture from elsewhere is not kept"),
            }
        }
        body
    }
}

/// Whether a text shows pictures that are not ours.
pub fn shows_others(markdown: &str) -> bool {
    !addresses(markdown).is_empty()
}

/// The addresses of pictures on the web in Markdown, as they stand there, each once.
fn addresses(markdown: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in markdown.split("![").skip(1) {
        let Some((_, after)) = rest.split_once("](") else { continue };
        let url: String = after.chars().take_while(|c| !c.is_whitespace() && *c != ')').collect();
        if url.starts_with("http") && !found.contains(&url) {
            found.push(url);
        }
    }
    found
}

/// Only where it is the address of a picture, as a whole.
fn replace_address(body: &str, from: &str, to: &str) -> String {
    let mut replaced = String::with_capacity(body.len());
    let mut rest = body;
    let wanted = format!("]({from}");
    while let Some(at) = rest.find(&wanted) {
        let (before, after) = rest.split_at(at);
        let behind = &after[wanted.len()..];
        replaced.push_str(before);
        let is_whole = behind.starts_with([')', ' ']);
        let is_picture = before.rfind('[').is_some_and(|open| before[..open].ends_with('!'));
        replaced.push_str(if is_whole && is_picture { "](" } else { &wanted });
        if is_whole && is_picture {
            replaced.push_str(to);
        }
        rest = behind;
    }
    replaced.push_str(rest);
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_found_once() {
        let markdown = "![a](https://x.example/1.png) t ![b](https://x.example/2.png \"t\")\n![c](https://x.example/1.png) ![d](/images/3.png)";
        assert_eq!(addresses(markdown), ["https://x.example/1.png", "https://x.example/2.png"]);
    }

    #[test]
    fn only_pictures_move_and_only_that_one() {
        let body =
            "![a](https://x.example/1.png) [b](https://x.example/1.png) ![c](https://x.example/1.pngx)";
        let moved = replace_address(body, "https://x.example/1.png", "/images/1.png#10x10");
        assert_eq!(
            moved,
            "![a](/images/1.png#10x10) [b](https://x.example/1.png) ![c](https://x.example/1.pngx)"
        );
    }
}
