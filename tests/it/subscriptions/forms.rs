use postiljon::model::{Language, SubscriptionStatus};
use postiljon::store;
use postiljon::subscriptions::export::export_csv;
use postiljon::subscriptions::fields::{FieldInput, FieldVerbError, add_field, archive_field, change_field};
use postiljon::subscriptions::forms::{FormError, FormInput, add_form, archive_form, change_form};
use postiljon::subscriptions::open_form::OpenForm;
use postiljon::subscriptions::show::dossier;
use postiljon::subscriptions::signup::{Problem, SignUpError};

use crate::support::database::both_dbs;
use crate::support::forms::{fields, form, input, words};
use crate::support::people::{People, address, newsletter};

/// The form as every door gets it.
async fn open(people: &People, form: &postiljon::model::Form) -> Option<OpenForm> {
    let mut reader = people.store.read().await.expect("a reader");
    OpenForm::by_public_id(reader.db(), form.public_id).await.expect("read")
}

/// With a form that asks a field of each kind.
async fn asking(store: &store::Store) -> (People, postiljon::model::Form) {
    let mut people = People::of(store).await;
    let fields = fields(store, &people.clock, people.newsletter.id).await;
    let form = form(store, &people.clock, people.newsletter.id, &fields).await;
    people.open_form = open(&people, &form).await.expect("open");
    (people, form)
}

fn typed(values: &[(&str, &str)]) -> Vec<(String, String)> {
    values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

both_dbs!(answers_are_canonical_and_stay_as_their_owner_confirmed_them, |store| {
    let (people, _) = asking(&store).await;
    let send = async |values: &[(&str, &str)], network| {
        let stamp = people.stamp();
        let values = typed(values);
        let mut form = people.form("jan@example.org", &stamp, network);
        form.values = &values;
        people.send(&form).await.expect("signed up");
        people.clock.advance(std::time::Duration::from_secs(16 * 60));
    };
    let answers = async || {
        let found = dossier(&people.store, &address("jan@example.org")).await.expect("read").expect("known");
        let pair = |answer: store::subscription_values::Answer| format!("{}={}", answer.key, answer.value);
        found.answers.into_iter().map(pair).collect::<Vec<_>>()
    };
    send(&[("company", "One"), ("since", "2020-01-31")], 1).await;
    let all = [
        ("company", "  =Two "),
        ("size", "+042"),
        ("since", ""),
        ("role", "buyer"),
        ("customer", "TRUE"),
        ("unknown", "x"),
    ];
    send(&all, 2).await;
    let expected = ["company==Two", "size=42", "role=buyer", "customer=yes"];
    assert_eq!(answers().await, expected);
    let mails = people.mails().await;
    let token = people.token(mails.last().expect("a mail"));
    let evidence = postiljon::subscriptions::Evidence::command();
    postiljon::subscriptions::confirm::confirm(&people.store, &people.clock, &people.keys, &token, &evidence)
        .await
        .expect("confirmed");
    send(&[("company", "Stranger"), ("size", "1")], 3).await;
    assert_eq!(answers().await, expected);
    let mut out = Vec::new();
    export_csv(&people.store, Some(people.newsletter.id), &mut out).await.expect("exported");
    let mut csv = csv::Reader::from_reader(out.as_slice());
    let head = csv.headers().expect("a head").clone();
    assert_eq!(head.iter().skip(8).collect::<Vec<_>>(), ["company", "size", "since", "role", "customer"]);
    let row = csv.records().next().expect("a row").expect("CSV");
    assert_eq!(row.iter().skip(8).collect::<Vec<_>>(), ["'=Two", "42", "", "buyer", "yes"]);
});

both_dbs!(what_a_stranger_answers_later_is_not_confirmed_by_the_first_mail, |store| {
    let (mut people, _) = asking(&store).await;
    let asked = people.open_form.clone();
    let mut reader = store.read().await.expect("a reader");
    people.open_form = OpenForm::default_of(reader.db(), people.newsletter.clone()).await.expect("read");
    drop(reader);
    people.sign_up("jan@example.org", 1).await.expect("signed up");
    people.clock.advance(std::time::Duration::from_secs(3600));
    let values = typed(&[("company", "Stranger"), ("size", "42")]);
    let stamp = people.stamp();
    let mut form = people.form("jan@example.org", &stamp, 2);
    (form.form, form.values) = (&asked, &values);
    people.send(&form).await.expect("signed up");
    let mails = people.mails().await;
    let evidence = postiljon::subscriptions::Evidence::command();
    let token = people.token(&mails[0]);
    postiljon::subscriptions::confirm::confirm(&store, &people.clock, &people.keys, &token, &evidence)
        .await
        .expect("confirmed");
    let found = dossier(&store, &address("jan@example.org")).await.expect("read").expect("known");
    assert!(found.answers.is_empty(), "{:?}", found.answers);
    assert_eq!(found.subscriptions[0].form_id, Some(people.open_form.form.id));
});

both_dbs!(a_field_that_is_wrong_is_said_with_the_rest_and_in_the_order_of_the_form, |store| {
    let (people, _) = asking(&store).await;
    let stamp = people.stamp();
    let values = typed(&[("size", "501"), ("role", "king"), ("customer", "maybe")]);
    let mut form = people.form("jan@", &stamp, 1);
    (form.values, form.has_consented) = (&values, false);
    let problems = match people.send(&form).await {
        Err(SignUpError::Invalid(problems)) => problems,
        other => panic!("{other:?}"),
    };
    let said: Vec<_> = problems.iter().map(|problem| (problem.field(), problem.code())).collect();
    let expected = [
        ("email", "address_domain"),
        ("company", "required"),
        ("size", "too_large"),
        ("role", "not_an_option"),
        ("customer", "not_yes_or_no"),
        ("consent", "consent_missing"),
    ];
    assert_eq!(said, expected);
    assert!(problems.iter().any(|problem| matches!(problem, Problem::Field { .. })));
    assert!(people.subscription("jan@example.org").await.is_none());
});

both_dbs!(each_change_of_a_form_or_of_what_it_asks_is_a_version_and_consents_name_it, |store| {
    let (mut people, form) = asking(&store).await;
    let company = people.open_form.asked[0].field.clone();
    assert_eq!(form.version, 1);
    let sign_up = async |people: &People, name: &str, network| {
        let stamp = people.stamp();
        let values = typed(&[("company", "One")]);
        let mut sign_up = people.form(name, &stamp, network);
        sign_up.values = &values;
        sign_up.capture =
            postiljon::subscriptions::capture::Capture::of("https://search.example/?q=secret", |name| {
                if name == "utm_source" { "poster" } else { "" }
            });
        people.send(&sign_up).await.expect("signed up");
        let found = dossier(&people.store, &address(name)).await.expect("read").expect("known");
        found.consents[0].clone()
    };
    let consent = sign_up(&people, "a@example.org", 1).await;
    assert_eq!((consent.form_id, consent.form_version), (Some(form.id), Some(1)));
    assert_eq!(consent.referrer, "https://search.example/");
    assert_eq!(
        (consent.utm.as_str(), consent.page.as_str()),
        ("utm_source=poster", "https://meridiaan.example/")
    );
    let changed = FieldInput { words: vec![words(Language::Dutch, "Bedrijf")], ..FieldInput::default() };
    change_field(&store, &people.clock, company.id, &changed).await.expect("changed");
    people.open_form = open(&people, &form).await.expect("open");
    assert_eq!(people.open_form.form.version, 2);
    assert_eq!(people.open_form.asked[0].label(Language::French), "Bedrijf");
    assert_eq!(sign_up(&people, "b@example.org", 2).await.form_version, Some(2));
    let only = FormInput { name: "Other".into(), ..FormInput::default() };
    let third = change_form(&store, &people.clock, form.id, 2, &only).await.expect("changed");
    assert_eq!((third.version, third.allowed_origins.as_str()), (3, ""));
    // Who began with an older version overwrites nothing.
    let late = change_form(&store, &people.clock, form.id, 2, &input(&[company])).await;
    assert!(matches!(&late, Err(FormError::Conflict { theirs }) if theirs.version == 3), "{late:?}");
    assert!(open(&people, &form).await.expect("open").asked.is_empty());
    let subscription = people.subscription("a@example.org").await.expect("there");
    assert_eq!((subscription.status, subscription.form_id), (SubscriptionStatus::Pending, Some(form.id)));
});

both_dbs!(an_archived_form_is_not_open_and_the_form_of_the_own_page_stays, |store| {
    let (people, form) = asking(&store).await;
    archive_form(&store, &people.clock, form.id, true).await.expect("archived");
    assert!(open(&people, &form).await.is_none());
    archive_form(&store, &people.clock, form.id, false).await.expect("brought back");
    let back = open(&people, &form).await.expect("open");
    assert_eq!(back.form.version, 3);
    archive_field(&store, &people.clock, back.asked[0].field.id, true).await.expect("archived");
    assert_eq!(open(&people, &form).await.expect("open").asked.len(), 4);
    let mut reader = store.read().await.expect("a reader");
    let own = store::forms::default_of(reader.db(), people.newsletter.id).await.expect("read");
    drop(reader);
    let refused = archive_form(&store, &people.clock, own.id, true).await;
    assert!(matches!(refused, Err(FormError::IsDefault)), "{refused:?}");
});

both_dbs!(a_form_asks_fields_of_its_own_newsletter_each_once, |store| {
    let (people, form) = asking(&store).await;
    let other = newsletter(&store, "sister", Language::English).await;
    let foreign = fields(&store, &people.clock, other.id).await;
    let own = people.open_form.asked[0].field.clone();
    for asked in [vec![foreign[0].clone()], vec![own.clone(), own.clone()]] {
        let answer = change_form(&store, &people.clock, form.id, 1, &input(&asked)).await;
        assert!(
            matches!(&answer, Err(FormError::Invalid(errors)) if errors.field("asked").is_some()),
            "{answer:?}"
        );
    }
});

both_dbs!(what_is_wrong_with_a_form_or_a_field_stands_beside_it, |store| {
    let people = People::of(&store).await;
    let bad = FormInput {
        name: " ".into(),
        allowed_origins: "https://good.example\n*\n".into(),
        redirect_url: "http://example.org/thanks".into(),
        ..FormInput::default()
    };
    let Err(FormError::Invalid(errors)) = add_form(&store, &people.clock, people.newsletter.id, &bad).await
    else {
        panic!("taken")
    };
    for field in ["name", "allowed_origins", "redirect_url"] {
        assert!(errors.field(field).is_some(), "{field}");
    }
    let field = |key: &str, kind: &str| FieldInput {
        key: key.into(),
        kind: kind.into(),
        words: vec![words(Language::Dutch, "Veld")],
        ..FieldInput::default()
    };
    for (input, wrong) in [
        (field("email", "text"), "key"),
        (field("utm_source", "text"), "key"),
        (field("2x", "text"), "key"),
        (field("Größe", "text"), "key"),
        (field("x", "colour"), "kind"),
        (FieldInput { max_length: "0".into(), ..field("x", "text") }, "max_length"),
        (FieldInput { max_length: "ten".into(), ..field("x", "text") }, "max_length"),
        (FieldInput { least: "5".into(), most: "4".into(), ..field("x", "number") }, "most"),
        (FieldInput { options: "one\none".into(), ..field("x", "choice") }, "options"),
        (FieldInput { options: "one".into(), ..field("x", "choice") }, "options"),
        (FieldInput { words: vec![words(Language::French, "Champ")], ..field("x", "text") }, "label_nl"),
    ] {
        let answer = add_field(&store, &people.clock, people.newsletter.id, &input).await;
        let is_said =
            matches!(&answer, Err(FieldVerbError::Invalid(errors)) if errors.field(wrong).is_some());
        assert!(is_said, "{input:?}: {answer:?}");
    }
    let made =
        add_field(&store, &people.clock, people.newsletter.id, &field("", "text")).await.expect("added");
    assert_eq!(made.key, "veld");
    // A long question has a short name all the same.
    let question = "In welk jaar heeft uw organisatie voor het eerst iets besteld?";
    let long = FieldInput { words: vec![words(Language::Dutch, question)], ..field("", "number") };
    let made = add_field(&store, &people.clock, people.newsletter.id, &long).await.expect("added");
    assert_eq!(made.key, "in_welk_jaar_heeft_uw_organisatie_voor_h");
    let again = add_field(&store, &people.clock, people.newsletter.id, &field("veld", "date")).await;
    assert!(
        matches!(&again, Err(FieldVerbError::Invalid(errors)) if errors.field("key").is_some()),
        "{again:?}"
    );
});
