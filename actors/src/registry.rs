//! ToolRegistry: knows what there is and what is up, and tells every door when it changes.
//!
//! Part of the error kernel: no I/O, no parsing. A restart loses nothing: the guardian announces
//! every running child again.

use std::{collections::BTreeMap, sync::Arc};

use actix::prelude::*;

use crate::{
    catalogue::{Catalogue, Crypto, Fetcher, Provider},
    protocol::{
        Announce, CatalogueChanged, CryptoUp, DbUp, EmbeddingRequest, FetchImage, Heartbeat,
        OutboxUp, ProviderUp, SearchRequest,
    },
    request::Request,
};

/// The registry's actor.
pub struct ToolRegistry {
    configured: Arc<Catalogue>,
    up: BTreeMap<Arc<str>, ProviderUp>,
    searchers: BTreeMap<Arc<str>, ProviderUp<SearchRequest>>,
    embedders: BTreeMap<Arc<str>, ProviderUp<EmbeddingRequest>>,
    db: Option<DbUp>,
    crypto: Option<CryptoUp>,
    outbox: Option<OutboxUp>,
    fetcher: Option<Recipient<FetchImage>>,
    listeners: Vec<Recipient<CatalogueChanged>>,
}

// === impl ToolRegistry ===

impl ToolRegistry {
    /// A registry of what the configuration names, with nobody up yet.
    pub fn new(configured: Arc<Catalogue>) -> Self {
        Self {
            configured,
            up: BTreeMap::new(),
            searchers: BTreeMap::new(),
            embedders: BTreeMap::new(),
            db: None,
            crypto: None,
            outbox: None,
            fetcher: None,
            listeners: Vec::new(),
        }
    }

    fn catalogue(&self) -> CatalogueChanged {
        CatalogueChanged(Arc::new(Catalogue {
            providers: who_is_up(&self.configured.providers, &self.up),
            searchers: who_is_up(&self.configured.searchers, &self.searchers),
            embedders: who_is_up(&self.configured.embedders, &self.embedders),
            db: self.db.clone(),
            crypto: match &self.crypto {
                Some(up) => Crypto::Up(up.clone()),
                None => self.configured.crypto.clone(),
            },
            outbox: self.outbox.clone(),
            fetcher: match &self.fetcher {
                Some(up) => Fetcher::Up(up.clone()),
                None => self.configured.fetcher.clone(),
            },
            ..Catalogue::clone(&self.configured)
        }))
    }

    fn tell(&mut self) {
        let changed = self.catalogue();
        self.listeners.retain(|listener| listener.connected());
        for listener in &self.listeners {
            listener.do_send(changed.clone());
        }
    }
}

fn who_is_up<R: Request>(
    configured: &[Provider<R>],
    up: &BTreeMap<Arc<str>, ProviderUp<R>>,
) -> Vec<Provider<R>> {
    configured
        .iter()
        .map(|provider| provider.with(up.get(&provider.info.name).cloned()))
        .collect()
}

impl Actor for ToolRegistry {
    type Context = Context<Self>;
}

impl Handler<Announce> for ToolRegistry {
    type Result = ();

    fn handle(&mut self, announce: Announce, _: &mut Self::Context) {
        match announce {
            Announce::ProviderUp(provider) => {
                self.up.insert(provider.name.clone(), provider);
                self.tell();
            }
            Announce::ProviderDown(name) => {
                self.up.remove(&name);
                self.tell();
            }
            Announce::SearcherUp(searcher) => {
                self.searchers.insert(searcher.name.clone(), searcher);
                self.tell();
            }
            Announce::SearcherDown(name) => {
                self.searchers.remove(&name);
                self.tell();
            }
            Announce::EmbedderUp(embedder) => {
                self.embedders.insert(embedder.name.clone(), embedder);
                self.tell();
            }
            Announce::EmbedderDown(name) => {
                self.embedders.remove(&name);
                self.tell();
            }
            Announce::DbUp(db) => {
                self.db = Some(db);
                self.tell();
            }
            Announce::DbDown => {
                self.db = None;
                self.tell();
            }
            Announce::CryptoUp(crypto) => {
                self.crypto = Some(crypto);
                self.tell();
            }
            Announce::CryptoDown => {
                self.crypto = None;
                self.tell();
            }
            Announce::OutboxUp(outbox) => {
                self.outbox = Some(outbox);
                self.tell();
            }
            Announce::OutboxDown => {
                self.outbox = None;
                self.tell();
            }
            Announce::FetcherUp(fetcher) => {
                self.fetcher = Some(fetcher);
                self.tell();
            }
            Announce::FetcherDown => {
                self.fetcher = None;
                self.tell();
            }
            Announce::Listener(listener) => {
                listener.do_send(self.catalogue());
                self.listeners.push(listener);
            }
            #[cfg(feature = "fixtures")]
            Announce::Toggled(name) => {
                let mut configured = Catalogue::clone(&self.configured);
                for tool in &mut configured.tools {
                    if tool.name == name {
                        let mut toggled = crate::catalogue::Tool::clone(tool);
                        toggled.inactive = match toggled.inactive {
                            None => Some("a test has switched it off".to_owned()),
                            Some(_) => None,
                        };
                        *tool = Arc::new(toggled);
                    }
                }
                self.configured = Arc::new(configured);
                self.tell();
            }
        }
    }
}

impl Handler<Heartbeat> for ToolRegistry {
    type Result = ();

    fn handle(&mut self, _: Heartbeat, _: &mut Self::Context) {}
}
