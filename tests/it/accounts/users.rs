use postiljon::accounts::sessions;
use postiljon::accounts::users::{NewUser, UserError, add_user, set_password};
use postiljon::clock::Clock;
use postiljon::model::Language;

use super::login::{AN, PASSWORD, add_an, log_in};
use crate::support::database::both_dbs;
use crate::support::samples::{NOW, address};

both_dbs!(a_wrong_user_names_every_wrong_field, |store| {
    let new = NewUser { address: "an", name: &"x".repeat(1000), language: Language::Dutch, password: "kort" };
    let error = add_user(&store, &Clock::test(NOW), new).await.expect_err("refused");
    let UserError::Invalid(errors) = error else { panic!("{error}") };
    let fields: Vec<_> = errors.iter().map(|error| (error.field, error.message.key())).collect();
    assert_eq!(
        fields,
        [
            ("address", "error-address-no-at"),
            ("name", "error-name-too-long"),
            ("password", "error-password-short")
        ]
    );
});

both_dbs!(a_second_user_of_an_address_is_a_clear_error, |store| {
    let clock = Clock::test(NOW);
    add_an(&store, &clock).await;
    let new = NewUser { address: "AN@example.org", name: "", language: Language::Dutch, password: PASSWORD };
    let error = add_user(&store, &clock, new).await.expect_err("refused");
    assert_eq!(error.key(), "error-user-exists");
    assert_eq!(error.to_string(), "address: There is a user with the address AN@example.org already.");
});

both_dbs!(another_password_ends_the_old_sessions, |store| {
    let clock = Clock::test(NOW);
    add_an(&store, &clock).await;
    let login = log_in(&store, &clock, AN, PASSWORD, 1).await.expect("signed in");
    assert!(sessions::find(&store, &clock, &login.token).await.expect("read").is_some());
    let error = set_password(&store, &address(AN), "wachtwoord").await.expect_err("refused");
    assert_eq!(error.key(), "error-password-common");
    set_password(&store, &address(AN), "vier losse woorden samen").await.expect("changed");
    assert!(sessions::find(&store, &clock, &login.token).await.expect("read").is_none());
    assert!(log_in(&store, &clock, AN, PASSWORD, 1).await.is_err());
    assert!(log_in(&store, &clock, AN, "vier losse woorden samen", 1).await.is_ok());
});
