//! Hearing that the process is asked to end: by an interrupt, or by SIGTERM.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Both ways of asking, heard from when this is made: nothing else ends the process by them.
pub(crate) struct Asked {
    interrupt: Signal,
    terminate: Signal,
}

impl Asked {
    /// Begins to listen.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    /// Returns when it is asked.
    pub(crate) async fn heard(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Returns when the process is asked to end.
pub(crate) async fn asked_to_end() -> anyhow::Result<()> {
    Asked::listen()?.heard().await;
    Ok(())
}
