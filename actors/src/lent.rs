//! Lent threads: where what takes long is done, so that a loop need not stand still.

/// Does work that blocks, or takes long, on a thread that the runtime lends. Its panic is the caller's.
pub async fn lent<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is ending, and this future with it.
        Err(_) => std::future::pending().await,
    }
}
