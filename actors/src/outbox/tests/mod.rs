//! What becomes of rows, with a database of the test's own making.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::prelude::*;
use rusqlite::Connection;
use tempfile::NamedTempFile;
use tokio::sync::{mpsc, oneshot, watch};

use super::{OutboxSpec, actor::Outbox};
use crate::{
    db_sync::{Place, tests::place},
    protocol::{
        CloudIs, CloudState, CloudUp, Deliver, Drain, Heartbeat, Kept, NotNow, OutboxHealth,
        Persist, PersistError, Rejected, ReportOutbox,
    },
    table::Table,
};

/// Longest wait for what comes by itself.
const LOOK: Duration = Duration::from_secs(10);

/// A database that hands every delivery to the test.
struct Cloud(mpsc::UnboundedSender<Deliver>);

impl Actor for Cloud {
    type Context = Context<Self>;
}

impl Handler<Deliver> for Cloud {
    type Result = ();

    fn handle(&mut self, deliver: Deliver, _: &mut Self::Context) {
        self.0.send(deliver).unwrap();
    }
}

/// The database, its deliveries, and its state.
fn cloud() -> (
    CloudUp,
    mpsc::UnboundedReceiver<Deliver>,
    watch::Sender<CloudState>,
) {
    let (sender, deliveries) = mpsc::unbounded_channel();
    let (tell, state) = watch::channel(CloudState::Connected);
    let deliver = Cloud(sender).start().recipient();
    let up = CloudUp {
        deliveries: deliver,
        state,
    };
    (up, deliveries, tell)
}

fn down() -> CloudState {
    CloudState::Down {
        since: tokio::time::Instant::now(),
        why: "a test says so".into(),
    }
}

fn start(place: Place) -> Addr<Outbox> {
    let spec = OutboxSpec {
        place,
        durable: true,
    };
    Outbox::new(spec).start()
}

fn ask(outbox: &Addr<Outbox>, payload: &str) -> oneshot::Receiver<Result<Kept, PersistError>> {
    let (reply, kept) = oneshot::channel();
    outbox.do_send(Persist {
        table: Arc::new(Table::hub_results()),
        payload: payload.to_owned(),
        reply,
    });
    kept
}

async fn keep(outbox: &Addr<Outbox>, payload: &str) -> Result<Kept, PersistError> {
    within(ask(outbox, payload)).await.unwrap()
}

async fn health(outbox: &Addr<Outbox>) -> OutboxHealth {
    let (reply, health) = oneshot::channel();
    outbox.do_send(ReportOutbox { reply });
    within(health).await.unwrap()
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LOOK, work).await.expect("in time")
}

async fn pending(outbox: &Addr<Outbox>, rows: u64) {
    let start = Instant::now();
    while health(outbox).await.pending != rows {
        assert!(start.elapsed() < LOOK, "{:?}", health(outbox).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[actix::test]
async fn rows_outlive_the_actor_and_go_in_their_order() {
    let file = NamedTempFile::new().unwrap();
    let first = start(place(&file));
    for number in 0..3 {
        let kept = keep(&first, &number.to_string()).await.unwrap();
        // Nobody is there to bring it anywhere.
        assert!(within(kept.arrival).await.is_err());
    }
    within(first.send(Drain)).await.unwrap();
    let second = start(place(&file));
    pending(&second, 3).await;
    let (up, mut deliveries, _state) = cloud();
    second.do_send(CloudIs(Some(up)));
    let delivery = within(deliveries.recv()).await.unwrap();
    let payloads: Vec<_> = delivery.rows.iter().map(|row| &*row.payload).collect();
    assert_eq!(payloads, ["0", "1", "2"]);
    assert!(
        delivery
            .rows
            .iter()
            .all(|row| row.created_at.ends_with('Z'))
    );
    delivery.reply.send(Ok(Vec::new())).unwrap();
    pending(&second, 0).await;
}

#[actix::test]
async fn who_waits_hears_what_became_of_the_row() {
    let outbox = start(Place::Memory);
    let (up, mut deliveries, state) = cloud();
    outbox.do_send(CloudIs(Some(up)));
    let kept = keep(&outbox, "1").await.unwrap();
    let delivery = within(deliveries.recv()).await.unwrap();
    assert_eq!(delivery.rows[0].id, kept.id);
    delivery.reply.send(Ok(Vec::new())).unwrap();
    assert_eq!(within(kept.arrival).await, Ok(Ok(())));

    let kept = keep(&outbox, "2").await.unwrap();
    let delivery = within(deliveries.recv()).await.unwrap();
    let reason: Arc<str> = "no such table".into();
    let rejected = Rejected {
        id: kept.id,
        reason: reason.clone(),
    };
    delivery.reply.send(Ok(vec![rejected])).unwrap();
    assert_eq!(within(kept.arrival).await, Ok(Err(reason.clone())));
    let found = health(&outbox).await;
    assert_eq!((found.pending, found.dead_letters), (0, 1));
    assert_eq!(found.last_reason, Some(reason));

    // It is down: said at once, and tried again when it is up.
    let kept = keep(&outbox, "3").await.unwrap();
    let delivery = within(deliveries.recv()).await.unwrap();
    state.send_replace(down());
    delivery.reply.send(Err(NotNow)).unwrap();
    assert!(within(kept.arrival).await.is_err());
    let kept = keep(&outbox, "4").await.unwrap();
    assert!(within(kept.arrival).await.is_err());
    assert!(deliveries.try_recv().is_err(), "nobody asks what is down");
    state.send_replace(CloudState::Connected);
    let delivery = within(deliveries.recv()).await.unwrap();
    let payloads: Vec<_> = delivery.rows.iter().map(|row| &*row.payload).collect();
    assert_eq!(payloads, ["3", "4"]);
    drop(delivery);
    // A database's actor that dies with the answer says nothing: the next one is brought them again.
    pending(&outbox, 2).await;
    let (up, mut deliveries, _state) = cloud();
    outbox.do_send(CloudIs(Some(up)));
    assert_eq!(within(deliveries.recv()).await.unwrap().rows.len(), 2);
}

#[actix::test]
async fn a_full_outbox_refuses_and_loses_nothing() {
    let outbox = start(Place::Memory);
    let mebibyte = "a".repeat(1024 * 1024);
    let mut kept = 0;
    while keep(&outbox, &mebibyte).await.is_ok() {
        kept += 1;
        assert!(kept < 100, "it is never full");
    }
    assert_eq!(kept, 8);
    assert_eq!(
        keep(&outbox, &mebibyte).await.unwrap_err(),
        PersistError::Full
    );
    let (up, mut deliveries, _state) = cloud();
    outbox.do_send(CloudIs(Some(up)));
    let mut delivered = 0;
    while delivered < kept {
        let delivery = within(deliveries.recv()).await.unwrap();
        delivered += delivery.rows.len();
        delivery.reply.send(Ok(Vec::new())).unwrap();
    }
    pending(&outbox, 0).await;
    keep(&outbox, &mebibyte).await.unwrap();
}

#[actix::test]
async fn a_locked_file_is_waited_for() {
    let file = NamedTempFile::new().unwrap();
    let outbox = start(place(&file));
    keep(&outbox, "1").await.unwrap();
    let other = Connection::open(file.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut kept = ask(&outbox, "2");
    within(outbox.send(Heartbeat)).await.unwrap();
    assert!(kept.try_recv().is_err(), "it is not kept yet");
    other.execute_batch("ROLLBACK").unwrap();
    within(kept).await.unwrap().unwrap();
    assert_eq!(health(&outbox).await.pending, 2);
}

#[actix::test]
async fn many_share_a_transaction() {
    let file = NamedTempFile::new().unwrap();
    let outbox = start(place(&file));
    keep(&outbox, "0").await.unwrap();
    let other = Connection::open(file.path()).unwrap();
    // It changes with every transaction of another connection.
    let version = || -> i64 {
        let version = other.query_row("PRAGMA data_version", [], |row| row.get(0));
        version.unwrap()
    };
    let before = version();
    let kept: Vec<_> = (0..500).map(|n| ask(&outbox, &n.to_string())).collect();
    let mut transactions = 0;
    let mut last = before;
    for kept in kept {
        within(kept).await.unwrap().unwrap();
        let now = version();
        transactions += i32::from(now != last);
        last = now;
    }
    assert!((1..50).contains(&transactions), "{transactions}");
}
