//! HTTP/1.1 over one connection that is kept: as little work as possible, so that the server gets the processors.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Largest head of an answer, bytes.
const HEAD: usize = 64 * 1024;

/// A connection, opened at the first request and again after the server has closed it.
pub(crate) struct Client {
    address: SocketAddr,
    stream: Option<TcpStream>,
    out: Vec<u8>,
    /// What was read of an answer.
    buffer: Vec<u8>,
}

/// An answer.
pub(crate) struct Answer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// The values of a header. Names are compared in lower case.
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.head.lines().skip(1).filter_map(move |line| {
            let (given, value) = line.split_once(':')?;
            given.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Where the answer leads.
    pub(crate) fn location(&self) -> Option<&str> {
        self.values("location").next()
    }

    /// The value of a cookie that the answer sets.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.values("set-cookie").find_map(|value| {
            let (given, rest) = value.split_once('=')?;
            (given == name).then(|| rest.split(';').next().unwrap_or_default())
        })
    }

    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Status and body, for messages.
    pub(crate) fn text(&self) -> String {
        let body: String = String::from_utf8_lossy(&self.body).chars().take(300).collect();
        format!("{} {body}", self.status)
    }

    /// Whether the body has this text somewhere: cheaper than reading it.
    pub(crate) fn contains(&self, text: &str) -> bool {
        text.is_empty() || self.body.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

impl Client {
    /// A connection to `address`, not yet opened.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, out: Vec::with_capacity(1024), buffer: Vec::with_capacity(8192) }
    }

    /// Opens the connection.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn open(&mut self) -> io::Result<()> {
        if self.stream.is_none() {
            let stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(5))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            self.stream = Some(stream);
        }
        Ok(())
    }

    /// Sends a request and reads its answer. `headers` are whole lines, each with its `\r\n`.
    ///
    /// # Errors
    /// The system's, and what is not an answer. The connection is closed then.
    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &str, body: Option<&str>) -> io::Result<Answer> {
        self.send_as("application/json", method, path, headers, body)
    }

    /// Sends a form and reads its answer.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub(crate) fn form(&mut self, path: &str, headers: &str, body: &str) -> io::Result<Answer> {
        self.send_as("application/x-www-form-urlencoded", "POST", path, headers, Some(body))
    }

    fn send_as(
        &mut self,
        kind: &str,
        method: &str,
        path: &str,
        headers: &str,
        body: Option<&str>,
    ) -> io::Result<Answer> {
        self.open()?;
        self.out.clear();
        write!(
            self.out,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\n{headers}",
            self.address
        )?;
        match body {
            Some(body) => {
                write!(self.out, "Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
            }
            None => self.out.extend_from_slice(b"\r\n"),
        }
        let answer = self.exchange();
        match &answer {
            Ok(answer) if answer.values("connection").any(|value| value.eq_ignore_ascii_case("close")) => {
                self.stream = None;
            }
            Ok(_) => {}
            Err(_) => self.stream = None,
        }
        answer
    }

    fn exchange(&mut self) -> io::Result<Answer> {
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        stream.write_all(&self.out)?;
        self.buffer.clear();
        let end = loop {
            let searched = self.buffer.len().saturating_sub(3);
            more(stream, &mut self.buffer)?;
            let found =
                self.buffer.get(searched..).and_then(|tail| tail.windows(4).position(|four| four == b"\r\n\r\n"));
            if let Some(at) = found {
                break searched + at + 4;
            }
            if self.buffer.len() > HEAD {
                return Err(wrong("the head of an answer does not end"));
            }
        };
        let body = self.buffer.split_off(end);
        let head = String::from_utf8(self.buffer.clone()).map_err(|_| wrong("a head that is not text"))?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| wrong("no status line"))?;
        let mut answer = Answer { status, head, body };
        if answer.values("transfer-encoding").next().is_some() {
            return Err(wrong("an answer of unknown length"));
        }
        let length = answer.values("content-length").next().map(str::parse).transpose();
        let length: usize = length.map_err(|_| wrong("a length that is no number"))?.unwrap_or_default();
        while answer.body.len() < length {
            more(stream, &mut answer.body)?;
        }
        Ok(answer)
    }
}

/// Reads what is there.
fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    let mut chunk = [0; 8192];
    let read = stream.read(&mut chunk)?;
    if read == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    buffer.extend_from_slice(chunk.get(..read).unwrap_or_default());
    Ok(())
}

fn wrong(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn answers_in_pieces_are_read_and_the_connection_is_kept() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 4096];
            for piece in ["HTTP/1.1 302 Found\r\nSet-Cookie: a=b=c; Path=/\r\nconte", "nt-length: 0\r\n\r\n"] {
                if piece.starts_with("HTTP") {
                    let _ = stream.read(&mut buffer).unwrap();
                }
                stream.write_all(piece.as_bytes()).unwrap();
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = stream.read(&mut buffer).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\n{\"a\"").unwrap();
            stream.write_all(b":1}").unwrap();
        });
        let mut client = Client::new(address);
        let first = client.send("GET", "/", "", None).unwrap();
        assert_eq!((first.status, first.cookie("a"), first.cookie("b")), (302, Some("b=c"), None));
        let second = client.send("POST", "/", "", Some("{}")).unwrap();
        assert_eq!(second.json(), serde_json::json!({"a": 1}));
        assert!(second.contains("\"a\":1") && client.stream.is_none());
        server.join().unwrap();
    }
}
