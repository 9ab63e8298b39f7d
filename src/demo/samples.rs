//! What the demo begins with: two newsletters, articles in three languages, and an issue to look at.

use crate::clock::Clock;
use crate::model::{ArchivePolicy, ArticleDisplay, Language, Newsletter, Placed, Slug, UncertainPolicy};
use crate::publishing::articles;
use crate::publishing::issues::{self, IssueInput};
use crate::publishing::newsletters::{NewsletterInput, add_newsletter};
use crate::publishing::topics::{self, TopicInput, TopicWords};
use crate::store::{self, Store};

macro_rules! samples {
    ($($path:literal),+ $(,)?) => { &[$(($path, include_str!(concat!("samples/", $path, ".md")))),+] };
}

/// Path without the ending, and the file: language folder and short name.
const ARTICLES: &[(&str, &str)] = samples!(
    "fr/debrancher-un-vieux-logiciel",
    "fr/transmettre-sans-tout-casser",
    "en/what-a-chatbot-may-promise",
    "en/clean-data-is-a-habit-not-a-project",
    "nl/laat-een-stoel-leeg",
    "nl/de-factuur-die-te-goed-klopte",
    "nl/de-kunst-van-neen-zeggen-tegen-dringende-dingen",
    "nl/zes-lessen-uit-een-jaar-hybride-werken",
);

macro_rules! pictures {
    ($($name:literal),+ $(,)?) => { &[$(($name, include_bytes!(concat!("samples/pictures/", $name)))),+] };
}

/// Pictures of the articles, served under `/static/demo/`.
pub const PICTURES: &[(&str, &[u8])] = pictures!(
    "clock.png",
    "data-circles.png",
    "hybrid-work.png",
    "logo.png",
    "padlock.png",
    "round-table.png",
    "speech-bubbles.png",
    "tree-rings.png",
    "unplugged.png",
    "week-grid.png",
);

/// What the newsletters are about, in Dutch, English, French and German.
const TOPICS: [[&str; 4]; 3] = [
    ["Mensen", "People", "Les gens", "Menschen"],
    ["Technologie", "Technology", "La technologie", "Technik"],
    ["De werkdag", "The working day", "La journée de travail", "Der Arbeitstag"],
];

fn topic(names: [&str; 4]) -> TopicInput {
    let words = |(language, name): (&Language, &str)| TopicWords {
        language: *language,
        name: name.to_owned(),
        description: String::new(),
    };
    TopicInput { texts: Language::ALL.iter().zip(names).map(words).collect() }
}

/// Fills an empty database; one that holds newsletters is left as it is.
///
/// # Errors
/// Of the database, or when a sample does not pass the checks that every article passes.
pub async fn load(store: &Store, clock: &Clock, public_url: &str) -> anyhow::Result<()> {
    if !store::newsletters::all(store.read().await?.db()).await?.is_empty() {
        return Ok(());
    }
    let dutch = add_newsletter(store, clock, &newsletter(Language::Dutch, public_url)).await?;
    let english = add_newsletter(store, clock, &newsletter(Language::English, public_url)).await?;
    for newsletter in [&dutch, &english] {
        for names in TOPICS {
            topics::add(store, clock, newsletter.id, &topic(names), true).await?;
        }
    }
    for (path, source) in ARTICLES {
        // The file's name is the short name: the one made of a title drops what no keyboard has.
        let slug = path.split('/').next_back().unwrap_or(path);
        let source = source.replacen("---\n", &format!("---\nslug: {slug}\n"), 1);
        // Their pictures are ours, and not on the website that the articles name as their home.
        let source = source.replace("](/static/demo/", &format!("]({public_url}/static/demo/"));
        articles::import(store, clock, &source).await.map_err(|error| anyhow::anyhow!("{path}: {error}"))?;
    }
    first_issue(store, clock, &dutch).await
}

fn newsletter(language: Language, public_url: &str) -> NewsletterInput {
    let is_dutch = language == Language::Dutch;
    let text = |dutch: &str, english: &str| if is_dutch { dutch.to_owned() } else { english.to_owned() };
    NewsletterInput {
        slug: text("insights", "insights-en"),
        name: text("Insights", "Insights in English"),
        description: text(
            "Elke maand drie stukken voor wie leidinggeeft: over mensen, technologie en de gewone werkdag. In tien \
             minuten gelezen.",
            "Three pieces a month for people who lead: about people, technology and the ordinary working day. Ten \
             minutes to read.",
        ),
        language,
        time_zone: "Europe/Brussels".into(),
        sender_name: "Meridiaan".into(),
        sender_address: text("insights@meridiaan.example", "insights-en@meridiaan.example"),
        reply_to: "redactie@meridiaan.example".into(),
        postal_address: "Meridiaan nv\nHandelskaai 12\n1000 Brussel".into(),
        brand_color: "#0f766e".into(),
        logo_url: format!("{public_url}/static/demo/logo.png#320x64"),
        privacy_url: String::new(),
        archive: ArchivePolicy::Unlisted,
        on_uncertain: UncertainPolicy::Resend,
    }
}

async fn first_issue(store: &Store, clock: &Clock, newsletter: &Newsletter) -> anyhow::Result<()> {
    let mut chosen = Vec::new();
    let mut reader = store.read().await?;
    for (slug, display) in [
        ("zes-lessen-uit-een-jaar-hybride-werken", ArticleDisplay::Full),
        ("de-factuur-die-te-goed-klopte", ArticleDisplay::Teaser),
        ("laat-een-stoel-leeg", ArticleDisplay::Teaser),
    ] {
        let article = store::articles::by_slug(reader.db(), &Slug::parse(slug)?).await?;
        chosen.extend(article.map(|article| Placed::new(article.id, display)));
    }
    drop(reader);
    let input = IssueInput {
        subject: "Zes lessen uit een jaar hybride werken".into(),
        preheader: "En verder: de factuur die te goed klopte, en waarom één stoel leeg blijft.".into(),
        intro: "Dag {{name|lezer}},\n\nDrie stukken voor bij de koffie. Het eerste leest u hier helemaal, de twee \
                andere met één klik."
            .into(),
        articles: chosen,
        ..IssueInput::default()
    };
    issues::create(store, clock, newsletter.id, &input).await?;
    Ok(())
}
