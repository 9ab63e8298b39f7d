//! Subject and preview line, and words that somebody meant to replace.

use super::{Facts, Findings, Fix, Place, count};
use crate::i18n::Message;

/// Longer subjects are cut by most inboxes.
const SUBJECT_ADVISED_CHARS: usize = 90;
/// Shorter preview lines leave room that an inbox fills with what stands below; longer ones are cut (H5).
const PREHEADER_ADVISED_CHARS: std::ops::RangeInclusive<usize> = 40..=130;
/// Words of a text that is not finished: as a whole word, in these letters.
const PLACEHOLDERS: [&str; 7] = ["TODO", "TK", "FIXME", "TBD", "XXX", "NTB", "PM:"];
/// Beginnings of a text that fills a page, in any letters.
const FILLERS: [&str; 2] = ["lorem ipsum", "dolor sit amet"];

pub(super) fn check(findings: &mut Findings, facts: Facts<'_>) {
    let (issue, articles) = (facts.issue, facts.articles);
    let has_title = !articles.is_empty();
    if issue.subject.is_empty() {
        findings
            .error(Place::Subject, Message::new("check-subject-empty"))
            .fix(has_title.then_some(Fix::TakeTitle));
    } else if issue.subject.chars().count() > SUBJECT_ADVISED_CHARS {
        findings.warning(Place::Subject, Message::new("check-subject-long"));
    }
    if issue.has_trial() {
        if issue.second_subject == issue.subject {
            findings.error(Place::SecondSubject, Message::new("check-second-subject-same"));
        } else if issue.second_subject.chars().count() > SUBJECT_ADVISED_CHARS {
            findings.warning(Place::SecondSubject, Message::new("check-subject-long"));
        }
    }
    let has_teaser = articles.iter().any(|row| !row.article.teaser.is_empty());
    let take_teaser = has_teaser.then_some(Fix::TakeTeaser);
    if issue.preheader.is_empty() {
        findings.warning(Place::Preheader, Message::new("check-preheader-empty")).fix(take_teaser);
    } else if issue.preheader == issue.subject {
        findings.warning(Place::Preheader, Message::new("check-preheader-repeats")).fix(take_teaser);
    } else if !PREHEADER_ADVISED_CHARS.contains(&issue.preheader.chars().count()) {
        let chars = count(issue.preheader.chars().count());
        findings.hint(Place::Preheader, Message::new("check-preheader-length").number("chars", chars));
    }
    placeholders(findings, facts);
}

/// In the inbox everybody sees it; further down it is advice, because some write about it.
fn placeholders(findings: &mut Findings, facts: Facts<'_>) {
    let issue = facts.issue;
    let in_the_inbox = [
        (Place::Subject, &issue.subject),
        (Place::SecondSubject, &issue.second_subject),
        (Place::Preheader, &issue.preheader),
    ];
    for (place, text) in in_the_inbox {
        if let Some(word) = placeholder(text) {
            findings.error(place, Message::new("check-placeholder-subject").text("word", word));
        }
    }
    let around = [(Place::Intro, &issue.intro), (Place::Outro, &issue.outro)];
    let articles = facts.articles.iter().flat_map(|row| {
        let article = &row.article;
        [&article.title, &article.teaser, &article.body].map(|text| (Place::of(row), text))
    });
    for (place, text) in around.into_iter().chain(articles) {
        if let Some(word) = placeholder(text) {
            findings.warning(place, Message::new("check-placeholder").text("word", word));
        }
    }
}

fn placeholder(text: &str) -> Option<&'static str> {
    let mut words = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | ':')));
    let word = words.find_map(|word| {
        PLACEHOLDERS.into_iter().find(|known| word == *known || word.trim_end_matches(':') == *known)
    });
    word.or_else(|| {
        let lower = text.to_lowercase();
        FILLERS.into_iter().find(|filler| lower.contains(filler))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_an_unfinished_text_are_found_and_those_that_only_look_like_them_are_not() {
        for (text, word) in [
            ("Nog te doen. TODO: cijfers", "TODO"),
            ("(TK)", "TK"),
            ("Prijs: XXX euro", "XXX"),
            ("Lorem Ipsum dolor", "lorem ipsum"),
        ] {
            assert_eq!(placeholder(text), Some(word), "{text}");
        }
        for text in [
            "",
            "Todos los santos",
            "todo",
            "De TKO van de eeuw",
            "XXXL",
            "om 3 PM",
            "https://x.example/TODOLIST",
        ] {
            assert_eq!(placeholder(text), None, "{text}");
        }
    }
}
