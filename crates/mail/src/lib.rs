//! Mail: a message goes to an SMTP server (RFC 5321), over TLS where the settings say so.

use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

/// How the connection to the server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// Not at all: for a server on the same machine.
    #[default]
    None,
    /// TLS after `STARTTLS` (RFC 3207); without it nothing is sent.
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Tls,
}

/// Where mail goes.
#[derive(Clone)]
pub struct MailSettings {
    /// The SMTP server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whom to sign in as; empty: nobody.
    pub username: String,
    /// Their password.
    pub password: String,
    /// How the connection is protected.
    pub security: Security,
    /// How long each step may take.
    pub timeout: Duration,
    /// The sender, `name@host` or `Name <name@host>`.
    pub from: String,
}

impl std::fmt::Debug for MailSettings {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port, username, security, from, .. } = self;
        write!(f, "MailSettings({username}@{host}:{port}, {security:?}, from {from})")
    }
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Name and address of each recipient.
    pub to: Vec<(String, String)>,
    /// The same of those who are sent a copy.
    pub cc: Vec<(String, String)>,
    /// The same of those whose copy the others do not see.
    pub bcc: Vec<(String, String)>,
    /// What it is about.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// The same as HTML, for readers that show it.
    pub html: Option<String>,
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// An address that is none, or a message without a recipient.
    #[error("{0}")]
    Message(String),
    /// The server cannot be reached, or refuses.
    #[error("the mail server did not take the message: {0}")]
    Server(#[from] lettre::transport::smtp::Error),
}

impl MailError {
    /// Whether another try would end the same way (RFC 5321, section 4.2.1: an answer that begins with 5).
    pub fn is_final(&self) -> bool {
        match self {
            Self::Message(_) => true,
            Self::Server(error) => error.is_permanent(),
        }
    }
}

/// Sends messages. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer {
    settings: MailSettings,
}

impl Mailer {
    /// To the server that the settings name.
    pub fn new(settings: MailSettings) -> Self {
        Self { settings }
    }

    /// The sender of its messages.
    pub fn sender(&self) -> &str {
        &self.settings.from
    }

    /// Sends a message: when this is done, the server has taken it for every recipient.
    ///
    /// # Errors
    /// An address that is none; a server that cannot be reached or refuses.
    pub async fn send(&self, message: &Message) -> Result<(), MailError> {
        let written = self.write(message)?;
        self.transport()?.send(written).await?;
        Ok(())
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
        let MailSettings { host, port, username, password, security, timeout, .. } = &self.settings;
        let tls = match security {
            Security::None => Tls::None,
            Security::StartTls => Tls::Required(TlsParameters::new(host.clone())?),
            Security::Tls => Tls::Wrapper(TlsParameters::new(host.clone())?),
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.as_str());
        let builder = builder.port(*port).tls(tls).timeout(Some(*timeout));
        let signed_in = !username.is_empty();
        let credentials = || Credentials::new(username.clone(), password.clone());
        Ok(if signed_in { builder.credentials(credentials()).build() } else { builder.build() })
    }

    fn write(&self, message: &Message) -> Result<lettre::Message, MailError> {
        let mailbox = |text: &str| text.parse::<Mailbox>().map_err(|_| wrong(format!("`{text}` is no address")));
        let mut builder = lettre::Message::builder().from(mailbox(&self.settings.from)?);
        if message.to.is_empty() {
            return Err(wrong("a message without a recipient".into()));
        }
        for (name, address) in &message.to {
            builder = builder.to(recipient(name, address)?);
        }
        for (name, address) in &message.cc {
            builder = builder.cc(recipient(name, address)?);
        }
        // (The header is left out of what is sent.)
        for (name, address) in &message.bcc {
            builder = builder.bcc(recipient(name, address)?);
        }
        let builder = builder.subject(one_line(&message.subject));
        let written = match &message.html {
            Some(html) => builder.multipart(MultiPart::alternative_plain_html(message.text.clone(), html.clone())),
            None => builder.body(message.text.clone()),
        };
        written.map_err(|error| wrong(error.to_string()))
    }
}

/// Whether a text is an address that a message can be sent to.
pub fn is_address(text: &str) -> bool {
    text.parse::<lettre::Address>().is_ok()
}

fn recipient(name: &str, address: &str) -> Result<Mailbox, MailError> {
    let address = address.parse().map_err(|_| wrong(format!("`{address}` is no address")))?;
    let name = one_line(name);
    Ok(Mailbox::new((!name.is_empty()).then_some(name), address))
}

fn wrong(sentence: String) -> MailError {
    MailError::Message(sentence)
}

/// A text without what would begin another header.
fn one_line(text: &str) -> String {
    text.split(['\r', '\n', '\0']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
