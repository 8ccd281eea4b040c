//! Withheld: an answer of which the vendor's filter, or the model itself, left nothing.
//!
//! Clients of the vendors' formats get it as the answer that it is, with the reason why it ends. Who can be
//! given a text and nothing else (`POST /api`, MCP) is told an error: an empty text helps nobody.

use crate::{
    conversation::{Content, Part},
    protocol::{Class, Completed, Completion, Failure, FailureKind, FinishReason},
    streaming::Event,
};

/// Sees a stream pass, and knows when there is nothing in it.
#[derive(Debug, Default)]
pub struct Watch {
    said: bool,
}

/// What it is to who wanted a text. The vendor had no error: its status was 200.
fn failure(word: &'static str) -> Failure {
    Failure {
        status: Some(200),
        word: Some(word),
        ..Failure::new(FailureKind::Rejected, Class::Stop)
    }
}

/// Whether a part is more than thinking, or a refusal.
fn is_said(part: &Part) -> bool {
    match &part.content {
        Content::Text(text) => !text.is_empty(),
        content => matches!(content, Content::ToolCall(_) | Content::Image(_)),
    }
}

// === impl Watch ===

impl Watch {
    /// Sees the next event, and tells whether the stream is withheld. A refusal is, from its first word on.
    pub fn see(&mut self, event: &Event) -> Option<Failure> {
        let word = match event {
            Event::Text(text) if !text.is_empty() => {
                self.said = true;
                None
            }
            Event::Image(_) | Event::ToolCall { .. } => {
                self.said = true;
                None
            }
            Event::Refusal(text) if !text.is_empty() => Some("refusal"),
            Event::End {
                finish: FinishReason::ContentFilter,
                ..
            } => Some("content_filter"),
            _ => None,
        };
        word.filter(|_| !self.said).map(failure)
    }
}

// === impl Completion ===

impl Completion {
    /// What it is to who wanted a text, if it is withheld.
    pub fn withheld(&self) -> Option<Failure> {
        if self.finish != FinishReason::ContentFilter || self.parts.iter().any(is_said) {
            return None;
        }
        let refuses = |part: &Part| matches!(part.content, Content::Refusal(_));
        let refused = self.parts.iter().any(refuses);
        Some(failure(if refused { "refusal" } else { "content_filter" }))
    }
}

// === impl Completed ===

impl Completed {
    /// The same for who wants a text: a stream that turns out to be withheld breaks off.
    ///
    /// # Errors
    /// [`FailureKind::Rejected`] if it is withheld, as far as is known.
    pub fn answering(self) -> Result<Self, Failure> {
        match self {
            Self::Whole(completion) => match completion.withheld() {
                Some(failure) => Err(failure),
                None => Ok(Self::Whole(completion)),
            },
            Self::Streaming(stream) => stream.answering().map(Self::Streaming),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::streaming::Streaming;

    fn end(finish: FinishReason) -> Event {
        Event::End {
            finish,
            stop_sequence: None,
        }
    }

    fn text(text: &str) -> Event {
        Event::Text(text.to_owned())
    }

    fn thought() -> Event {
        Event::Thinking("hm".to_owned())
    }

    fn refusal() -> Event {
        Event::Refusal("no".to_owned())
    }

    /// What a stream comes to for who wants a text: refused at once, or broken off, or complete.
    async fn heard(
        opening: &[Event],
        later: &[Event],
    ) -> Result<usize, (Option<&'static str>, usize)> {
        let (sink, stream) = Streaming::new(VecDeque::from(opening.to_vec()), None);
        let stream = Completed::Streaming(stream).answering();
        let mut stream = match stream {
            Ok(stream) => stream.streaming(),
            Err(failure) => return Err((failure.word, 0)),
        };
        for event in later {
            sink.send(event.clone(), None).await.expect("a reader");
        }
        let mut count = 0;
        while let Some(step) = stream.next().await {
            match step {
                Ok(_) => count += 1,
                Err(failure) => return Err((failure.word, count)),
            }
        }
        Ok(count)
    }

    #[actix::test]
    async fn who_wants_a_text_is_never_told_nothing() {
        let filtered = end(FinishReason::ContentFilter);
        let none: [Event; 0] = [];
        assert_eq!(
            heard(std::slice::from_ref(&filtered), &none).await,
            Err((Some("content_filter"), 0))
        );
        assert_eq!(heard(&[refusal()], &none).await, Err((Some("refusal"), 0)));
        assert_eq!(
            heard(&[thought()], &[refusal(), filtered.clone()]).await,
            Err((Some("refusal"), 1))
        );
        assert_eq!(
            heard(&[thought(), text("")], std::slice::from_ref(&filtered)).await,
            Err((Some("content_filter"), 2))
        );
        // What was said is told, whatever came of the rest.
        assert_eq!(heard(&[text("a")], &[refusal(), filtered]).await, Ok(3));
        assert_eq!(heard(&[end(FinishReason::Stop)], &none).await, Ok(1));
    }

    #[test]
    fn a_whole_answer_is_withheld_if_nothing_is_said_in_it() {
        let answer = |events: &[Event]| {
            let mut completion = Completion::default();
            events
                .iter()
                .for_each(|event| completion.take(event.clone()));
            completion.withheld().and_then(|failure| failure.word)
        };
        let filtered = end(FinishReason::ContentFilter);
        assert_eq!(
            answer(std::slice::from_ref(&filtered)),
            Some("content_filter")
        );
        assert_eq!(
            answer(&[thought(), filtered.clone()]),
            Some("content_filter")
        );
        assert_eq!(answer(&[refusal(), filtered.clone()]), Some("refusal"));
        assert_eq!(answer(&[text("a"), filtered]), None);
        assert_eq!(answer(&[end(FinishReason::Stop)]), None);
    }
}
