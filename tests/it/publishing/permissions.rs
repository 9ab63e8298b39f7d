//! Every verb of the desk, for every role (S11): whichever door it is called through, it asks. The pages are walked in
//! `web::access`.

use std::fmt::Debug;
use std::time::Duration;

use postiljon::clock::Clock;
use postiljon::files::Files;
use postiljon::http::{Http, Reach};
use postiljon::keys::Keys;
use postiljon::model::{
    Actor, ArchivePolicy, ArticleId, ArticleStatus, BulkActId, BulkActKind, Condition, DigestRuleId,
    DkimKeyId, FieldId, Filter, FormId, Grant, ImportId, IssueId, Language, MailingId, Meaning, Move,
    NewsletterId, Permission, RelayId, Retention, RetentionPeriod, Role, SegmentId, Selection, SetupStep,
    SourceId, SubscriptionId, Theme, TopicId, Tracking, UserId, VersionKind, WelcomeStepId,
};
use postiljon::publishing::digest::{acts as digest_acts, rules};
use postiljon::publishing::handed_in::{self, Basis, HandedIn};
use postiljon::publishing::images::Images;
use postiljon::publishing::newsletters::{
    AboutInput, BrandInput, IssuesInput, PrivacyInput, SenderInput, SendingInput, set_about, set_archive,
    set_brand, set_issues, set_privacy, set_sender, set_sending, set_tracking,
};
use postiljon::publishing::pictures::Fetcher;
use postiljon::publishing::schedule::{When, schedule};
use postiljon::publishing::topics::{self, Direction};
use postiljon::publishing::{
    approval, articles, issues, moves, newsletters, presence, sources, test_groups, test_mail, translations,
    versions, welcome,
};
use postiljon::reports::summary::set_summary;
use postiljon::setup::{domains, relays, retention, steps};
use postiljon::store::bulk_acts::NewAct;
use postiljon::store::{Store, bulk_acts, imports, subscribers};
use postiljon::subscriptions::import::{self, Upload};
use postiljon::subscriptions::{
    bulk, company, erase, export, fields as field_verbs, forms as form_verbs, segments,
};

use super::digest::rule_input;
use super::{PUBLIC_URL, input};
use crate::support::database::{both_dbs, change, everything, read};
use crate::support::forms::{fields, form};
use crate::support::samples::{self, NOW, confirmed, issue, scheduled};

struct Objects {
    newsletter: NewsletterId,
    article: ArticleId,
    issue: IssueId,
    mailing: MailingId,
    form: FormId,
    field: FieldId,
    topic: TopicId,
    step: WelcomeStepId,
    reader: postiljon::model::EmailAddress,
    subscription: SubscriptionId,
    rule: DigestRuleId,
    segment: SegmentId,
    import: ImportId,
    act: BulkActId,
}

async fn objects(store: &Store, slug: &str, reader: usize) -> Objects {
    let newsletter = samples::newsletter(store, slug).await.id;
    let clock = Clock::test(NOW);
    let asked = fields(store, &clock, newsletter).await;
    let subscription = confirmed(store, newsletter, reader).await;
    let filter = &french();
    let new = NewAct {
        kind: BulkActKind::Unsubscribe,
        newsletter_id: newsletter,
        topic_id: None,
        selection: "{}",
        total: 0,
        end_id: SubscriptionId(0),
        user_id: None,
    };
    Objects {
        newsletter,
        subscription: subscription.id,
        rule: rules::create(store, &clock, newsletter, &rule_input()).await.expect("a rule").id,
        segment: segments::add(store, &clock, newsletter, "Iedereen", filter).await.expect("kept").id,
        import: change!(store, |tx| imports::insert(tx, newsletter, "readers.csv", None, NOW)).id,
        act: change!(store, |tx| bulk_acts::insert(tx, new, NOW)).id,
        article: samples::article(store, &format!("piece-{slug}")).await.id,
        mailing: scheduled(store, newsletter).await.id,
        issue: issue(store, newsletter).await.id,
        form: form(store, &clock, newsletter, &asked).await.id,
        field: asked[0].id,
        topic: change!(store, |tx| postiljon::store::topics::insert(tx, newsletter, "geld", NOW)).id,
        step: change!(store, |tx| postiljon::store::welcome::insert_step(tx, newsletter, 3, NOW)).id,
        reader: read!(store, |db| subscribers::by_id(db, subscription.subscriber_id)).expect("there").address,
    }
}

/// Who reads French.
fn french() -> Filter {
    Filter::all(vec![Condition::Language { is: true, language: Language::French }])
}

/// Whether a verb was refused for want of a permission.
fn is_denied<T, E: Debug>(result: &Result<T, E>) -> bool {
    result.as_ref().is_err_and(|error| format!("{error:?}").contains("Denied("))
}

/// Calls every verb; answers its name, what it needs, and whether it was refused.
async fn ask(store: &Store, on: &Objects) -> Vec<(&'static str, Permission, bool)> {
    let (clock, keys, user) = (&Clock::test(NOW), &Keys::new(&[7; 32]), UserId(1));
    let id = on.newsletter;
    let mut asked = Vec::new();
    macro_rules! ask {
        ($permission:ident, $name:literal, $call:expr) => {
            asked.push(($name, Permission::$permission, is_denied(&$call.await)));
        };
    }
    let words = &translations::TranslationInput { subject: "Lu".into(), ..Default::default() };
    ask!(
        DraftIssues,
        "translations::save",
        translations::save(store, clock, on.issue, Language::French, 0, words)
    );
    ask!(DraftIssues, "issues::discard", issues::discard(store, on.issue, 0));
    ask!(
        DraftIssues,
        "translations::remove",
        translations::remove(store, clock, on.issue, Language::French, 1, None)
    );
    let rule = &rule_input();
    ask!(SetDigests, "rules::create", rules::create(store, clock, id, rule));
    ask!(SetDigests, "rules::save", rules::save(store, clock, on.rule, 1, rule));
    ask!(SetDigests, "rules::pin", rules::pin(store, on.rule, on.article, true));
    ask!(SetDigests, "rules::switch", rules::switch(store, clock, on.rule, true));
    ask!(SetDigests, "digest::skip_next", digest_acts::skip_next(store, clock, on.rule, None));
    ask!(SetDigests, "digest::unskip", digest_acts::unskip(store, clock, on.rule, "2027-03-04"));
    ask!(SetDigests, "rules::switch off", rules::switch(store, clock, on.rule, false));
    let source = &sources::SourceInput::default();
    ask!(SetSources, "sources::create", sources::create(store, clock, source));
    ask!(SetSources, "sources::save", sources::save(store, clock, SourceId(1), 1, source));
    ask!(SetSources, "sources::delete", sources::delete(store, SourceId(1)));
    ask!(SeeNewsletter, "set_summary", set_summary(store, id, user, false));
    ask!(SetNewsletter, "set_tracking", set_tracking(store, id, None, Tracking::Aggregate));
    let filter = &french();
    ask!(ChangeSubscribers, "segments::add", segments::add(store, clock, id, "Nieuw", filter));
    ask!(
        ChangeSubscribers,
        "segments::change",
        segments::change(store, clock, on.segment, None, "Oud", filter)
    );
    ask!(ChangeSubscribers, "segments::delete", segments::delete(store, on.segment));
    let wanted = |kind| bulk::Wanted {
        kind,
        newsletter: id,
        topic: None,
        selection: Selection::default(),
        typed_count: None,
        user: None,
    };
    ask!(ChangeSubscribers, "bulk::begin", bulk::begin(store, clock, wanted(BulkActKind::AddTopic)));
    ask!(EraseSubscribers, "bulk::begin erase", bulk::begin(store, clock, wanted(BulkActKind::Erase)));
    ask!(ChangeSubscribers, "bulk::undo", bulk::undo(store, on.act));
    ask!(ImportSubscribers, "import::begin", Upload::begin(store, clock, id, "readers.csv", None));
    let basis = "Op papier gevraagd, aan de balie.";
    ask!(
        ImportSubscribers,
        "import::check",
        import::check(store, clock, on.import, &[Meaning::Address], basis)
    );
    ask!(ImportSubscribers, "import::cancel", import::cancel(store, clock, on.import));
    ask!(ChangeSubscribers, "company::ask_again", company::ask_again(store, clock, keys, on.subscription));
    ask!(
        ChangeSubscribers,
        "company::end_subscription",
        company::end_subscription(store, clock, keys, on.subscription)
    );
    ask!(
        ChangeSubscribers,
        "company::subscribe_again",
        company::subscribe_again(store, clock, keys, on.subscription, basis)
    );
    ask!(DraftIssues, "approval::ask", approval::ask(store, clock, PUBLIC_URL, on.issue, "An"));
    let article = &input("Een stuk");
    ask!(WriteArticles, "articles::create", articles::create(store, clock, article));
    ask!(WriteArticles, "articles::save", articles::save(store, clock, on.article, 1, article));
    ask!(
        PublishArticles,
        "articles::set_status",
        articles::set_status(store, clock, on.article, ArticleStatus::Published)
    );
    ask!(
        WriteArticles,
        "articles::translate",
        articles::translate(store, clock, None, on.article, Language::French)
    );
    ask!(WriteArticles, "articles::import", articles::import(store, clock, "# Titel\n\nTekst."));
    ask!(
        WriteArticles,
        "articles::create_by",
        articles::create_by(store, clock, None, VersionKind::Autosaved, article)
    );
    let handed = &HandedIn::default();
    let (http, images) = (&Http::new(Reach::Public), &Images::new(Files::in_memory()));
    let pictures = Fetcher { store, clock, http, images, within: Duration::ZERO };
    ask!(WriteArticles, "handed_in::hand_in", handed_in::hand_in(pictures, user, "", handed));
    ask!(
        WriteArticles,
        "handed_in::change",
        handed_in::change(pictures, user, on.article, Basis::Version(0), handed)
    );
    ask!(WriteArticles, "versions::autosave", versions::autosave(store, clock, user, on.article, 1, article));
    ask!(WriteArticles, "versions::restore", versions::restore(store, clock, user, on.article, 1, 1));
    ask!(WriteArticles, "presence::here", presence::here(store, clock, on.article, user));
    ask!(WriteArticles, "presence::gone", presence::gone(store, on.article, user));
    let words = &issues::IssueInput { subject: "Lente".into(), ..Default::default() };
    ask!(DraftIssues, "issues::create", issues::create(store, clock, id, words));
    ask!(DraftIssues, "issues::copy", issues::copy(store, clock, on.issue, None));
    ask!(DraftIssues, "issues::save", issues::save(store, clock, on.issue, 1, words));
    ask!(TestIssues, "test_mail", test_mail::send_test(store, clock, PUBLIC_URL, on.issue, "x@example.org"));
    ask!(TestIssues, "test_groups::save", test_groups::save(store, clock, id, "Ons", "x@example.org"));
    ask!(TestIssues, "test_groups::delete", test_groups::delete(store, id, postiljon::model::TestGroupId(9)));
    ask!(ApproveIssues, "approve", approval::approve(store, clock, PUBLIC_URL, on.issue, user, None));
    ask!(SendIssues, "schedule", schedule(store, clock, PUBLIC_URL, on.issue, When::Now));
    ask!(SendIssues, "make_move", moves::make_move(store, clock, on.mailing, Move::Pause));
    let step = &welcome::StepInput::default();
    ask!(WriteWelcome, "welcome::create", welcome::create(store, clock, PUBLIC_URL, id, step));
    let then = welcome::Then::Stay;
    ask!(WriteWelcome, "welcome::save", welcome::save(store, clock, PUBLIC_URL, on.step, NOW, step, then));
    ask!(
        WriteWelcome,
        "welcome::send_test",
        welcome::send_test(store, clock, PUBLIC_URL, on.step, Language::Dutch, "x@example.org")
    );
    ask!(WriteWelcome, "welcome::delete", welcome::delete(store, on.step));
    let topic = &topics::TopicInput::default();
    ask!(SetNewsletter, "topics::add", topics::add(store, clock, id, topic, false));
    ask!(SetNewsletter, "topics::rename", topics::rename(store, on.topic, None, topic));
    ask!(SetNewsletter, "topics::shift", topics::shift(store, on.topic, None, Direction::Up));
    ask!(SetNewsletter, "topics::archive", topics::archive(store, clock, on.topic));
    ask!(SetNewsletter, "topics::restore", topics::restore(store, on.topic));
    let asks = &form_verbs::FormInput::default();
    ask!(SetNewsletter, "add_form", form_verbs::add_form(store, clock, id, asks));
    ask!(SetNewsletter, "change_form", form_verbs::change_form(store, clock, on.form, 1, asks));
    ask!(SetNewsletter, "archive_form", form_verbs::archive_form(store, clock, on.form, true));
    let field = &field_verbs::FieldInput::default();
    ask!(SetNewsletter, "add_field", field_verbs::add_field(store, clock, id, field));
    ask!(SetNewsletter, "change_field", field_verbs::change_field(store, clock, on.field, field));
    ask!(SetNewsletter, "archive_field", field_verbs::archive_field(store, clock, on.field, true));
    let about_input = &AboutInput {
        name: "Nieuws".into(),
        description: String::new(),
        language: Language::Dutch,
        reader_languages: Vec::new(),
        time_zone: "Europe/Brussels".into(),
    };
    let sender_input = &SenderInput {
        sender_name: "X".into(),
        sender_address: "x@example.org".into(),
        reply_to: String::new(),
        postal_address: "Kaai 1".into(),
    };
    let look = &BrandInput { brand_color: "#0f766e".into(), logo_url: String::new() };
    let notice = &PrivacyInput { privacy_url: String::new(), privacy_version: String::new() };
    ask!(SetNewsletter, "set_about", set_about(store, id, None, about_input));
    ask!(SetNewsletter, "set_sender", set_sender(store, id, None, sender_input));
    ask!(SetNewsletter, "set_brand", set_brand(store, id, None, look));
    ask!(SetNewsletter, "set_privacy", set_privacy(store, id, None, notice));
    ask!(SetNewsletter, "set_archive", set_archive(store, id, None, ArchivePolicy::Off));
    let sent = &SendingInput {
        relay: String::new(),
        mails_per_hour: None,
        on_uncertain: postiljon::model::UncertainPolicy::Hold,
    };
    ask!(SetNewsletter, "set_sending", set_sending(store, id, None, sent));
    let themes = &IssuesInput { theme: Theme::Note, needs_approval: false };
    ask!(SetNewsletter, "set_issues", set_issues(store, id, None, themes));
    let open = newsletters::open_newsletter(store, clock, "", about_input, sender_input);
    ask!(AddNewsletters, "open_newsletter", open);
    let owner = "x@example.org".parse().expect("an address");
    ask!(
        AddNewsletters,
        "begin_newsletter",
        newsletters::begin_newsletter(store, clock, about_input, &owner)
    );
    ask!(AddNewsletters, "steps::pass", steps::pass(store, clock, SetupStep::Brand));
    ask!(AddNewsletters, "steps::keep_draft", steps::keep_draft(store, SetupStep::Brand, "a=1"));
    let (relay, configured) = (&relays::RelayInput::default(), &relays::Configured::default());
    ask!(SetRelays, "relays::add", relays::add(store, clock, keys, configured, "", relay));
    ask!(
        SetRelays,
        "relays::change",
        relays::change(store, clock, keys, configured, RelayId(9), None, relay)
    );
    ask!(SetRelays, "relays::remove", relays::remove(store, configured, RelayId(9)));
    let (key, period) = (&domains::KeyInput::default(), RetentionPeriod::Audit);
    ask!(SetDomains, "domains::make_key", domains::make_key(store, clock, keys, key));
    ask!(SetDomains, "domains::begin", domains::begin(store, clock, keys, DkimKeyId(9)));
    ask!(SetDomains, "domains::were_seen", domains::were_seen(store, clock, keys, &[DkimKeyId(9)]));
    ask!(SetDomains, "domains::retire", domains::retire(store, clock, DkimKeyId(9)));
    ask!(SetDomains, "domains::remove", domains::remove(store, DkimKeyId(9)));
    let usual = Retention::default();
    ask!(SetRetention, "retention::set", retention::set(store, usual, period, "x", true));
    ask!(SetRetention, "retention::put_back", retention::put_back(store, usual, period, true));
    ask!(ExportSubscribers, "export_csv", export::export_csv(store, Some(id), Vec::<u8>::new()));
    ask!(EraseSubscribers, "erase", erase::erase(store, clock, keys, &on.reader));
    asked
}

fn acting(store: &Store, grants: Vec<Grant>) -> Store {
    store.acting(Actor::user(UserId(1), "An", grants))
}

both_dbs!(every_verb_asks_who_acts_and_writes_nothing_when_it_may_not, |store| {
    let store = store.timed(Clock::test(NOW));
    samples::user(&store, "an@example.org").await;
    let mine = objects(&store, "mine", 1).await;
    let theirs = objects(&store, "theirs", 2).await;
    // Visitors, people without a role, and an owner of another newsletter.
    for grants in [Some(Vec::new()), Some(vec![Grant::of_one(theirs.newsletter, Role::Owner)]), None] {
        let before = everything(&store).await;
        let acting = match &grants {
            Some(grants) => acting(&store, grants.clone()),
            None => store.acting(Actor::Visitor),
        };
        for (verb, permission, is_denied) in ask(&acting, &mine).await {
            let may = acting.actor().may(permission, Some(mine.newsletter));
            assert_eq!(is_denied, !may, "{verb} for {grants:?}");
        }
        if grants.as_ref().is_none_or(Vec::is_empty) {
            assert_eq!(before, everything(&store).await, "nothing was written");
        }
    }
    for role in [Role::Viewer, Role::Author, Role::Editor, Role::Owner] {
        for grant in [Grant::of_one(mine.newsletter, role), Grant::of_all(role)] {
            let acting = acting(&store, vec![grant]);
            for (verb, permission, is_denied) in ask(&acting, &mine).await {
                let may = acting.actor().may(permission, Some(mine.newsletter));
                // Once the reader is erased there is nobody of one's own newsletter to erase.
                let is_gone = verb == "erase" && role == Role::Owner;
                assert!(is_denied != may || is_gone, "{verb} for {grant:?}");
            }
        }
    }
});

both_dbs!(a_person_of_two_newsletters_is_erased_by_who_may_for_both, |store| {
    let clock = &Clock::test(NOW);
    let keys = &Keys::new(&[7; 32]);
    let (mine, theirs) =
        (samples::newsletter(&store, "mine").await.id, samples::newsletter(&store, "theirs").await.id);
    for newsletter in [mine, theirs] {
        confirmed(&store, newsletter, 1).await;
    }
    let address = "reader1@example.org".parse().expect("an address");
    let one = acting(&store, vec![Grant::of_one(mine, Role::Owner), Grant::of_one(theirs, Role::Editor)]);
    assert!(is_denied(&erase::erase(&one, clock, keys, &address).await));
    assert!(read!(store, |db| subscribers::by_address(db, &address)).is_some());
    let both = acting(&store, vec![Grant::of_one(mine, Role::Owner), Grant::of_one(theirs, Role::Owner)]);
    assert!(erase::erase(&both, clock, keys, &address).await.expect("erased"));
    // Nobody of theirs: that takes a role for all.
    assert!(is_denied(&erase::erase(&both, clock, keys, &address).await));
    let rows = everything(&store).await.join("\n");
    assert!(!rows.contains("reader1@example.org"), "the log holds no address");
});
