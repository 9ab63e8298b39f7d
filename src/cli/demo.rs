//! `demo`: the first five minutes; with `--tour` the whole journey by itself.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::serve::until_stopped;
use crate::demo::{Demo, DemoOptions, tour};
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where the pages are served; a port of 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Where the data lie [default: a fresh temporary folder]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Another database than the SQLite file in the data folder
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Do the whole journey, print each step with its time, and stop
    #[arg(long)]
    tour: bool,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    telemetry::init(tracing::Level::WARN, false);
    // The tour takes a port of its own, so that it runs beside a demo.
    let listen = if arguments.tour && arguments.listen.port() == 8080 {
        SocketAddr::new(arguments.listen.ip(), 0)
    } else {
        arguments.listen
    };
    let options = DemoOptions { listen, folder: arguments.data, database_url: arguments.database };
    let demo = Demo::start(&options).await?;
    if arguments.tour {
        let done = tour::run(&demo).await;
        demo.stop().await;
        return done;
    }
    demo.announce()?;
    until_stopped()?.await;
    demo.stop().await;
    Ok(())
}
