//! E-mail, over SMTP.

use std::time::Duration;

use async_trait::async_trait;
use lettre::message::header::{ContentType, MessageId};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use serde::{Deserialize, Serialize};

use crate::secret::Secret;
use crate::{Channel, Message, Picture, SendError};

/// How the connection to the server is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// TLS is asked for in the clear and then demanded (STARTTLS, port 587).
    #[default]
    Starttls,
    /// TLS from the first byte (port 465).
    Implicit,
    /// None: for a server on this machine alone.
    None,
}

/// Where and as whom to send.
#[derive(Debug, Clone)]
pub struct MailOptions {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept from others.
    pub tls: MailTls,
    /// A certificate (PEM) that is trusted beside the known ones.
    pub certificate: Option<Vec<u8>>,
    /// Name and password, where the server asks for them.
    pub login: Option<(String, Secret)>,
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: Vec<String>,
}

/// Options with which no mail can be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("e-mail cannot be sent so: {0}")]
pub struct MailError(String);

/// How long a server may take for one mail: less than a notifier waits, so that it is this channel
/// that says what happened.
const SEND_WITHIN: Duration = Duration::from_secs(8);

/// Sends each message as a mail.
pub struct Mail {
    name: String,
    from: Mailbox,
    to: Vec<Mailbox>,
    password: Option<Secret>,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Mail {
    /// A channel of this name.
    ///
    /// # Errors
    /// [`MailError`] for an address, a certificate or a host that is none.
    pub fn new(name: impl Into<String>, options: &MailOptions) -> Result<Self, MailError> {
        let address = |text: &String| {
            text.parse::<Mailbox>().map_err(|error| MailError(format!("`{text}`: {error}")))
        };
        if options.to.is_empty() {
            return Err(MailError("it names nobody to send to".to_owned()));
        }
        let fault = |error: SmtpError| MailError(error.to_string());
        let mut parameters = TlsParameters::builder(options.host.clone());
        if let Some(pem) = &options.certificate {
            parameters =
                parameters.add_root_certificate(Certificate::from_pem(pem).map_err(fault)?);
        }
        let parameters = parameters.build_rustls().map_err(fault)?;
        let tls = match options.tls {
            MailTls::Starttls => Tls::Required(parameters),
            MailTls::Implicit => Tls::Wrapper(parameters),
            MailTls::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&*options.host)
            .port(options.port)
            .tls(tls)
            .timeout(Some(std::time::Duration::from_secs(8)));
        if let Some((user, password)) = &options.login {
            let password = password.reveal().to_owned();
            transport = transport.credentials(Credentials::new(user.clone(), password));
        }
        Ok(Self {
            name: name.into(),
            from: address(&options.from)?,
            to: options.to.iter().map(address).collect::<Result<_, _>>()?,
            password: options.login.as_ref().map(|(_, password)| password.clone()),
            transport: transport.build(),
        })
    }

    async fn mail(&self, message: &Message, picture: Option<&Picture>) -> Result<(), SendError> {
        let mut builder = lettre::Message::builder().from(self.from.clone());
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        // The same for every sending of one message: a reader that knows it shows it once.
        let id = format!("<{}@{}>", message.key.replace(':', "."), self.from.email.domain());
        let builder = builder.subject(&message.title).header(MessageId::from(id));
        let mail = match picture {
            None => builder.header(ContentType::TEXT_PLAIN).body(message.text.clone()),
            Some(picture) => {
                let png = ContentType::parse("image/png").expect("it is a type of media");
                let attached = Attachment::new(picture.name.clone()).body(picture.png.clone(), png);
                let text = SinglePart::plain(message.text.clone());
                builder.multipart(MultiPart::mixed().singlepart(text).singlepart(attached))
            }
        };
        let mail = mail.map_err(|error| SendError::Refused(format!("it is no mail: {error}")))?;
        // The transport's own limit is one of each command, and not of a server that says nothing.
        match tokio::time::timeout(SEND_WITHIN, self.transport.send(mail)).await {
            Ok(sent) => sent.map(|_| ()).map_err(|error| self.fault(&error)),
            Err(_) => Err(SendError::Unclear("the mail server says nothing".to_owned())),
        }
    }

    fn fault(&self, error: &SmtpError) -> SendError {
        let mut reason = format!("the mail server: {error}");
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            reason.push_str(&format!(": {error}"));
            cause = error.source();
        }
        if let Some(password) = &self.password {
            reason = password.hidden_in(&reason);
        }
        if error.is_permanent() {
            SendError::Refused(reason)
        } else if error.is_timeout() {
            // The server may have taken it and not have said so.
            SendError::Unclear(reason)
        } else {
            SendError::Away { reason, wait: None }
        }
    }
}

#[async_trait]
impl Channel for Mail {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, message: &Message) -> Result<(), SendError> {
        self.mail(message, None).await
    }

    async fn show(&self, message: &Message, picture: &Picture) -> Result<(), SendError> {
        self.mail(message, Some(picture)).await
    }
}
