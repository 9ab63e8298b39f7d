//! Pages and forms: for visitors in [`public`], for the desk in [`admin`], for scripts and servers in [`api`].
//!
//! - Every URL stands in one table, [`routes`]; a file's path repeats its URL.
//! - A handler parses, calls a verb and answers. It reads through `store`, and writes only through a verb
//!   of `subscriptions`, `publishing`, `reports`, `delivery` or `accounts`.
//! - No GET changes anything.
//! - A page is an Askama struct with a [`layout::Page`]; its texts come from `i18n` by key. No inline script
//!   or style: the content security policy forbids them.
//! - A handler fails with a [`error::PageError`]; the visitor sees a page in their language.

pub mod access;
pub mod admin;
pub mod api;
pub mod app;
pub mod assets;
pub mod charts;
pub mod client;
pub mod csrf;
pub mod error;
pub mod form;
pub mod headers;
pub mod images;
pub mod kept;
pub mod language;
pub mod layout;
pub mod public;
pub mod receipt;
pub mod routes;
pub mod scheme;
pub mod server;
pub mod session;
pub mod setup;
pub mod upload;
pub mod watching;
pub mod zones;

pub use app::App;
pub use error::PageError;
