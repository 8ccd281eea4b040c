//! HTTP/1.1 by hand: a test decides every byte that is sent, and sees every byte that comes back.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The longest head that is read before giving up.
const MAX_HEAD: usize = 1 << 20;

/// A message as it stood on the wire.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    /// The request line or the status line.
    pub(crate) start: String,
    /// In order, names as they were written.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, chunks joined.
    pub(crate) body: Vec<u8>,
}

/// A request's bytes. `Host` and `Content-Length` are added; nothing else is.
pub(crate) fn request(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || method == "POST" {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

/// Sends `bytes` on a connection of its own and reads one answer, which may come before the last
/// byte is sent.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> io::Result<Message> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut from, mut to) = stream.split();
    let answer = read_message(&mut from);
    tokio::pin!(answer);
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        // A server that has said no may stop reading: what counts is what it said.
        _ = to.write_all(bytes) => answer.await,
    }
}

/// Reads one message, chunks joined.
pub(crate) async fn read_message(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Message> {
    let mut buffer = Vec::new();
    let head_end = loop {
        if let Some(at) = find(&buffer, b"\r\n\r\n") {
            break at;
        }
        if buffer.len() > MAX_HEAD {
            return Err(io::Error::other("the head does not end"));
        }
        more(from, &mut buffer).await?;
    };
    let rest = buffer.split_off(head_end + 4);
    let mut message = Message::with_head(&String::from_utf8_lossy(&buffer));
    message.body = match message.framing() {
        Framing::None => Vec::new(),
        Framing::Length(length) => read_length(from, rest, length).await?,
        Framing::Chunked => read_chunks(from, rest).await?,
        Framing::UntilClose => read_to_end(from, rest).await?,
    };
    Ok(message)
}

/// How a body says where it ends (RFC 9112, section 6.3).
enum Framing {
    None,
    Length(usize),
    Chunked,
    UntilClose,
}

// === impl Message ===

impl Message {
    fn with_head(head: &str) -> Self {
        let mut lines = head.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Self {
            start,
            headers,
            body: Vec::new(),
        }
    }

    /// The first header of that name, in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The second word of the start line: a request's target, a response's status.
    pub(crate) fn second_word(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    fn framing(&self) -> Framing {
        if self.header("transfer-encoding").is_some() {
            return Framing::Chunked;
        }
        match self.header("content-length").map(str::parse) {
            Some(Ok(length)) => Framing::Length(length),
            Some(Err(_)) => Framing::UntilClose,
            // A request without a length has no body; a response has one until the end, but for
            // the two statuses that never have any.
            None if !self.start.starts_with("HTTP/") => Framing::None,
            None if matches!(self.second_word(), "204" | "304") => Framing::None,
            None => Framing::UntilClose,
        }
    }
}

async fn more(from: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> io::Result<()> {
    match from.read_buf(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

async fn read_length(
    from: &mut (impl AsyncRead + Unpin),
    mut body: Vec<u8>,
    length: usize,
) -> io::Result<Vec<u8>> {
    while body.len() < length {
        more(from, &mut body).await?;
    }
    body.truncate(length);
    Ok(body)
}

async fn read_to_end(
    from: &mut (impl AsyncRead + Unpin),
    mut body: Vec<u8>,
) -> io::Result<Vec<u8>> {
    from.read_to_end(&mut body).await?;
    Ok(body)
}

async fn read_chunks(from: &mut (impl AsyncRead + Unpin), mut raw: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Some(line_end) = find(&raw, b"\r\n") else {
            more(from, &mut raw).await?;
            continue;
        };
        let line = String::from_utf8_lossy(&raw[..line_end]).into_owned();
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
        let next = line_end + 2 + size + 2;
        while raw.len() < next {
            more(from, &mut raw).await?;
        }
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&raw[line_end + 2..line_end + 2 + size]);
        raw.drain(..next);
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
