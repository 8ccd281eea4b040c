//! A provider, and what it has to offer.

use std::sync::Arc;

use crate::{
    conversation::Format,
    protocol::{CompletionRequest, ProviderUp},
    request::Request,
};

/// One provider.
#[derive(Debug)]
pub struct Provider<R: Request = CompletionRequest> {
    /// What the configuration says of it.
    pub info: Arc<ProviderInfo<R::Offer>>,
    /// Its running actor; `None` while it is down, and always without a key.
    pub up: Option<ProviderUp<R>>,
}

/// What the configuration says of a provider.
#[derive(Debug, Clone)]
pub struct ProviderInfo<O = Models> {
    /// Its name, unique among its kind.
    pub name: Arc<str>,
    /// What it has to offer.
    pub offer: O,
    /// The next provider of the chain.
    pub fallback: Option<Arc<str>>,
    /// Why it cannot be used, in a few words; `None` if it can.
    pub inactive: Option<String>,
}

/// What an LLM provider offers.
#[derive(Debug, Clone)]
pub struct Models {
    /// Used when the caller names no model.
    pub default: Arc<str>,
    /// Every model it offers.
    pub all: Vec<Arc<str>>,
    /// What it speaks; `None` for one without a vendor.
    pub format: Option<Format>,
}

/// What a provider of vectors offers.
#[derive(Debug, Clone)]
pub struct EmbeddingModels {
    /// Every embedding model.
    pub all: Vec<Arc<str>>,
}

/// What a search provider offers.
#[derive(Debug, Clone, Copy)]
pub struct Results {
    /// How many hits when the caller does not say.
    pub default: u32,
    /// Most hits.
    pub most: u32,
}

// === impl Provider ===

impl<R: Request> Provider<R> {
    /// The same with another actor, or none.
    pub fn with(&self, up: Option<ProviderUp<R>>) -> Self {
        Self {
            info: self.info.clone(),
            up,
        }
    }
}

// Derived, it would ask for a question that can be copied.
impl<R: Request> Clone for Provider<R> {
    fn clone(&self) -> Self {
        self.with(self.up.clone())
    }
}

// === impl ProviderInfo ===

impl<O: AsRef<[Arc<str>]>> ProviderInfo<O> {
    /// Its own name for a model it offers.
    pub fn offers(&self, model: &str) -> Option<&Arc<str>> {
        let mut models = self.offer.as_ref().iter();
        models.find(|offered| &***offered == model)
    }
}

impl AsRef<[Arc<str>]> for Models {
    fn as_ref(&self) -> &[Arc<str>] {
        &self.all
    }
}

impl AsRef<[Arc<str>]> for EmbeddingModels {
    fn as_ref(&self) -> &[Arc<str>] {
        &self.all
    }
}
