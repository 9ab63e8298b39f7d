//! The store's conformance tests: the same on both databases.

mod every_statement;
mod newsletters;
