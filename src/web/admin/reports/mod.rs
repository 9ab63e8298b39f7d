//! Reports: what came of an issue ([`mailing`]), and how a newsletter does ([`newsletter`]). The numbers are gathered in
//! `crate::reports`; each chart has a table with the same numbers beside it, and each table a file for spreadsheets.

use std::future::ready;

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Bytes, ServiceConfig, resource};
use actix_web::{HttpResponse, HttpResponseBuilder};
use futures_util::{Stream, StreamExt as _, stream};

use crate::i18n::Texts;
use crate::model::Language;
use crate::subscriptions::export::guarded;
use crate::web::PageError;

pub mod mail;
pub mod mailing;
pub mod newsletter;

pub fn configure(config: &mut ServiceConfig) {
    config
        .service(resource("/admin/mailings/{id}/report").get(mailing::get))
        .service(resource("/admin/mailings/{id}/report/mail").get(mail::get))
        .service(resource("/admin/mailings/{id}/report/{table}.csv").get(mailing::csv))
        .service(resource("/admin/newsletters/{id}/reports").get(newsletter::get))
        .service(
            resource("/admin/newsletters/{id}/reports/summary")
                .get(newsletter::back)
                .post(newsletter::summary),
        )
        .service(resource("/admin/newsletters/{id}/reports/{table}.csv").get(newsletter::csv));
}

/// Thousandths as a percentage with one decimal, as the language writes it.
pub(super) fn percent(t: Texts, per_mille: i64) -> String {
    let (whole, tenth) = (per_mille / 10, (per_mille % 10).abs());
    match t.language() {
        Language::English => format!("{whole}.{tenth}%"),
        Language::Dutch => format!("{whole},{tenth}%"),
        // A narrow space that does not break.
        Language::French | Language::German => format!("{whole},{tenth}\u{202f}%"),
    }
}

/// A table for spreadsheets. Headings are fixed words in English, so that programs can rely on them.
fn table<const N: usize>(
    name: &str,
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<HttpResponse, PageError> {
    let body = lines(std::iter::once(headings.map(str::to_owned)).chain(rows))?;
    Ok(file(name).body(body))
}

/// The same of which the rows come part by part.
fn long_table<const N: usize>(
    name: &str,
    headings: [&str; N],
    rows: impl Stream<Item = Result<Vec<[String; N]>, PageError>> + 'static,
) -> HttpResponse {
    let head = vec![headings.map(str::to_owned)];
    let parts = stream::once(ready(Ok(head))).chain(rows);
    // Where a part fails the connection breaks off, so that nobody takes a part for the whole.
    file(name).streaming(parts.map(|part| lines(part?)))
}

fn file(name: &str) -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")));
    answer
}

fn lines<const N: usize>(rows: impl IntoIterator<Item = [String; N]>) -> Result<Bytes, PageError> {
    let failed = |error: String| PageError::internal("a table could not be written", error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        let row = row.map(|cell| guarded(&cell));
        writer.write_record(row).map_err(|error| failed(error.to_string()))?;
    }
    Ok(Bytes::from(writer.into_inner().map_err(|error| failed(error.to_string()))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_written_as_the_language_does() {
        let written = |language| percent(Texts::new(language), 32);
        let all = [Language::Dutch, Language::English, Language::French, Language::German].map(written);
        assert_eq!(all, ["3,2%", "3.2%", "3,2\u{202f}%", "3,2\u{202f}%"]);
        assert_eq!(percent(Texts::new(Language::English), 1000), "100.0%");
        assert_eq!(percent(Texts::new(Language::English), 0), "0.0%");
    }
}
