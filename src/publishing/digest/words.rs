//! The merge words of a rule's subject and intro, filled when an issue is made: `{{number}}` of the issue, `{{month}}` in
//! the newsletter's language, `{{title}}` of the first article. Those that are filled per reader stay.

/// What they stand for.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    pub number: i64,
    pub month: &'a str,
    pub title: &'a str,
}

/// The names, for the form.
pub const NAMES: [&str; 3] = ["number", "month", "title"];

/// Fills them in.
pub fn fill(text: &str, words: Words<'_>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let inside = after.split_once("}}").map(|(inside, _)| inside);
        let value = inside.and_then(|inside| value(inside.trim(), words));
        match (inside, value) {
            (Some(inside), Some(value)) => {
                filled.push_str(&value);
                rest = &after[inside.len() + 2..];
            }
            _ => {
                filled.push_str("{{");
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn value(name: &str, words: Words<'_>) -> Option<String> {
    match name {
        "number" => Some(words.number.to_string()),
        "month" => Some(words.month.to_owned()),
        // A title is no place for a field of ours.
        "title" => Some(words.title.replace("{{", "{ {")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_are_filled_and_those_of_readers_stay() {
        let words = Words { number: 12, month: "december", title: "Zes {{lessen" };
        let filled = fill("{{name|lezer}}, nr. {{ number }} van {{month}}: {{title}} {{x}} {{", words);
        assert_eq!(filled, "{{name|lezer}}, nr. 12 van december: Zes { {lessen {{x}} {{");
    }
}
