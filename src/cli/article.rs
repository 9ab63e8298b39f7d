//! `article add`, `article import`, `article list`, `article show`, `article publish` and `article translate`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Settings;
use super::open::Open;
use super::output::{self, Output};
use crate::files::Files;
use crate::http::Http;
use crate::model::{Article, ArticleStatus, Language, Slug};
use crate::publishing::articles;
use crate::publishing::images::Images;
use crate::publishing::pictures::Fetcher;
use crate::service::reach;
use crate::store::articles::ArticleFilter;
use crate::store::{self, PAGE_ROWS, Store};

/// Largest file that is read, in octets: more than the longest article.
const FILE_MAX_OCTETS: u64 = 2 * 1024 * 1024;

/// For the pictures of one file that are on the web.
const PICTURES_WITHIN: Duration = Duration::from_secs(60);
/// Most files of one import: a whole archive, and no disk that was named by mistake.
const FILES_MAX: usize = 10_000;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Store an article: Markdown with front matter, from a file or standard input
    Add {
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Publish it at once, whatever its front matter says
        #[arg(long)]
        publish: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Store every Markdown file of a folder; one whose article is there already, by its short name, becomes a new
    /// version of it where it says something else
    Import {
        folder: PathBuf,
        /// Publish new ones at once, whatever their front matter says
        #[arg(long)]
        publish: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Show the articles, the last edited first
    List {
        /// Words in title, author or text
        #[arg(long, default_value = "")]
        search: String,
        /// draft or published
        #[arg(long)]
        status: Option<ArticleStatus>,
        #[arg(long)]
        language: Option<Language>,
        /// With this tag
        #[arg(long, default_value = "")]
        tag: String,
        /// From 1
        #[arg(long, default_value_t = 1)]
        page: i64,
        #[command(flatten)]
        output: Output,
    },
    /// Show an article
    Show {
        slug: String,
        #[command(flatten)]
        output: Output,
    },
    /// Publish an article
    Publish { slug: String },
    /// Copy an article as a draft in another language, and link the two
    Translate {
        slug: String,
        language: Language,
        #[command(flatten)]
        output: Output,
    },
}

pub(super) async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let open = Open::new(settings).await?;
    match arguments.action {
        Action::Add { file, publish, output } => {
            let source = read(file.as_deref())?;
            let mut article = articles::import(&open.store, &open.clock, &source).await?;
            if publish {
                articles::set_status(&open.store, &open.clock, article.id, ArticleStatus::Published).await?;
                article.status = ArticleStatus::Published;
            }
            let sentence = format!("Stored as {} ({}).", article.slug, article.status);
            output.sentence(&article, &sentence)
        }
        Action::Import { folder, publish, output } => {
            let http = Http::new(reach(&open.config));
            let images = Images::new(Files::open(&open.config.images)?);
            let pictures = Fetcher {
                store: &open.store,
                clock: &open.clock,
                http: &http,
                images: &images,
                within: PICTURES_WITHIN,
            };
            let (mut rows, mut failed) = (Vec::new(), Vec::new());
            let (paths, folders) = files(&folder)?;
            for path in paths {
                match import_file(pictures, &folder, &path, publish).await {
                    Ok(row) => rows.push(row),
                    // The files behind it are no worse for it.
                    Err(error) => failed.push(format!("{}: {error}", path.display())),
                }
            }
            output.list(&rows, ["SHORT NAME", "WHAT"], |(slug, what)| [slug.clone(), (*what).to_owned()])?;
            if folders > 0 {
                let place = folder.display();
                output::warn(&format!("Folders inside {place} were not looked into: {folders}.\n"));
            }
            anyhow::ensure!(
                failed.is_empty(),
                "{} of the files were not taken:\n{}",
                failed.len(),
                failed.join("\n")
            );
            Ok(())
        }
        Action::List { search, status, language, tag, page, output } => {
            let tag = tag.trim().to_lowercase();
            let filter =
                ArticleFilter { search, status, language, tag, is_archived: false, page: page.max(1) - 1 };
            let mut rows = store::articles::list(open.store.read().await?.db(), &filter).await?;
            rows.truncate(usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX));
            output.list(&rows, ["SHORT NAME", "LANGUAGE", "STATUS", "TITLE"], |article| {
                [
                    article.slug.to_string(),
                    article.language.to_string(),
                    article.status.to_string(),
                    article.title.clone(),
                ]
            })
        }
        Action::Show { slug, output } => {
            let article = find(&open.store, &slug).await?;
            if output.json {
                return output.sentence(&article, "");
            }
            let mut reader = open.store.read().await?;
            let tags = store::tags::of_article(reader.db(), article.id).await?.join(", ");
            let family = store::articles::family(reader.db(), article.family()).await?;
            let others = family.iter().filter(|other| other.id != article.id);
            let others: Vec<_> = others.map(|other| format!("{} ({})", other.slug, other.language)).collect();
            let mut head = format!(
                "{}\n{} · {} · {}\n",
                article.title, article.author, article.language, article.status
            );
            if !tags.is_empty() {
                head.push_str(&format!("Tags: {tags}\n"));
            }
            if !others.is_empty() {
                head.push_str(&format!("In other languages: {}\n", others.join(", ")));
            }
            output::print(&format!("{head}\n{}\n\n{}\n", article.teaser, article.body))
        }
        Action::Publish { slug } => {
            let article = find(&open.store, &slug).await?;
            articles::set_status(&open.store, &open.clock, article.id, ArticleStatus::Published).await?;
            output::print(&format!("{slug} is published.\n"))
        }
        Action::Translate { slug, language, output } => {
            let article = find(&open.store, &slug).await?;
            let made = articles::translate(&open.store, &open.clock, None, article.id, language).await?;
            output.sentence(&made, &format!("{} is {slug} in {}.", made.slug, language.own_name()))
        }
    }
}

/// Its short name, and what became of it.
async fn import_file(
    pictures: Fetcher<'_>,
    folder: &Path,
    path: &Path,
    publish: bool,
) -> anyhow::Result<(String, &'static str)> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (article, what) = articles::import_named(pictures, folder, &read(Some(path))?, &name).await?;
    if publish && what == articles::Imported::Added {
        articles::set_status(pictures.store, pictures.clock, article.id, ArticleStatus::Published).await?;
    }
    Ok((article.slug.to_string(), what.as_str()))
}

/// The Markdown files of a folder, by name; and how many folders in it have some as well.
fn files(folder: &Path) -> anyhow::Result<(Vec<PathBuf>, usize)> {
    let cannot = |error| anyhow::anyhow!("{} cannot be read: {error}", folder.display());
    let (mut found, mut folders) = (Vec::new(), 0);
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        folders += usize::from(has_markdown(&path));
        if path.is_file() && is_markdown(&path) {
            found.push(path);
        }
        if found.len() > FILES_MAX {
            anyhow::bail!("{} has more than {FILES_MAX} Markdown files", folder.display());
        }
    }
    found.sort();
    Ok((found, folders))
}

fn is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("md"))
}

/// Whether it is a folder with Markdown files, as far as it can be read.
fn has_markdown(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder);
    entries.is_ok_and(|entries| entries.flatten().any(|entry| is_markdown(&entry.path())))
}

/// The article of a short name.
pub(super) async fn find(store: &Store, slug: &str) -> anyhow::Result<Article> {
    let missing = || anyhow::anyhow!("there is no article {slug}. `postiljon article list` shows them");
    let slug = Slug::parse(slug).map_err(|_| missing())?;
    store::articles::by_slug(store.read().await?.db(), &slug).await?.ok_or_else(missing)
}

/// A file, or standard input.
pub(super) fn read(file: Option<&Path>) -> anyhow::Result<String> {
    let mut source = String::new();
    let done = match file {
        Some(path) => {
            let cannot = |error| anyhow::anyhow!("{} cannot be read: {error}", path.display());
            let opened = std::fs::File::open(path).map_err(cannot)?;
            opened.take(FILE_MAX_OCTETS).read_to_string(&mut source).map_err(cannot)
        }
        None => std::io::stdin()
            .take(FILE_MAX_OCTETS)
            .read_to_string(&mut source)
            .map_err(|error| anyhow::anyhow!("standard input cannot be read: {error}")),
    };
    done.map(|_| source)
}
