//! From words to bytes on the wire, and back.
//!
//! Words: [`markdown`] makes HTML and text of an article, [`render`] puts articles and texts into the mails
//! of `email_templates/`, [`headers`] knows the fields of each kind of mail, [`template`] compiles a mail
//! once and fills it per recipient. [`slot`] is what they share: the places filled per recipient.

pub mod color;
pub mod headers;
pub mod markdown;
pub mod markdown_text;
pub mod mime;
pub mod render;
pub mod slot;
pub mod template;

pub mod receive;
pub mod relay;
pub mod reply;
pub mod smtp;
mod wire;
