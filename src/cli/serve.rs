//! `serve`: pages, scheduler and sender, until SIGTERM or Ctrl-C.

use tokio::signal::unix::{SignalKind, signal};

use super::Settings;
use crate::clock::Clock;
use crate::config::{LogFormat, Role};
use crate::service::Service;
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What this process does: all, web or sender. Several processes need PostgreSQL
    #[arg(long, default_value_t = Role::All)]
    role: Role,
}

pub(super) async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let config = settings.load_for(arguments.role)?;
    telemetry::init(config.log.level, config.log.format == LogFormat::Json);
    let service = Service::start(&config, arguments.role, Clock::system(), None).await?;
    match service.address {
        Some(address) => {
            tracing::info!(%address, url = config.web.public_url.as_str(), role = %arguments.role, "ready");
        }
        None => tracing::info!(role = %arguments.role, "ready"),
    }
    until_stopped().await?;
    tracing::info!("stopping: what is on the wire is finished first");
    service.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// Returns at SIGTERM or Ctrl-C.
pub(super) async fn until_stopped() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
