//! One line for each event: whatever is in an event, it can neither end its line nor begin another.

use std::io::{self, Write};

use tracing_appender::non_blocking::NonBlocking;
use tracing_subscriber::fmt::MakeWriter;

/// Where whole events are written, each with one call that ends in a line feed.
#[derive(Debug, Clone)]
pub struct OneLine<W = NonBlocking>(pub W);

/// The same event without control characters that a terminal or a reader of lines would obey.
fn escaped(event: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(event.len() + 16);
    for byte in event {
        match byte {
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            b'\t' => line.push(b'\t'),
            control if control.is_ascii_control() => line.push(b'?'),
            // A byte above ASCII may be the middle of a letter.
            letter => line.push(*letter),
        }
    }
    line
}

// === impl OneLine ===

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let (text, end) = match event {
            [text @ .., b'\n'] => (text, b"\n".as_slice()),
            text => (text, b"".as_slice()),
        };
        if !text.iter().any(u8::is_ascii_control) {
            return self.0.write(event);
        }
        let mut line = escaped(text);
        line.extend_from_slice(end);
        self.0.write_all(&line)?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<'a> MakeWriter<'a> for OneLine {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(event: &str) -> String {
        let mut line = OneLine(Vec::new());
        line.write_all(event.as_bytes()).expect("a line");
        String::from_utf8(line.0).expect("UTF-8")
    }

    #[test]
    fn an_event_stays_on_its_line() {
        let forged = "WARN hub: no such table: a\r\nERROR hub: \u{1b}[31mä key\u{7f}\tleaked\n";
        let line = "WARN hub: no such table: a\\r\\nERROR hub: ?[31mä key?\tleaked\n";
        assert_eq!(written(forged), line);
    }

    #[test]
    fn a_usual_event_is_as_it_was() {
        for event in ["INFO hub: the hub listens: ä\n", "", "\n", "half"] {
            assert_eq!(written(event), event);
        }
    }
}
