//! Messages for whoever looks at the terminal.

use std::io::Write;
use std::sync::Mutex;

use async_trait::async_trait;

use crate::{Channel, Message, SendError};

/// Writes each message's text, and a blank line after it.
pub struct Console<W> {
    out: Mutex<W>,
}

impl Console<std::io::Stdout> {
    /// On standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(std::io::stdout())
    }
}

impl<W: Write + Send> Console<W> {
    /// On any writer, such as one that leaves a progress display in peace.
    pub fn new(out: W) -> Self {
        Self { out: Mutex::new(out) }
    }

    /// The writer.
    pub fn into_inner(self) -> W {
        self.out.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl<W: Write + Send> Channel for Console<W> {
    fn name(&self) -> &str {
        "console"
    }

    async fn send(&self, message: &Message) -> Result<(), SendError> {
        let mut out = self.out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let text = format!("{}\n\n", message.text);
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        // What a terminal has shown of it nobody knows.
        written.map_err(|error| SendError::Unclear(format!("cannot write to the console: {error}")))
    }
}
