//! One call's images, without a socket: what is fetched, how often, for whom, and what becomes of it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use actix::prelude::*;
use tokio::{
    sync::{Semaphore, mpsc},
    time::Instant,
};

use super::*;
use crate::{
    catalogue::Models,
    conversation::{Content, Conversation, Format, Media, Message, Part, Role, ToolResult},
    protocol::CompletionRequest,
};

const A: &str = "https://a.example/1.png";
const B: &str = "https://b.example/2.png";
/// Google reads its own.
const FILE: &str = "https://generativelanguage.googleapis.com/v1beta/files/x";

/// A fetcher that has an answer for each address, or none ever, and tells what it was asked.
struct Library {
    known: HashMap<&'static str, Result<usize, FetchError>>,
    asked: mpsc::UnboundedSender<String>,
    room: Arc<Semaphore>,
    never: Vec<FetchImage>,
}

impl Actor for Library {
    type Context = Context<Self>;
}

impl Handler<FetchImage> for Library {
    type Result = ();

    fn handle(&mut self, fetch: FetchImage, _: &mut Self::Context) {
        self.asked.send(fetch.url.clone()).expect("is read");
        let Some(known) = self.known.get(fetch.url.as_str()) else {
            self.never.push(fetch);
            return;
        };
        let image = known.map(|bytes| FetchedImage {
            media_type: "image/png",
            data: "i".repeat(bytes),
            room: self
                .room
                .clone()
                .try_acquire_many_owned(u32::try_from(bytes).expect("is little"))
                .expect("there is room"),
        });
        drop(fetch.reply.send(image));
    }
}

/// What a test looks at.
struct Case {
    fetcher: Fetcher,
    asked: mpsc::UnboundedReceiver<String>,
    room: Arc<Semaphore>,
    deadline: Instant,
}

const ROOM: usize = 100_000_000;

impl Case {
    fn new(known: impl IntoIterator<Item = (&'static str, Result<usize, FetchError>)>) -> Self {
        let (sender, asked) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(ROOM));
        let library = Library {
            known: known.into_iter().collect(),
            asked: sender,
            room: room.clone(),
            never: Vec::new(),
        };
        Self {
            fetcher: Fetcher::Up(library.start().recipient()),
            asked,
            room,
            deadline: Instant::now() + Duration::from_secs(9),
        }
    }

    fn asked(&mut self) -> Vec<String> {
        let mut asked: Vec<_> = std::iter::from_fn(|| self.asked.try_recv().ok()).collect();
        asked.sort();
        asked
    }
}

/// What one that speaks this format would be asked.
async fn fit(
    gathering: &mut Gathering<CompletionRequest>,
    asked: &Arc<CompletionRequest>,
    format: impl Into<Option<Format>>,
    fetcher: &Fetcher,
    end: Instant,
) -> Result<Arc<CompletionRequest>, Failure> {
    let offer = Models {
        default: "m".into(),
        all: vec!["m".into()],
        format: format.into(),
    };
    gathering.fit(asked, &offer, fetcher, end).await
}

fn image(url: &str) -> Part {
    let (url, media_type) = (url.to_owned(), None);
    Content::Image(Media::new(Source::Url { url, media_type })).into()
}

/// One turn of a user's: these images, the last of them what a tool has shown.
fn request(urls: &[&str]) -> Arc<CompletionRequest> {
    let mut parts: Vec<_> = urls.iter().map(|url| image(url)).collect();
    let shown = parts.pop().expect("there is one");
    let result = ToolResult {
        id: "1".to_owned(),
        parts: vec![Part::text("seen"), shown],
        is_error: false,
    };
    parts.push(Content::ToolResult(result).into());
    Arc::new(CompletionRequest {
        conversation: Arc::new(Conversation {
            messages: vec![Message::new(Role::User, parts)],
            ..Conversation::default()
        }),
        max_tokens: None,
        ceiling: u32::MAX,
        stream: false,
        count: false,
        raw: None,
    })
}

/// The image's lengths, and the addresses that are still there.
fn seen(request: &CompletionRequest) -> (Vec<usize>, Vec<String>) {
    let Part {
        content: Content::ToolResult(result),
        ..
    } = request.conversation.messages[0]
        .parts
        .last()
        .expect("is there")
    else {
        panic!("a tool's result is the last");
    };
    let parts = request.conversation.messages[0].parts.iter();
    let (mut sizes, mut urls) = (Vec::new(), Vec::new());
    for part in parts.chain(&result.parts) {
        if let Content::Image(media) = &part.content {
            match &media.source {
                Source::Inline { data, .. } => sizes.push(data.len()),
                Source::Url { url, .. } => urls.push(url.clone()),
                Source::Id { .. } => panic!("nobody gave an id"),
            }
        }
    }
    (sizes, urls)
}

#[actix::test]
async fn one_that_reads_addresses_gets_them_and_nothing_is_fetched() {
    let mut case = Case::new([(A, Ok(5))]);
    let asked = request(&[A, B]);
    let mut gathering = Gathering::new(&asked);
    for format in [None, Some(Format::OpenAi), Some(Format::Anthropic)] {
        let fitting = fit(&mut gathering, &asked, format, &case.fetcher, case.deadline);
        let fitted = fitting.await.expect("nothing is fetched");
        assert!(Arc::ptr_eq(&fitted, &asked));
    }
    assert!(case.asked().is_empty());
}

#[actix::test]
async fn each_address_is_fetched_once_for_all_places_and_all_providers() {
    let mut case = Case::new([(A, Ok(5)), (B, Ok(7))]);
    let asked = request(&[A, FILE, B, A]);
    let mut gathering = Gathering::new(&asked);
    for _ in 0..3 {
        let fitting = fit(
            &mut gathering,
            &asked,
            Format::Gemini,
            &case.fetcher,
            case.deadline,
        );
        let fitted = fitting.await.expect("all are there");
        assert_eq!(seen(&fitted), (vec![5, 7, 5], vec![FILE.to_owned()]));
        // In between somebody is asked who reads addresses, and gets them.
        let fitting = fit(
            &mut gathering,
            &asked,
            Format::OpenAi,
            &case.fetcher,
            case.deadline,
        );
        assert!(Arc::ptr_eq(&fitting.await.expect("is as it was"), &asked));
    }
    assert_eq!(case.asked(), [A, B]);
    assert_eq!(
        case.room.available_permits(),
        ROOM - 17,
        "each place has room"
    );
    drop(gathering);
    assert_eq!(
        case.room.available_permits(),
        ROOM,
        "nothing outlives the call"
    );
}

#[actix::test]
async fn what_cannot_be_fetched_is_said_and_not_tried_again() {
    let mut case = Case::new([(A, Err(FetchError::Unreachable)), (B, Ok(7))]);
    let asked = request(&[A, A]);
    let mut gathering = Gathering::new(&asked);
    for _ in 0..2 {
        let fitting = fit(
            &mut gathering,
            &asked,
            Format::Gemini,
            &case.fetcher,
            case.deadline,
        );
        let failure = fitting.await.expect_err("it is not there");
        assert_eq!(failure.kind, FailureKind::ImageNotFetched);
        assert_eq!(failure.class, Class::NextNow);
        assert_eq!(failure.retry_after, None);
    }
    assert_eq!(case.asked(), [A]);
}

#[actix::test]
async fn there_is_an_end_to_number_size_and_time() {
    let most = Box::leak(Box::new([A; MOST + 1]));
    let mut case = Case::new([(A, Ok(MOST_BYTES / MOST + 1)), (B, Ok(MOST_BYTES + 1))]);
    let cases = [
        (request(most), FetchError::TooMany),
        (request(&most[1..]), FetchError::TooLarge),
        (request(&[B]), FetchError::TooLarge),
        (request(&["https://c.example/never"]), FetchError::TooSlow),
    ];
    for (asked, error) in cases {
        let end = match error {
            FetchError::TooSlow => Instant::now() + Duration::from_millis(50),
            _ => case.deadline,
        };
        let mut gathering = Gathering::new(&asked);
        let fitting = fit(&mut gathering, &asked, Format::Gemini, &case.fetcher, end);
        let failure = fitting.await.expect_err("is too much");
        assert_eq!(failure, Failure::from(error));
        assert_eq!(case.room.available_permits(), ROOM, "{error}");
    }
    assert_eq!(case.asked(), [A, B, "https://c.example/never"]);
}

#[actix::test]
async fn without_a_fetcher_it_is_said_what_to_do() {
    let asked = request(&[A]);
    let mut gathering = Gathering::new(&asked);
    let end = Instant::now() + Duration::from_secs(1);
    // The format itself refuses it.
    let fitting = fit(&mut gathering, &asked, Format::Gemini, &Fetcher::Off, end);
    assert!(Arc::ptr_eq(&fitting.await.expect("is as it was"), &asked));
    let fitting = fit(&mut gathering, &asked, Format::Gemini, &Fetcher::Down, end);
    let failure = fitting.await.expect_err("nobody is there");
    assert_eq!(failure.retry_after, Some(SOON));
}
