//! What is said to a bot, and what it answers.
//!
//! Only chats that alerts go to are answered: a stranger who finds the bot learns nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use marabet_schemas::BetId;
use marabet_streams::Shutdown;
use marabet_streams::backoff::Backoff;

use crate::telegram::{Bot, Update};

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// How the system is.
    Status,
    /// The bets that are open.
    Bets,
    /// Silence for so many hours.
    Mute(u16),
    /// The user placed a bet as it was alerted.
    Placed(BetId),
    /// The user let a bet go.
    Skipped(BetId),
    /// What can be asked for.
    Help,
}

/// What the bot says to someone who does not know it.
pub const HELP: &str =
    "/status – how the system is\n/bets – open bets\n/mute 8 – silence for 8 hours (0 ends it)";

impl Command {
    /// The command that a text is; `Help` for any other.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut words = text.split_whitespace();
        // In a group a command may name its bot: `/bets@my_bot`.
        let word = words.next().unwrap_or_default().split('@').next().unwrap_or_default();
        let next = words.next();
        let bet = || next.and_then(|word| word.parse().ok());
        match (word, bet()) {
            ("/status", _) => Self::Status,
            ("/bets", _) => Self::Bets,
            ("/mute", _) => Self::Mute(next.and_then(|hours| hours.parse().ok()).unwrap_or(8)),
            ("placed" | "/placed", Some(bet)) => Self::Placed(bet),
            ("skipped" | "/skipped", Some(bet)) => Self::Skipped(bet),
            _ => Self::Help,
        }
    }
}

/// Answers commands.
#[async_trait]
pub trait Answers: Send + Sync {
    /// The answer to a command from a chat; what went wrong is an answer too.
    async fn answer(&self, chat: &str, command: &Command) -> String;
}

/// Answers what is said to a bot in its chats, until it is asked to end.
pub async fn serve(
    bot: &Bot,
    chats: &BTreeSet<String>,
    answers: &Arc<dyn Answers>,
    mut shutdown: Shutdown,
) {
    let mut after = None;
    let mut waits = Backoff::reconnect();
    while let Some(updates) = shutdown.unless_asked(bot.updates(after)).await {
        match updates {
            Ok(updates) => {
                waits.reset();
                for update in updates {
                    after = Some(update.id);
                    if chats.contains(&update.chat) {
                        answer(bot, answers, &update).await;
                    }
                }
            }
            Err(error) => {
                tracing::warn!("the bot hears nothing: {error}");
                shutdown.unless_asked(waits.wait()).await;
            }
        }
    }
}

async fn answer(bot: &Bot, answers: &Arc<dyn Answers>, update: &Update) {
    let text = answers.answer(&update.chat, &Command::of(&update.text)).await;
    let said = match &update.touch {
        Some(touch) => bot.acknowledge(touch, &text).await,
        None => bot.say(&update.chat, &text).await,
    };
    if let Err(error) = said {
        tracing::warn!("a command is not answered: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_understood_as_people_type_them() {
        for (text, command) in [
            ("/status", Command::Status),
            ("/bets@marabet_bot", Command::Bets),
            ("/mute", Command::Mute(8)),
            ("/mute 2", Command::Mute(2)),
            ("placed 0123456789abcdef", Command::Placed("0123456789abcdef".parse().unwrap())),
            ("placed it", Command::Help),
            ("hello", Command::Help),
            ("", Command::Help),
        ] {
            assert_eq!(Command::of(text), command, "{text}");
        }
    }
}
