//! `marabet bet …` and `marabet deposit`: what the user says, as facts in the log.

use std::io::{self, Write};

use marabet_archive::Archive;
use marabet_ledger::Filed;
use marabet_schemas::bets::Deposit;
use marabet_schemas::{Book, Event, Money, Source, StrategyName};
use marabet_streams::{FeedOptions, FeedWriter, Log};
use marabet_web::word::{self, Word, WordError};
use serde::Serialize;

use crate::cli::{BetCommand, DepositArgs};
use crate::config::Config;
use crate::failure::NotThere;
use crate::line::{open, past};
use crate::output::{self, Answer};

/// What was written.
#[derive(Serialize)]
struct Said {
    fact: String,
}

impl Answer for Said {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "in the log: {}", self.fact)
    }
}

pub(super) async fn execute(
    command: &BetCommand,
    config: &Config,
    json: bool,
) -> anyhow::Result<()> {
    let opened = open::log(config).await?;
    let archive = Archive::at(&config.archive_location())?;
    let said = say(&opened.log, &past::filed(&archive), command).await;
    opened.close().await?;
    output::say(&Said { fact: said?.to_line() }, json)
}

/// Writes what the user says of a bet into the log. Returns the fact.
pub(crate) async fn say(log: &Log, filed: &Filed, command: &BetCommand) -> anyhow::Result<Event> {
    let (bet, word) = match command.clone() {
        BetCommand::Placed { bet, odds, stake, book } => {
            let odds = odds.map(TryInto::try_into).transpose()?;
            let stake = stake.map(Money::try_from).transpose()?;
            (bet, Word::Placed { odds, stake, book: book.map(Book::new) })
        }
        BetCommand::Skipped { bet, reason } => (bet, Word::Skipped { reason }),
        BetCommand::Void { bet, reason } => (bet, Word::Void { reason }),
    };
    word::say(log, filed, bet, &word, open::now()).await.map_err(|error| match error {
        WordError::NoBet(_) => NotThere(error.to_string()).into(),
        error => error.into(),
    })
}

pub(super) async fn deposit(
    arguments: &DepositArgs,
    config: &Config,
    json: bool,
) -> anyhow::Result<()> {
    let strategy = StrategyName::new(&arguments.strategy);
    if !config.strategies.contains_key(&strategy) {
        let known: Vec<&str> = config.strategies.keys().map(StrategyName::as_str).collect();
        let known = known.join(", ");
        return Err(
            NotThere(format!("there is no strategy `{strategy}`; there are: {known}")).into()
        );
    }
    let amount = Money::try_from(arguments.amount)?;
    let deposit = Deposit { strategy, amount, note: arguments.note.clone() };
    let event = Event::global(open::now(), deposit);
    let opened = open::log(config).await?;
    let appended = append(&opened.log, event.clone()).await;
    opened.close().await?;
    appended?;
    output::say(&Said { fact: event.to_line() }, json)
}

async fn append(log: &Log, event: Event) -> anyhow::Result<()> {
    let writer = FeedWriter::open(log, &Source::new("user"), FeedOptions::default()).await?;
    writer.append(&[event]).await?;
    writer.flush().await?;
    Ok(writer.close().await?)
}
