//! Who came up and who went down, and what there is to be called.

use std::sync::Arc;

use actix::prelude::*;
use tokio::sync::{Semaphore, watch};

use super::{
    Ask, CompletionRequest, CryptoUp, DbUp, EmbeddingRequest, FetchImage, OutboxUp, SearchRequest,
};
use crate::{catalogue::Catalogue, request::Request};

/// Tells the registry what came up or went down.
#[derive(Message)]
#[rtype(result = "()")]
pub enum Announce {
    /// A provider (re)started and can be called.
    ProviderUp(ProviderUp),
    /// A provider ended; its name.
    ProviderDown(Arc<str>),
    /// A search provider (re)started and can be called.
    SearcherUp(ProviderUp<SearchRequest>),
    /// A search provider ended; its name.
    SearcherDown(Arc<str>),
    /// A provider of vectors (re)started and can be called.
    EmbedderUp(ProviderUp<EmbeddingRequest>),
    /// A provider of vectors ended; its name.
    EmbedderDown(Arc<str>),
    /// DbSync (re)started and can be asked.
    DbUp(DbUp),
    /// DbSync ended.
    DbDown,
    /// Who opens and seals envelopes (re)started.
    CryptoUp(CryptoUp),
    /// It ended.
    CryptoDown,
    /// The outbox (re)started and keeps rows.
    OutboxUp(OutboxUp),
    /// The outbox ended.
    OutboxDown,
    /// Who fetches images (re)started and can be asked.
    FetcherUp(Recipient<FetchImage>),
    /// It ended.
    FetcherDown,
    /// A transport (re)started and wants to know of every change.
    Listener(Recipient<CatalogueChanged>),
    /// The configuration has changed: this tool is inactive, or active again.
    #[cfg(feature = "fixtures")]
    Toggled(Arc<str>),
}

/// A running provider, as callers see it.
#[derive(Debug)]
pub struct ProviderUp<R: Request = CompletionRequest> {
    /// Its name in hub.pyfun.
    pub name: Arc<str>,
    /// Where it is asked.
    pub calls: Recipient<Ask<R>>,
    /// Admission: one permit for each request in flight. A mailbox's capacity is not backpressure
    /// (every sender has a free slot), so callers take a permit before they send.
    pub permits: Arc<Semaphore>,
    /// Closes when the guardian gives this life up. A life that is stuck drops no reply channel, so
    /// its callers learn of its end here. Nothing is ever sent.
    pub life: watch::Receiver<()>,
}

/// The new truth about tools, models and providers.
#[derive(Message, Clone)]
#[rtype(result = "()")]
pub struct CatalogueChanged(pub Arc<Catalogue>);
