//! Streams through the cache: what is collected of them, and what is not.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::house::{House, principal};
use crate::{
    cache::{Asked, Begun, Collector, Status, begin},
    params::Params,
    plan::Plan,
    protocol::FinishReason,
    streaming::Event,
};

const MINUTE: Duration = Duration::from_secs(60);
const PIECE: usize = 64 * 1024;

/// A collector for the answer to this prompt, which nobody has asked before.
async fn collector(house: &House, prompt: &str) -> Collector {
    let me = principal("me");
    let params = Params::new("ask", Some(json!({"prompt": prompt}))).unwrap();
    let tool = &house.catalogue.tools[0];
    let system = Some("Be brief.".into());
    let params = params.llm().unwrap();
    let plan = Plan::new(&house.catalogue, tool, None, system, params, Instant::now()).unwrap();
    let asked = Asked {
        catalogue: &house.catalogue,
        tool,
        principal: &me,
        cache: true,
        observer: None,
    };
    match begin(asked, plan).await.unwrap() {
        Begun::Told(told) => {
            assert_eq!(told.status, Some(Status::Miss));
            told.collector.expect("a first choice")
        }
        Begun::Kept(_) => panic!("it was asked before"),
    }
}

fn end() -> Event {
    Event::End {
        finish: FinishReason::Stop,
        stop_sequence: None,
    }
}

#[actix::test]
async fn what_passed_is_there_once_it_is_complete() {
    let (house, me) = (House::new(Some(MINUTE), MINUTE), principal("me"));
    let collector = collector(&house, "why").await;
    let texts = ["be", "cause"].map(|text| Event::Text(text.to_owned()));
    let collector = texts.iter().try_fold(collector, Collector::see);
    assert_eq!(house.catalogue.cache.as_ref().unwrap().size(), 0);
    assert!(collector.unwrap().see(&end()).is_none());
    let hit = house.call(&me, json!({"prompt": "why"})).await.unwrap();
    assert_eq!(hit.text(), Some("because"));
    assert_eq!(house.first.asked(), 1);
}

#[actix::test]
async fn all_that_is_collected_at_once_is_bounded() {
    let house = House::new(Some(MINUTE), MINUTE);
    let piece = Event::Text("a".repeat(PIECE));
    // Each stays a little below what is kept of one.
    let mut collectors = Vec::new();
    let mut collected = 0;
    for number in 0..40 {
        let mut collector = Some(collector(&house, &format!("question {number}")).await);
        for _ in 0..15 {
            collector = collector.and_then(|collector| collector.see(&piece));
            collected += usize::from(collector.is_some()) * PIECE;
        }
        collectors.extend(collector);
    }
    assert!(collectors.len() < 20, "{}", collectors.len());
    assert!(collected <= 17 * 1024 * 1024, "{collected}");
    // Who ends makes room.
    drop(collectors.pop());
    let late = collector(&house, "late").await;
    assert!(late.see(&piece).is_some());
}
