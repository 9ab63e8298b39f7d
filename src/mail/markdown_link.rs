//! Where a link leads, as people type it: `www.example.be/x`, `lotte@example.be`. By the rules of URLs both are paths
//! beside the article, and would lead to a page of our own that does not exist.

use std::borrow::Cow;

/// What ends like this is a page or a file beside the article, and no website.
const FILE_ENDINGS: [&str; 44] = [
    "asp", "aspx", "avif", "cgi", "css", "csv", "doc", "docx", "eml", "epub", "gif", "gz", "heic", "htm",
    "html", "ico", "ics", "jpeg", "jpg", "js", "json", "jsp", "md", "mov", "odp", "ods", "odt", "pdf", "php",
    "png", "ppt", "pptx", "rar", "rss", "rtf", "svg", "tar", "txt", "vcf", "webp", "xls", "xlsx", "xml",
    "zip",
];
/// Longest part of the name of a host, in characters (RFC 1035).
const LABEL_MAX_CHARS: usize = 63;

/// The destination with the scheme that was meant; all that is not plainly a website or a mail address stays as it is.
pub(super) fn with_scheme(typed: &str) -> Cow<'_, str> {
    let typed = typed.trim();
    let end = typed.find(['/', '?', '#']).unwrap_or(typed.len());
    let (authority, rest) = typed.split_at(end);
    if let Some((name, host)) = authority.split_once('@') {
        let is_mail = rest.is_empty() && is_mailbox(name) && is_host(host);
        return if is_mail { Cow::Owned(format!("mailto:{typed}")) } else { Cow::Borrowed(typed) };
    }
    let host = match authority.split_once(':') {
        // Without a number behind it, it is a scheme.
        Some((_, port)) if port.is_empty() || !port.bytes().all(|octet| octet.is_ascii_digit()) => "",
        Some((host, _)) => host,
        None => authority,
    };
    if is_host(host) { Cow::Owned(format!("https://{typed}")) } else { Cow::Borrowed(typed) }
}

/// The part before the `@`, of the characters that addresses of people have: `?` and `&` would add a subject or more
/// recipients.
fn is_mailbox(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '+' | '-' | '\''))
}

/// Names with dots between them, the last of which may be a country or the like.
fn is_host(host: &str) -> bool {
    let Some((names, last)) = host.rsplit_once('.') else { return false };
    let is_encoded = last.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
    let is_top = is_encoded || (last.chars().all(char::is_alphabetic) && last.chars().nth(1).is_some());
    is_top && !is_file(names, last) && host.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    label.chars().all(|c| c.is_alphanumeric() || c == '-')
        && (1..=LABEL_MAX_CHARS).contains(&label.chars().count())
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_file(names: &str, last: &str) -> bool {
    let last = last.to_lowercase();
    // Behind `www.` it is Moldova, and no Markdown.
    let is_country = last == "md" && names.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."));
    FILE_ENDINGS.contains(&last.as_str()) && !is_country
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn websites_and_mail_addresses_get_the_scheme_that_was_meant() {
        for (typed, meant) in [
            ("www.vlaio.be", "https://www.vlaio.be"),
            ("  www.vlaio.be ", "https://www.vlaio.be"),
            ("WWW.Vlaio.BE/Steun", "https://WWW.Vlaio.BE/Steun"),
            ("example.be", "https://example.be"),
            ("example.be/gids.html", "https://example.be/gids.html"),
            ("example.be/a/b?c=d.pdf#e", "https://example.be/a/b?c=d.pdf#e"),
            ("example.be?c=d@e.be", "https://example.be?c=d@e.be"),
            ("example.be#top", "https://example.be#top"),
            ("example.be:8443/x", "https://example.be:8443/x"),
            ("a-b.co.uk", "https://a-b.co.uk"),
            ("9292.nl", "https://9292.nl"),
            ("www.café.be", "https://www.café.be"),
            ("例え.みんな", "https://例え.みんな"),
            ("xn--caf-dma.xn--p1ai", "https://xn--caf-dma.xn--p1ai"),
            ("www.gov.md/x", "https://www.gov.md/x"),
            ("lotte@example.be", "mailto:lotte@example.be"),
            ("lotte.o'brien+post@mail.example.be", "mailto:lotte.o'brien+post@mail.example.be"),
            ("zoë@café.be", "mailto:zoë@café.be"),
        ] {
            assert_eq!(with_scheme(typed), meant, "{typed:?}");
        }
    }

    #[test]
    fn all_else_stays_as_it_was_typed() {
        for typed in [
            "",
            "over",
            "over/ons",
            "/over",
            "/www.example.be",
            "./example.be",
            "../example.be",
            "#example.be",
            "?x=example.be",
            "//evil.example",
            "//www.example.be/x",
            "file.html",
            "FILE.HTML",
            "index.php?id=3",
            "index.php/nieuws",
            "readme.md",
            "www.html",
            "verslag.2026.pdf#page=3",
            "foto.jpg",
            "foto@2x.png",
            "archief/www.example.be",
            "https://www.example.be",
            "HTTPS://www.example.be",
            "https:www.example.be",
            "mailto:lotte@example.be",
            "tel:+3227920000",
            "javascript:alert(1)",
            "javascript:alert(1)@example.be",
            "javascript:x.example.be",
            "javascript.be:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "data:text/html,x@example.be",
            "example.be:",
            "example.be:80a",
            "lotte:geheim@example.be",
            "www.example.be:443@evil.example",
            "a@b@example.be",
            "lotte@example.be?bcc=evil@evil.example",
            "lotte@example.be/x",
            "lotte&bcc@example.be",
            "lotte@localhost",
            "@example.be",
            "localhost:3000",
            "192.168.1.1",
            "192.168.1.1/x",
            "1.5",
            "v1.2",
            "hoofdstuk.b",
            "www.example.be.",
            "www..be",
            ".be",
            "-a.be",
            "a-.be",
            "a_b.be",
            "www.example be",
            "zie www.example.be",
            "www.exam\tple.be",
            "www.example.be\\@evil.example",
            "www\u{3002}example.be",
            "www.exam\u{200b}ple.be",
            "www.example.be%2f@evil.example",
            "{{site}}.be",
        ] {
            assert_eq!(with_scheme(typed), typed, "{typed:?}");
        }
        assert_eq!(with_scheme(&format!("{}.be", "a".repeat(64))), format!("{}.be", "a".repeat(64)));
    }
}
