//! `GET /admin/mailings/{id}/report/mail`: the mail as it went out in one language (`?language=`), with a number behind each
//! link, for a frame.

use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::mail::slot::{escape_html, for_reader};
use crate::mail::tracking::with_badges;
use crate::model::{Language, MailingId};
use crate::store;
use crate::web::admin::{grouped, id_of};
use crate::web::form::Form;
use crate::web::headers::MAIL_POLICY;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

/// In a frame of its own, whose policy allows styles: the mail has only such.
const BADGE: &str = "display:inline-block;margin:0 4px;padding:0 8px;border-radius:11px;background:#14171a;color:#ffffff;\
    box-shadow:0 0 0 2px #ffffff;font:700 13px/22px Arial,sans-serif;letter-spacing:0;white-space:nowrap;vertical-align:middle";

/// The language that a query asks for.
pub(super) fn asked(request: &HttpRequest) -> Option<Language> {
    Form::of_query(request).first("language").parse().ok()
}

/// In which of its languages a mail is shown: the one that is asked for, else that of the newsletter.
pub(super) fn shown(known: &[Language], asked: Option<Language>, own: Language) -> Option<Language> {
    let wanted = asked.into_iter().chain([own]).find(|language| known.contains(language));
    wanted.or(known.first().copied())
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let id = MailingId(id_of(&id)?);
    let mut reader = app.store.read().await?;
    let links = store::mailing_links::of_mailing(reader.db(), id).await?;
    let mailing = store::mailings::by_id(reader.db(), id).await?.ok_or(PageError::NotFound)?;
    let newsletter = store::newsletters::by_id(reader.db(), mailing.newsletter_id).await?;
    let own = newsletter.ok_or(PageError::NotFound)?.language;
    let contents = store::mailings::contents(reader.db(), id).await?;
    let known: Vec<Language> = contents.iter().map(|content| content.language).collect();
    let language = shown(&known, asked(&request), own);
    let content = contents.into_iter().find(|content| Some(content.language) == language);
    let content = content.filter(|_| !links.is_empty()).ok_or(PageError::NotFound)?;
    drop(reader);
    let urls: Vec<(u16, &str)> =
        links.iter().filter_map(|link| Some((u16::try_from(link.number).ok()?, link.url.as_str()))).collect();
    let badge = |number: u16| {
        let clicks = links.iter().find(|link| link.number == i64::from(number)).map_or(0, |link| link.clicks);
        let words = t.with2("report-clicks-of", "count", clicks, "shown", grouped(clicks));
        format!("<span style=\"{BADGE}\" title=\"{}\">{}</span>", escape_html(&words), grouped(clicks))
    };
    let mail = for_reader(&with_badges(&content.html, &urls, badge), "", escape_html);
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, MAIL_POLICY))
        .body(mail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_shown_as_asked_else_as_the_newsletter_speaks_else_as_there_is() {
        use Language::{Dutch, English, French};
        let both = [French, Dutch];
        assert_eq!(shown(&both, None, Dutch), Some(Dutch));
        assert_eq!(shown(&both, Some(French), Dutch), Some(French));
        assert_eq!(shown(&both, Some(English), Dutch), Some(Dutch));
        assert_eq!(shown(&both, None, English), Some(French));
        assert_eq!(shown(&[], Some(French), Dutch), None);
    }
}
