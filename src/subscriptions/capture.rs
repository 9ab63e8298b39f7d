//! How a visitor came to the form, as far as the page says so: kept with the consent.

use super::cut;

/// The names of campaign parameters that are kept; whatever else a URL holds is not ours to keep.
pub const UTM_NAMES: [&str; 5] = ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"];
/// Most characters of one campaign parameter.
const UTM_MAX_CHARS: usize = 100;

/// The page before the one with the form, and the campaign that led there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capture {
    /// A URL without its query, which may hold what is nobody's business; may be empty.
    pub referrer: String,
    /// `utm_source=..&utm_medium=..`: the known names in this order, each once; may be empty.
    pub utm: String,
}

impl Capture {
    /// From the referrer and the campaign parameters that came with the form.
    pub fn of<'a>(referrer: &str, parameter: impl Fn(&'a str) -> &'a str) -> Self {
        let mut utm = form_urlencoded::Serializer::new(String::new());
        for name in UTM_NAMES {
            let value: String =
                parameter(name).trim().chars().filter(|c| !c.is_control()).take(UTM_MAX_CHARS).collect();
            if !value.is_empty() {
                utm.append_pair(name, &value);
            }
        }
        Self { referrer: without_query(referrer), utm: utm.finish() }
    }
}

/// A web address without query and fragment; empty when it is none.
pub fn without_query(url: &str) -> String {
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return String::new();
    }
    cut(url.split(['?', '#']).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_parameters_are_kept_once_and_in_order() {
        let given = |name: &'static str| match name {
            "utm_medium" => " e mail&x\n",
            "utm_source" => "blog",
            _ => "",
        };
        let capture = Capture::of("https://search.example/find?q=secret#top", given);
        assert_eq!(capture.utm, "utm_source=blog&utm_medium=e+mail%26x");
        assert_eq!(capture.referrer, "https://search.example/find");
        assert_eq!(Capture::of("javascript:alert(1)", |_| ""), Capture::default());
    }
}
