//! A mail server for tests, on this machine.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A mail server that keeps what it is told.
pub struct MailServer {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    answer: Arc<Mutex<&'static str>>,
}

impl MailServer {
    /// One that takes every message.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server = Self { port, heard: Arc::default(), answer: Arc::new(Mutex::new("250 taken")) };
        let (heard, answer) = (Arc::clone(&server.heard), Arc::clone(&server.answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&heard), Arc::clone(&answer)));
            }
        });
        server
    }

    /// From here on it answers to each recipient so.
    pub fn answers(&self, answer: &'static str) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    /// The lines that it was told, of commands and of messages.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The messages that it took, each as it came.
    pub fn messages(&self) -> Vec<String> {
        let heard = self.heard();
        let mut messages = Vec::new();
        let mut message: Option<String> = None;
        for line in heard {
            match (&mut message, line.as_str()) {
                (None, "DATA") => message = Some(String::new()),
                (Some(_), ".") => messages.extend(message.take()),
                (Some(text), line) => *text = format!("{text}{line}\n"),
                (None, _) => {}
            }
        }
        messages
    }
}

async fn converse(
    stream: TcpStream,
    heard: Arc<Mutex<Vec<String>>>,
    answer: Arc<Mutex<&'static str>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 double\r\n").await?;
    let mut data = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end().to_owned();
        let said = match line.as_str() {
            "." if data => {
                data = false;
                "250 taken"
            }
            _ if data => "",
            text if text.starts_with("EHLO") => "250 8BITMIME",
            text if text.starts_with("RCPT") => *answer.lock().unwrap_or_else(PoisonError::into_inner),
            "DATA" => {
                data = true;
                "354 go on"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        heard.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        if !said.is_empty() {
            stream.write_all(format!("{said}\r\n").as_bytes()).await?;
        }
    }
}
