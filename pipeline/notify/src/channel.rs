//! What every way to reach a person has in common.

use async_trait::async_trait;

use crate::{Message, Picture};

/// A way to reach people: a console, a file; Telegram, e-mail, a webhook.
///
/// A channel says what became of a message and leaves the rest to the [`Notifier`]
/// (crate::Notifier): whether a message was sent before, when to try again, when it is too late.
#[async_trait]
pub trait Channel: Send + Sync {
    /// The channel's name in the outbox: two channels of a kind have different names.
    fn name(&self) -> &str;

    /// Sends a message and returns once the receiver has it.
    ///
    /// # Errors
    /// [`SendError`], which says whether the receiver may have it all the same.
    async fn send(&self, message: &Message) -> Result<(), SendError>;

    /// As [`Self::send`]; and says where the message stands, on a channel whose messages can be
    /// changed.
    ///
    /// # Errors
    /// As [`Self::send`].
    async fn post(&self, message: &Message) -> Result<Option<String>, SendError> {
        self.send(message).await.map(|()| None)
    }

    /// Changes a message that stands at a place.
    ///
    /// # Errors
    /// As [`Self::send`]; a channel that cannot refuses.
    async fn edit(&self, _place: &str, _message: &Message) -> Result<(), SendError> {
        Err(SendError::Refused("messages on this channel cannot be changed".to_owned()))
    }

    /// Sends a message with a picture; a channel that shows none sends the message.
    ///
    /// # Errors
    /// As [`Self::send`].
    async fn show(&self, message: &Message, _picture: &Picture) -> Result<(), SendError> {
        self.send(message).await
    }
}

/// Why a message was not sent, as far as the channel knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Nobody has it, and trying again helps: the service is away or says to wait.
    #[error("{reason}")]
    Away {
        /// What happened.
        reason: String,
        /// How long the service asks to wait.
        wait: Option<std::time::Duration>,
    },
    /// Nobody has it, and trying again would not help: a wrong address, a wrong token.
    #[error("{0}")]
    Refused(String),
    /// Somebody may have it: the answer did not come.
    #[error("{0}")]
    Unclear(String),
}
