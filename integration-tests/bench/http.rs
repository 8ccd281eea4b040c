//! Just enough HTTP/1.1 to ask and to answer over a kept connection (RFC 9112).

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Sent with every request; a hub that asks for a key takes this one.
pub(crate) const KEY: &str = "bench-key-of-some-length";

/// Where chat completions are asked for.
pub(crate) const CHAT: &str = "/v1/chat/completions";

/// Room for a whole message, so that one read usually gets it.
const BUFFER: usize = 16 * 1024;

/// Either end of a connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// How much of the buffer is the message that was handed out last.
    taken: usize,
}

/// A request or a reply.
pub(crate) struct Message<'a> {
    /// Everything up to the empty line.
    pub(crate) head: &'a [u8],
    /// The body as on the wire: the sizes of chunks are still in it.
    pub(crate) body: &'a [u8],
}

/// How far a message has been looked at.
#[derive(Clone, Copy)]
enum Progress {
    Head,
    Sized { head: usize, end: usize },
    Chunked { head: usize, chunk: usize },
}

/// `POST path` with a JSON body.
pub(crate) fn post(address: SocketAddr, path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {KEY}\r\n\
         Accept: */*\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

// === impl Connection ===

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        Self::of(TcpStream::connect(address).await?)
    }

    pub(crate) fn of(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(BUFFER),
            taken: 0,
        })
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Reads until these words of the next message are there.
    pub(crate) async fn until(&mut self, words: &str) -> io::Result<()> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        while find(&self.buffer, words.as_bytes(), 0).is_none() {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// The next message; `None` if the other end closed the connection before it began one.
    pub(crate) async fn receive(&mut self) -> io::Result<Option<Message<'_>>> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let mut progress = Progress::Head;
        let head = loop {
            progress = progress.look(&self.buffer)?;
            match progress {
                Progress::Sized { head, end } if end <= self.buffer.len() => {
                    self.taken = end;
                    break head;
                }
                _ if self.stream.read_buf(&mut self.buffer).await? > 0 => {}
                _ if self.buffer.is_empty() => return Ok(None),
                _ => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        };
        let (message, _) = self.buffer.split_at(self.taken);
        let (head, body) = message.split_at(head);
        Ok(Some(Message { head, body }))
    }
}

// === impl Message ===

impl Message<'_> {
    /// The status of a reply.
    pub(crate) fn status(&self) -> Option<u16> {
        let digits = self.head.get(9..12)?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// The body of a message that came in chunks, without their sizes.
    pub(crate) fn unchunked(&self) -> io::Result<String> {
        let (mut body, mut chunk) = (Vec::new(), 0);
        while let Some((end, false)) = next_chunk(self.body, chunk)? {
            let data = find(self.body, b"\r\n", chunk).map_or(end, |line_end| line_end + 2);
            body.extend_from_slice(self.body.get(data..end - 2).unwrap_or_default());
            chunk = end;
        }
        String::from_utf8(body).map_err(io::Error::other)
    }

    pub(crate) fn contains(&self, words: &str) -> bool {
        find(self.body, words.as_bytes(), 0).is_some()
    }
}

// === impl Progress ===

impl Progress {
    /// Goes on as far as the bytes reach.
    fn look(self, bytes: &[u8]) -> io::Result<Self> {
        let mut progress = self;
        loop {
            progress = match progress {
                Self::Head => match find(bytes, b"\r\n\r\n", 0) {
                    Some(end) => framing(bytes.get(..end).unwrap_or_default(), end + 4)?,
                    None => return Ok(progress),
                },
                Self::Chunked { head, chunk } => match next_chunk(bytes, chunk)? {
                    Some((end, true)) => Self::Sized { head, end },
                    Some((chunk, false)) => Self::Chunked { head, chunk },
                    None => return Ok(progress),
                },
                Self::Sized { .. } => return Ok(progress),
            };
        }
    }
}

/// What the head says about the body that begins at `body`.
fn framing(head: &[u8], body: usize) -> io::Result<Progress> {
    let (mut length, mut chunked) = (0, false);
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (name, value) = line.split_at(colon);
        if name.eq_ignore_ascii_case(b"content-length") {
            length = number(value.get(1..).unwrap_or_default(), 10)?;
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            chunked = true;
        }
    }
    Ok(if chunked {
        Progress::Chunked {
            head: body,
            chunk: body,
        }
    } else {
        Progress::Sized {
            head: body,
            end: body + length,
        }
    })
}

/// Where the chunk at `chunk` ends, and whether it is the last; `None` if it is not all there.
/// Trailers are not understood: nobody here sends any.
fn next_chunk(bytes: &[u8], chunk: usize) -> io::Result<Option<(usize, bool)>> {
    let Some(line_end) = find(bytes, b"\r\n", chunk) else {
        return Ok(None);
    };
    let line = bytes.get(chunk..line_end).unwrap_or_default();
    let size = number(line.split(|byte| *byte == b';').next().unwrap_or(line), 16)?;
    let end = line_end + 2 + size + 2;
    Ok((end <= bytes.len()).then_some((end, size == 0)))
}

fn number(digits: &[u8], radix: u32) -> io::Result<usize> {
    std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| usize::from_str_radix(digits.trim(), radix).ok())
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn find(bytes: &[u8], words: &[u8], from: usize) -> Option<usize> {
    let bytes = bytes.get(from..)?;
    let at = bytes
        .windows(words.len())
        .position(|window| window == words)?;
    Some(from + at)
}
