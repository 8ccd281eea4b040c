//! Reader: one image from its address, redirects followed, each looked at like the first.

use std::{sync::Arc, time::Duration};

use hub_actors::protocol::{FetchError, FetchedImage};
use reqwest::{
    Client, Response, StatusCode,
    header::{ACCEPT, CONTENT_ENCODING, HeaderMap, HeaderValue, LOCATION},
    redirect::Policy,
};
use tokio::sync::Semaphore;

use super::{intake::Intake, names::PublicNames, target};

/// How often an address may lead to another.
const REDIRECTS: usize = 3;
/// Longest time to connect; the rest is for the image.
const CONNECT: Duration = Duration::from_secs(5);
/// How many images are fetched at once: servers that are slow on purpose hold a place for 10 s.
const AT_ONCE: usize = 32;
/// What all images on their way and in calls may have together, in KiB of base64: 128 MiB. The requests that
/// carry them to vendors may have as much again.
const ROOM: usize = 128 * 1024;

/// Reads images, for one life of the actor.
pub struct Reader {
    client: Client,
    places: Semaphore,
    room: Arc<Semaphore>,
}

/// What all lives of the actor share: calls hold images longer than it lives.
pub fn room() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(ROOM))
}

/// A client that tells a stranger nothing: no cookies, no referer, no key, no proxy of the environment's.
/// It does not unpack, so what is counted is what comes; it follows no redirects, for each is looked at; it
/// keeps no connection, for the next image is another call's.
fn client(tls: rustls::ClientConfig, names: PublicNames) -> Result<Client, reqwest::Error> {
    let accept = HeaderValue::from_static("image/*");
    Client::builder()
        .default_headers(HeaderMap::from_iter([(ACCEPT, accept)]))
        .user_agent(concat!("multi-llm-hub/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(names)
        .https_only(true)
        .no_proxy()
        .no_gzip()
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(CONNECT)
        .pool_max_idle_per_host(0)
        .tls_backend_preconfigured(tls)
        .build()
}

// === impl Reader ===

impl Reader {
    /// One whose images have their part of this room.
    ///
    /// # Errors
    /// If the client cannot be built.
    pub fn new(
        tls: rustls::ClientConfig,
        names: PublicNames,
        room: Arc<Semaphore>,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            client: client(tls, names)?,
            places: Semaphore::new(AT_ONCE),
            room,
        })
    }

    /// The image at an address. Dropping the future hangs up.
    ///
    /// # Errors
    /// [`FetchError`]
    pub async fn read(&self, address: &str) -> Result<FetchedImage, FetchError> {
        let mut url = target::read(address)?;
        let place = self.places.acquire().await;
        let _place = place.map_err(|_| FetchError::Unavailable)?;
        for _ in 0..=REDIRECTS {
            // What went wrong may tell what is there: only that something did goes on.
            let answer = self.client.get(url.clone()).send().await;
            let answer = answer.map_err(|_| FetchError::Unreachable)?;
            if !answer.status().is_redirection() {
                return self.image(answer).await;
            }
            url = target::next(&url, answer.headers().get(LOCATION))?;
        }
        Err(FetchError::Redirects)
    }

    async fn image(&self, mut answer: Response) -> Result<FetchedImage, FetchError> {
        let packed = answer.headers().contains_key(CONTENT_ENCODING);
        if answer.status() != StatusCode::OK || packed {
            return Err(FetchError::Refused);
        }
        let announced = answer.content_length();
        let announced = announced.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        let mut intake = Intake::new(announced, &self.room)?;
        while let Some(bytes) = answer.chunk().await.map_err(|_| FetchError::Refused)? {
            intake.take(&bytes)?;
        }
        intake.finish()
    }
}
