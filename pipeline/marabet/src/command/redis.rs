//! `marabet redis`

use std::io::{self, Write};

use serde::Serialize;

use super::Asked;
use crate::config::Config;
use crate::line::open;
use crate::output::{Answer, say};

/// How to reach the log's server.
#[derive(Serialize)]
struct Reach {
    at: String,
    /// A key to begin with.
    stream: String,
}

impl Answer for Reach {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        // A socket is shown as its path, any other server as its URL without the password.
        let flag = if self.at.starts_with('/') { "-s" } else { "-u" };
        let client = format!("redis-cli {flag} {}", self.at);
        writeln!(out, "{client} XRANGE '{}' - + COUNT 1", self.stream)?;
        writeln!(out, "{client} XINFO GROUPS '{}'", self.stream)?;
        writeln!(out, "(held until interrupted)")
    }
}

pub(super) async fn execute(config: &Config, json: bool) -> anyhow::Result<()> {
    let opened = open::log(config).await?;
    let stream = opened.log.namespace().stream(marabet_streams::Stream::Bets, 0);
    // Whoever reads that it is held may ask it to end at once.
    let asked = Asked::listen()?;
    let said = say(&Reach { at: opened.log.at().to_owned(), stream }, json);
    if said.is_ok() {
        asked.heard().await;
    }
    opened.close().await?;
    said
}
