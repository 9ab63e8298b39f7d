//! From words to bytes on the wire, and back.
//!
//! - Words: [`markdown`] makes HTML and text of an article, [`render`] puts articles and texts into the mails
//!   of `email_templates/`, [`headers`] knows the fields of each kind of mail, [`template`] compiles a mail
//!   once and fills it per recipient. [`slot`] is what they share: the places filled per recipient. [`web_copy`] makes
//!   a page, and the content of feeds, of what was mailed.
//! - [`dkim`] signs what is ready to go.
//! - Wire: [`payload`] is a message as DATA takes it, [`smtp`] one session with a mail server, [`relay`] the
//!   sessions of one relay, [`relays`] the choice between several, [`reply`] what a server answers. [`receive`] is
//!   a small server of our own.
//! - [`invariants`]: what holds for any bytes, tried by property tests and fuzz targets.

pub mod accounts;
pub mod color;
pub mod dkim;
pub mod headers;
pub mod invariants;
pub mod issue;
pub mod markdown;
pub mod markdown_text;
pub mod mime;
pub mod note;
pub mod payload;
pub mod receive;
pub mod relay;
pub mod relays;
pub mod render;
pub mod reply;
pub mod slot;
pub mod smtp;
pub mod template;
pub mod tracking;
pub mod web_copy;
pub mod welcome;

mod markdown_link;
mod wire;
