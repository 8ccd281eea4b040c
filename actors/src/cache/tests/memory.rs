//! What stays in memory, and for how long.

use std::{sync::Arc, time::Duration};

use tokio::time::{advance, pause};

use super::key;
use crate::{
    cache::{Answer, Cache, Key, LARGEST, Said},
    outcome::About,
    protocol::{FinishReason, Usage},
};

fn answer(bytes: usize) -> Arc<Answer> {
    Arc::new(Answer {
        said: Said::Text("a".repeat(bytes).into()),
        provider: "p".into(),
        model: "m".into(),
        about: About::Completion {
            answered_by: None,
            finish_reason: FinishReason::Stop,
            usage: Usage::default(),
            cost_usd: None,
            images: Vec::new(),
            dropped_params: Vec::new(),
        },
    })
}

#[tokio::test]
async fn an_answer_has_its_time() {
    pause();
    let cache = Cache::new(1_000_000);
    assert!(cache.put(key(1), answer(10), Duration::from_secs(60)));
    assert!(cache.put(key(2), answer(10), Duration::from_secs(90)));
    advance(Duration::from_millis(59_999)).await;
    assert!(cache.get(&key(1)).is_some());
    advance(Duration::from_millis(1)).await;
    assert!(cache.get(&key(1)).is_none());
    assert!(cache.get(&key(2)).is_some());
    assert!(cache.get(&key(3)).is_none());
}

#[tokio::test]
async fn memory_is_bounded_whatever_is_put_into_it() {
    const MOST: u64 = 4 * 1024 * 1024;
    let cache = Cache::new(MOST);
    for number in 0..2_000u32 {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        let size = [100, 10_000, 900_000][number as usize % 3];
        cache.put(Key::from(bytes), answer(size), Duration::from_secs(60));
        assert!(cache.size() <= MOST, "{} after {number}", cache.size());
    }
    assert!(cache.size() > MOST / 4, "{}", cache.size());
}

#[test]
fn a_huge_answer_is_not_kept() {
    let cache = Cache::new(64 * 1024 * 1024);
    assert!(!cache.put(key(1), answer(LARGEST + 1), Duration::from_secs(60)));
    assert!(cache.get(&key(1)).is_none());
}

#[test]
fn what_is_kept_stays_out_of_logs() {
    let cache = Cache::new(1_000_000);
    cache.put(key(1), answer(10), Duration::from_secs(60));
    assert!(!format!("{cache:?}").contains("aaaa"), "{cache:?}");
}
