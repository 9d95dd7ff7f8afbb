//! The dashboard, the API and the metrics beside the stages of this process.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use marabet_archive::Archive;
use marabet_jobs::clock::{Clock as JobClock, SetClock, WallClock};
use marabet_streams::Log;
use marabet_web::clock::Clock;
use marabet_web::{Office, Server, ServerOptions, exporter};

use super::stages::Stages;
use super::{open, past};
use crate::config::Config;
use crate::work::{Desk, registry};

/// Serves the dashboard and the API beside the stages; tells where.
pub(crate) async fn dashboard(
    log: &Log,
    stages: &mut Stages,
    config: &Config,
    clock: Clock,
) -> anyhow::Result<SocketAddr> {
    let settings = serde_json::to_value(config.clone().without_secrets())?;
    let office = match office(log, config, &clock).await {
        Ok(office) => Some(Arc::new(office)),
        // The log is shown all the same; who asks for the rest is told to look here.
        Err(error) => {
            tracing::warn!("the dashboard shows neither jobs nor accounts: {error:#}");
            None
        }
    };
    let options = ServerOptions { clock, settings, office, notifiers: stages.notifiers.clone() };
    let server = Server::bind(log, config.web.clone(), options, stages.shutdown()).await?;
    let address = server.address();
    stages.beside(async move { server.serve().await.context("the dashboard") });
    Ok(address)
}

/// What the dashboard can ask beside the log. It asks for jobs; a worker runs them.
async fn office(log: &Log, config: &Config, clock: &Clock) -> anyhow::Result<Office> {
    let ledger = open::ledger(config).await?;
    // By the time of the log, what is due next follows from what was due last.
    let jobs_clock: Arc<dyn JobClock> = match clock {
        Clock::Event => Arc::new(SetClock::default()),
        Clock::Wall => Arc::new(WallClock),
    };
    let mut desk = Desk::new(log, ledger.clone(), config, Vec::new(), jobs_clock);
    if matches!(clock, Clock::Event) {
        desk = desk.accelerated();
    }
    let (registry, scheduler) = (registry(&desk), desk.scheduler()?);
    let filed = past::filed(&Archive::at(&config.archive_location())?);
    Ok(Office { registry, scheduler, ledger, filed, reports: config.log.folder.clone() })
}

/// As [`dashboard`], where nobody asked for it by name: if another process has the address, it
/// serves there, and this one goes on without.
pub(crate) async fn dashboard_if_free(
    log: &Log,
    stages: &mut Stages,
    config: &Config,
    clock: Clock,
) -> anyhow::Result<Option<SocketAddr>> {
    match dashboard(log, stages, config, clock).await {
        Ok(address) => Ok(Some(address)),
        Err(error) if is_address_taken(&error) => {
            tracing::warn!("no dashboard here: {error:#}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn is_address_taken(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<marabet_web::ServeError>()
        .is_some_and(marabet_web::ServeError::is_address_taken)
}

/// Serves the metrics of this process where the configuration says so.
pub(crate) fn metrics(log: &Log, stages: &mut Stages, config: &Config) {
    let Some(address) = config.web.metrics else { return };
    let (log, shutdown) = (log.clone(), stages.shutdown());
    let notifiers = stages.notifiers.clone();
    stages.beside(async move {
        exporter::serve(log, notifiers, address, shutdown)
            .await
            .context("the metrics of this process")
    });
}

/// Tells a person where the dashboard is.
#[allow(clippy::print_stderr, reason = "a person should know where to look")]
pub(crate) fn tell(address: SocketAddr) {
    eprintln!("the dashboard is at http://{address}/");
}
