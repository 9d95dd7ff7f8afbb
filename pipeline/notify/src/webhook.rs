//! Webhooks: one's own program, Slack, Discord.
//!
//! One's own gets the message's JSON, with `x-marabet-key` (the same for every sending of one
//! message) and, where a key is configured, `x-marabet-signature: sha256=<hex>`: the HMAC
//! (RFC 2104) of the body.

use async_trait::async_trait;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::Sha256;

use crate::http::{Body, Client};
use crate::secret::Secret;
use crate::{Channel, Message, SendError};

/// Whose webhook it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookForm {
    /// One's own: the JSON.
    #[default]
    Json,
    /// Slack's: the text.
    Slack,
    /// Discord's: the text, at most 2,000 characters.
    Discord,
}

/// Posts each message to a URL, which is a secret: whoever has it can write there.
pub struct Webhook {
    name: String,
    url: Secret,
    form: WebhookForm,
    key: Option<Secret>,
    client: Client,
}

impl Webhook {
    /// A webhook of this name; `key` signs what one's own program gets.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        url: Secret,
        form: WebhookForm,
        key: Option<Secret>,
    ) -> Self {
        Self { name: name.into(), url, form, key, client: Client::new() }
    }
}

/// The signature of a body: `sha256=` and its HMAC in hexadecimal.
#[must_use]
pub fn signature(key: &Secret, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.reveal().as_bytes())
        .expect("a key of any length is good for an HMAC");
    mac.update(body);
    let digits = mac.finalize().into_bytes();
    let hex: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

#[async_trait]
impl Channel for Webhook {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, message: &Message) -> Result<(), SendError> {
        let body = match self.form {
            WebhookForm::Json => Body {
                content_type: "application/json".to_owned(),
                bytes: message.json.clone().into_bytes(),
            },
            WebhookForm::Slack => Body::json(&json!({ "text": message.text })),
            WebhookForm::Discord => {
                let content = crate::telegram::shortened(&message.text, 2_000);
                Body::json(&json!({ "content": content }))
            }
        };
        let mut headers = vec![("x-marabet-key", message.key.clone())];
        if let Some(key) = &self.key {
            headers.push(("x-marabet-signature", signature(key, &body.bytes)));
        }
        let answer = self.client.post(self.url.reveal().to_owned(), headers, body).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        Err(match answer.refusal("the webhook") {
            SendError::Refused(reason) => SendError::Refused(self.url.hidden_in(&reason)),
            other => other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_hmac_of_rfc_4231() {
        // RFC 4231, test case 2.
        let key = Secret::new("Jefe");
        assert_eq!(
            signature(&key, b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
