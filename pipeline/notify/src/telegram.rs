//! The Telegram Bot API.
//!
//! A bot sends at most 30 messages a second overall and one a second to a chat; where Telegram
//! says `retry_after`, nothing is sent until then. One [`Bot`] serves all its chats, so that they
//! share the overall rate.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{Body, Client};
use crate::pace::Pace;
use crate::secret::Secret;
use crate::{Channel, Message, Picture, SendError};

/// Longest text of a message, in UTF-16 units; Telegram refuses longer ones.
pub const TEXT_MAX: usize = 4_096;
/// Longest caption of a picture.
const CAPTION_MAX: usize = 1_024;

/// Where the Bot API is and how fast it may be used.
#[derive(Debug, Clone)]
pub struct BotOptions {
    /// Where: the service itself, or a server of one's own.
    pub url: String,
    /// Messages a second, all chats together.
    pub overall_a_second: u32,
    /// Messages a second to one chat.
    pub chat_a_second: u32,
}

impl Default for BotOptions {
    fn default() -> Self {
        let url = "https://api.telegram.org".to_owned();
        Self { url, overall_a_second: 30, chat_a_second: 1 }
    }
}

/// A bot. Clones share its rate.
#[derive(Clone)]
pub struct Bot {
    client: Client,
    patient: Client,
    options: BotOptions,
    token: Secret,
    overall: Arc<Pace>,
}

/// How long one asking for updates waits for one.
const UPDATES_WAIT: Duration = Duration::from_secs(20);

/// Something that someone said to the bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Its number; the next asking begins after it.
    pub id: i64,
    /// In which chat.
    pub chat: String,
    /// What was said, or what the button that was touched answers.
    pub text: String,
    /// The touch, to be acknowledged; none for a text.
    pub touch: Option<String>,
}

impl Bot {
    /// A bot by its token.
    #[must_use]
    pub fn new(token: Secret, options: BotOptions) -> Self {
        let overall = Arc::new(Pace::of(options.overall_a_second, Duration::from_secs(1)));
        let patient = Client::with_timeout(UPDATES_WAIT + Duration::from_secs(10));
        Self { client: Client::new(), patient, options, token, overall }
    }

    /// A channel of this name to a chat.
    #[must_use]
    pub fn chat(&self, name: impl Into<String>, chat: impl Into<String>) -> TelegramChat {
        let pace = Pace::of(self.options.chat_a_second, Duration::from_secs(1));
        TelegramChat { name: name.into(), chat: chat.into(), bot: self.clone(), pace }
    }

    /// What was said to the bot after an update; waits a while for something.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn updates(&self, after: Option<i64>) -> Result<Vec<Update>, SendError> {
        let body = json!({
            "offset": after.map(|id| id + 1),
            "timeout": UPDATES_WAIT.as_secs(),
            "allowed_updates": ["message", "callback_query"],
        });
        let result = self.call_on(&self.patient, "getUpdates", Body::json(&body)).await?;
        Ok(result.as_array().into_iter().flatten().filter_map(update).collect())
    }

    /// Says something in a chat, past any outbox: the answer to a command.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn say(&self, chat: &str, text: &str) -> Result<(), SendError> {
        self.overall.turn().await;
        let body = json!({ "chat_id": chat, "text": shortened(text, TEXT_MAX) });
        self.call("sendMessage", Body::json(&body)).await.map(|_| ())
    }

    /// Acknowledges a touch of a button.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn acknowledge(&self, touch: &str, text: &str) -> Result<(), SendError> {
        let body = json!({ "callback_query_id": touch, "text": shortened(text, 200) });
        self.call("answerCallbackQuery", Body::json(&body)).await.map(|_| ())
    }

    async fn call(&self, method: &str, body: Body) -> Result<Value, SendError> {
        self.call_on(&self.client, method, body).await
    }

    async fn call_on(&self, client: &Client, method: &str, body: Body) -> Result<Value, SendError> {
        let url = format!("{}/bot{}/{method}", self.options.url, self.token.reveal());
        let answer = client.post(url, Vec::new(), body).await?;
        let reply: Reply = match serde_json::from_str(&answer.body) {
            Ok(reply) => reply,
            // A proxy in between has answered.
            Err(_) if answer.status.is_success() => {
                return Err(SendError::Unclear("telegram's answer cannot be read".to_owned()));
            }
            Err(_) => return Err(answer.refusal("telegram")),
        };
        if reply.ok {
            return Ok(reply.result);
        }
        let error = refusal(&self.token, &reply, answer.retry_after);
        if let SendError::Away { wait: Some(wait), .. } = &error {
            self.overall.hold(*wait).await;
        }
        Err(error)
    }
}

#[derive(Deserialize)]
struct Reply {
    ok: bool,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    error_code: u16,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
}

/// A second is waited for where Telegram says that it is too much and not for how long.
const TOO_MUCH_WAIT: Duration = Duration::from_secs(1);

fn refusal(token: &Secret, reply: &Reply, header: Option<Duration>) -> SendError {
    let (code, said) = (reply.error_code, token.hidden_in(&reply.description));
    let reason = format!("telegram answered {code}: {said}");
    let wait = reply.parameters.retry_after.map(Duration::from_secs).or(header);
    match code {
        429 => SendError::Away { reason, wait: Some(wait.unwrap_or(TOO_MUCH_WAIT)) },
        500.. => SendError::Away { reason, wait },
        401 | 404 => SendError::Refused(format!(
            "{reason}: it refuses the bot's token; ask @BotFather for the right one"
        )),
        403 => SendError::Refused(format!(
            "{reason}: the bot may not write to this chat; start it there, or unblock it"
        )),
        _ => SendError::Refused(reason),
    }
}

fn update(value: &Value) -> Option<Update> {
    let id = value.get("update_id")?.as_i64()?;
    let (said, text, touch) = match value.get("callback_query") {
        Some(query) => (query, query.get("data")?, query.get("id").and_then(Value::as_str)),
        None => (value, value.get("message")?.get("text")?, None),
    };
    let chat = said.get("message")?.get("chat")?.get("id")?;
    let chat = chat.as_i64().map_or_else(|| chat.to_string(), |id| id.to_string());
    Some(Update { id, chat, text: text.as_str()?.to_owned(), touch: touch.map(str::to_owned) })
}

/// A chat that a bot writes to.
pub struct TelegramChat {
    name: String,
    chat: String,
    bot: Bot,
    pace: Pace,
}

impl TelegramChat {
    /// Waits for this chat's turn, then for the bot's.
    async fn turn(&self) {
        self.pace.turn().await;
        self.bot.overall.turn().await;
    }

    fn body(&self, message: &Message) -> Value {
        let mut body = json!({
            "chat_id": self.chat,
            "text": shortened(&message.text, TEXT_MAX),
            "link_preview_options": { "is_disabled": true },
        });
        if !message.buttons.is_empty() {
            let button =
                |one: &crate::Button| json!({ "text": one.label, "callback_data": one.answer });
            let row: Vec<Value> = message.buttons.iter().map(button).collect();
            body["reply_markup"] = json!({ "inline_keyboard": [row] });
        }
        body
    }
}

#[async_trait]
impl Channel for TelegramChat {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, message: &Message) -> Result<(), SendError> {
        self.post(message).await.map(|_| ())
    }

    async fn post(&self, message: &Message) -> Result<Option<String>, SendError> {
        self.turn().await;
        let sent = self.bot.call("sendMessage", Body::json(&self.body(message))).await?;
        Ok(sent.get("message_id").and_then(Value::as_i64).map(|id| id.to_string()))
    }

    async fn edit(&self, place: &str, message: &Message) -> Result<(), SendError> {
        self.turn().await;
        let mut body = self.body(message);
        body["message_id"] = json!(place.parse::<i64>().unwrap_or_default());
        match self.bot.call("editMessageText", Body::json(&body)).await {
            Err(SendError::Refused(reason)) if reason.contains("message is not modified") => Ok(()),
            answer => answer.map(|_| ()),
        }
    }

    async fn show(&self, message: &Message, picture: &Picture) -> Result<(), SendError> {
        self.turn().await;
        let caption = shortened(&message.text, CAPTION_MAX);
        let body = form(&[("chat_id", &self.chat), ("caption", &caption)], picture);
        self.bot.call("sendPhoto", body).await.map(|_| ())
    }
}

/// A form with a file (RFC 7578).
fn form(fields: &[(&str, &str)], picture: &Picture) -> Body {
    const BOUNDARY: &str = "marabet-8f2c61d0a97e4b35";
    let mut bytes = Vec::with_capacity(picture.png.len() + 1_024);
    for (name, value) in fields {
        let part = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        bytes.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"photo\"; filename=\"{}\"\r\n\
         content-type: image/png\r\n\r\n",
        picture.name
    );
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(&picture.png);
    bytes.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    Body { content_type: format!("multipart/form-data; boundary={BOUNDARY}"), bytes }
}

/// The text, cut where it is too long; Telegram counts UTF-16 units.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if text.encode_utf16().count() <= most {
        return text.to_owned();
    }
    let mut units = 0;
    let fits = text.chars().take_while(|letter| {
        units += letter.len_utf16();
        units < most
    });
    let mut cut: String = fits.collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_telegram_would_refuse_it() {
        assert_eq!(shortened("short", 5), "short");
        assert_eq!(shortened("longer", 5), "long…");
        assert_eq!(shortened("⚽⚽🥅🥅", 5).encode_utf16().count(), 5);
    }

    #[test]
    fn what_was_said_and_what_was_touched_are_read_and_the_rest_is_passed_over() {
        let said =
            json!({ "update_id": 7, "message": { "chat": { "id": -100 }, "text": "/bets" } });
        let expected =
            Update { id: 7, chat: "-100".to_owned(), text: "/bets".to_owned(), touch: None };
        assert_eq!(update(&said), Some(expected));
        let touched = json!({ "update_id": 8, "callback_query": {
            "id": "q", "data": "placed 0123", "message": { "chat": { "id": 5 } } } });
        assert_eq!(update(&touched).unwrap().touch.as_deref(), Some("q"));
        assert_eq!(update(&json!({ "update_id": 9, "poll": {} })), None);
    }
}
