//! Images: what has to be in a question itself before a provider is asked that reads no addresses.
//!
//! One [`Gathering`] belongs to one call. What was fetched for one provider of its chain is in the question
//! for those behind it that need it too, and nothing is fetched that nobody needs. It ends with the call.

mod places;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc, time::Duration};

use actix::Recipient;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::{Instant, timeout_at},
};

pub use self::places::{Images, unread};
use crate::{
    catalogue::Fetcher,
    conversation::Source,
    protocol::{Class, Failure, FailureKind, FetchError, FetchImage, FetchedImage},
    request::Request,
};

/// Most places of one call that an image is fetched for.
const MOST: usize = 16;
/// Most bytes of base64 for one call: 20 MiB of images.
const MOST_BYTES: usize = 20 * 1024 * 1024 / 3 * 4;
/// Most that are fetched at once for one call, so that others get their turn.
const AT_ONCE: usize = 4;
/// When trying again makes sense, if it does.
const SOON: Duration = Duration::from_secs(1);

/// A call's question, with the images that were fetched for it so far.
pub struct Gathering<R> {
    request: Arc<R>,
    /// The images' part of the memory that there is for all.
    rooms: Vec<OwnedSemaphorePermit>,
    /// Why there are not more: what could not be fetched once is not tried again.
    failed: Option<FetchError>,
}

// === impl Gathering ===

impl<R: Request> Gathering<R> {
    /// Of a question as it came.
    pub fn new(request: &Arc<R>) -> Self {
        Self {
            request: request.clone(),
            rooms: Vec::new(),
            failed: None,
        }
    }

    /// `asked`, the question as it came, as one with this offer can be asked it: the same, unless there
    /// are addresses in it that it does not read.
    ///
    /// # Errors
    /// [`FailureKind::ImageNotFetched`]
    pub async fn fit(
        &mut self,
        asked: &Arc<R>,
        offer: &R::Offer,
        fetcher: &Fetcher,
        deadline: Instant,
    ) -> Result<Arc<R>, Failure> {
        if asked.unread(offer).is_empty() {
            return Ok(asked.clone());
        }
        let unread = self.request.unread(offer);
        let fetcher = match fetcher {
            _ if unread.is_empty() => return Ok(self.request.clone()),
            // The format says what there is to say.
            Fetcher::Off => return Ok(asked.clone()),
            Fetcher::Down => return Err(FetchError::Unavailable.into()),
            Fetcher::Up(fetcher) => fetcher,
        };
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        match fetch(&unread, fetcher, deadline).await {
            Ok((images, mut rooms)) => {
                self.request = self.request.with_images(images);
                self.rooms.append(&mut rooms);
                Ok(self.request.clone())
            }
            Err(error) => {
                self.failed = Some(error);
                Err(error.into())
            }
        }
    }
}

/// Fetches each address once, however often it is there.
async fn fetch(
    addresses: &[&str],
    fetcher: &Recipient<FetchImage>,
    deadline: Instant,
) -> Result<(Images, Vec<OwnedSemaphorePermit>), FetchError> {
    if addresses.len() > MOST {
        return Err(FetchError::TooMany);
    }
    let mut places: HashMap<String, usize> = HashMap::new();
    for address in addresses {
        *places.entry((*address).to_owned()).or_default() += 1;
    }
    let fetching = places
        .into_iter()
        .map(|(url, places)| fetch_one(url, places, fetcher.clone()));
    let fetched = stream::iter(fetching).buffer_unordered(AT_ONCE);
    let gathered = async {
        let mut fetched = std::pin::pin!(fetched);
        let (mut images, mut rooms, mut size) = (Images::default(), Vec::new(), 0);
        while let Some((url, places, image)) = fetched.try_next().await? {
            let FetchedImage {
                media_type,
                data,
                room,
            } = image;
            size += data.len() * places;
            if size > MOST_BYTES {
                return Err(FetchError::TooLarge);
            }
            for _ in 1..places {
                rooms.push(as_much_as(&room)?);
            }
            rooms.push(room);
            let media_type = media_type.to_owned();
            images.add(url, places, Source::Inline { media_type, data });
        }
        Ok((images, rooms))
    };
    let gathered = timeout_at(deadline, gathered).await;
    gathered.unwrap_or(Err(FetchError::TooSlow))
}

async fn fetch_one(
    url: String,
    places: usize,
    fetcher: Recipient<FetchImage>,
) -> Result<(String, usize, FetchedImage), FetchError> {
    let (reply, image) = oneshot::channel();
    fetcher.do_send(FetchImage {
        url: url.clone(),
        reply,
    });
    let image = image.await.unwrap_or(Err(FetchError::Unavailable))?;
    Ok((url, places, image))
}

/// Room for the same image in another place of the question.
fn as_much_as(room: &OwnedSemaphorePermit) -> Result<OwnedSemaphorePermit, FetchError> {
    let size = u32::try_from(room.num_permits()).map_err(|_| FetchError::TooLarge)?;
    let all = room.semaphore().clone();
    all.try_acquire_many_owned(size)
        .map_err(|_| FetchError::Busy)
}

// === impl FetchError ===

impl FetchError {
    /// What the caller can do about it.
    fn advice(self) -> &'static str {
        match self {
            Self::Address => {
                "The hub fetches images from addresses that begin with `https://` and have no port, \
                 user or password in them. Send this one as a data URL."
            }
            Self::Unreachable => {
                "Nothing public answers at an image's address. Send the image as a data URL."
            }
            Self::Refused => {
                "The server at an image's address does not answer with it. Send it as a data URL."
            }
            Self::Redirects => {
                "An image's address leads to another too often. Send it as a data URL."
            }
            Self::TooLarge => {
                "An image may have 10 MiB, and all that are fetched for a call 20 MiB together."
            }
            Self::TooMany => {
                "At most 16 images are fetched for one call. Send others as data URLs."
            }
            Self::NotAnImage => {
                "What is at an image's address is no PNG, JPEG, GIF, WebP or HEIF image."
            }
            Self::TooSlow => {
                "An image did not arrive in time: it has 10 seconds at most. Send it as a data URL."
            }
            Self::Busy | Self::Unavailable => {
                "The hub cannot fetch the request's images at this moment. Try again in a second."
            }
        }
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let passes = matches!(error, FetchError::Busy | FetchError::Unavailable);
        Self {
            advice: Some(error.advice().into()),
            retry_after: passes.then_some(SOON),
            ..Self::new(FailureKind::ImageNotFetched, Class::NextNow)
        }
    }
}
