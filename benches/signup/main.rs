//! What a sign-up costs, over HTTP, with the database in the run.
//!
//! ```sh
//! cargo bench --bench signup                      # all rows
//! cargo bench --bench signup -- states            # the time of each state of an address
//! cargo bench --bench signup -- rate              # sign-ups a second until the 99th percentile passes 50 ms
//! cargo bench --bench signup -- beside            # 500 a second while a mailing is sent
//! ```
//!
//! SQLite always, as it is used (`synchronous=FULL`); PostgreSQL where `POSTILJON_TEST_POSTGRES_URL` names a server.
//! Requests begin at moments that were fixed before, however long the others take: the time of a request counts
//! from the moment at which it should have begun. Each comes from a network of its own, a third of the addresses
//! are of one big provider. Everything runs on the same processors: the load, the pages, the sender, the sink.
//! `docs/performance.md` says what came of it.

mod client;
mod mailing;
mod site;

use std::time::Duration;

use clap::{Parser, ValueEnum};

use client::{Load, Times};
use site::{Site, State};

/// Requests of each state.
const STATE_REQUESTS: usize = 1_000;
/// How far the states' medians may be from each other.
const STATES_MUST: Duration = Duration::from_millis(5);
/// What the 99th percentile may be.
const P99_MUST: Duration = Duration::from_millis(50);
const RATES: [usize; 10] = [100, 200, 350, 500, 700, 1_000, 1_400, 2_000, 2_800, 4_000];
/// How long one rate is held.
const HELD: Duration = Duration::from_secs(10);
/// Sign-ups a second beside a mailing.
const BESIDE: usize = 500;

#[derive(Debug, Parser)]
struct Arguments {
    /// Rows of the table
    #[arg(value_enum, default_values_t = [Row::States, Row::Rate, Row::Beside])]
    rows: Vec<Row>,
    /// Only SQLite
    #[arg(long)]
    sqlite: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Row {
    /// The same answer in the same time, for five states of an address
    States,
    /// Sign-ups a second, alone
    Rate,
    /// 500 sign-ups a second while a mailing is sent
    Beside,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    // As the service has it; the load has threads of its own.
    let runtime = postiljon::service::runtime()?;
    println!("| What | Figure | Must |\n|---|---|---|");
    for engine in site::engines(arguments.sqlite) {
        for row in &arguments.rows {
            match row {
                Row::States => runtime.block_on(states(&engine))?,
                Row::Rate => runtime.block_on(rate(&engine))?,
                Row::Beside => runtime.block_on(beside(&engine))?,
            }
        }
    }
    Ok(())
}

async fn states(engine: &site::Engine) -> anyhow::Result<()> {
    let site = Site::start(engine).await?;
    site.prepare_states(STATE_REQUESTS).await?;
    let doors = site.doors().await?;
    for door in doors {
        let mut times: Vec<Times> = State::ALL.iter().map(|_| Times::default()).collect();
        let mut connection = client::Connection::open(site.address).await?;
        // In turns, so that what changes in the machine changes for all.
        for n in 0..STATE_REQUESTS {
            for (state, times) in State::ALL.iter().zip(&mut times) {
                let request =
                    site.request(door, &state.address(door, n), n * State::ALL.len() + *state as usize);
                let begun = std::time::Instant::now();
                let status = connection.send(&request).await?;
                anyhow::ensure!(status == door.success(), "{state:?} was answered with {status}");
                times.add(begun.elapsed());
            }
        }
        let medians: Vec<Duration> = times.iter_mut().map(|times| times.at(0.5)).collect();
        let all: Vec<String> = State::ALL
            .iter()
            .zip(&medians)
            .map(|(state, median)| format!("{} {}", state.name(), ms(*median)))
            .collect();
        let spread = medians.iter().max().copied().unwrap_or_default()
            - medians.iter().min().copied().unwrap_or_default();
        println!(
            "| {}, {}: medians of {STATE_REQUESTS}: {} | spread **{}** | <= {} |",
            engine.name(),
            door.name(),
            all.join(", "),
            ms(spread),
            ms(STATES_MUST)
        );
    }
    site.stop().await
}

async fn rate(engine: &site::Engine) -> anyhow::Result<()> {
    let mut best = None;
    for rate in RATES {
        let site = Site::start(engine).await?;
        let mut done = client::run(&site, Load { rate, held: HELD }).await?;
        site.stop().await?;
        let p99 = done.times.at(0.99);
        println!(
            "| {}: {rate} sign-ups a second for {} s | {:.0}/s, p50 {}, p99 {}, refused {} | |",
            engine.name(),
            HELD.as_secs(),
            done.per_second(),
            ms(done.times.at(0.5)),
            ms(p99),
            done.refused
        );
        if p99 > P99_MUST || done.refused > 0 {
            break;
        }
        best = Some(rate);
    }
    println!(
        "| {}: sign-ups a second with p99 <= {} | **{}** | >= 500 |",
        engine.name(),
        ms(P99_MUST),
        best.unwrap_or(0)
    );
    Ok(())
}

async fn beside(engine: &site::Engine) -> anyhow::Result<()> {
    let site = Site::start(engine).await?;
    let mailing = mailing::Mailing::start(&site).await?;
    let alone = mailing.rate_for(HELD).await?;
    let load = Load { rate: BESIDE, held: HELD };
    let (done, beside) = tokio::join!(client::run(&site, load), mailing.rate_for(HELD));
    let (mut done, beside) = (done?, beside?);
    mailing.stop().await;
    site.stop().await?;
    println!(
        "| {}: {BESIDE} sign-ups a second beside a mailing | {:.0}/s, p50 {}, p99 **{}**, refused {} | p99 <= {} |",
        engine.name(),
        done.per_second(),
        ms(done.times.at(0.5)),
        ms(done.times.at(0.99)),
        done.refused,
        ms(P99_MUST)
    );
    println!(
        "| {}: mails a second, alone and beside | {alone:.0}, {beside:.0}: **{:.2}** | >= 0.70 |",
        engine.name(),
        beside / alone
    );
    Ok(())
}

fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1_000.0)
}
