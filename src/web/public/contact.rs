//! `GET /n/{slug}/contact.vcf`: the sender as a contact (RFC 2426), so that mail programs know whom they let in.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Data, Path};

use crate::model::Newsletter;
use crate::web::{App, PageError};

pub async fn get(app: Data<App>, slug: Path<String>) -> Result<HttpResponse, PageError> {
    let newsletter = super::newsletter(&app, &slug).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/vcard; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}.vcf\"", newsletter.slug)))
        .body(card(&newsletter, &app.url(&format!("/n/{}", newsletter.slug)))))
}

fn card(newsletter: &Newsletter, url: &str) -> String {
    let (name, title) = (value(&newsletter.sender_name), value(&newsletter.name));
    let address = value(&newsletter.sender_address.to_smtp());
    format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nN:{name};;;;\r\nORG:{name}\r\nEMAIL;TYPE=INTERNET:{address}\r\n\
         NOTE:{title}\r\nURL:{}\r\nEND:VCARD\r\n",
        value(url)
    )
}

/// A text as a value: on one line, its separators escaped (RFC 2426, 4).
fn value(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' | ',' | ';' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_on_its_line() {
        assert_eq!(value("Brug; Zonen, \\ Co\r\nX"), "Brug\\; Zonen\\, \\\\ Co  X");
    }
}
