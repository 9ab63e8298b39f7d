//! The command line: one file per command; each calls the same verb as the page.
