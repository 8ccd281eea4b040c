//! Server-sent events, read from bytes that may be cut anywhere.
//!
//! Our own reader and no library's, because a client that speaks the vendor's format gets the bytes of
//! an event as they came, and because an event has to have a limit.
//!
//! WHATWG HTML, section 9.2.6: lines end with LF, CR or CRLF; `data` lines are joined; what starts with
//! a colon is a comment; a block without data is no event.

use std::{borrow::Cow, collections::VecDeque};

use bytes::{Bytes, BytesMut};

/// Longest event, in bytes: 10 MiB, as a whole answer may have. Gemini sends a picture in one.
pub const MOST: usize = 10 * 1024 * 1024;
/// From this length on, in bytes, the room of an event is not used again for the next one.
const LARGE: usize = 32 * 1024;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerSent {
    /// Its type; empty if it has none.
    pub kind: String,
    /// Its data, lines joined by LF.
    pub data: String,
    /// As it stood on the wire, blank line included, if the reader keeps that. The LF of a final CRLF
    /// belongs to the next one.
    pub raw: Bytes,
}

/// An event is longer than [`MOST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is over {MOST} bytes")]
pub struct TooLong;

/// Puts events together.
#[derive(Debug, Default)]
pub struct Reader {
    keeps_raw: bool,
    /// Everything since the last event.
    raw: BytesMut,
    /// Where the line begins that is not complete yet.
    line: usize,
    /// How far the line has been looked through.
    seen: usize,
    /// The last byte was a CR: an LF right behind it belongs to it.
    after_cr: bool,
    /// Something was read before.
    begun: bool,
    kind: String,
    data: Option<String>,
    ready: VecDeque<ServerSent>,
}

/// Bytes as text. What is UTF-8, as all events should be, is only looked at.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

// === impl Reader ===

impl Reader {
    /// `keeps_raw` if each event's own bytes are wanted.
    pub fn new(keeps_raw: bool) -> Self {
        Self {
            keeps_raw,
            ..Self::default()
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`TooLong`]; nothing more can be read then.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        self.raw.extend_from_slice(bytes);
        while let Some(end) = self.line_end() {
            self.seen = end + 1;
            self.after_cr = self.raw.get(end) == Some(&b'\r');
            if end == self.line {
                self.line = self.seen;
                self.dispatch();
            } else {
                self.field(end);
                self.line = self.seen;
            }
            if self.line > MOST {
                return Err(TooLong);
            }
        }
        if self.raw.len() > MOST {
            return Err(TooLong);
        }
        Ok(())
    }

    /// How many bytes wait for the end of their event.
    pub fn waiting(&self) -> usize {
        self.raw.len()
    }

    /// The next event that is complete.
    pub fn take(&mut self) -> Option<ServerSent> {
        self.ready.pop_front()
    }

    /// Where the line ends that begins at `line`.
    fn line_end(&mut self) -> Option<usize> {
        if self.after_cr && self.seen < self.raw.len() {
            self.after_cr = false;
            if self.raw.get(self.seen) == Some(&b'\n') {
                self.seen += 1;
                self.line = self.seen;
            }
        }
        let rest = self.raw.get(self.seen..)?;
        let found = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        match found {
            Some(at) => Some(self.seen + at),
            None => {
                self.seen = self.raw.len();
                None
            }
        }
    }

    fn field(&mut self, end: usize) {
        let line = self.raw.get(self.line..end).unwrap_or_default();
        let line = match line.strip_prefix(b"\xef\xbb\xbf") {
            Some(line) if !self.begun => line,
            _ => line,
        };
        self.begun = true;
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(at) => {
                let value = line.get(at + 1..).unwrap_or_default();
                let value = value.strip_prefix(b" ").unwrap_or(value);
                (line.get(..at).unwrap_or_default(), value)
            }
            None => (line, b"".as_slice()),
        };
        match name {
            b"data" => {
                let text = text(value);
                match &mut self.data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(&text);
                    }
                    None => self.data = Some(text.into_owned()),
                }
            }
            b"event" => self.kind = text(value).into_owned(),
            // A comment, or a field that no vendor needs.
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        self.begun = true;
        let kind = std::mem::take(&mut self.kind);
        let event = self.raw.split_to(self.line);
        let is_large = event.len() > LARGE;
        if let Some(data) = self.data.take() {
            let raw = match (self.keeps_raw, is_large) {
                (true, true) => event.freeze(),
                // A copy: a slice would hold the whole buffer for as long as it waits for a slow reader.
                (true, false) => Bytes::copy_from_slice(&event),
                (false, _) => Bytes::new(),
            };
            self.ready.push_back(ServerSent { kind, data, raw });
        }
        if is_large {
            self.raw = BytesMut::from(&*self.raw);
        }
        self.line = 0;
        self.seen = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<ServerSent> {
        let mut reader = Reader::new(true);
        let mut events = Vec::new();
        for piece in pieces {
            reader.feed(piece).expect("short events");
            events.extend(std::iter::from_fn(|| reader.take()));
        }
        events
    }

    fn texts(events: &[ServerSent]) -> Vec<(&str, &str)> {
        events
            .iter()
            .map(|event| (event.kind.as_str(), event.data.as_str()))
            .collect()
    }

    const STREAM: &str = "\u{feff}: hello\n\nevent: a\r\ndata: {\"x\":\"\u{1f980}\"}\r\n\r\n\
        data:1\rdata:  2\r\revent: ping\n\nid: 7\ndata\nretry: 3\n\n:c\ndata: [DONE]\n\n";

    #[test]
    fn lines_end_in_three_ways_and_comments_are_skipped() {
        let events = read(&[STREAM.as_bytes()]);
        assert_eq!(
            texts(&events),
            [
                ("a", "{\"x\":\"\u{1f980}\"}"),
                ("", "1\n 2"),
                ("", ""),
                ("", "[DONE]")
            ]
        );
        assert_eq!(
            events.first().map(|event| &event.raw[..]),
            Some("event: a\r\ndata: {\"x\":\"\u{1f980}\"}\r\n\r".as_bytes())
        );
    }

    #[test]
    fn every_cut_gives_the_same_events() {
        let bytes = STREAM.as_bytes();
        let whole = read(&[bytes]);
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(read(&pieces), whole, "{first} {second}");
            }
        }
        let single: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(read(&single), whole);
    }

    #[test]
    fn half_an_event_is_none() {
        assert_eq!(read(&[b"data: x\n"]), []);
    }

    #[test]
    fn a_large_event_leaves_nothing_behind() {
        for keeps_raw in [false, true] {
            let mut reader = Reader::new(keeps_raw);
            let large = format!("data: {}\n\n", "a".repeat(3 * 1024 * 1024));
            for piece in large.as_bytes().chunks(4096) {
                reader.feed(piece).expect("not too long");
            }
            let event = reader.take().expect("a large event");
            assert_eq!(event.data.len() + "data: \n\n".len(), large.len());
            assert_eq!(event.raw.len(), if keeps_raw { large.len() } else { 0 });
            assert_eq!((reader.waiting(), reader.raw.capacity()), (0, 0));
        }
    }

    #[test]
    fn an_event_has_a_limit() {
        let mut reader = Reader::default();
        let piece = vec![b'a'; 64 * 1024];
        reader.feed(b"data: ").expect("short");
        let pieces = MOST / piece.len();
        let fed = (0..pieces).try_for_each(|_| reader.feed(&piece));
        assert_eq!(fed, Err(TooLong));
        let mut reader = Reader::default();
        let line = [b"data: ".as_slice(), &piece, b"\n"].concat();
        let fed = (0..pieces).try_for_each(|_| reader.feed(&line));
        assert_eq!(fed, Err(TooLong));
    }
}
