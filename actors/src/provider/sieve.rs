//! Sieve: looks for the key in an answer that comes in pieces, and holds back what might complete it.

use std::collections::VecDeque;

use super::wire::sse;
use crate::{
    streaming::Event,
    upstream::{FindSecret, Sight},
};

/// What is kept of a text that shows nothing of a key, in bytes: less than what counts as its
/// beginning would do.
const TAIL: usize = 16;
/// What is kept of a text that ends like the beginning of a key, in bytes: more than any key has.
const LONG_TAIL: usize = 16 * 1024;
/// Most bytes that are held until it is clear what they belong to: what a stream may hold for its reader.
/// One event may be larger, and is then held alone.
const MOST_HELD: usize = 32 * 1024;
/// Most calls of tools in one answer.
const MOST_CALLS: usize = 256;

/// A text that grows over several events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    Text,
    Refusal,
    Thinking,
    Arguments(usize),
}

/// The end of such a text.
struct Tail {
    channel: Channel,
    text: String,
    /// It ends like the beginning of the key.
    waits: bool,
}

/// What lets clean events through.
pub(super) struct Sieve {
    find: FindSecret,
    tails: Vec<Tail>,
    held: VecDeque<Event>,
    /// Their bytes.
    size: usize,
}

/// The key was there, or the answer makes it impossible to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Caught;

// === impl Sieve ===

impl Sieve {
    pub(super) fn new(find: FindSecret) -> Self {
        Self {
            find,
            tails: Vec::new(),
            held: VecDeque::new(),
            size: 0,
        }
    }

    /// Lets go on to `clean` what one server-sent event brought, or holds it until it is clear what it
    /// belongs to. All of it together: the vendor's own bytes stand before what is in them.
    ///
    /// # Errors
    /// [`Caught`], also if a text begins like the key and then stops while others go on and on; what was
    /// held is gone.
    pub(super) fn pass(
        &mut self,
        events: &mut Vec<Event>,
        clean: &mut VecDeque<Event>,
    ) -> Result<(), Caught> {
        for event in &*events {
            self.look(event)?;
        }
        let full = self.size > MOST_HELD;
        self.size += events.iter().map(Event::size).sum::<usize>();
        self.held.extend(events.drain(..));
        if !self.tails.iter().any(|tail| tail.waits) {
            self.release(clean);
        } else if full {
            return Err(Caught);
        }
        Ok(())
    }

    /// Lets go of what was held: the answer is complete, and no key was.
    pub(super) fn release(&mut self, clean: &mut VecDeque<Event>) {
        clean.append(&mut self.held);
        self.size = 0;
    }

    /// Whether nothing is held.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    fn look(&mut self, event: &Event) -> Result<(), Caught> {
        match event {
            Event::Raw(bytes) => self.bytes(bytes),
            Event::Started { model } => self.text(model.as_deref().unwrap_or_default()),
            Event::Text(text) => self.grow(Channel::Text, text),
            Event::Refusal(text) => self.grow(Channel::Refusal, text),
            Event::Thinking(text) => self.grow(Channel::Thinking, text),
            Event::RedactedThinking(data) => self.text(data),
            Event::Image(media) => self.text(media.source.text()),
            Event::Signature(signature) => self.text(&signature.text),
            Event::ToolCall {
                id,
                name,
                signature,
                ..
            } => {
                self.text(id)?;
                self.text(name)?;
                signature
                    .as_ref()
                    .map_or(Ok(()), |signature| self.text(&signature.text))
            }
            Event::Arguments { index, fragment } => self.grow(Channel::Arguments(*index), fragment),
            Event::Usage(_) => Ok(()),
            Event::End { stop_sequence, .. } => {
                self.tails.clear();
                self.text(stop_sequence.as_deref().unwrap_or_default())
            }
        }
    }

    fn text(&self, text: &str) -> Result<(), Caught> {
        match (self.find)(text) {
            Sight::Holds => Err(Caught),
            Sight::Clear | Sight::Begins => Ok(()),
        }
    }

    fn bytes(&self, bytes: &[u8]) -> Result<(), Caught> {
        let text = sse::text(bytes);
        self.text(&text)?;
        match unescaped(&text) {
            Some(plain) => self.text(&plain),
            None => Ok(()),
        }
    }

    fn grow(&mut self, channel: Channel, more: &str) -> Result<(), Caught> {
        let known = self.tails.iter().position(|tail| tail.channel == channel);
        let at = match known {
            Some(at) => at,
            None if self.tails.len() > MOST_CALLS => return Err(Caught),
            None => {
                self.tails.push(Tail {
                    channel,
                    text: String::new(),
                    waits: false,
                });
                self.tails.len() - 1
            }
        };
        let Some(tail) = self.tails.get_mut(at) else {
            return Err(Caught);
        };
        tail.text.push_str(more);
        let sight = (self.find)(&tail.text);
        tail.waits = sight == Sight::Begins;
        match sight {
            Sight::Holds => return Err(Caught),
            Sight::Begins => shorten(&mut tail.text, LONG_TAIL),
            Sight::Clear => shorten(&mut tail.text, TAIL),
        }
        Ok(())
    }
}

/// JSON's escapes undone, if there are any that could hide a letter (RFC 8259, section 7).
pub(super) fn unescaped(json: &str) -> Option<String> {
    // Most have none, and are not copied.
    json.find('\\')?;
    let mut pieces = json.split("\\u");
    let first = pieces.next()?;
    let mut plain = String::with_capacity(json.len());
    plain.push_str(first);
    let mut any = json.contains("\\/");
    for piece in pieces {
        any = true;
        let code = piece
            .get(..4)
            .and_then(|hex| u32::from_str_radix(hex, 16).ok());
        match code.and_then(char::from_u32) {
            Some(letter) => {
                plain.push(letter);
                plain.push_str(piece.get(4..).unwrap_or_default());
            }
            None => plain.push_str(piece),
        }
    }
    any.then(|| plain.replace("\\/", "/"))
}

/// Keeps the last `most` bytes.
fn shorten(text: &mut String, most: usize) {
    let mut from = text.len().saturating_sub(most);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.drain(..from);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const KEY: &str = "sk-canary-5309-\u{e4}/tail";

    /// What the vault's finder does, for one key.
    fn finder() -> FindSecret {
        Arc::new(|text| {
            let ends_like = |length: usize| {
                let beginning = KEY.get(..length);
                beginning.is_some_and(|beginning| text.ends_with(beginning))
            };
            if text.contains(KEY) {
                Sight::Holds
            } else if (8..KEY.len()).any(ends_like) {
                Sight::Begins
            } else {
                Sight::Clear
            }
        })
    }

    #[test]
    fn what_is_held_for_a_beginning_is_bounded() {
        let mut sieve = Sieve::new(finder());
        let mut clean = VecDeque::new();
        let begins = Event::Thinking("sk-canar".to_owned());
        assert_eq!(sieve.pass(&mut vec![begins], &mut clean), Ok(()));
        let mut held = 0;
        while sieve
            .pass(&mut vec![Event::Text("a".repeat(100))], &mut clean)
            .is_ok()
        {
            held += 100;
            assert!(held <= MOST_HELD, "{held}");
        }
        assert!(held > MOST_HELD / 2 && clean.is_empty(), "{held}");
    }

    /// What passes, and whether the key was caught.
    fn pass(events: impl IntoIterator<Item = Event>) -> (Vec<Event>, bool) {
        let mut sieve = Sieve::new(finder());
        let mut clean = VecDeque::new();
        for event in events {
            if sieve.pass(&mut vec![event], &mut clean).is_err() {
                return (clean.into(), true);
            }
        }
        sieve.release(&mut clean);
        (clean.into(), false)
    }

    fn text(events: &[Event]) -> String {
        let texts = events.iter().filter_map(|event| match event {
            Event::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    #[test]
    fn a_key_in_pieces_does_not_pass() {
        let answer = format!("your key is {KEY}, is it?");
        let letters: Vec<_> = answer.char_indices().map(|(at, _)| at).collect();
        for first in &letters {
            for second in letters.iter().filter(|second| *second >= first) {
                let pieces = [
                    &answer[..*first],
                    &answer[*first..*second],
                    &answer[*second..],
                ];
                let between = Event::Thinking("hm".to_owned());
                let mut events: Vec<_> = pieces.map(|text| Event::Text(text.to_owned())).into();
                events.insert(1, between);
                let (passed, caught) = pass(events);
                assert!(caught, "{pieces:?}");
                let seen = text(&passed);
                assert!(!seen.contains(&KEY[..8]), "{pieces:?}: {seen}");
            }
        }
    }

    #[test]
    fn a_key_that_is_hidden_in_escapes_does_not_pass() {
        let hidden = br#"data: {"x": "sk-canary-5309-\u00e4\/t\u0061il"}"#;
        assert!(pass([Event::Raw(hidden.as_slice().into())]).1);
    }

    #[test]
    fn a_vendors_own_bytes_wait_for_what_is_in_them() {
        let mut sieve = Sieve::new(finder());
        let mut clean = VecDeque::new();
        for (piece, passes) in [("your ", 2), ("key: sk-canary", 2), ("-53, no", 6)] {
            let raw = Event::Raw(format!("data: {piece}\n\n").into());
            let mut events = vec![raw, Event::Text(piece.to_owned())];
            assert_eq!(sieve.pass(&mut events, &mut clean), Ok(()));
            assert_eq!(clean.len(), passes, "{piece}");
        }
    }

    #[test]
    fn what_only_begins_like_the_key_passes() {
        let pieces = ["see sk-canary", "-53", "10, ", "sk-canary-5309"];
        let (passed, caught) = pass(pieces.map(|text| Event::Text(text.to_owned())));
        assert!(!caught);
        assert_eq!(text(&passed), pieces.concat());
        let waiting = pass_some(&pieces[..1]);
        assert_eq!(waiting, 0, "it may still become the key");
    }

    fn pass_some(pieces: &[&str]) -> usize {
        let mut sieve = Sieve::new(finder());
        let mut clean = VecDeque::new();
        for piece in pieces {
            let event = Event::Text((*piece).to_owned());
            assert_eq!(sieve.pass(&mut vec![event], &mut clean), Ok(()));
        }
        clean.len()
    }
}
