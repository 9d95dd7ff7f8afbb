//! What the bot answers.

use async_trait::async_trait;
use marabet_archive::Archive;
use marabet_notify::commands::{Answers, Command, HELP};
use std::collections::BTreeMap;
use std::fmt::Write;

use super::Desk;
use crate::cli::BetCommand;
use crate::command::say_of_bet;
use crate::line::{open, past};

/// Most open bets that one answer names.
const BETS_MAX: u16 = 15;

/// Answers for the chats of a bot.
pub(crate) struct DeskAnswers {
    pub(crate) desk: Desk,
    /// The channel of each chat.
    pub(crate) channels: BTreeMap<String, String>,
}

#[async_trait]
impl Answers for DeskAnswers {
    async fn answer(&self, chat: &str, command: &Command) -> String {
        let answered = match command {
            Command::Status => self.status().await,
            Command::Bets => self.bets().await,
            Command::Mute(hours) => self.mute(chat, *hours).await,
            Command::Placed(bet) => {
                let placed = BetCommand::Placed { bet: *bet, odds: None, stake: None, book: None };
                self.say(&placed).await
            }
            Command::Skipped(bet) => {
                self.say(&BetCommand::Skipped { bet: *bet, reason: None }).await
            }
            Command::Help => Ok(HELP.to_owned()),
        };
        answered.unwrap_or_else(|error| format!("{error:#}"))
    }
}

impl DeskAnswers {
    async fn status(&self) -> anyhow::Result<String> {
        let status = self.desk.log.status().await?;
        let jobs = self.desk.queues.counts().await?;
        let behind = status.slowest.unwrap_or_else(|| "every group has caught up".to_owned());
        let queued: u64 = jobs.queued.values().sum();
        Ok(format!(
            "{behind}\nmemory {:.0} MB\njobs: {} running, {queued} queued, {} waiting, {} dead",
            status.memory_used as f64 / f64::from(1 << 20),
            jobs.running,
            jobs.waiting,
            jobs.dead
        ))
    }

    async fn bets(&self) -> anyhow::Result<String> {
        let open = self.desk.ledger.open_bets(BETS_MAX).await?;
        if open.is_empty() {
            return Ok("no bet is open".to_owned());
        }
        let mut text = String::new();
        for bet in open {
            let word = bet.word.as_deref().unwrap_or("alerted");
            writeln!(
                text,
                "{} {} {} @ {:.2} {}, {} ({word})",
                bet.key, bet.market, bet.selection, bet.odds, bet.book, bet.stake
            )?;
        }
        Ok(text.trim_end().to_owned())
    }

    async fn mute(&self, chat: &str, hours: u16) -> anyhow::Result<String> {
        let channel = self.channels.get(chat);
        let until = open::now().plus_seconds(3_600 * i64::from(hours));
        for notifier in self.desk.notifiers.iter() {
            if channel.is_some_and(|channel| channel == notifier.channel()) {
                notifier.mute_until(until).await?;
            }
        }
        Ok(match hours {
            0 => "alerts are told again".to_owned(),
            _ => format!("silence until {until}"),
        })
    }

    async fn say(&self, command: &BetCommand) -> anyhow::Result<String> {
        let archive = Archive::at(&self.desk.config.archive_location())?;
        say_of_bet(&self.desk.log, &past::filed(&archive), command).await?;
        Ok("noted".to_owned())
    }
}
