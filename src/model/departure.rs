//! Why someone left, if they said so.

text_enum!(DepartureReason {
    TooMany = "too_many",
    NotRelevant = "not_relevant",
    NeverAsked = "never_asked",
    LooksBad = "looks_bad",
    Other = "other",
});
