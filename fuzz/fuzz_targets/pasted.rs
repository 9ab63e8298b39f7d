//! Whatever a clipboard holds becomes Markdown, and the Markdown renders.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postiljon::mail::markdown::{Context, INPUT_MAX_CHARS, write};
use postiljon::publishing::paste::to_markdown;

fuzz_target!(|html: &str| {
    let Ok(pasted) = to_markdown(html) else { return };
    if pasted.markdown.chars().count() > INPUT_MAX_CHARS {
        return;
    }
    let context = Context {
        base_url: "https://www.example.com/",
        site_url: "https://news.example.com",
        newsletter: "News",
    };
    write(&pasted.markdown, context).expect("what was pasted renders");
});
