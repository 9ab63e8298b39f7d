use proptest::prelude::*;

use super::*;
use crate::mail::markdown::{self, Context, Problem};

const CONTEXT: Context<'static> = Context {
    base_url: "https://www.example.com/",
    site_url: "https://nieuws.example.com",
    newsletter: "De Post",
};

fn paste(html: &str) -> String {
    to_markdown(html).expect("not too large").markdown
}

#[test]
fn a_web_page_keeps_its_structure_and_loses_its_dress() {
    let html = r##"<html><head><title>weg</title><style>p{color:red}</style></head><body>
        <!--StartFragment--><h1 onclick="x()">Een <b>kop</b></h1><p style="color:red">Tekst met <a href="https://a.example/x?a=(b)">een
        <em>link</em></a>, <a href="javascript:alert(1)">geen link</a> en <a href="#voet">een anker</a>.<br>Nog een regel</p>
        <script>alert(1)</script><ul><li>een</li><li><p>twee</p><ol start="3"><li>drie<li>vier</ol></li></ul>
        <blockquote><p>Gezegd</p></blockquote><pre>fn main() {
    x
}</pre><hr><p>slot</p><!--EndFragment--></body></html>"##;
    assert_eq!(
        paste(html),
        "# Een kop\n\n\
         Tekst met [een *link*](https://a.example/x?a=%28b%29), geen link en een anker.\\\nNog een regel\n\n\
         - een\n\n- twee\n\n  3. drie\n  4. vier\n\n> Gezegd\n\n```\nfn main() {\n    x\n}\n```\n\n---\n\nslot"
    );
}

#[test]
fn lists_of_word_are_lists() {
    let item = |level: usize, sign: &str, text: &str| {
        format!(
            "<p class=MsoListParagraph style='margin-left:36pt;mso-list:l0 level{level} lfo1'><![if !supportLists]><span \
             style='font-family:Symbol;mso-list:Ignore'>{sign}<span style='font:7.0pt \"Times New Roman\"'>&nbsp;&nbsp; \
             </span></span><![endif]>{text}<o:p></o:p></p>"
        )
    };
    let html = format!(
        "<!--[if gte mso 9]><xml>weg</xml><![endif]--><p class=MsoNormal>Vooraf<o:p>&nbsp;</o:p></p>{}{}{}{}{}<p class=MsoNormal>Na</p>",
        item(1, "·", "een"),
        item(2, "o", "onder een"),
        item(1, "·", "twee"),
        item(1, "1.", "eerst"),
        item(1, "2.", "dan"),
    );
    assert_eq!(paste(&html), "Vooraf\n\n- een\n  - onder een\n- twee\n\n1) eerst\n2) dan\n\nNa");
}

#[test]
fn footnotes_of_word_are_text() {
    let html = "<p class=MsoNormal>Bewezen<a href=\"#_ftn1\" name=\"_ftnref1\"><span class=MsoFootnoteReference><![if \
                !supportFootnotes]>[1]<![endif]></span></a>: ja.</p><div style='mso-element:footnote-list'><hr><p \
                class=MsoFootnoteText><a href=\"#_ftnref1\">[1]</a> Zie bijlage.</p></div>";
    assert_eq!(paste(html), "Bewezen[1\\]: ja.\n\n---\n\n[1] Zie bijlage.");
}

#[test]
fn google_docs_says_it_by_styles() {
    let html = "<meta charset='utf-8'><b style=\"font-weight:normal;\" id=\"docs-internal-guid-1\"><p dir=\"ltr\"><span \
                style=\"font-weight:400\">Gewoon, </span><span style=\"font-weight:700;font-style:italic\">nadruk</span><span \
                style=\"text-decoration:line-through\"> weg</span></p><ul><li aria-level=\"1\"><p><span>een</span></p></li><ul><li \
                aria-level=\"2\"><p><span>diep</span></p></li></ul></ul></b>";
    assert_eq!(paste(html), "Gewoon, ***nadruk*** ~~weg~~\n\n- een\n  - diep");
}

#[test]
fn tables_are_tables_and_layout_is_not() {
    let data = "<table><caption>Prijzen</caption><tr><th>Stad<th>Prijs<tr><td>Gent<td>10 | 12<tr><td colspan=2><p>samen</p><p>alles</p></table>";
    assert_eq!(
        paste(data),
        "Prijzen\n\n| Stad | Prijs |\n| --- | --- |\n| Gent | 10 \\| 12 |\n| samen alles | |"
    );
    let layout = "<table><tr><td><p>links</p></td></tr><tr><td><table><tr><td>diep</td></tr></table></td></tr></table>";
    assert_eq!(paste(layout), "links\n\ndiep");
}

#[test]
fn signs_that_mean_something_are_words() {
    for text in [
        "# geen kop",
        "1. geen lijst",
        "- streepje",
        "> groter",
        "a * b * c",
        "_x_ en snake_case",
        "`tik`",
        "[x](y)",
        "[1]: https://x.example",
        "<b>vet</b>",
        "&amp; zo",
        "{{naam}}",
        "~~weg~~",
        "a | b",
        "=====",
        "---",
        "![x](y)",
        "+ plus",
        "\\*",
        "**vet**",
        "| a | b |",
        "* * *",
        "x < y > z",
        "2026. Een jaar",
    ] {
        let html = format!("<p>{}</p>", crate::mail::slot::escape_html(text));
        let written = markdown::write(&paste(&html), CONTEXT).expect("it renders");
        let shown = text.replace("{{", "{ {");
        assert_eq!(written.text.trim().replace('\n', " "), shown, "{}", paste(&html));
        assert!(!written.problems.iter().any(|problem| matches!(problem, Problem::HtmlAsText(_))), "{text}");
    }
}

#[test]
fn pictures_in_the_html_itself_are_counted_and_left_out() {
    let html = "<p>a<img src='data:image/png;base64,AAAA' alt='x'><img src='file:///c:/x.png'><img src='https://a.example/b c.png' alt='Een [brug]'>\
                <img src='https://a.example/t.gif' width=1 height=1></p>";
    let pasted = to_markdown(html).expect("not too large");
    assert_eq!(pasted.markdown, "a![Een \\[brug\\]](https://a.example/b%20c.png)");
    assert_eq!(pasted.pictures, 2);
}

#[test]
fn what_nobody_sees_is_dropped_and_what_is_seen_is_kept() {
    let html = "<p style='display: none'>stil</p><p hidden>stil</p><template>stil</template><noscript>stil</noscript>\
                <p>zicht<span style='mso-hide:all'>stil</span>baar</p><details><summary>Kop</summary>inhoud</details>\
                <select><option>stil</select><svg><text>stil</text></svg><textarea>getypt</textarea>";
    assert_eq!(paste(html), "zichtbaar\n\nKop\n\ninhoud\n\ngetypt");
}

#[test]
fn hostile_html_ends_in_words() {
    for html in [
        "<img src=x onerror=alert(1)>ja",
        "<a href='JaVaScRiPt:alert(1)'>ja</a>",
        "<a href=' &#1; javascript:alert(1)'>ja</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>ja</a>",
        "<svg/onload=alert(1)></svg>ja",
        "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>ja",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>ja",
        "<style>@import 'https://x.example'</style>ja",
        "<a href='https://x.example/)<script>alert(1)</script>'>ja</a>",
        "<!--><script>alert(1)</script>-->ja",
        "</p></div></body></html>ja",
        "<table><td>ja",
    ] {
        let markdown = paste(html);
        let written = markdown::write(&markdown, CONTEXT).expect("it renders");
        assert!(written.text.contains("ja"), "{html}: {markdown}");
        assert!(
            !written.html.contains("<script") && !written.html.contains("javascript:"),
            "{html}: {}",
            written.html
        );
        assert_eq!(written.problems, vec![], "{html}: {markdown}");
    }
}

#[test]
fn deep_and_large_html_is_answered_quickly() {
    let begun = std::time::Instant::now();
    for piece in [
        "<div>",
        "<b>",
        "<ul><li>",
        "<table><tr><td>",
        "<blockquote>",
        "</p>",
        "<a href=x>",
        "<p>",
        "&lt;",
        "*",
    ] {
        let html = format!("{}einde", piece.repeat(200_000 / piece.len()));
        let markdown = paste(&html);
        assert!(markdown.contains("einde"), "{piece}");
    }
    assert_eq!(to_markdown(&"x".repeat(INPUT_MAX_OCTETS + 1)), Err(TooLarge));
    assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{:?}", begun.elapsed());
}

/// HTML of words that are all different, with the words in their order.
fn document() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[a-z]{1,8}",
        Just("<br>".to_owned()),
        Just("*_`[x](y) {{naam}} <b".replace('<', "&lt;")),
        Just("1. ".to_owned()),
        Just("# ".to_owned()),
        Just("&nbsp;".to_owned()),
        Just("\u{202e}\u{e001}".to_owned()),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        let tag = prop::sample::select(vec![
            "p",
            "div",
            "b",
            "i",
            "a href='https://x.example/a'",
            "ul",
            "li",
            "ol",
            "blockquote",
            "table",
            "tr",
            "td",
            "h2",
            "pre",
            "span style='font-weight:700'",
            "p style='mso-list:l0 level2 lfo1'",
            "code",
            "s",
            "section",
            "th",
        ]);
        (tag, prop::collection::vec(inner, 0..5), any::<bool>()).prop_map(|(tag, inside, is_closed)| {
            let name = tag.split(' ').next().unwrap_or_default();
            let end = if is_closed { format!("</{name}>") } else { String::new() };
            format!("<{tag}>{}{end}", inside.join(" "))
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_document_renders_and_keeps_its_words(html in document()) {
        // Each word gets a number, so that none is taken for another.
        let mut number = 0;
        let mut words = Vec::new();
        let mut marked = String::new();
        for piece in html.split_inclusive('>') {
            let (text, tag) = piece.rsplit_once('<').map_or((piece, ""), |(text, tag)| (text, tag));
            for word in text.split(' ') {
                if !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase()) {
                    number += 1;
                    words.push(format!("{word}{number}w"));
                    marked.push_str(&format!("{word}{number}w "));
                } else {
                    marked.push_str(word);
                    marked.push(' ');
                }
            }
            if !tag.is_empty() {
                marked.push('<');
                marked.push_str(tag);
            }
        }
        let markdown = paste(&marked);
        let written = markdown::write(&markdown, CONTEXT);
        prop_assert!(written.is_ok(), "{marked}\n{markdown}\n{written:?}");
        let written = written.expect("it renders");
        for word in &words {
            prop_assert!(written.html.contains(word.as_str()), "{word} of {marked}\nin {markdown}\n{}", written.html);
        }
        prop_assert!(!written.problems.iter().any(|problem| matches!(problem, Problem::HtmlAsText(_))), "{markdown}");
    }

    #[test]
    fn anything_at_all_is_taken(html in "(<[a-z/!?\\[]{1,9}[ a-z='\":;-]{0,12}>?|[^\\x00]|&[a-z#0-9]{1,6};){0,200}") {
        let markdown = paste(&html);
        prop_assert!(markdown::write(&markdown, CONTEXT).is_ok(), "{markdown}");
    }
}
