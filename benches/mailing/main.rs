//! How fast mailings go out, as ratios to Postfix's own load generator in the same run.
//!
//! ```sh
//! cargo bench --bench mailing                    # all rows but `scale`
//! cargo bench --bench mailing -- --quick         # a tenth of the mails, two rounds
//! cargo bench --bench mailing -- large scale     # some rows
//! ```
//!
//! The sink is Postfix's `smtp-sink`. In each round `smtp-source` and Postiljon send the same number of mails
//! of the same size over as many connections, one after the other, and the database is in the run: SQLite
//! always, PostgreSQL where `POSTILJON_TEST_POSTGRES_URL` names a server. Every run is a process of its own,
//! so that its peak memory is its own too. `docs/performance.md` says what came of it.
//!
//! To add a row: a variant of [`Row`] and its arm in [`measure`].

mod database;
mod hanging;
mod idle;
mod mailing;
mod peer;
mod proc;
mod proxy;

use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use database::Engine;
use mailing::{Job, Sent};
use peer::Sink;

/// Connections at once, where a row does not say otherwise.
const CONNECTIONS: usize = 10;
/// There and back over the slow line.
const ROUND_TRIP: Duration = Duration::from_millis(50);
/// Mails over the slow line: at five a second they take a while.
const SLOW_MAILS: usize = 200;

#[derive(Debug, Parser)]
struct Arguments {
    /// Rows of the table
    #[arg(value_enum, default_values_t = [Row::Large, Row::Small, Row::Signed, Row::Slow, Row::Hang, Row::Idle])]
    rows: Vec<Row>,
    /// Mails of a run
    #[arg(long, default_value_t = 100_000)]
    count: usize,
    /// Alternations; what is shown is their median
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// A tenth of everything: for a first look
    #[arg(long)]
    quick: bool,
    /// Only SQLite
    #[arg(long)]
    sqlite: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Row {
    /// 20 KB, 10 connections
    Large,
    /// 4 KB, 10 connections
    Small,
    /// One connection with a round trip of 50 ms
    Slow,
    /// 20 KB, 10 connections, signed
    Signed,
    /// A provider that hangs, with 30 % of the readers
    Hang,
    /// 1,000,000 recipients against 10,000
    Scale,
    /// A process that has nothing to do
    Idle,
}

/// What a child process is for.
#[derive(Debug, Subcommand)]
enum Role {
    #[command(hide = true)]
    Prepare(Job),
    #[command(hide = true)]
    Send(Job),
    #[command(hide = true)]
    HangingRelay,
}

fn main() -> anyhow::Result<()> {
    let mut arguments = Arguments::parse();
    let runtime = postiljon::service::runtime()?;
    match &arguments.role {
        Some(Role::Prepare(job)) => return runtime.block_on(mailing::prepare(job)),
        Some(Role::Send(job)) => return runtime.block_on(mailing::send(job)),
        Some(Role::HangingRelay) => return runtime.block_on(hanging::serve()),
        None => {}
    }
    if arguments.quick {
        arguments.count = arguments.count.min(10_000);
        arguments.rounds = arguments.rounds.min(2);
    }
    let engines = database::engines(arguments.sqlite);
    let mut table = Vec::new();
    for row in &arguments.rows {
        table.extend(measure(*row, &arguments, &engines)?);
    }
    println!("\n| What | smtp-source | Postiljon | Ratio (each round) | Must reach | Peak memory |");
    println!("|---|---|---|---|---|---|");
    table.iter().for_each(|line| println!("{line}"));
    Ok(())
}

fn measure(row: Row, arguments: &Arguments, engines: &[Engine]) -> anyhow::Result<Vec<String>> {
    let (count, rounds) = (arguments.count, arguments.rounds);
    let job =
        Job { octets: 20_000, count, connections: CONNECTIONS, port: 0, signed: false, hanging_one_in: 0 };
    match row {
        Row::Large => against_source("20 KB, 10 connections", ">= 0.9", &job, rounds, engines, None),
        Row::Small => {
            let job = Job { octets: 4_000, ..job };
            against_source("4 KB, 10 connections", ">= 0.7", &job, rounds, engines, None)
        }
        Row::Slow => {
            let job = Job { count: SLOW_MAILS.min(count), connections: 1, ..job };
            let name = "20 KB, one connection, 50 ms round trip";
            against_source(name, ">= 2", &job, 1, engines, Some(ROUND_TRIP))
        }
        Row::Signed => signed(&job, rounds, engines),
        Row::Hang => {
            let mut lines = hang(&job, rounds, engines)?;
            lines.extend(hang(&Job { octets: 4_000, ..job }, rounds, engines)?);
            Ok(lines)
        }
        Row::Scale => scale(engines, &job, if arguments.quick { 100_000 } else { 1_000_000 }),
        Row::Idle => idle::measure(if arguments.quick { 10 } else { 60 }),
    }
}

/// One line for each database: the same mails by smtp-source and by Postiljon, in turns.
fn against_source(
    name: &str,
    must_reach: &str,
    job: &Job,
    rounds: usize,
    engines: &[Engine],
    round_trip: Option<Duration>,
) -> anyhow::Result<Vec<String>> {
    let sink = Sink::start()?;
    let proxy = round_trip.map(|round_trip| proxy::start(sink.port, round_trip)).transpose()?;
    let job = Job { port: proxy.unwrap_or(sink.port), ..*job };
    let mut source_rates = Vec::new();
    let mut runs: Vec<Vec<Sent>> = engines.iter().map(|_| Vec::new()).collect();
    for round in 1..=rounds.max(1) {
        let source_rate = peer::source(&job)?;
        println!("{name}, round {round}: smtp-source {source_rate:.0}/s");
        source_rates.push(source_rate);
        for (engine, runs) in engines.iter().zip(&mut runs) {
            let sent = engine.run(&job)?;
            println!("{name}, round {round}: {} {:.0}/s", engine.name(), sent.rate);
            runs.push(sent);
        }
    }
    Ok(engines
        .iter()
        .zip(&runs)
        .map(|(engine, runs)| {
            let ratios: Vec<f64> =
                runs.iter().zip(&source_rates).map(|(sent, source)| sent.rate / source).collect();
            let each: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
            format!(
                "| {} x {name}, {} | {:.0}/s | {:.0}/s | **{:.2}** ({}) | {must_reach} | {} MB |",
                job.count,
                engine.name(),
                median(&source_rates),
                median(&runs.iter().map(|sent| sent.rate).collect::<Vec<_>>()),
                median(&ratios),
                each.join(", "),
                runs.iter().map(|sent| sent.peak_kb).max().unwrap_or(0) / 1024,
            )
        })
        .collect())
}

/// Mails a second, signed, against what one core can sign. Postiljon has that core, the sink the other one.
fn signed(job: &Job, rounds: usize, engines: &[Engine]) -> anyhow::Result<Vec<String>> {
    let sink = Sink::start_on(Some(peer::TAKER))?;
    let job = Job { port: sink.port, signed: true, ..*job };
    let mut lines = Vec::new();
    for engine in engines {
        let (mut rates, mut ratios, mut peak_kb) = (Vec::new(), Vec::new(), 0);
        for _ in 0..rounds.max(1) {
            let alone = peer::signatures()?;
            let sent = engine.run(&job)?;
            println!("signed: one core signs {alone:.0}/s; {} {:.0}/s", engine.name(), sent.rate);
            rates.push(sent.rate);
            ratios.push(sent.rate / alone);
            peak_kb = peak_kb.max(sent.peak_kb);
        }
        let each: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
        lines.push(format!(
            "| {} x 20 KB, RSA-2048 signed, against openssl speed, {} | | {:.0}/s | **{:.2}** ({}) | >= 0.8 | {} MB |",
            job.count,
            engine.name(),
            median(&rates),
            median(&ratios),
            each.join(", "),
            peak_kb / 1024,
        ));
    }
    Ok(lines)
}

/// How long the others take where one provider hangs, against their time without it.
fn hang(job: &Job, rounds: usize, engines: &[Engine]) -> anyhow::Result<Vec<String>> {
    const ONE_IN: usize = 3;
    let mut lines = Vec::new();
    for engine in engines {
        let mut ratios = Vec::new();
        for _ in 0..rounds.max(1) {
            let relay = hanging::HangingRelay::start()?;
            let with = Job { port: relay.port, hanging_one_in: ONE_IN, ..*job };
            let without = Job { count: job.count - with.hanging(), hanging_one_in: 0, ..with };
            let (alone, beside) = (engine.run(&without)?, engine.run(&with)?);
            println!("hang: {} {:.0}/s alone, {:.0}/s beside", engine.name(), alone.rate, beside.rate);
            ratios.push(alone.rate / beside.rate);
        }
        let each: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
        lines.push(format!(
            "| time of the others, {} KB, one in {ONE_IN} at a provider that hangs, {} | | | **{:.2}** ({}) | <= 1.1 | |",
            job.octets / 1000,
            engine.name(),
            median(&ratios),
            each.join(", "),
        ));
    }
    Ok(lines)
}

/// Whether a hundred times as many recipients go as fast, in the same memory.
fn scale(engines: &[Engine], job: &Job, many: usize) -> anyhow::Result<Vec<String>> {
    let few = many / 100;
    let sink = Sink::start()?;
    let job = Job { port: sink.port, ..*job };
    let mut lines = Vec::new();
    for engine in engines {
        let mut short = Vec::new();
        for _ in 0..3 {
            short.push(engine.run(&Job { count: few, ..job })?);
        }
        let long = engine.run(&Job { count: many, ..job })?;
        let short_rate = median(&short.iter().map(|sent| sent.rate).collect::<Vec<_>>());
        let short_peak_kb = short.iter().map(|sent| sent.peak_kb).max().unwrap_or(0);
        lines.push(format!(
            "| {many} recipients against {few}, 20 KB, {} | | {:.0}/s against {short_rate:.0}/s | **{:.2}** | >= 0.95, <= 100 MB | {} MB against {} MB |",
            engine.name(),
            long.rate,
            long.rate / short_rate,
            long.peak_kb / 1024,
            short_peak_kb / 1024,
        ));
    }
    Ok(lines)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
