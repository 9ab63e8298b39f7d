//! A page in light or in dark whatever the browser prefers: `?scheme=dark`, for the previews of the desk. A frame
//! cannot tell the page in it what to prefer, so its style sheets are served without the question.

use actix_web::HttpRequest;

/// What the query asks for.
pub fn chosen(request: &HttpRequest) -> Option<&'static str> {
    let mut query = form_urlencoded::parse(request.query_string().as_bytes());
    let (_, value) = query.find(|(name, _)| name == "scheme")?;
    ["light", "dark"].into_iter().find(|scheme| *scheme == value)
}

/// A style sheet that no longer asks what is preferred.
pub fn settled(css: &str, scheme: &str) -> String {
    let always = if scheme == "dark" { "all" } else { "not all" };
    css.replace("(prefers-color-scheme: dark)", always)
        .replace("color-scheme: light dark", &format!("color-scheme: {scheme}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settled_sheet_asks_nothing() {
        let css =
            ":root { color-scheme: light dark; } @media (prefers-color-scheme: dark) { a { color: red; } }";
        assert_eq!(settled(css, "dark"), ":root { color-scheme: dark; } @media all { a { color: red; } }");
        assert_eq!(
            settled(css, "light"),
            ":root { color-scheme: light; } @media not all { a { color: red; } }"
        );
    }
}
