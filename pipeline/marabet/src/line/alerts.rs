//! The channels that grants are told on, each with who reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use marabet_notify::clock::Clock;
use marabet_notify::email::{Mail, MailOptions};
use marabet_notify::telegram::{Bot, BotOptions};
use marabet_notify::webhook::Webhook;
use marabet_notify::{
    Audience, Breaker, Channel, Console, FileChannel, LogOutbox, Notifier, NotifierOptions,
};
use marabet_streams::Log;

use crate::config::NotifyConfig;

/// A service that is away is asked again for as long as a bet lasts: it is the bet's time that
/// ends the asking.
const ATTEMPTS_MAX: u16 = 1_000;

/// A channel and who reads it.
pub(crate) struct Reached {
    pub(crate) channel: Arc<dyn Channel>,
    pub(crate) audience: Audience,
}

/// What alerts go through.
#[derive(Default)]
pub(crate) struct Alerts {
    /// The channels.
    pub(crate) reached: Vec<Reached>,
    /// The bot that answers, with the name of the channel of each of its chats.
    pub(crate) bot: Option<(Bot, BTreeMap<String, String>)>,
}

impl Alerts {
    /// One channel, whose reader wants to hear everything, one by one.
    pub(crate) fn through(channel: Arc<dyn Channel>) -> Self {
        Self { reached: vec![Reached { channel, audience: every_bet() }], bot: None }
    }

    /// A notifier for each channel.
    pub(crate) fn notifiers(&self, log: &Log, clock: &Arc<dyn Clock>) -> Vec<Arc<Notifier>> {
        let notifier = |reached: &Reached| {
            let options = NotifierOptions {
                attempts_max: ATTEMPTS_MAX,
                pause_max: Duration::from_secs(15),
                audience: reached.audience.clone(),
                ..NotifierOptions::default()
            };
            let outbox = Arc::new(LogOutbox::new(log));
            let channel = Arc::clone(&reached.channel);
            Arc::new(Notifier::new(channel, outbox, Arc::clone(clock), options))
        };
        self.reached.iter().map(notifier).collect()
    }

    /// The chats that are answered.
    pub(crate) fn chats(&self) -> BTreeSet<String> {
        self.bot.iter().flat_map(|(_, chats)| chats.keys().cloned()).collect()
    }
}

/// Who looks at a screen or a file wants every bet by itself, and no more.
fn every_bet() -> Audience {
    Audience {
        digest_over: usize::MAX,
        settled: false,
        errors: false,
        reports: false,
        notice: false,
        ..Audience::default()
    }
}

/// The channels that the configuration names.
pub(crate) fn channels(config: &NotifyConfig) -> anyhow::Result<Alerts> {
    let mut alerts = Alerts::default();
    let reached = &mut alerts.reached;
    if config.console {
        reached.push(Reached { channel: Arc::new(Console::stdout()), audience: every_bet() });
    }
    if let Some(folder) = &config.folder {
        let channel = Arc::new(FileChannel::open("file", folder)?);
        let audience = Audience { settled: true, errors: true, reports: true, ..every_bet() };
        reached.push(Reached { channel, audience });
    }
    if let Some(telegram) = &config.telegram {
        let token = telegram.token.read().context("notify.telegram.token")?;
        let options = BotOptions { url: telegram.url.clone(), ..BotOptions::default() };
        let bot = Bot::new(token, options);
        let mut chats = BTreeMap::new();
        for chat in &telegram.chats {
            let channel = Arc::new(Breaker::new(bot.chat(&chat.name, &chat.chat)));
            chats.insert(chat.chat.clone(), chat.name.clone());
            reached.push(Reached { channel, audience: chat.audience.clone() });
        }
        if telegram.commands {
            alerts.bot = Some((bot, chats));
        }
    }
    for mail in &config.mail {
        let at = || format!("notify.mail `{}`", mail.name);
        let certificate = mail.certificate.as_ref().map(std::fs::read).transpose();
        let password = mail.password.as_ref().map(marabet_notify::secret::SecretSource::read);
        let password = password.transpose().with_context(at)?;
        let options = MailOptions {
            host: mail.host.clone(),
            port: mail.port,
            tls: mail.tls,
            certificate: certificate.with_context(at)?,
            login: mail.user.clone().zip(password),
            from: mail.from.clone(),
            to: mail.to.clone(),
        };
        let channel = Arc::new(Breaker::new(Mail::new(&mail.name, &options).with_context(at)?));
        reached.push(Reached { channel, audience: mail.audience.clone() });
    }
    for webhook in &config.webhooks {
        let at = || format!("notify.webhooks `{}`", webhook.name);
        let url = webhook.url.read().with_context(at)?;
        let key = webhook.key.as_ref().map(marabet_notify::secret::SecretSource::read);
        let key = key.transpose().with_context(at)?;
        let channel = Webhook::new(&webhook.name, url, webhook.form, key);
        let channel = Arc::new(Breaker::new(channel));
        reached.push(Reached { channel, audience: webhook.audience.clone() });
    }
    Ok(alerts)
}
