//! What the columns of a file mean: guessed from their headings, said by a person, and then applied to each row.

use crate::mail::slot::clean_line;
use crate::model::{
    AskedField, EmailAddress, Field, FieldId, ImportOrigin, Language, Meaning, PersonName, RowProblem,
};
use crate::subscriptions::fields;

/// Which system wrote a file with these headings.
pub fn origin_of(headings: &[String]) -> ImportOrigin {
    let has = |name: &str| headings.iter().any(|heading| heading.eq_ignore_ascii_case(name));
    let all = |names: &[&str]| names.iter().all(|name| has(name));
    if all(&["LEID", "EUID"]) || all(&["Email Address", "MEMBER_RATING"]) {
        ImportOrigin::Mailchimp
    } else if all(&["uuid", "email", "attributes", "status"]) {
        ImportOrigin::Listmonk
    } else if has("subscribed_to_emails") {
        ImportOrigin::Ghost
    } else if all(&["active_subscription", "email_disabled"]) {
        ImportOrigin::Substack
    } else if (has("email") || has("email_address"))
        && (has("subscriber_type")
            || all(&["secondary_id", "metadata"])
            || (has("type") && (has("email_address") || has("metadata") || has("tags"))))
    {
        ImportOrigin::Buttondown
    } else {
        ImportOrigin::Unknown
    }
}

/// What each column probably means; each of the meanings once, but for those that say who has left. `samples` are rows of
/// the file: a column that nothing but addresses stand in needs no heading that is known.
pub fn guess(
    origin: ImportOrigin,
    headings: &[String],
    fields: &[Field],
    samples: &[Vec<String>],
) -> Vec<Meaning> {
    let mut meanings: Vec<Meaning> = Vec::with_capacity(headings.len());
    for heading in headings {
        let meaning = guess_one(origin, heading, fields);
        let is_taken = !meaning.may_repeat() && meanings.contains(&meaning);
        meanings.push(if is_taken { Meaning::Ignored } else { meaning });
    }
    // A file without headings that knows one column only.
    if headings.len() == 1 {
        return vec![Meaning::Address];
    }
    if !meanings.contains(&Meaning::Address) {
        let mut columns = meanings.iter_mut().enumerate();
        let found =
            columns.find(|(at, meaning)| **meaning == Meaning::Ignored && is_of_addresses(samples, *at));
        if let Some((_, meaning)) = found {
            *meaning = Meaning::Address;
        }
    }
    // "Naam" beside "Voornaam" is the name of the family.
    if meanings.contains(&Meaning::FirstName)
        && !meanings.contains(&Meaning::LastName)
        && let Some(name) = meanings.iter_mut().find(|meaning| **meaning == Meaning::Name)
    {
        *name = Meaning::LastName;
    }
    meanings
}

/// More than half of what stands in it: a file has its mistakes.
fn is_of_addresses(samples: &[Vec<String>], column: usize) -> bool {
    let cells = samples.iter().filter_map(|row| row.get(column)).map(|cell| cell.trim());
    let cells = cells.filter(|cell| !cell.is_empty());
    let are_right: Vec<bool> = cells.map(|cell| EmailAddress::parse(cell).is_ok()).collect();
    are_right.iter().filter(|is_right| **is_right).count() * 2 > are_right.len()
}

fn guess_one(origin: ImportOrigin, heading: &str, fields: &[Field]) -> Meaning {
    let name: String = heading.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let of_origin = match (origin, name.as_str()) {
        (ImportOrigin::Listmonk, "status") | (ImportOrigin::Buttondown, "subscribertype" | "type") => {
            Some(Meaning::Status)
        }
        (ImportOrigin::Ghost, "subscribedtoemails") => Some(Meaning::Subscribed),
        (ImportOrigin::Ghost, "deletedat") => Some(Meaning::LeftAt),
        (ImportOrigin::Substack, "emaildisabled") => Some(Meaning::Left),
        _ => None,
    };
    if let Some(meaning) = of_origin {
        return meaning;
    }
    let field = fields
        .iter()
        .filter(|field| field.archived_at.is_none())
        .find(|field| field.key.replace('_', "") == name || field.key.eq_ignore_ascii_case(heading.trim()));
    if let Some(field) = field {
        return Meaning::Field { key: field.key.clone(), field: field.id.0, kind: field.kind };
    }
    match name.as_str() {
        "email" | "emailaddress" | "mail" | "emailadres" | "mailadres" | "address" | "adresse"
        | "adresseemail" | "courriel" | "emailadresse" | "adres" => Meaning::Address,
        "name" | "fullname" | "naam" | "nom" | "nomcomplet" | "volledigenaam" => Meaning::Name,
        "firstname" | "voornaam" | "prenom" | "prénom" | "vorname" | "fname" => Meaning::FirstName,
        "lastname" | "achternaam" | "familienaam" | "nomdefamille" | "nachname" | "lname" | "surname" => {
            Meaning::LastName
        }
        "language" | "taal" | "langue" | "sprache" | "lang" => Meaning::Language,
        "status" | "statut" | "subscribestatus" => Meaning::Status,
        "subscribed" | "ingeschreven" | "inscrit" => Meaning::Subscribed,
        "unsubscribed" | "uitgeschreven" | "désinscrit" | "abgemeldet" | "bounced" => Meaning::Left,
        "unsubscribedat"
        | "unsubscribetime"
        | "unsubscribedate"
        | "unsubscriptiondate"
        | "unsubtime"
        | "cleantime"
        | "undeliverabilitydate"
        | "bouncedat"
        | "optouttime"
        | "optoutdate" => Meaning::LeftAt,
        _ => Meaning::Ignored,
    }
}

/// A person as a row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub address: EmailAddress,
    pub name: String,
    pub language: Option<Language>,
    /// Has left there, or could not be reached.
    pub has_left: bool,
    pub answers: Vec<(FieldId, String)>,
}

/// Applies the meanings to a row.
///
/// # Errors
/// Why the row cannot be used.
pub fn candidate(
    meanings: &[Meaning],
    fields: &[AskedField],
    cells: &[String],
) -> Result<Candidate, RowProblem> {
    // A download that broke off, or a quote that is missing: who has left must not become a reader by it.
    if meanings.iter().skip(cells.len()).any(Meaning::says_who_left) {
        return Err(RowProblem::TooShort);
    }
    let mut address = "";
    let (mut name, mut first, mut last) = ("", "", "");
    let mut language = None;
    let has_left = meanings.iter().zip(cells).any(|(meaning, cell)| says_left(meaning, cell.trim()));
    let mut answers = Vec::new();
    for (meaning, cell) in meanings.iter().zip(cells) {
        let cell = cell.trim();
        match meaning {
            Meaning::Ignored | Meaning::Status | Meaning::Subscribed | Meaning::Left | Meaning::LeftAt => {}
            Meaning::Address => address = cell,
            Meaning::Name => name = cell,
            Meaning::FirstName => first = cell,
            Meaning::LastName => last = cell,
            Meaning::Language => language = cell.get(..2).and_then(|two| two.to_lowercase().parse().ok()),
            Meaning::Field { field, .. } if !cell.is_empty() => match answer(fields, *field, cell) {
                Ok(answer) => answers.extend(answer),
                // Of who has left it matters that they have: a mistake beside it must not have that forgotten.
                Err(_) if has_left => {}
                Err(problem) => return Err(problem),
            },
            Meaning::Field { .. } => {}
        }
    }
    if address.is_empty() {
        return Err(RowProblem::AddressMissing);
    }
    let address = EmailAddress::parse(address).map_err(|_| RowProblem::AddressWrong)?;
    let name = PersonName::parse(&whole_name(name, first, last));
    let name = match name {
        Err(_) if !has_left => return Err(RowProblem::NameTooLong),
        name => name.ok().flatten(),
    };
    let name = name.map_or_else(String::new, |name| name.as_str().to_owned());
    Ok(Candidate { address, name, language, has_left, answers })
}

/// The whole name, with what columns of their own say beside it and it does not.
fn whole_name(name: &str, first: &str, last: &str) -> String {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let known = words(name);
    let is_in = |part: &str| words(part).iter().all(|word| known.contains(word));
    let first = if is_in(first) { "" } else { first };
    let last = if is_in(last) { "" } else { last };
    format!("{first} {name} {last}")
}

fn answer(fields: &[AskedField], field: i64, cell: &str) -> Result<Option<(FieldId, String)>, RowProblem> {
    let field = fields.iter().find(|known| known.field.id.0 == field).ok_or(RowProblem::ValueWrong)?;
    let value = fields::parse(field, &clean_line(cell)).map_err(|_| RowProblem::ValueWrong)?;
    Ok(value.map(|value| (field.field.id, value)))
}

fn says_left(meaning: &Meaning, cell: &str) -> bool {
    match meaning {
        Meaning::Status => status_says_left(cell),
        Meaning::Subscribed => !is_yes(cell),
        Meaning::Left => is_yes(cell),
        Meaning::LeftAt => !cell.is_empty(),
        _ => false,
    }
}

/// Only words for somebody who gets mail are believed to mean that: who is not sure of it is not mailed.
fn status_says_left(cell: &str) -> bool {
    const SUBSCRIBED: [&str; 14] = [
        "",
        "subscribed",
        "enabled",
        "confirmed",
        "active",
        "regular",
        "premium",
        "gifted",
        "trialed",
        "free",
        "ingeschreven",
        "actief",
        "abonné",
        "aktiv",
    ];
    !SUBSCRIBED.contains(&cell.to_lowercase().as_str())
}

fn is_yes(cell: &str) -> bool {
    matches!(cell.to_lowercase().as_str(), "true" | "t" | "yes" | "y" | "1" | "ja" | "oui" | "x")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headings(line: &str) -> Vec<String> {
        line.split(',').map(str::to_owned).collect()
    }

    fn read(line: &str, row: &str) -> (ImportOrigin, Candidate) {
        let headings = headings(line);
        let origin = origin_of(&headings);
        let cells: Vec<String> = row.split(',').map(str::to_owned).collect();
        (origin, candidate(&guess(origin, &headings, &[], &[]), &[], &cells).expect("a person"))
    }

    #[test]
    fn files_of_other_systems_are_recognised_and_who_left_there_has_left() {
        let cases = [
            (
                "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,LEID,EUID",
                "j@x.be,Jan,Maes,2,2024-01-01,1,2",
                ImportOrigin::Mailchimp,
                false,
            ),
            (
                "Email Address,First Name,Last Name,MEMBER_RATING,UNSUB_TIME,LEID,EUID",
                "j@x.be,Jan,Maes,2,2024-01-01,1,2",
                ImportOrigin::Mailchimp,
                true,
            ),
            (
                "Email Address,First Name,Last Name,MEMBER_RATING,CLEAN_TIME,LEID,EUID",
                "j@x.be,Jan,Maes,2,2024-01-01,1,2",
                ImportOrigin::Mailchimp,
                true,
            ),
            (
                "uuid,email,name,attributes,status,created_at,updated_at",
                "u,j@x.be,Jan Maes,{},enabled,a,b",
                ImportOrigin::Listmonk,
                false,
            ),
            (
                "uuid,email,name,attributes,status,created_at,updated_at",
                "u,j@x.be,Jan Maes,{},blocklisted,a,b",
                ImportOrigin::Listmonk,
                true,
            ),
            (
                "id,email,name,note,subscribed_to_emails,complimentary_plan,created_at,deleted_at",
                "1,j@x.be,Jan Maes,,true,false,a,",
                ImportOrigin::Ghost,
                false,
            ),
            (
                "id,email,name,note,subscribed_to_emails,complimentary_plan,created_at,deleted_at",
                "1,j@x.be,Jan Maes,,false,false,a,",
                ImportOrigin::Ghost,
                true,
            ),
            (
                "email,active_subscription,expiry,email_disabled,created_at,name",
                "j@x.be,false,,false,a,Jan Maes",
                ImportOrigin::Substack,
                false,
            ),
            (
                "email,active_subscription,expiry,email_disabled,created_at,name",
                "j@x.be,false,,true,a,Jan Maes",
                ImportOrigin::Substack,
                true,
            ),
            (
                "email,notes,metadata,tags,secondary_id,subscriber_type,name",
                "j@x.be,,{},,1,regular,Jan Maes",
                ImportOrigin::Buttondown,
                false,
            ),
            (
                "email,notes,metadata,tags,secondary_id,subscriber_type,name",
                "j@x.be,,{},,1,unsubscribed,Jan Maes",
                ImportOrigin::Buttondown,
                true,
            ),
            (
                "email,notes,metadata,tags,type,unsubscription_date,name",
                "j@x.be,,{},,regular,,Jan Maes",
                ImportOrigin::Buttondown,
                false,
            ),
            (
                "email,notes,metadata,tags,type,unsubscription_date,name",
                "j@x.be,,{},,regular,2024-01-01,Jan Maes",
                ImportOrigin::Buttondown,
                true,
            ),
            (
                "id,email_address,type,creation_date,name",
                "1,j@x.be,complained,a,Jan Maes",
                ImportOrigin::Buttondown,
                true,
            ),
            (
                "id,email_address,tags,type,undeliverability_date,name",
                "1,j@x.be,,regular,2024-01-01,Jan Maes",
                ImportOrigin::Buttondown,
                true,
            ),
        ];
        for (line, row, origin, has_left) in cases {
            let (found, person) = read(line, row);
            assert_eq!((found, person.has_left), (origin, has_left), "{line}: {row}");
            assert_eq!((person.address.as_str(), person.name.as_str()), ("j@x.be", "Jan Maes"), "{line}");
        }
    }

    #[test]
    fn a_row_that_ends_before_it_says_who_has_left_is_no_person() {
        let heads = headings("id,email,name,note,subscribed_to_emails,created_at,deleted_at,labels");
        let meanings = guess(ImportOrigin::Ghost, &heads, &[], &[]);
        let read = |row: &str| {
            let cells: Vec<String> = row.split(',').map(str::to_owned).collect();
            candidate(&meanings, &[], &cells).map(|person| person.has_left)
        };
        assert_eq!(read("1,j@x.be,Jan Maes,,true,a,"), Ok(false), "what is missing behind says nothing");
        for cut in ["1,j@x.be,Jan Maes,,true,a", "1,j@x.be,Jan Maes", "1,j@x.be", "Maes"] {
            assert_eq!(read(cut), Err(RowProblem::TooShort), "{cut}");
        }
    }

    #[test]
    fn who_has_left_has_left_whatever_else_is_wrong_with_the_row() {
        let meanings = [Meaning::Address, Meaning::Name, Meaning::Status];
        let read = |status: &str| {
            let cells = ["j@x.be".to_owned(), "x".repeat(10_000), status.to_owned()];
            candidate(&meanings, &[], &cells).map(|person| (person.has_left, person.name))
        };
        assert_eq!(read("subscribed"), Err(RowProblem::NameTooLong));
        assert_eq!(read("unsubscribed"), Ok((true, String::new())));
    }

    #[test]
    fn several_columns_may_say_who_has_left_and_one_is_enough() {
        let heads = headings("email,unsubscribed,bounced,email");
        let meanings = guess(ImportOrigin::Unknown, &heads, &[], &[]);
        assert_eq!(meanings, [Meaning::Address, Meaning::Left, Meaning::Left, Meaning::Ignored]);
        for (row, has_left) in [("false,false", false), ("true,false", true), ("false,true", true)] {
            let (_, person) = read("email,unsubscribed,bounced", &format!("j@x.be,{row}"));
            assert_eq!(person.has_left, has_left, "{row}");
        }
    }

    #[test]
    fn a_column_of_addresses_needs_no_heading_that_is_known() {
        let rows = |rows: &[&str]| rows.iter().map(|row| headings(row)).collect::<Vec<_>>();
        let guessed = |heads: &str, samples: &[&str]| {
            guess(ImportOrigin::Unknown, &headings(heads), &[], &rows(samples))
        };
        let people = ["12,Jan Maes, jan@example.be ", "13,An Peeters,", "14,Bo,bo@example.be"];
        assert_eq!(guessed("nr,naam,contact", &people), [Meaning::Ignored, Meaning::Name, Meaning::Address]);
        let known = guessed("contact,email", &["a@example.be,b@example.be"]);
        assert_eq!(known, [Meaning::Ignored, Meaning::Address], "a heading says more");
        let two = guessed("from,to", &["a@example.be,b@example.be"]);
        assert_eq!(two, [Meaning::Address, Meaning::Ignored]);
        for samples in [&[][..], &["12,"], &["12,Jan <jan@example.be>"], &["12,jan@example.be", "13,no"]] {
            assert_eq!(guessed("nr,contact", samples), [Meaning::Ignored, Meaning::Ignored], "{samples:?}");
        }
        let most = ["12,jan@example.be", "13,no", "14,bo@example.be", "15,"];
        assert_eq!(guessed("nr,contact", &most), [Meaning::Ignored, Meaning::Address], "one mistake");
    }

    #[test]
    fn a_name_beside_a_first_name_is_that_of_the_family() {
        for heads in ["E-mail,Naam,Voornaam", "E-mail,Nom,Prénom", "E-mail,Name,Vorname", "email,name,fname"]
        {
            assert_eq!(read(heads, "j@x.be,Maes,Jan").1.name, "Jan Maes", "{heads}");
        }
        let all = guess(ImportOrigin::Unknown, &headings("email,naam,voornaam,achternaam"), &[], &[]);
        assert_eq!(all, [Meaning::Address, Meaning::Name, Meaning::FirstName, Meaning::LastName]);
    }

    #[test]
    fn nothing_of_a_name_in_several_columns_is_lost() {
        let heads = "email,name,first name,last name";
        for (row, name) in [
            ("Jan Maes,Jan,Maes", "Jan Maes"),
            ("Maes JAN,Jan,Maes", "Maes JAN"),
            ("Maes,Jan,", "Jan Maes"),
            ("Maes,An,Maes", "An Maes"),
            ("Jan,,Maes", "Jan Maes"),
            (",Jan,Maes", "Jan Maes"),
            (",,", ""),
        ] {
            assert_eq!(read(heads, &format!("j@x.be,{row}")).1.name, name, "{row}");
        }
    }

    #[test]
    fn a_word_that_nobody_knows_means_left() {
        for (status, has_left) in
            [("Confirmed", false), ("cleaned", true), ("unactivated", true), ("???", true)]
        {
            assert_eq!(read("email,status", &format!("j@x.be,{status}")).1.has_left, has_left, "{status}");
        }
    }
}
