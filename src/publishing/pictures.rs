//! Pictures of texts that come from elsewhere: by a feed, or handed in by a program.

use std::path::Path;
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

    /// The same for pictures that lie beside a file of Markdown: in its folder or in one inside of that, whatever leads there.
    pub async fn with_files(self, markdown: &str, folder: &Path) -> String {
        let mut body = markdown.to_owned();
        for address in relative_addresses(markdown).into_iter().take(PICTURES_MAX) {
            let Some(file) = file_inside(folder, &address) else { continue };
            match images::add(self.store, self.clock, self.images, None, "", file).await {
                Ok(image) => body = replace_address(&body, &address, &image.address()),
                Err(error) => tracing::info!(%error, "a picture of a folder is not kept"),
            }
        }
        body
    }
}

/// A file of a folder, or of one inside; `None` also when it is larger than a picture may be.
fn file_inside(folder: &Path, address: &str) -> Option<Vec<u8>> {
    let folder = folder.canonicalize().ok()?;
    // Where it is in the end, behind `..` and links.
    let path = folder.join(address).canonicalize().ok().filter(|path| path.starts_with(&folder))?;
    let is_small =
        path.metadata().is_ok_and(|meta| meta.is_file() && meta.len() <= images::FILE_MAX_OCTETS as u64);
    is_small.then(|| std::fs::read(path).ok())?
}

/// Whether a text shows pictures that are not ours.
pub fn shows_others(markdown: &str) -> bool {
    !addresses(markdown).is_empty()
}

/// The addresses of pictures on the web in Markdown, as they stand there, each once.
fn addresses(markdown: &str) -> Vec<String> {
    all_addresses(markdown).into_iter().filter(|address| address.starts_with("http")).collect()
}

/// Those that are files beside it.
fn relative_addresses(markdown: &str) -> Vec<String> {
    let is_relative =
        |address: &String| !address.is_empty() && !address.starts_with('/') && !address.contains(':');
    all_addresses(markdown).into_iter().filter(is_relative).collect()
}

fn all_addresses(markdown: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in markdown.split("![").skip(1) {
        let Some((_, after)) = rest.split_once("](") else { continue };
        let address: String = after.chars().take_while(|c| !c.is_whitespace() && *c != ')').collect();
        if !found.contains(&address) {
            found.push(address);
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

    #[cfg(unix)]
    #[test]
    fn only_what_lies_inside_a_folder_is_read_whatever_leads_out_of_it() {
        let all = tempfile::tempdir().unwrap();
        let (folder, outside) = (all.path().join("articles"), all.path().join("secret.png"));
        std::fs::create_dir_all(folder.join("pictures")).unwrap();
        std::fs::write(&outside, "secret").unwrap();
        std::fs::write(folder.join("pictures/a.png"), "a").unwrap();
        for (link, to) in [("b.png", "pictures/a.png"), ("c.png", "../secret.png"), ("up", "..")] {
            std::os::unix::fs::symlink(to, folder.join(link)).unwrap();
        }
        let read = |address: &str| file_inside(&folder, address);
        for inside in ["pictures/a.png", "./pictures/../pictures/a.png", "b.png"] {
            assert_eq!(read(inside).as_deref(), Some(b"a".as_slice()), "{inside}");
        }
        for other in
            ["../secret.png", "c.png", "up/secret.png", "pictures", "nothing.png", outside.to_str().unwrap()]
        {
            assert_eq!(read(other), None, "{other}");
        }
    }

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
