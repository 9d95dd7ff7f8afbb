//! `[notify]`: where alerts go, to whom, and how.

use std::path::PathBuf;

use marabet_notify::Audience;
use marabet_notify::email::MailTls;
use marabet_notify::secret::SecretSource;
use marabet_notify::webhook::WebhookForm;
use serde::{Deserialize, Serialize};

/// Where alerts go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NotifyConfig {
    /// Print them.
    pub(crate) console: bool,
    /// Append them to `alerts.ndjson` and `alerts.txt` in this folder.
    pub(crate) folder: Option<PathBuf>,
    /// A bot, and the chats that it writes to.
    pub(crate) telegram: Option<TelegramConfig>,
    /// Mails.
    pub(crate) mail: Vec<MailConfig>,
    /// Webhooks.
    pub(crate) webhooks: Vec<WebhookConfig>,
}

impl Default for NotifyConfig {
    fn default() -> Self {
        Self { console: true, folder: None, telegram: None, mail: Vec::new(), webhooks: Vec::new() }
    }
}

/// A bot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TelegramConfig {
    /// Where its token is: `{ env = "TELEGRAM_TOKEN" }` or `{ file = "path" }`.
    pub(crate) token: SecretSource,
    /// Where the Bot API is.
    #[serde(default = "telegram_url")]
    pub(crate) url: String,
    /// The chats.
    pub(crate) chats: Vec<ChatConfig>,
    /// Whether /status, /bets and /mute are answered.
    #[serde(default = "yes")]
    pub(crate) commands: bool,
}

fn telegram_url() -> String {
    "https://api.telegram.org".to_owned()
}

const fn yes() -> bool {
    true
}

/// A chat of a bot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChatConfig {
    /// The channel's name.
    pub(crate) name: String,
    /// The chat's number, or the name of a public one.
    pub(crate) chat: String,
    /// Who reads it.
    #[serde(default)]
    pub(crate) audience: Audience,
}

/// A mail server and who gets mails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailConfig {
    /// The channel's name.
    pub(crate) name: String,
    /// The server.
    pub(crate) host: String,
    /// Its port: 587 for STARTTLS, 465 for TLS from the first byte.
    pub(crate) port: u16,
    /// `starttls`, `implicit`, or `none` for a server on this machine.
    #[serde(default)]
    pub(crate) tls: MailTls,
    /// A certificate (PEM) that is trusted beside the known ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<PathBuf>,
    /// The name to log in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// Where the password is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<SecretSource>,
    /// From whom.
    pub(crate) from: String,
    /// To whom.
    pub(crate) to: Vec<String>,
    /// Who reads it.
    #[serde(default)]
    pub(crate) audience: Audience,
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookConfig {
    /// The channel's name.
    pub(crate) name: String,
    /// Where its URL is, which is a secret: whoever has it can write there.
    pub(crate) url: SecretSource,
    /// `json`, `slack` or `discord`.
    #[serde(default)]
    pub(crate) form: WebhookForm,
    /// Where the key is that signs what is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<SecretSource>,
    /// Who reads it.
    #[serde(default)]
    pub(crate) audience: Audience,
}
