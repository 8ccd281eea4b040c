//! One line for each event: whatever is in an event, it can neither end its line nor begin another.

use std::io::{self, Write};

use tracing_appender::non_blocking::NonBlocking;
use tracing_subscriber::fmt::MakeWriter;

/// Where whole events are written, each with one call that ends in a line feed.
#[derive(Debug, Clone)]
pub struct OneLine<W = NonBlocking>(pub W);

/// Whether something may be there that is to be escaped, by bytes alone: a control character of ASCII's, or
/// what the others begin with in UTF-8. Few events have either.
fn suspicious(event: &[u8]) -> bool {
    let may = |byte: &u8| byte.is_ascii_control() || matches!(byte, 0xc2 | 0xd8 | 0xe2);
    event.iter().any(may)
}

/// Whether a terminal or a reader of lines would obey it: a control character, a separator of lines or
/// paragraphs, a mark that turns the text around (Unicode Standard Annex #9, table 1).
fn commands(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{2028}' | '\u{2029}'
                | '\u{61c}' | '\u{200e}' | '\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

/// The same event without characters that command.
fn escaped(event: &[u8]) -> String {
    let mut line = String::with_capacity(event.len() + 16);
    for letter in String::from_utf8_lossy(event).chars() {
        match letter {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push('\t'),
            letter if commands(letter) => line.push('?'),
            letter => line.push(letter),
        }
    }
    line
}

// === impl OneLine ===

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let (text, end) = match event {
            [text @ .., b'\n'] => (text, "\n"),
            text => (text, ""),
        };
        if !suspicious(text) {
            return self.0.write(event);
        }
        let mut line = escaped(text);
        line.push_str(end);
        self.0.write_all(line.as_bytes())?;
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

    /// Of all characters there are.
    #[test]
    fn what_commands_is_escaped_wherever_it_is_in_unicode() {
        let beyond_ascii =
            ('\u{80}'..=char::MAX).filter(|letter| written(&letter.to_string()) == "?");
        let expected = [
            '\u{80}'..='\u{9f}',
            '\u{61c}'..='\u{61c}',
            '\u{200e}'..='\u{200f}',
            '\u{2028}'..='\u{202e}',
            '\u{2066}'..='\u{2069}',
        ];
        assert!(beyond_ascii.eq(expected.into_iter().flatten()));
        let forged = "no table \u{9b}2J\u{85}ERROR\u{2028}a\u{2029}b \u{202e}cod.exe\u{202c} \u{61c}\u{200e}\n";
        assert_eq!(written(forged), "no table ?2J?ERROR?a?b ?cod.exe? ??\n");
    }

    /// What is no text becomes some, if there is something to escape.
    #[test]
    fn half_a_letter_harms_nothing() {
        let mut line = OneLine(Vec::new());
        line.write_all(b"a\xc3\x1b[0m\xe2\x80\n").expect("a line");
        let line = String::from_utf8(line.0).expect("UTF-8");
        assert_eq!(line, "a\u{fffd}?[0m\u{fffd}\n");
    }

    #[test]
    fn a_usual_event_is_as_it_was() {
        for event in [
            "INFO hub: the hub listens: ä\n",
            "5 °C – “quoted”, €, ف, a\u{a0}b, a\u{200b}b\n",
            "",
            "\n",
            "half",
        ] {
            assert_eq!(written(event), event);
        }
    }
}
