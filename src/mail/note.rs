//! Mails to those who work with the desk: a few words and a button; or a few words and links above an issue as it will
//! arrive.

use askama::Template;

use super::render::{Frame, RenderError, RenderedMail, clean_subject, inline, tidy_text};
use super::slot::{clean_line, escape_html};
use crate::model::{Language, Newsletter};

/// Stands in a mail where the token of its links will be, once it is on its way: a private code point, which
/// [`super::slot::clean`] drops from all that people write.
pub const TOKEN: &str = "\u{f8f0}";

/// A few words and a button.
#[derive(Debug, Clone)]
pub struct NoteView<'a> {
    pub newsletter: &'a Newsletter,
    pub language: Language,
    pub subject: &'a str,
    pub title: &'a str,
    pub lines: &'a [String],
    pub button: &'a str,
    /// Absolute.
    pub url: &'a str,
}

#[derive(Template)]
#[template(path = "note/subject.txt", escape = "none")]
struct NoteSubject<'a> {
    view: &'a NoteView<'a>,
}

#[derive(Template)]
#[template(path = "note/body.html")]
struct NoteHtml<'a> {
    frame: &'a Frame,
    view: &'a NoteView<'a>,
}

#[derive(Template)]
#[template(path = "note/body.txt", escape = "none")]
struct NoteText<'a> {
    frame: &'a Frame,
    view: &'a NoteView<'a>,
}

/// Renders a note.
///
/// # Errors
/// [`RenderError`] when a template fails, which the tests exclude.
pub fn render_note(view: &NoteView<'_>) -> Result<RenderedMail, RenderError> {
    let frame = Frame::new(view.newsletter, view.language);
    Ok(RenderedMail {
        subject: clean_subject(&NoteSubject { view }.render()?),
        html: inline(&NoteHtml { frame: &frame, view }.render()?)?,
        text: tidy_text(&NoteText { frame: &frame, view }.render()?),
    })
}

/// What stands above an issue.
#[derive(Debug, Clone)]
pub struct Above<'a> {
    pub lines: &'a [String],
    /// Words and address of each link.
    pub links: &'a [(String, String)],
}

/// An issue with words and links above it, for somebody who is to say what becomes of it.
pub fn put_above(mail: RenderedMail, above: &Above<'_>) -> RenderedMail {
    const BOX: &str = "background-color:#fff7e0;color:#22262b;border-bottom:2px solid #b45309;padding:20px 24px;\
        font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5";
    let mut html = format!("<div style=\"{BOX}\">");
    let mut text = String::new();
    for line in above.lines {
        let line = clean_line(line);
        html.push_str(&format!("<p style=\"margin:0 0 10px\">{}</p>", escape_html(&line)));
        text.push_str(&format!("{line}\n\n"));
    }
    html.push_str("<p style=\"margin:0\">");
    for (at, (words, url)) in above.links.iter().enumerate() {
        let gap = if at > 0 { " &nbsp; " } else { "" };
        let (words_html, url_html) = (escape_html(words), escape_html(url));
        html.push_str(&format!(
            "{gap}<a href=\"{url_html}\" style=\"color:#1d4ed8;font-weight:700\">{words_html}</a>"
        ));
        text.push_str(&format!("{words}:\n{url}\n\n"));
    }
    html.push_str("</p></div>");
    let RenderedMail { subject, html: body, text: words } = mail;
    let at = body.find("<body").and_then(|start| body[start..].find('>').map(|end| start + end + 1));
    let (before, after) = body.split_at(at.unwrap_or_default());
    RenderedMail {
        subject,
        html: format!("{before}{html}{after}"),
        text: format!("{text}----------------------------------------\n\n{words}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::slot::clean;

    #[test]
    fn nobody_can_write_the_place_of_a_token() {
        assert_eq!(clean(&format!("a{TOKEN}b")), "ab");
    }

    #[test]
    fn words_stand_in_the_body_and_are_no_html() {
        let mail = RenderedMail {
            subject: "S".into(),
            html: "<html><head></head><body class=\"x\"><p>issue</p></body></html>".into(),
            text: "issue".into(),
        };
        let links = [("Skip".to_owned(), format!("https://x.example/digest/{TOKEN}?a=1&b=2"))];
        let mail = put_above(mail, &Above { lines: &["<b>Out on Tuesday</b>".to_owned()], links: &links });
        assert!(mail.html.starts_with("<html><head></head><body class=\"x\"><div style="), "{}", mail.html);
        assert!(mail.html.contains("&lt;b&gt;Out") && mail.html.contains("?a=1&amp;b=2\""), "{}", mail.html);
        assert!(mail.html.ends_with("<p>issue</p></body></html>") && mail.text.ends_with("\n\nissue"));
        assert!(mail.text.contains(TOKEN) && mail.html.contains(TOKEN));
    }
}
