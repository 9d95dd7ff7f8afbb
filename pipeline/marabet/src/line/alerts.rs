//! The channels that grants are told on.

use std::sync::Arc;

use marabet_notify::{Channel, Console, FileChannel};

use crate::config::NotifyConfig;

/// The channels that the configuration names.
pub(crate) fn channels(config: &NotifyConfig) -> anyhow::Result<Vec<Arc<dyn Channel>>> {
    let mut channels: Vec<Arc<dyn Channel>> = Vec::new();
    if config.console {
        channels.push(Arc::new(Console::stdout()));
    }
    if let Some(folder) = &config.folder {
        channels.push(Arc::new(FileChannel::open("file", folder)?));
    }
    Ok(channels)
}
