//! Waiting: always for something, always with an end.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep, timeout};

/// Between two looks at something that is expected to change.
const GLANCE: Duration = Duration::from_millis(10);

/// Awaits `work`.
///
/// # Panics
/// If it is not done within `limit`; `what` says what was waited for.
pub(crate) async fn within<T>(limit: Duration, what: &str, work: impl Future<Output = T>) -> T {
    match timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => panic!("not within {limit:?}: {what}"),
    }
}

/// Looks again and again until `look` sees something, and says how long it took.
///
/// # Panics
/// If it sees nothing within `limit`; `what` says what was looked for.
pub(crate) async fn eventually<T, F>(limit: Duration, what: &str, mut look: F) -> (T, Duration)
where
    F: AsyncFnMut() -> Option<T>,
{
    let start = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return (seen, start.elapsed());
        }
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        sleep(GLANCE).await;
    }
}
