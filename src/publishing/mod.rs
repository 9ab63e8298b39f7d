//! Articles, and issues made of them.
