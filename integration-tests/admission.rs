//! Admission: so many requests at once for each provider, and nobody waits for another's answer.

use std::time::Duration;

use crate::support::{FakeUpstream, Fault, Hub, Pyfun, eventually, pyfun::Provider, within};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_busy_provider_is_passed_over_and_all_busy_is_an_overload() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Hang);
    upstream.gemini.always(Fault::Hang);
    let base = &upstream.url();
    let pyfun = Pyfun::chain([Provider::anthropic(base), Provider::gemini(base)])
        .limit("MAX_PARALLEL_REQUESTS", "1")
        .limit("MAX_WAIT_SEC", "0.1");
    let hub = Hub::with(&pyfun).await;

    tokio::select! {
        _ = async { tokio::join!(hub.prompt("takes anthropic"), hub.prompt("takes gemini")) } => {
            panic!("nobody answers those");
        }
        () = async {
            upstream.anthropic.arrival(0).await;
            upstream.gemini.arrival(0).await;
            assert_eq!((upstream.anthropic.seen().len(), upstream.gemini.seen().len()), (1, 1));
            let reply = hub.prompt("finds no room").await;
            reply.assert_fails(503, "overloaded");
            assert_eq!(reply.header("retry-after"), "1", "{reply}");
            assert!(reply.elapsed < SECOND, "{reply}");
        } => {}
    }
    // The callers above are gone now: their permits are free again.
    upstream.always(&Fault::Answer("room"));
    let look = async || Some(hub.prompt("again").await).filter(|reply| reply.status == 200);
    eventually(5 * SECOND, "a permit that is given back", look).await;
}

#[tokio::test]
async fn a_waiting_call_takes_the_permit_that_is_given_back() {
    let upstream = FakeUpstream::start().await;
    let pause = Duration::from_millis(300);
    upstream.openai.always(Fault::Late(pause, "late"));
    let pyfun = Pyfun::alone(&upstream.url())
        .limit("MAX_PARALLEL_REQUESTS", "1")
        .limit("MAX_WAIT_SEC", "10");
    let hub = Hub::with(&pyfun).await;
    let (one, two) = tokio::join!(hub.prompt("one"), hub.prompt("two"));
    assert_eq!((one.status, two.status), (200, 200), "{one}\n{two}");
    let seen = upstream.openai.seen();
    assert!(
        seen[1].at - seen[0].at >= pause,
        "both were in flight at once"
    );
}

#[tokio::test]
async fn calls_do_not_wait_for_each_other() {
    let upstream = FakeUpstream::start().await;
    upstream.anthropic.always(Fault::Hang);
    let hub = Hub::three(&upstream).await;
    let slow = hub.prompt("slow");
    tokio::pin!(slow);
    let quick = async {
        upstream.anthropic.arrival(0).await;
        for _ in 0..20 {
            let reply = hub.prompt_at("gemini", "quick").await;
            assert!(reply.assert_ok().elapsed < SECOND, "{reply}");
        }
    };
    tokio::select! {
        _ = &mut slow => panic!("the slow one came first"),
        () = within(10 * SECOND, "twenty quick calls", quick) => {}
    }
}
