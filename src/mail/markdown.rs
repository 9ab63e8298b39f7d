//! An article's Markdown to HTML and text.
//!
//! The dialect is GitHub's: tables, strikethrough, bare links. Raw HTML never passes: it is shown as the text
//! it is. Images may say their size as a fragment of their address, `photo.png#600x400`, which browsers
//! ignore: mail programs need it, and it is not asked of a server while rendering. `#600x400,decorative` says that the
//! image shows nothing that a reader must know. Their title is a caption. Merge fields
//! (`{{name|reader}}`, `{{newsletter}}`) become slots, but not inside code, which stays as it is written. Links may
//! leave out what goes without saying: `[VLAIO](www.vlaio.be)`, `[write to us](post@example.be)`.
//!
//! To allow more of HTML: [`TAGS`] and [`sanitizer`], a case in [`super::markdown_text`], and the layout's CSS.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::Url;
use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options as ComrakOptions};

use super::markdown_link;
use super::markdown_text;
use super::slot::{self, FieldError, escape_html};

/// Longest article in characters. Far above what a mail may weigh; bounds the work of one rendering.
pub const INPUT_MAX_CHARS: usize = 200_000;
/// Deepest nesting of blocks and inlines. Nobody writes quotes in quotes this deep; the text writer is
/// recursive.
const DEPTH_MAX: usize = 40;
/// Width of the column that images stand in, in CSS pixels.
pub const IMAGE_WIDTH_MAX_PX: u32 = 536;
/// Where addresses of uploaded images begin.
pub const OWN_IMAGES: &str = "/images/";
/// Behind the size of an image that needs no description.
const DECORATIVE: &str = ",decorative";
/// Largest size that an image may claim, in pixels; more is a mistake.
const IMAGE_SIDE_MAX_PX: u32 = 20_000;
/// An article's highest heading becomes h3, whether it is `#` or `##`: h1 is the newsletter, h2 the article's
/// title, and a reader who goes from heading to heading misses no level.
const HEADING_TOP: usize = 3;
/// Of words that stand above the articles: their headings are beside the titles of articles.
const HEADING_TOP_ABOVE: usize = 2;
const HEADING_DEEPEST: usize = 6;

pub(super) const TAGS: [&str; 25] = [
    "a",
    "blockquote",
    "br",
    "code",
    "del",
    "em",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "img",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
];

/// What an article is written into.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Absolute http(s) URL against which relative addresses are read.
    pub base_url: &'a str,
    /// Absolute URL of our own pages, against which [`OWN_IMAGES`] are read, wherever the article lives.
    pub site_url: &'a str,
    /// The value of `{{newsletter}}`.
    pub newsletter: &'a str,
}

/// An article as HTML and as text, with what was found in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Safe HTML without a wrapper; may hold slots.
    pub html: String,
    /// Lines of at most 76 characters that end in LF; may hold slots. The addresses of links stand numbered
    /// at the end.
    pub text: String,
    /// Absolute addresses of links, each once, in order.
    pub links: Vec<String>,
    pub images: Vec<Image>,
    /// What was left out or will look wrong; none of it prevents sending.
    pub problems: Vec<Problem>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub url: String,
    pub alt: String,
    /// Width and height in CSS pixels as shown.
    pub size: Option<(u32, u32)>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("the image {0} has no description")]
    ImageWithoutDescription(String),
    #[error("the image {0} is not on https; many mail programs will not show it")]
    ImageNotHttps(String),
    #[error("the image {0} cannot stand in a mail and was left out")]
    ImageLeftOut(String),
    #[error("the link to {0} cannot stand in a mail; its text was kept")]
    LinkLeftOut(String),
    #[error("the link to {0} shows the address of another website")]
    LinkMisleads(String),
    #[error("HTML is not used in articles and is shown as text: {0}")]
    HtmlAsText(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarkdownError {
    #[error("the text has more than {INPUT_MAX_CHARS} characters; split it into articles")]
    TooLong,
    #[error("quotes or lists are nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    #[error("the address of the website, {0}, is not an absolute http or https URL")]
    BaseUrl(String),
    #[error(transparent)]
    Field(#[from] FieldError),
}

/// Writes the Markdown of an article as HTML and text.
///
/// # Errors
/// [`MarkdownError`]: too long, too deep, or a merge field that cannot be filled.
pub fn write(markdown: &str, context: Context<'_>) -> Result<Written, MarkdownError> {
    write_from(HEADING_TOP, markdown, context)
}

/// The same for what stands in a mail by itself: an introduction, the words of a welcome mail.
///
/// # Errors
/// As [`write`].
pub fn write_above(markdown: &str, context: Context<'_>) -> Result<Written, MarkdownError> {
    write_from(HEADING_TOP_ABOVE, markdown, context)
}

fn write_from(heading_top: usize, markdown: &str, context: Context<'_>) -> Result<Written, MarkdownError> {
    if markdown.chars().count() > INPUT_MAX_CHARS {
        return Err(MarkdownError::TooLong);
    }
    let base = Url::parse(context.base_url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| MarkdownError::BaseUrl(context.base_url.to_owned()))?;
    let bases = Bases { base, site: Url::parse(context.site_url).ok() };
    let source = slot::mark_fields(&slot::clean(markdown));
    let arena = Arena::new();
    let options = comrak_options();
    let root = comrak::parse_document(&arena, &source, &options);
    refuse_depth(root)?;

    let mut written = Written::default();
    let nodes: Vec<&AstNode<'_>> = root.descendants().collect();
    for node in &nodes {
        normalise(node, &arena, &bases, context.newsletter, &mut written)?;
    }
    written.text = markdown_text::write(root, &written.links);
    nest_headings(&nodes, heading_top);
    for node in &nodes {
        place(node, &mut written);
    }
    let mut html = String::new();
    // Writing into a String cannot fail.
    let _ = comrak::format_html(root, &options, &mut html);
    written.html = SANITIZER.clean(&html).to_string();
    Ok(written)
}

/// What relative addresses are read against.
struct Bases {
    base: Url,
    site: Option<Url>,
}

fn comrak_options() -> ComrakOptions<'static> {
    let mut options = ComrakOptions::default();
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.autolink = true;
    // Nothing raw is left when the tree is written; if it were, it would come out as text.
    options.render.escape = true;
    options
}

fn refuse_depth<'a>(root: &'a AstNode<'a>) -> Result<(), MarkdownError> {
    let mut depth = 0_usize;
    for edge in root.traverse() {
        match edge {
            comrak::arena_tree::NodeEdge::Start(_) => depth += 1,
            comrak::arena_tree::NodeEdge::End(_) => depth -= 1,
        }
        if depth > DEPTH_MAX {
            return Err(MarkdownError::TooDeep);
        }
    }
    Ok(())
}

/// Gives a node its final meaning: fields resolved, addresses absolute and allowed, raw HTML as text.
fn normalise<'a>(
    node: &'a AstNode<'a>,
    arena: &'a Arena<'a>,
    bases: &Bases,
    newsletter: &str,
    written: &mut Written,
) -> Result<(), MarkdownError> {
    let mut data = node.data_mut();
    match &mut data.value {
        NodeValue::Text(text) => *text = slot::resolve(text, newsletter)?.into(),
        NodeValue::Code(code) => code.literal = slot::unmark_fields(&code.literal),
        NodeValue::CodeBlock(code) => code.literal = slot::unmark_fields(&code.literal),
        NodeValue::HtmlInline(html) => {
            let text = html_as_text(html, newsletter, written)?;
            data.value = NodeValue::Text(text.into());
        }
        NodeValue::HtmlBlock(html) => {
            let text = html_as_text(&html.literal, newsletter, written)?;
            data.value = NodeValue::Paragraph;
            drop(data);
            if !text.is_empty() {
                node.append(arena.alloc(NodeValue::Text(text.into()).into()));
            }
        }
        NodeValue::Link(link) => {
            refuse_field(&link.url)?;
            let url = absolute(&markdown_link::with_scheme(&link.url), bases, &["http", "https", "mailto"]);
            if let Some(url) = url {
                if !written.links.contains(&url) {
                    written.links.push(url.clone());
                }
                link.url = url;
                link.title.clear();
                if misleads(node, &link.url) {
                    written.problems.push(Problem::LinkMisleads(link.url.clone()));
                }
            } else {
                written.problems.push(Problem::LinkLeftOut(link.url.clone()));
                drop(data);
                unwrap(node);
            }
        }
        NodeValue::Image(image) => {
            refuse_field(&image.url)?;
            if let Some(url) = absolute(&image.url, bases, &["http", "https"]) {
                if !url.starts_with("https:") && !is_on_this_machine(&url) {
                    written.problems.push(Problem::ImageNotHttps(url.clone()));
                }
                image.url = url;
                image.title = slot::resolve(&image.title, newsletter)?;
            } else {
                written.problems.push(Problem::ImageLeftOut(image.url.clone()));
                drop(data);
                unwrap(node);
            }
        }
        _ => {}
    }
    Ok(())
}

fn refuse_field(url: &str) -> Result<(), FieldError> {
    slot::first_field(url).map_or(Ok(()), |raw| Err(FieldError::InUrl(raw)))
}

/// Comments were not meant to be read; all other HTML is shown.
fn html_as_text(html: &str, newsletter: &str, written: &mut Written) -> Result<String, FieldError> {
    let html = html.trim();
    if html.starts_with("<!--") && html.find("-->").is_none_or(|end| end + 3 == html.len()) {
        return Ok(String::new());
    }
    let shown: String = slot::unmark_fields(html).chars().take(60).collect();
    written.problems.push(Problem::HtmlAsText(shown));
    slot::resolve(html, newsletter)
}

fn absolute(url: &str, bases: &Bases, schemes: &[&str]) -> Option<String> {
    let url = url.trim();
    let base = bases.site.as_ref().filter(|_| url.starts_with(OWN_IMAGES)).unwrap_or(&bases.base);
    let url = base.join(url).ok()?;
    (!url.as_str().is_empty() && schemes.contains(&url.scheme())).then(|| url.to_string())
}

/// Whether a link shows an address and leads to another host (H11): what readers and filters take for fraud.
fn misleads<'a>(link: &'a AstNode<'a>, url: &str) -> bool {
    let shown = link.children().next().and_then(|child| match &child.data().value {
        NodeValue::Text(text) => Some(text.trim().to_owned()),
        _ => None,
    });
    let host =
        |url: &str| Url::parse(url).ok()?.host_str().map(|host| host.trim_start_matches("www.").to_owned());
    let Some(shown) = shown.filter(|shown| !shown.contains(char::is_whitespace)) else { return false };
    let address = if shown.contains("://") {
        shown
    } else if shown.starts_with("www.") {
        format!("https://{shown}")
    } else {
        return false;
    };
    host(&address).is_some_and(|shown| host(url).is_some_and(|host| host != shown))
}

/// Puts the children of a node in its place.
fn unwrap<'a>(node: &'a AstNode<'a>) {
    for child in node.children().collect::<Vec<_>>() {
        node.insert_before(child);
    }
    node.detach();
}

/// Gives each heading the level below the one that it stands under.
fn nest_headings<'a>(nodes: &[&'a AstNode<'a>], top: usize) {
    let mut above: Vec<u8> = Vec::new();
    for node in nodes {
        if let NodeValue::Heading(heading) = &mut node.data_mut().value {
            above.retain(|level| *level < heading.level);
            let level = (top + above.len()).min(HEADING_DEEPEST);
            above.push(heading.level);
            heading.level = u8::try_from(level).unwrap_or(u8::MAX);
        }
    }
}

/// The last step before HTML: images with their size.
fn place<'a>(node: &'a AstNode<'a>, written: &mut Written) {
    if node.parent().is_none() {
        return; // left out before
    }
    let mut data = node.data_mut();
    let NodeValue::Image(image) = &mut data.value else { return };
    let is_decorative = image.url.ends_with(DECORATIVE);
    let (url, size) = split_size(image.url.strip_suffix(DECORATIVE).unwrap_or(&image.url));
    let caption = escape_html(image.title.trim());
    drop(data);
    let alt = slot::without_recipient(&markdown_text::plain(node), str::to_owned);
    if alt.is_empty() && !is_decorative {
        written.problems.push(Problem::ImageWithoutDescription(url.clone()));
    }
    let (width, height) = size.unwrap_or((IMAGE_WIDTH_MAX_PX, 0));
    let height = if height > 0 { format!(r#" height="{height}""#) } else { String::new() };
    let mut html =
        format!(r#"<img src="{}" alt="{}" width="{width}"{height}>"#, escape_html(&url), escape_html(&alt));
    // A picture is a block of its own: the words stand below it.
    if !caption.is_empty() {
        html.push_str(&format!("<em>{caption}</em>"));
    }
    written.images.push(Image { url, alt, size });
    for child in node.children().collect::<Vec<_>>() {
        child.detach();
    }
    node.data_mut().value = NodeValue::Raw(html);
}

/// `photo.png#600x400` to its address and its size, scaled down to fit the column.
pub(super) fn split_size(url: &str) -> (String, Option<(u32, u32)>) {
    let size = url.rsplit_once('#').and_then(|(address, fragment)| {
        let (width, height) = fragment.split_once('x')?;
        let side =
            |text: &str| text.parse::<u32>().ok().filter(|side| (1..=IMAGE_SIDE_MAX_PX).contains(side));
        Some((address, side(width)?, side(height)?))
    });
    match size {
        None => (url.to_owned(), None),
        Some((address, width, height)) if width <= IMAGE_WIDTH_MAX_PX => {
            (address.to_owned(), Some((width, height)))
        }
        Some((address, width, height)) => {
            let scaled = (height * IMAGE_WIDTH_MAX_PX + width / 2) / width;
            (address.to_owned(), Some((IMAGE_WIDTH_MAX_PX, scaled.max(1))))
        }
    }
}

/// The second wall: whatever the writer above let slip does not reach a mail or a page.
static SANITIZER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(sanitizer);

fn sanitizer() -> ammonia::Builder<'static> {
    let mut builder = ammonia::Builder::empty();
    builder
        .tags(HashSet::from(TAGS))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href"])),
            ("img", HashSet::from(["src", "alt", "width", "height"])),
            ("ol", HashSet::from(["start"])),
            ("td", HashSet::from(["align"])),
            ("th", HashSet::from(["align"])),
        ]))
        .clean_content_tags(HashSet::from(["script", "style"]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(ammonia::UrlRelative::Deny);
    builder
}

/// A picture that only a trial on one machine can have: nobody needs to be told that it is not on https.
fn is_on_this_machine(url: &str) -> bool {
    ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"].iter().any(|start| url.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::slot::Slot;

    const CONTEXT: Context<'static> = Context {
        base_url: "https://www.example.com/blog/",
        site_url: "https://nieuws.example.com",
        newsletter: "De *Post*",
    };

    fn html(markdown: &str) -> String {
        write(markdown, CONTEXT).unwrap().html
    }

    fn text(markdown: &str) -> String {
        write(markdown, CONTEXT).unwrap().text
    }

    #[test]
    fn a_caption_stands_below_its_picture_and_in_the_text() {
        let written =
            write("![Brug](https://a.example/b.png \"De *brug* <b>, {{name|lezer}}\")", CONTEXT).unwrap();
        let name = Slot::Name { fallback: "lezer".to_owned() }.marker();
        let html = format!("width=\"536\"><em>De *brug* &lt;b&gt;, {name}</em>");
        assert!(written.html.contains(&html), "{}", written.html);
        assert_eq!(written.text, format!("[Brug] De *brug* <b>, {name}\n"));
        assert_eq!(
            write("![b](b.png \"{{x}}\")", CONTEXT).unwrap_err().to_string().split(' ').next(),
            Some("{{x}}")
        );
    }

    #[test]
    fn headings_stand_below_the_title_of_the_article() {
        let html = html("# Een\n\n## Twee\n\n###### Zes");
        assert_eq!(html.trim(), "<h3>Een</h3>\n<h4>Twee</h4>\n<h5>Zes</h5>");
    }

    #[test]
    fn headings_above_the_articles_stand_beside_their_titles() {
        let html = write_above("## Een\n\n#### Twee", CONTEXT).unwrap().html;
        assert_eq!(html.trim(), "<h2>Een</h2>\n<h3>Twee</h3>");
    }

    #[test]
    fn no_level_of_headings_is_skipped() {
        let html = html("## Een\n\n## Twee\n\n#### Vier\n\n# Drie\n\n### Vijf");
        let levels: Vec<&str> = html.split("<h").skip(1).map(|rest| &rest[..1]).collect();
        assert_eq!(levels, ["3", "3", "4", "3", "4"]);
    }

    #[test]
    fn images_have_alt_width_and_height_and_fit_the_column() {
        let written = write(
            "![Een *brug*](brug.jpg#1072x714)\n\n![klein](https://a.example/k.png#40x20)\n\n![los](l.gif)",
            CONTEXT,
        )
        .unwrap();
        let image = |tag: &str| assert!(written.html.contains(tag), "{tag} in {}", written.html);
        image(r#"<img src="https://www.example.com/blog/brug.jpg" alt="Een brug" width="536" height="357">"#);
        image(r#"<img src="https://a.example/k.png" alt="klein" width="40" height="20">"#);
        image(r#"<img src="https://www.example.com/blog/l.gif" alt="los" width="536">"#);
        assert!(written.text.contains("[Een brug]"));
        assert_eq!(written.images[0].size, Some((536, 357)));
        assert_eq!(written.problems, vec![]);
    }

    #[test]
    fn uploaded_images_are_on_our_own_site_wherever_the_article_lives() {
        let written = write(
            "![Een brug](/images/0190/mail.jpg#536x402)\n\n![](/images/0191/mail.png#536x8,decorative)",
            CONTEXT,
        );
        let written = written.unwrap();
        let image = |tag: &str| assert!(written.html.contains(tag), "{tag} in {}", written.html);
        image(
            r#"<img src="https://nieuws.example.com/images/0190/mail.jpg" alt="Een brug" width="536" height="402">"#,
        );
        image(r#"<img src="https://nieuws.example.com/images/0191/mail.png" alt="" width="536" height="8">"#);
        assert_eq!(written.problems, vec![]);
    }

    #[test]
    fn an_absurd_image_size_is_not_a_size() {
        let html = html("![x](a.png#0x10) ![y](b.png#99999999999x1) ![z](c.png#20000x20000)");
        assert!(html.contains(r##"a.png#0x10" alt="x" width="536">"##), "{html}");
        assert!(html.contains(r#"alt="z" width="536" height="536">"#), "{html}");
    }

    #[test]
    fn images_that_cannot_be_mailed_leave_their_description() {
        let written =
            write("![kaart](data:image/png;base64,AAAA) ![](http://a.example/x.png)", CONTEXT).unwrap();
        assert!(!written.html.contains("data:"));
        assert!(written.html.contains("kaart"));
        assert_eq!(
            written.problems,
            vec![
                Problem::ImageLeftOut("data:image/png;base64,AAAA".into()),
                Problem::ImageNotHttps("http://a.example/x.png".into()),
                Problem::ImageWithoutDescription("http://a.example/x.png".into()),
            ]
        );
    }

    #[test]
    fn links_are_absolute_and_of_an_allowed_kind() {
        let written = write(
            "[a](/over) [b](mailto:x@example.com) [c](javascript:alert) [d](JaVaScRiPt:1) www.example.org \
             [e](vbscript:x) [f](file:///etc/passwd) [g](//cdn.example/x) [h](data:text/html,x)",
            CONTEXT,
        )
        .unwrap();
        assert_eq!(
            written.links,
            vec![
                "https://www.example.com/over",
                "mailto:x@example.com",
                "http://www.example.org/",
                "https://cdn.example/x"
            ]
        );
        assert_eq!(written.problems.len(), 5);
        assert!(!written.html.to_lowercase().contains("script:"));
        for kept in ["c", "d", "e", "f", "h"] {
            assert!(written.html.contains(&format!(" {kept}")), "{kept} in {}", written.html);
        }
    }

    #[test]
    fn a_link_without_a_scheme_leads_to_the_website_or_the_person_that_was_meant() {
        let written = write(
            "[a](www.vlaio.be) [b](lotte@example.be) [c][ref] [d](<www.vlaio.be/a b>) [e](gids.html) [f](readme.md) \
             [g](over/ons) [h](www.café.be) [i](example.be:99999) ![j](www.vlaio.be/logo.png)\n\n[ref]: example.be/x",
            CONTEXT,
        )
        .unwrap();
        assert_eq!(
            written.links,
            vec![
                "https://www.vlaio.be/",
                "mailto:lotte@example.be",
                "https://example.be/x",
                "https://www.vlaio.be/a%20b",
                "https://www.example.com/blog/gids.html",
                "https://www.example.com/blog/readme.md",
                "https://www.example.com/blog/over/ons",
                "https://www.xn--caf-dma.be/",
            ]
        );
        assert_eq!(written.problems, vec![Problem::LinkLeftOut("example.be:99999".into())]);
        assert_eq!(written.images[0].url, "https://www.example.com/blog/www.vlaio.be/logo.png");
        for link in &written.links {
            assert!(written.html.contains(&format!(r#"href="{link}""#)), "{link} in {}", written.html);
        }
    }

    #[test]
    fn raw_html_is_shown_and_never_passes() {
        let hostile = [
            "<script>alert(1)</script>",
            "<b onclick=alert(1)>vet</b>",
            "<img src=x onerror=alert(1)>",
            "<svg><script>alert(1)</script></svg>",
            "<style>body{display:none}</style>",
            "<math><mtext></mtext></math>",
            "<title>x</title>",
            "<iframe srcdoc='<script>x</script>'>",
            "a <u>b</u> c",
            "<a href=\"javascript:alert(1)\">klik</a>",
            "[x](<javascript:alert(1)>)",
            "![\"><script>alert(1)</script>](https://a.example/\"onerror=alert(1).png)",
            "`<script>`",
            "```html\"><script>\n<script>\n```",
            "| <script> | b |\n|---|---|\n| <svg/onload=x> | d |",
            "<<script>script>alert(1)<</script>/script>",
            "&lt;script&gt;alert(1)&lt;/script&gt;",
        ];
        for markdown in hostile {
            let html = html(markdown);
            for tag in html.split('<').skip(1) {
                let name: String =
                    tag.trim_start_matches('/').chars().take_while(|c| c.is_alphanumeric()).collect();
                assert!(TAGS.contains(&name.as_str()), "{markdown} gave <{tag} in {html}");
                let inside = tag.split('>').next().unwrap();
                let unquoted: String = inside.split('"').step_by(2).collect::<String>().to_lowercase();
                assert!(!unquoted.contains("on"), "{markdown} gave a handler: {inside}");
                assert!(!inside.to_lowercase().contains("javascript:"), "{markdown}: {inside}");
            }
        }
        let written =
            write("Kijk: <b onclick=x>vet</b>.\n\n<div>blok</div>\n\n<!-- stil -->", CONTEXT).unwrap();
        assert!(written.html.contains("&lt;b onclick=x&gt;vet&lt;/b&gt;"), "{}", written.html);
        assert!(written.text.contains("<div>blok</div>"));
        assert!(!written.html.contains("stil") && !written.text.contains("stil"));
        assert_eq!(written.problems.len(), 3);
    }

    #[test]
    fn fields_become_slots_outside_code_and_are_never_markup() {
        let slot = Slot::Name { fallback: "beste *lezer*".into() }.marker();
        let written = write(
            "Dag **{{name|beste *lezer*}}** van {{newsletter}}, `{{code}}`\n\n| a |\n|---|\n| {{name|beste *lezer*}} |",
            CONTEXT,
        )
        .unwrap();
        assert!(
            written
                .html
                .contains(&format!("<strong>{slot}</strong> van De *Post*, <code>{{{{code}}}}</code>")),
            "{}",
            written.html
        );
        assert!(written.html.contains(&format!("<td>{slot}</td>")));
        assert!(written.text.contains(&format!("*{slot}* van De *Post*, {{{{code}}}}")), "{}", written.text);
    }

    #[test]
    fn fields_that_cannot_be_filled_are_errors() {
        let error = |markdown| write(markdown, CONTEXT).unwrap_err();
        assert_eq!(error("a {{voornaam}}"), FieldError::Unknown("voornaam".into()).into());
        assert_eq!(error("a {{name}}"), FieldError::NoFallback("name".into()).into());
        assert_eq!(error("a {{name"), FieldError::Unclosed("name".into()).into());
        assert_eq!(error("[a](https://x.example/?n={{name|x}})"), FieldError::InUrl("name|x".into()).into());
    }

    #[test]
    fn too_much_is_an_error() {
        assert_eq!(write(&"a".repeat(INPUT_MAX_CHARS + 1), CONTEXT), Err(MarkdownError::TooLong));
        assert_eq!(write(&"> ".repeat(5_000), CONTEXT), Err(MarkdownError::TooDeep));
        assert!(matches!(write("a", Context { base_url: "/x", ..CONTEXT }), Err(MarkdownError::BaseUrl(_))));
    }

    #[test]
    fn tables_lists_and_quotes_keep_their_structure() {
        let html = html("> - a\n> - b\n\n3. c\n\n| d | e |\n|---|--:|\n| f | g |\n\n~~h~~");
        for part in [
            "<blockquote>",
            "<ul>\n<li>a</li>",
            r#"<ol start="3">"#,
            r#"<th align="right">e</th>"#,
            "<td>f</td>",
            "<del>h</del>",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn the_text_is_written_from_the_article() {
        let long = "woord ".repeat(40);
        let markdown = format!(
            "# Kop\n\n{long}\n\nLees [de gids](https://a.example/gids) en [de gids](https://a.example/gids) of \
             <https://b.example/x>.\n\n\
             > Geciteerd\n> > dieper\n\n1. een\n   - onder\n   - [p](https://c.example/)\n2. twee\n\n\
             | Stad | Prijs |\n|---|--:|\n| Gent | 10 |\n| Luik | 250 |\n\n```\nfn main() {{}}\n```\n\n---\n\n\
             regel  \nafgebroken"
        );
        let text = text(&markdown);
        let expected =
            "Kop\n---\n\nwoord woord woord woord woord woord woord woord woord woord woord woord\n";
        assert!(text.starts_with(expected), "{text}");
        for part in [
            "Lees de gids [1] en de gids [1] of https://b.example/x.\n",
            "> Geciteerd\n>\n> > dieper\n",
            "1. een\n   - onder\n   - p [3]\n2. twee\n",
            "Stad  Prijs\n----  -----\nGent     10\nLuik    250\n",
            "    fn main() {}\n",
            "\n* * *\n",
            "regel\nafgebroken\n",
            "[1] https://a.example/gids\n[3] https://c.example/\n",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 76), "{text}");
    }

    #[test]
    fn a_table_that_is_too_wide_becomes_a_list() {
        let cell = "lange tekst in een cel die niet past";
        let text = text(&format!("| Kop een | Kop twee |\n|---|---|\n| {cell} 1 | {cell} 2 |\n| x | |"));
        assert_eq!(text.trim(), format!("Kop een: {cell} 1\nKop twee: {cell} 2\n\nKop een: x"));
    }

    #[test]
    fn every_link_of_the_html_is_in_the_text() {
        let written = write(
            "[![logo](l.png)](https://a.example/) www.example.org/pad x@example.com [q](</a b>)\n\n\
             | [t](https://t.example/) |\n|---|\n| [u](https://u.example/) |",
            CONTEXT,
        )
        .unwrap();
        assert_eq!(written.links.len(), 6);
        for link in &written.links {
            assert!(written.html.contains(&format!(r#"href="{link}""#)), "{link} in {}", written.html);
            let shown = link.trim_start_matches("mailto:").trim_start_matches("http://");
            assert!(written.text.contains(shown), "{link} in {}", written.text);
        }
    }
}
