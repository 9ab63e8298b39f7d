//! `subscriber import`: the same steps as at the desk, one after the other.

use std::io::Read as _;
use std::path::PathBuf;

use crate::cli::open::Open;
use crate::cli::output::{self, Output};
use crate::model::{Field, Import, ImportStatus, Meaning, RowOutcome};
use crate::store;
use crate::subscriptions::import::{self, ImportError, Upload, Worker, work_off_one};

/// Octets read at once.
const PIECE_OCTETS: usize = 64 * 1024;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// CSV, with commas, semicolons or tabs
    #[arg(required_unless_present = "resume")]
    file: Option<PathBuf>,
    #[arg(long, value_name = "SHORT NAME", required_unless_present = "resume")]
    newsletter: Option<String>,
    /// What a column means, as COLUMN=MEANING: address, name, first_name, last_name, language, status, subscribed,
    /// left, left_at, ignored, or the key of a field. What is not said is guessed. Several columns may say who has left
    #[arg(long, value_name = "COLUMN=MEANING")]
    map: Vec<String>,
    /// On what you base that these people get mail; kept as evidence. Without it each is asked for confirmation
    #[arg(long)]
    basis: Option<String>,
    /// Only say what would become of the rows
    #[arg(long)]
    dry_run: bool,
    /// Write what became of each row
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Go on with imports that were broken off
    #[arg(long, conflicts_with_all = ["file", "newsletter", "map", "basis", "dry_run"])]
    resume: bool,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(arguments: Arguments, open: &Open) -> anyhow::Result<()> {
    if arguments.resume {
        return resume(open, arguments.output).await;
    }
    let (Some(file), Some(slug)) = (&arguments.file, &arguments.newsletter) else {
        anyhow::bail!("a file and a newsletter are needed");
    };
    let newsletter = open.newsletter(slug).await?;
    let import = read(open, newsletter.id, file).await?;
    let fields = store::fields::of_newsletter(open.store.read().await?.db(), newsletter.id).await?;
    let meanings = match mapped(&import, &fields, &arguments.map) {
        Ok(meanings) => meanings,
        Err(error) => return give_up(open, &import, error).await,
    };
    if !meanings.iter().any(Meaning::says_who_left) {
        output::warn(
            "No column says who has left there: everybody in the file counts as a reader. --map COLUMN=left, left_at, status or subscribed says otherwise.\n",
        );
    }
    let basis = arguments.basis.as_deref().unwrap_or_default();
    let begun = import::check(&open.store, &open.clock, import.id, &meanings, basis).await;
    if let Err(ImportError::Invalid(errors)) = &begun {
        let words = errors.to_string();
        return give_up(open, &import, anyhow::anyhow!(words)).await;
    }
    let mut import = work(open, &begun?).await?;
    if arguments.dry_run {
        import::cancel(&open.store, &open.clock, import.id).await?;
    } else if import.status == ImportStatus::Checked {
        let begun = import::run(&open.store, &open.clock, import.id).await?;
        import = work(open, &begun).await?;
    }
    if let Some(path) = &arguments.report {
        report(open, &import, path).await?;
    }
    tell(&import, arguments.output)
}

async fn give_up(open: &Open, import: &Import, error: anyhow::Error) -> anyhow::Result<()> {
    import::cancel(&open.store, &open.clock, import.id).await?;
    Err(error)
}

async fn read(
    open: &Open,
    newsletter: crate::model::NewsletterId,
    path: &std::path::Path,
) -> anyhow::Result<Import> {
    let cannot = |error| anyhow::anyhow!("{} cannot be read: {error}", path.display());
    let mut file = std::fs::File::open(path).map_err(cannot)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut upload = Upload::begin(&open.store, &open.clock, newsletter, &name, None).await?;
    let mut piece = vec![0; PIECE_OCTETS];
    let failed = loop {
        match file.read(&mut piece) {
            Ok(0) => match upload.finish().await {
                Ok(import) => return Ok(import),
                Err(error) => break error.into(),
            },
            Ok(count) => {
                if let Err(error) = upload.push(piece.get(..count).unwrap_or_default()).await {
                    break error.into();
                }
            }
            Err(error) => break cannot(error),
        }
    };
    upload.give_up(&open.clock).await?;
    Err(failed)
}

/// The guess, with what was said in its place.
fn mapped(import: &Import, fields: &[Field], said: &[String]) -> anyhow::Result<Vec<Meaning>> {
    let headings = import::headings(import);
    let mut meanings = import::meanings(import);
    for said in said {
        let (heading, name) = said
            .rsplit_once('=')
            .ok_or_else(|| anyhow::anyhow!("--map {said}: write it as COLUMN=MEANING"))?;
        let at = headings.iter().position(|known| known == heading).ok_or_else(|| {
            anyhow::anyhow!("the file has no column {heading}; it has: {}", headings.join(", "))
        })?;
        let meaning = meaning(name, fields)
            .ok_or_else(|| anyhow::anyhow!("--map {said}: {name} is neither a meaning nor a field"))?;
        for other in meanings.iter_mut().filter(|_| !meaning.may_repeat()) {
            if *other == meaning {
                *other = Meaning::Ignored;
            }
        }
        if let Some(place) = meanings.get_mut(at) {
            *place = meaning;
        }
    }
    Ok(meanings)
}

fn meaning(name: &str, fields: &[Field]) -> Option<Meaning> {
    Some(match name {
        "ignored" => Meaning::Ignored,
        "address" => Meaning::Address,
        "name" => Meaning::Name,
        "first_name" => Meaning::FirstName,
        "last_name" => Meaning::LastName,
        "language" => Meaning::Language,
        "status" => Meaning::Status,
        "subscribed" => Meaning::Subscribed,
        "left" => Meaning::Left,
        "left_at" => Meaning::LeftAt,
        key => {
            let field = fields.iter().find(|field| field.key == key)?;
            Meaning::Field { key: field.key.clone(), field: field.id.0, kind: field.kind }
        }
    })
}

/// Works on an import until it is at its end, here or in the service that runs beside.
async fn work(open: &Open, import: &Import) -> anyhow::Result<Import> {
    /// How often it is looked how far another process is.
    const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(200);
    let keys = open.keys().await?;
    let mut worker = Worker::default();
    loop {
        let done = work_off_one(&open.store, &open.clock, &keys, &mut worker, import.id).await?;
        if done.is_some() {
            continue;
        }
        let now = store::imports::by_id(open.store.read().await?.db(), import.id).await?;
        let now = now.ok_or_else(|| anyhow::anyhow!("the import is gone"))?;
        if !now.status.is_moving() {
            return Ok(now);
        }
        open.clock.sleep(LOOK_EVERY).await;
    }
}

async fn resume(open: &Open, output: Output) -> anyhow::Result<()> {
    let all = store::imports::list(open.store.read().await?.db()).await?;
    let moving: Vec<_> = all.into_iter().filter(|import| import.status.is_moving()).collect();
    if moving.is_empty() {
        return output::print("No import was broken off.\n");
    }
    for import in moving {
        tell(&work(open, &import).await?, output)?;
    }
    Ok(())
}

async fn report(open: &Open, import: &Import, path: &std::path::Path) -> anyhow::Result<()> {
    use std::io::Write as _;
    let cannot = |error| anyhow::anyhow!("{} cannot be written: {error}", path.display());
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).map_err(cannot)?);
    file.write_all(b"row,outcome,reason\n").map_err(cannot)?;
    let mut after = 0;
    loop {
        let mut reader = open.store.read().await?;
        let part = store::imports::report_after(reader.db(), import.id, after).await?;
        let Some((number, body)) = part else { break };
        after = number;
        file.write_all(body.as_bytes()).map_err(cannot)?;
    }
    file.flush().map_err(cannot)
}

fn tell(import: &Import, output: Output) -> anyhow::Result<()> {
    let name = |outcome: RowOutcome| match outcome {
        RowOutcome::Added => "Subscribed",
        RowOutcome::Asked => "Asked to confirm",
        RowOutcome::LeftBefore => "Had left elsewhere",
        RowOutcome::Known => "Known already",
        RowOutcome::StillSubscribed => "Left elsewhere, still subscribed here",
        RowOutcome::RefusedLeft => "Has left here, stays so",
        RowOutcome::RefusedErased => "Erased, stays so",
        RowOutcome::Duplicate => "Twice in the file",
        RowOutcome::Invalid => "Cannot be used",
    };
    let mut fields = vec![("File", import.file_name.clone()), ("Status", import.status.to_string())];
    for outcome in RowOutcome::ALL {
        let count = import.counts.of(*outcome);
        fields.push((name(*outcome), count.to_string()));
        if *outcome == RowOutcome::StillSubscribed && count > 0 {
            fields.push((
                "",
                "(nothing has changed for them: --report says which rows, to look each of them up)".into(),
            ));
        }
    }
    output.one(import, &fields)
}
