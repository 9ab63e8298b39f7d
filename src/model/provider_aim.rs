//! Why somebody goes to the provider of identities.

text_enum!(ProviderAim {
    /// To sign in.
    Login = "login",
    /// To link the account there to the one here.
    Link = "link",
    /// To accept an invitation.
    Join = "join",
});
