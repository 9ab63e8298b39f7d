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
    // Before anything that takes time: where nobody listens a signal ends the process at once. And one for the whole
    // time, so that a signal during a reload is not missed.
    let mut hangup = signal(SignalKind::hangup())?;
    let mut stopped = std::pin::pin!(until_stopped()?);
    let service = tokio::select! {
        service = Service::start(&config, arguments.role, Clock::system(), None) => service?,
        () = &mut stopped => return Ok(()),
    };
    match service.address {
        Some(address) => {
            tracing::info!(%address, url = config.web.public_url.as_str(), role = %arguments.role, "ready");
        }
        None => tracing::info!(role = %arguments.role, "ready"),
    }
    if service.address.is_some() {
        show_first_link(&service, &config).await?;
    }
    loop {
        tokio::select! {
            () = &mut stopped => break,
            _ = hangup.recv() => reload(&service, &config, settings, arguments.role).await,
        }
    }
    let again = until_stopped()?;
    tracing::info!("stopping: what is on the wire is finished first");
    let hurry = service.hurrier();
    let mut stop = std::pin::pin!(service.stop());
    tokio::select! {
        () = &mut stop => {}
        () = again => {
            tracing::warn!("asked to stop once more: answers of the relay that are still missing become doubts");
            hurry();
            stop.await;
        }
    }
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

/// Listens for SIGTERM and Ctrl-C from now on; the future ends at the first of them.
pub(super) fn until_stopped() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
