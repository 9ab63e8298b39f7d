//! Links that are worth a password.

text_enum!(LinkPurpose {
    /// The first password of somebody who was invited.
    Invite = "invite",
    /// Another password, for one that was forgotten.
    Reset = "reset",
});
