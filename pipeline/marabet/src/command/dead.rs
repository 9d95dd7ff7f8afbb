//! `marabet dead …`

use std::io::{self, Write};

use marabet_schemas::Address;
use marabet_streams::Log;
use marabet_streams::dead::DeadEntry;
use marabet_views::dead;
use serde::Serialize;

use crate::cli::DeadCommand;
use crate::config::Config;
use crate::failure::NotThere;
use crate::line::open;
use crate::output::{Answer, say};

pub(super) async fn execute(
    command: &DeadCommand,
    config: &Config,
    json: bool,
) -> anyhow::Result<()> {
    let opened = open::log(config).await?;
    let answered = answer(&opened.log, command, json).await;
    opened.close().await?;
    answered
}

/// Dead letters, numbered as `show`, `retry` and `drop` take them.
#[derive(Serialize)]
struct List {
    letters: Vec<DeadEntry>,
}

/// One letter whole.
#[derive(Serialize)]
#[serde(transparent)]
struct Whole(DeadEntry);

/// What was done about a letter.
#[derive(Serialize)]
struct Done {
    done: &'static str,
    letter: Address,
    /// Where a retried fact stands now.
    #[serde(skip_serializing_if = "Option::is_none")]
    appended_at: Option<Address>,
}

async fn answer(log: &Log, command: &DeadCommand, json: bool) -> anyhow::Result<()> {
    let letters = dead::letters(log).await?;
    let find = |wanted: &str| find(&letters, wanted);
    match command {
        DeadCommand::List => say(&List { letters }, json),
        DeadCommand::Show { letter } => say(&Whole(find(letter)?.clone()), json),
        DeadCommand::Retry { letter } => {
            let letter = &find(letter)?.letter;
            let appended_at = Some(log.retry_dead(&letter.stage, letter.address).await?);
            say(&Done { done: "retried", letter: letter.address, appended_at }, json)
        }
        DeadCommand::Drop { letter } => {
            let letter = &find(letter)?.letter;
            log.drop_dead(&letter.stage, letter.address).await?;
            say(&Done { done: "dropped", letter: letter.address, appended_at: None }, json)
        }
    }
}

/// The letter of this number in the list, or at this address.
fn find<'a>(letters: &'a [DeadEntry], wanted: &str) -> anyhow::Result<&'a DeadEntry> {
    dead::find(letters, wanted).ok_or_else(|| {
        let message =
            format!("there is no dead letter `{wanted}`; `marabet dead list` numbers them");
        NotThere(message).into()
    })
}

impl Answer for List {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.letters.is_empty() {
            return writeln!(out, "no dead letters");
        }
        for (number, DeadEntry { letter, .. }) in (1..).zip(&self.letters) {
            writeln!(out, "{number:>4}  {}  {}  {}", letter.stage, letter.address, letter.reason)?;
        }
        Ok(())
    }
}

impl Answer for Whole {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let letter = &self.0.letter;
        writeln!(out, "stage    {}\naddress  {}", letter.stage, letter.address)?;
        writeln!(out, "reason   {}\nline     {}", letter.reason, letter.line)
    }
}

impl Answer for Done {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{} {}", self.done, self.letter)?;
        match self.appended_at {
            Some(address) => writeln!(out, "; its fact stands at {address} of the feed now"),
            None => writeln!(out),
        }
    }
}
