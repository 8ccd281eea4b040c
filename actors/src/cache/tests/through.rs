//! Calls through the cache, as a door makes them.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use serde_json::json;
use tokio::{
    task::yield_now,
    time::{advance, pause, timeout},
};

use super::{
    house::{House, principal},
    vendor::Behaviour,
};
use crate::{
    cache::Status,
    catalogue::{Tool, ToolKind},
    error::CallError,
    outcome::{About, Outcome, Provenance},
    plan::list,
};

const MINUTE: Duration = Duration::from_secs(60);

/// A house whose answers are kept for a minute.
fn house() -> House {
    House::new(Some(MINUTE), Duration::from_secs(50))
}

fn provenance(outcome: &Outcome) -> &Provenance {
    outcome.provenance.as_ref().unwrap()
}

/// `hit first says 1`
fn brief(outcome: &Result<Outcome, CallError>) -> String {
    let outcome = outcome.as_ref().unwrap();
    let status = provenance(outcome).cache.map_or("off", Status::word);
    assert_eq!(provenance(outcome).cached, status == "hit");
    format!("{status} {}", outcome.text().unwrap())
}

/// `first server_error, second ok`
fn attempts(outcome: &Result<Outcome, CallError>) -> String {
    let attempts = match outcome {
        Ok(outcome) => &provenance(outcome).attempts,
        Err(error) => error.attempts(),
    };
    let each = attempts.iter().map(|attempt| {
        let word = attempt.outcome.map_or_else(|kind| kind.word(), |()| "ok");
        format!("{} {word}", attempt.provider)
    });
    list(&each.collect::<Vec<_>>())
}

fn costs(outcome: &Result<Outcome, CallError>) -> (Option<f64>, Option<f64>) {
    let provenance = provenance(outcome.as_ref().unwrap());
    match &provenance.about {
        About::Completion { cost_usd, .. } => (*cost_usd, provenance.saved_usd),
        About::Search(_) => panic!("no search"),
    }
}

#[actix::test]
async fn a_hit_asks_nobody_costs_nothing_and_says_what_it_saved() {
    let (house, me) = (house(), principal("me"));
    let fresh = house.call(&me, json!({"prompt": "why"})).await;
    assert_eq!(brief(&fresh), "miss first says 1");
    assert_eq!(costs(&fresh), (Some(3.0), None));
    // Other spellings of the same.
    for params in [
        json!({"prompt": "why"}),
        json!({"text": "why", "model": ""}),
        json!({"model": "m", "max_tokens": 1024, "code": "why"}),
        json!({"max_tokens": "1024", "provider": "first", "prompt": "why", "cache": true}),
    ] {
        let hit = house.call(&me, params).await;
        assert_eq!(brief(&hit), "hit first says 1");
        assert_eq!(
            (costs(&hit), attempts(&hit).as_str()),
            ((Some(0.0), Some(3.0)), "none")
        );
        let (hit, fresh) = (
            provenance(hit.as_ref().unwrap()),
            provenance(fresh.as_ref().unwrap()),
        );
        assert_eq!((&hit.provider, &hit.model), (&fresh.provider, &fresh.model));
    }
    assert_eq!(house.first.asked(), 1);
    // And other questions.
    for params in [
        json!({"prompt": "why?"}),
        json!({"prompt": "why", "max_tokens": 1023}),
        json!({"prompt": "why", "temperature": 0}),
        json!({"prompt": "why", "model": "n"}),
        json!({"prompt": "why", "provider": "second"}),
    ] {
        assert!(brief(&house.call(&me, params).await).starts_with("miss "));
    }
    assert_eq!((house.first.asked(), house.second.asked()), (5, 1));
}

#[actix::test]
async fn two_principals_never_share() {
    let house = house();
    let (one, two) = (principal("one"), principal("two"));
    let ask = async |who| house.call(who, json!({"prompt": "why"})).await;
    assert_eq!(brief(&ask(&one).await), "miss first says 1");
    assert_eq!(brief(&ask(&two).await), "miss first says 2");
    assert_eq!(brief(&ask(&one).await), "hit first says 1");
    assert_eq!(brief(&ask(&two).await), "hit first says 2");
    // Nor while both wait.
    house.first.hold();
    let params = || json!({"prompt": "when"});
    let release = async {
        house.first.until_asked(4).await;
        house.first.release(2);
    };
    let (first, second, ()) = tokio::join!(
        house.call(&one, params()),
        house.call(&two, params()),
        release
    );
    assert_eq!(house.first.asked(), 4);
    assert_ne!(first.unwrap().text(), second.unwrap().text());
}

#[actix::test]
async fn a_hundred_at_once_are_one_question() {
    let (house, me) = (house(), principal("me"));
    house.first.hold();
    let calls = join_all((0..100).map(|_| house.call(&me, json!({"prompt": "why"}))));
    let release = async {
        house.first.until_asked(1).await;
        house.first.release(100);
    };
    let (outcomes, ()) = tokio::join!(calls, release);
    let mut briefs: Vec<_> = outcomes.iter().map(brief).collect();
    briefs.sort();
    let mut expected = vec!["hit first says 1"; 99];
    expected.push("miss first says 1");
    assert_eq!(briefs, expected);
    // Whoever adds up what calls cost comes to what was paid.
    let paid: f64 = outcomes.iter().filter_map(|outcome| costs(outcome).0).sum();
    assert_eq!((paid, house.first.asked()), (3.0, 1));
}

#[actix::test]
async fn who_asked_first_may_hang_up() {
    let (house, me) = (house(), principal("me"));
    house.first.hold();
    let mut leader = Box::pin(house.call(&me, json!({"prompt": "why"})));
    assert!(futures_util::poll!(&mut leader).is_pending());
    house.first.until_asked(1).await;
    let mut other = Box::pin(house.call(&me, json!({"prompt": "why"})));
    assert!(futures_util::poll!(&mut other).is_pending());
    drop(leader);
    for _ in 0..20 {
        yield_now().await;
    }
    assert_eq!(house.first.given_up(), 0);
    house.first.release(1);
    let other = other.await;
    // Nobody else has it on the bill.
    assert_eq!(
        (brief(&other).as_str(), costs(&other).0),
        ("miss first says 1", Some(3.0))
    );
    assert_eq!(house.first.asked(), 1);
}

#[actix::test]
async fn the_provider_is_left_alone_when_nobody_waits() {
    let (house, me) = (house(), principal("me"));
    house.first.hold();
    let mut calls: Vec<_> = (0..3)
        .map(|_| Box::pin(house.call(&me, json!({"prompt": "why"}))))
        .collect();
    for call in &mut calls {
        assert!(futures_util::poll!(call).is_pending());
    }
    house.first.until_asked(1).await;
    drop(calls);
    let given_up = async {
        while house.first.given_up() == 0 {
            yield_now().await;
        }
    };
    timeout(Duration::from_secs(5), given_up)
        .await
        .expect("it is told");
    assert_eq!((house.first.asked(), house.second.asked()), (1, 0));
}

#[actix::test]
async fn a_failure_reaches_everyone_once_and_is_not_kept() {
    let (house, me) = (house(), principal("me"));
    house.first.does(Behaviour::Fail);
    house.second.does(Behaviour::Fail);
    house.first.hold();
    let calls = join_all((0..50).map(|_| house.call(&me, json!({"prompt": "why"}))));
    let release = async {
        house.first.until_asked(1).await;
        house.first.release(1_000);
    };
    let (outcomes, ()) = tokio::join!(calls, release);
    for outcome in &outcomes {
        assert!(
            matches!(outcome, Err(CallError::ProvidersFailed { .. })),
            "{outcome:?}"
        );
        assert_eq!(attempts(outcome), "first server_error, second server_error");
    }
    assert_eq!(
        (house.first.asked(), house.second.asked()),
        (1, 1),
        "a stampede"
    );
    house.first.does(Behaviour::Answer);
    let next = house.call(&me, json!({"prompt": "why"})).await;
    assert_eq!(brief(&next), "miss first says 2");
}

#[actix::test]
async fn what_is_not_whole_is_not_kept() {
    for behaviour in [Behaviour::Cut, Behaviour::Empty] {
        let (house, me) = (house(), principal("me"));
        house.first.does(behaviour);
        for number in 1..=2 {
            let outcome = house.call(&me, json!({"prompt": "why"})).await;
            assert!(brief(&outcome).starts_with("miss"), "{behaviour:?}");
            assert_eq!(house.first.asked(), number, "{behaviour:?}");
        }
    }
}

#[actix::test]
async fn a_second_choice_is_told_and_not_kept() {
    let (house, me) = (house(), principal("me"));
    house.first.does(Behaviour::Fail);
    house.first.hold();
    let calls = join_all((0..3).map(|_| house.call(&me, json!({"prompt": "why"}))));
    let release = async {
        house.first.until_asked(1).await;
        house.first.release(1_000);
    };
    let (outcomes, ()) = tokio::join!(calls, release);
    for outcome in &outcomes {
        assert!(brief(outcome).ends_with(" second says 1"));
        assert_eq!(attempts(outcome), "first server_error, second ok");
    }
    house.first.does(Behaviour::Answer);
    let next = house.call(&me, json!({"prompt": "why"})).await;
    assert_eq!(brief(&next), "miss first says 2");
}

#[actix::test]
async fn a_provider_without_a_key_stays_visible_in_a_hit() {
    let (mut house, me) = (house(), principal("me"));
    house.change(|catalogue| {
        let first = &mut catalogue.providers[0];
        first.up = None;
        Arc::make_mut(&mut first.info).inactive = Some("set FIRST_KEY".to_owned());
    });
    let fresh = house
        .call(&me, json!({"prompt": "why", "provider": "first"}))
        .await;
    assert_eq!(brief(&fresh), "miss second says 1");
    assert_eq!(attempts(&fresh), "first not_configured, second ok");
    let hit = house
        .call(&me, json!({"prompt": "why", "provider": "first"}))
        .await;
    assert_eq!(brief(&hit), "hit second says 1");
    assert_eq!(attempts(&hit), "first not_configured");
    // It is the same question as when the second is asked at once.
    let hit = house
        .call(&me, json!({"prompt": "why", "provider": "second"}))
        .await;
    assert_eq!(
        (brief(&hit).as_str(), attempts(&hit).as_str()),
        ("hit second says 1", "none")
    );
    // Nor does it matter whom a call passed over that shares it while it is asked.
    house.second.hold();
    let ask = |provider: &'static str| {
        let (house, me) = (&house, &me);
        async move {
            let params = json!({"prompt": "when", "provider": provider});
            house.call(me, params).await
        }
    };
    let release = async {
        house.second.until_asked(2).await;
        house.second.release(2);
    };
    let (past, direct, ()) = tokio::join!(ask("first"), ask("second"), release);
    assert_eq!(attempts(&past), "first not_configured, second ok");
    assert_eq!(attempts(&direct), "second ok");
    assert_eq!(house.second.asked(), 2);
}

#[actix::test]
async fn a_hit_needs_no_provider() {
    let (mut house, me) = (house(), principal("me"));
    house.call(&me, json!({"prompt": "why"})).await.unwrap();
    house.change(|catalogue| catalogue.providers.iter_mut().for_each(|p| p.up = None));
    let hit = house.call(&me, json!({"prompt": "why"})).await;
    assert_eq!(brief(&hit), "hit first says 1");
}

#[actix::test]
async fn another_configuration_is_another_question() {
    let (mut house, me) = (house(), principal("me"));
    house.call(&me, json!({"prompt": "why"})).await.unwrap();
    let tool = |catalogue: &mut crate::catalogue::Catalogue, change: fn(&mut Tool)| {
        change(Arc::make_mut(&mut catalogue.tools[0]));
    };
    house.change(|catalogue| {
        tool(catalogue, |tool| {
            tool.kind = ToolKind::Llm {
                system: Some("Be long.".into()),
                provider: None,
            };
        });
    });
    assert_eq!(
        brief(&house.call(&me, json!({"prompt": "why"})).await),
        "miss first says 2"
    );
    house.change(|catalogue| {
        let first = &mut catalogue.providers[0];
        Arc::make_mut(&mut first.info).offer.default = "n".into();
    });
    assert_eq!(
        brief(&house.call(&me, json!({"prompt": "why"})).await),
        "miss first says 3"
    );
    house.change(|catalogue| Arc::make_mut(&mut catalogue.hub).tag_replies = true);
    let outcome = house.call(&me, json!({"prompt": "why"})).await;
    assert_eq!(brief(&outcome), "miss [first] first says 4");
    let outcome = house.call(&me, json!({"prompt": "why"})).await;
    assert_eq!(brief(&outcome), "hit [first] first says 4");
}

#[actix::test]
async fn an_answer_is_given_until_its_time_is_over() {
    pause();
    let (house, me) = (house(), principal("me"));
    let ask = async || brief(&house.call(&me, json!({"prompt": "why"})).await);
    assert_eq!(ask().await, "miss first says 1");
    advance(MINUTE - Duration::from_millis(1)).await;
    assert_eq!(ask().await, "hit first says 1");
    advance(Duration::from_millis(1)).await;
    assert_eq!(ask().await, "miss first says 2");
}

#[actix::test]
async fn who_does_not_want_it_gets_an_answer_of_their_own() {
    let (house, me) = (house(), principal("me"));
    let fresh = || json!({"prompt": "why", "cache": false});
    assert_eq!(
        brief(&house.call(&me, fresh()).await),
        "bypass first says 1"
    );
    let usual = || json!({"prompt": "why"});
    assert_eq!(brief(&house.call(&me, usual()).await), "miss first says 2");
    assert_eq!(
        brief(&house.call(&me, fresh()).await),
        "bypass first says 3"
    );
    assert_eq!(brief(&house.call(&me, usual()).await), "hit first says 2");
}

#[actix::test]
async fn a_tool_that_keeps_nothing_says_nothing() {
    let (house, me) = (House::new(None, MINUTE), principal("me"));
    for (number, cache) in [(1, json!(null)), (2, json!(false)), (3, json!(true))] {
        let outcome = house
            .call(&me, json!({"prompt": "why", "cache": cache}))
            .await;
        assert_eq!(brief(&outcome), format!("off first says {number}"));
        assert_eq!(attempts(&outcome), "first ok");
    }
}

#[actix::test]
async fn everyone_has_their_own_deadline() {
    pause();
    let house = House::new(Some(MINUTE), Duration::from_secs(10));
    let me = principal("me");
    house.first.hold();
    house.second.hold();
    let start = tokio::time::Instant::now();
    let timed = async |delay: u64| {
        tokio::time::sleep(Duration::from_secs(delay)).await;
        let outcome = house.call(&me, json!({"prompt": "why"})).await;
        assert!(
            matches!(outcome, Err(CallError::DeadlineExceeded { .. })),
            "{outcome:?}"
        );
        start.elapsed().as_secs_f64()
    };
    // Who comes at 6 s has six seconds left when the first question's time is over.
    let (first, soon, later) = tokio::join!(timed(0), timed(0), timed(6));
    for (ended, expected) in [(first, 10.0), (soon, 10.0), (later, 16.0)] {
        assert!(
            (expected..expected + 0.5).contains(&ended),
            "{ended} for {expected}"
        );
    }
    assert_eq!(
        house.first.asked(),
        2,
        "one for the two, one for who came later"
    );
}
