//! How issues look.

text_enum!(
    /// The layout of an issue. To add one: a value here and in a new migration, a branch in
    /// `email_templates/issue/body.html` with its two files there, and its name in the language files.
    Theme {
        /// A sheet of paper: serifs, fine rules, a strip of the brand's colour.
        Letter = "letter",
        /// A masthead in the brand's colour, and a card for each article.
        Magazine = "magazine",
        /// Hardly any layout: like a mail from one person to another.
        Note = "note",
    }
);
