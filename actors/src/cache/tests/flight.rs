//! Who waits for what, and what becomes of it.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::future::join_all;
use tokio::{
    sync::{Semaphore, oneshot},
    task::yield_now,
};

use super::key;
use crate::cache::flight::{Crashed, Flights};

/// Lets everything run that can.
async fn settle() {
    for _ in 0..20 {
        yield_now().await;
    }
}

/// Counts what is dropped.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_hundred_callers_begin_one_flight_and_one_of_them_pays() {
    let (flights, begun) = (Flights::default(), AtomicUsize::new(0));
    let gate = Arc::new(Semaphore::new(0));
    let calls = (0..100).map(|_| {
        flights.share(key(1), || {
            begun.fetch_add(1, Ordering::SeqCst);
            let gate = gate.clone();
            async move { gate.acquire().await.map(|_| 42).unwrap() }
        })
    });
    let open = async {
        settle().await;
        gate.add_permits(1);
    };
    let (shared, ()) = tokio::join!(join_all(calls), open);
    let shared: Vec<_> = shared.into_iter().map(Result::unwrap).collect();
    assert!(shared.iter().all(|shared| shared.value == 42));
    assert_eq!(shared.iter().filter(|shared| shared.first).count(), 1);
    assert_eq!(begun.load(Ordering::SeqCst), 1);
    // It is over: who comes now begins anew.
    let next = flights.share(key(1), || async { 43 }).await.unwrap();
    assert_eq!((next.value, next.first), (43, true));
}

#[tokio::test]
async fn who_began_it_may_leave() {
    let flights = Flights::default();
    let dropped = Arc::new(AtomicUsize::new(0));
    let (land, landed) = oneshot::channel();
    let guard = Dropped(dropped.clone());
    let mut beginner = Box::pin(flights.share(key(1), || async move {
        let _guard = guard;
        landed.await.unwrap()
    }));
    assert!(futures_util::poll!(&mut beginner).is_pending());
    let mut other = Box::pin(flights.share(key(1), || async { "a second one" }));
    assert!(futures_util::poll!(&mut other).is_pending());
    drop(beginner);
    settle().await;
    assert_eq!(dropped.load(Ordering::SeqCst), 0, "somebody waits");
    land.send("the first one").unwrap();
    let shared = other.await.unwrap();
    assert_eq!((shared.value, shared.first), ("the first one", true));
}

#[tokio::test]
async fn it_ends_with_the_last_who_waits() {
    let flights = Flights::default();
    let dropped = Arc::new(AtomicUsize::new(0));
    let begin = || {
        let guard = Dropped(dropped.clone());
        async move {
            let _guard = guard;
            pending::<u8>().await
        }
    };
    let mut calls: Vec<_> = (0..3)
        .map(|_| Box::pin(flights.share(key(1), begin)))
        .collect();
    for call in &mut calls {
        assert!(futures_util::poll!(call).is_pending());
    }
    settle().await;
    while calls.pop().is_some() {
        assert_eq!(dropped.load(Ordering::SeqCst), 0);
        settle().await;
    }
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    let next = flights.share(key(1), || async { 7 }).await.unwrap();
    assert_eq!(next.value, 7);
}

#[tokio::test]
async fn who_comes_just_before_it_is_given_up_keeps_it_going() {
    let flights = Flights::default();
    let (land, landed) = oneshot::channel();
    let mut left = Box::pin(flights.share(key(1), || async move { landed.await.unwrap() }));
    assert!(futures_util::poll!(&mut left).is_pending());
    settle().await;
    drop(left);
    // The flight has not noticed yet.
    let mut other = Box::pin(flights.share(key(1), || async { 8 }));
    assert!(futures_util::poll!(&mut other).is_pending());
    settle().await;
    land.send(7).unwrap();
    assert_eq!(other.await.unwrap().value, 7);
}

#[tokio::test]
async fn a_panic_is_heard_by_everyone_and_stays_one_flights() {
    let flights: Flights<u8> = Flights::default();
    let calls = (0..5).map(|_| {
        flights.share(key(1), || async {
            yield_now().await;
            panic!("a test's")
        })
    });
    for shared in join_all(calls).await {
        assert_eq!(shared.unwrap_err(), Crashed);
    }
    let next = flights.share(key(1), || async { 7 }).await.unwrap();
    assert_eq!(next.value, 7);
}

#[tokio::test]
async fn other_questions_have_flights_of_their_own() {
    let flights = Flights::default();
    let (one, two) = tokio::join!(
        flights.share(key(1), || async { 1 }),
        flights.share(key(2), || async { 2 }),
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!((one.value, two.value), (1, 2));
    assert!(one.first && two.first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_that_come_and_go_lose_nothing() {
    let flights = Arc::new(Flights::default());
    let mut tasks = Vec::new();
    for number in 0..2_000u64 {
        let flights = flights.clone();
        tasks.push(tokio::spawn(async move {
            let call = flights.share(key((number % 3) as u8), || async {
                for _ in 0..4 {
                    yield_now().await;
                }
                5
            });
            match number % 4 {
                // Some leave at once, some soon.
                0 => drop(tokio::time::timeout(std::time::Duration::ZERO, call).await),
                _ => assert_eq!(call.await.unwrap().value, 5),
            }
        }));
    }
    let all = tokio::time::timeout(std::time::Duration::from_secs(20), join_all(tasks));
    for task in all.await.expect("nobody waits for ever") {
        task.unwrap();
    }
}
