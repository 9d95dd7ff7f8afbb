//! `marabet bet …` and `marabet deposit`: what the user says, as facts in the log.

use std::io::{self, Write};

use marabet_schemas::bets::{BetPlaced, BetSkipped, BetVoid, Deposit, Grant};
use marabet_schemas::{BetId, Body, Event, MatchKey, Money, Source, StrategyName};
use marabet_streams::{FeedOptions, FeedWriter, Log, Stream};
use serde::Serialize;

use crate::cli::{BetCommand, DepositArgs};
use crate::config::Config;
use crate::failure::NotThere;
use crate::line::open;
use crate::line::readback::Pages;
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
    let said = say(&opened.log, command).await;
    opened.close().await?;
    output::say(&Said { fact: said?.to_line() }, json)
}

/// Writes what the user says of a bet into the log. Returns the fact.
pub(crate) async fn say(log: &Log, command: &BetCommand) -> anyhow::Result<Event> {
    let (BetCommand::Placed { bet, .. }
    | BetCommand::Skipped { bet, .. }
    | BetCommand::Void { bet, .. }) = command;
    let (key, grant) = granted(log, *bet).await?.ok_or_else(|| {
        NotThere(format!("no stake was granted to a bet {bet}; `marabet bets list` has them all"))
    })?;
    let body: Body = match command {
        BetCommand::Placed { odds, stake, book, .. } => {
            let alerted = &grant.value_bet;
            let odds = odds.map(TryInto::try_into).transpose()?.unwrap_or(alerted.odds);
            let stake = stake.map(Money::try_from).transpose()?.unwrap_or(grant.stake);
            if stake <= Money::ZERO {
                anyhow::bail!("a placed bet has a stake above 0; name it with --stake");
            }
            let book = book.as_deref().map_or_else(|| alerted.book.clone(), Into::into);
            BetPlaced { bet: *bet, book, odds, stake }.into()
        }
        BetCommand::Skipped { reason, .. } => {
            BetSkipped { bet: *bet, reason: reason.clone() }.into()
        }
        BetCommand::Void { reason, .. } => BetVoid { bet: *bet, reason: reason.clone() }.into(),
    };
    let event = Event::of(key, open::now(), body);
    append(log, event.clone()).await?;
    Ok(event)
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

/// The grant of a bet.
async fn granted(log: &Log, wanted: BetId) -> anyhow::Result<Option<(MatchKey, Grant)>> {
    let mut pages = Pages::of(log, Stream::Grants, 0);
    while let Some(frames) = pages.next().await? {
        for event in frames.into_iter().flat_map(|frame| frame.events).flatten() {
            if let (Body::Grant(grant), Some(key)) = (event.body, event.key)
                && grant.value_bet.bet == wanted
            {
                return Ok(Some((key, grant)));
            }
        }
    }
    Ok(None)
}
