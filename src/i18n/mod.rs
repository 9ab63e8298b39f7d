//! The languages of pages and mails.
