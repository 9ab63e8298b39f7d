//! `serve`: pages, scheduler and sender, until SIGTERM or Ctrl-C. SIGHUP reads the relays again.

use tokio::signal::unix::{SignalKind, signal};

use super::{Settings, output};
use crate::accounts::first_user;
use crate::clock::Clock;
use crate::config::{Config, LogFormat, Role};
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
    // Before anything that takes time: where nobody listens SIGHUP ends the process.
    let mut hangup = signal(SignalKind::hangup())?;
    let service = Service::start(&config, arguments.role, Clock::system(), None).await?;
    match service.address {
        Some(address) => {
            tracing::info!(%address, url = config.web.public_url.as_str(), role = %arguments.role, "ready");
        }
        None => tracing::info!(role = %arguments.role, "ready"),
    }
    if service.address.is_some() {
        show_first_link(&service, &config).await?;
    }
    // One for the whole time, so that a signal during a reload is not missed.
    let mut stopped = std::pin::pin!(until_stopped());
    loop {
        tokio::select! {
            stopped = &mut stopped => break stopped?,
            _ = hangup.recv() => reload(&service, &config, settings, arguments.role).await,
        }
    }
    tracing::info!("stopping: what is on the wire is finished first");
    service.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// One line on standard output for whoever sets it up; the log gets no token.
async fn show_first_link(service: &Service, config: &Config) -> anyhow::Result<()> {
    if let Some(token) = first_user::invite(&service.store, &service.clock).await? {
        let url = config.web.public_url.join(&format!("/setup/{token}"));
        output::print(&format!("There is no user yet. Set Postiljon up at {url} (for 24 hours, once).\n"))?;
    }
    Ok(())
}

/// Reads the configuration again. One with a mistake changes nothing.
async fn reload(service: &Service, started_with: &Config, settings: &Settings, role: Role) {
    let config = match settings.load_for(role) {
        Ok(config) => config,
        Err(errors) => {
            for error in errors.iter() {
                tracing::error!("the configuration has a mistake, the settings of before stay: {error}");
            }
            return;
        }
    };
    if let Err(error) = service.reload(&config).await {
        tracing::error!("the settings of before stay: {error}");
        return;
    }
    if config.differs_beyond_relays(started_with) {
        tracing::warn!("only relays take effect at once; other settings that changed need a restart");
    }
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
