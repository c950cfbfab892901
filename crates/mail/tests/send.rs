//! Messages reach a server on this machine.

#![expect(clippy::unwrap_used, reason = "a test stops where it is surprised")]

use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use vestibule_mail::{MailError, MailSettings, Mailer, Message, Security};

/// A server that takes one message; what it was told, line by line. `greeting`: the extensions that it offers.
async fn sink(extensions: &'static str, refuse: bool) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 sink\r\n").await.unwrap();
        let (mut heard, mut data) = (Vec::new(), false);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return heard;
            }
            let line = line.trim_end().to_owned();
            let answer = match line.as_str() {
                "." if data => {
                    data = false;
                    "250 taken\r\n".to_owned()
                }
                _ if data => String::new(),
                text if text.starts_with("EHLO") => format!("250-sink\r\n{extensions}250 8BITMIME\r\n"),
                text if text.starts_with("RCPT") && refuse => "550 nobody here\r\n".to_owned(),
                "DATA" => {
                    data = true;
                    "354 go on\r\n".to_owned()
                }
                text if text.starts_with("AUTH") => "235 welcome\r\n".to_owned(),
                "QUIT" => "221 bye\r\n".to_owned(),
                _ => "250 ok\r\n".to_owned(),
            };
            heard.push(line);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (port, heard)
}

fn mailer(port: u16, change: impl FnOnce(&mut MailSettings)) -> Mailer {
    let mut settings = MailSettings {
        host: "127.0.0.1".into(),
        port,
        username: String::new(),
        password: String::new(),
        security: Security::None,
        timeout: Duration::from_secs(5),
        from: "Vestibule <idp@example.com>".into(),
    };
    change(&mut settings);
    Mailer::new(settings)
}

fn message() -> Message {
    Message {
        to: vec![("Alice\r\nBcc: mallory@example.com".into(), "alice@example.com".into())],
        subject: "Hello\r\nX-Forged: yes".into(),
        text: "A line.\n.\nAnother.".into(),
        html: Some("<p>A line.</p>".into()),
        ..Message::default()
    }
}

#[tokio::test]
async fn a_message_arrives_and_forges_no_header() {
    let (port, heard) = sink("250-AUTH PLAIN LOGIN\r\n", false).await;
    let mailer = mailer(port, |settings| (settings.username, settings.password) = ("idp".into(), "secret".into()));
    mailer.send(&message()).await.unwrap();
    drop(mailer);
    let heard = heard.await.unwrap();
    let has = |text: &str| heard.iter().any(|line| line.starts_with(text));
    for line in
        ["AUTH PLAIN", "MAIL FROM:<idp@example.com>", "RCPT TO:<alice@example.com>", "Subject: Hello X-Forged: yes"]
    {
        assert!(has(line), "{line}: {heard:?}");
    }
    assert!(!has("X-Forged") && !has("Bcc"), "{heard:?}");
    assert!(heard.iter().any(|line| line == "..") && has("<p>A line.</p>"), "{heard:?}");
    assert_eq!(heard.iter().filter(|line| line.starts_with("RCPT")).count(), 1);
}

#[tokio::test]
async fn what_goes_wrong_is_said() {
    let (port, _heard) = sink("", true).await;
    let refused = mailer(port, |_| {}).send(&message()).await;
    assert!(matches!(&refused, Err(MailError::Server(error)) if error.to_string().contains("550")), "{refused:?}");
    let nobody = mailer(port, |_| {}).send(&Message { to: vec![], ..message() }).await;
    assert!(matches!(nobody, Err(MailError::Message(_))));
    let broken = mailer(port, |settings| settings.from = "nobody".into()).send(&message()).await;
    assert!(matches!(broken, Err(MailError::Message(_))));
}

#[tokio::test]
async fn nothing_is_sent_in_the_clear_where_tls_is_asked_for() {
    let (port, heard) = sink("", false).await;
    let settings = |settings: &mut MailSettings| {
        (settings.security, settings.username, settings.password) = (Security::StartTls, "idp".into(), "secret".into());
    };
    let answer = mailer(port, settings).send(&message()).await;
    assert!(matches!(answer, Err(MailError::Server(_))), "{answer:?}");
    let heard = heard.await.unwrap();
    assert!(heard.iter().all(|line| !line.starts_with("AUTH") && !line.starts_with("MAIL")), "{heard:?}");
}

#[test]
fn a_password_is_not_shown() {
    let shown = format!("{:?}", mailer(25, |settings| settings.password = "secret".into()));
    assert!(!shown.contains("secret"), "{shown}");
}
