//! Names: the resolver of the fetcher's client. It is asked at the moment of connecting, and what it answers
//! is what is connected to: a name that leads elsewhere a second later (DNS rebinding) leads nowhere.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::{sync::Semaphore, task::spawn_blocking};

#[cfg(feature = "fixtures")]
use super::fixture::Fixture;
use super::public::is_public;

/// How many names are looked up at once. The machine's resolver cannot be interrupted: a look-up takes a
/// thread until it gives up, also when nobody waits for it any more.
const LOOK_UPS: usize = 32;

/// All addresses of a name, from somebody who may take long.
type LookUp = fn(&str) -> io::Result<Vec<SocketAddr>>;

/// Knows public addresses alone. All its clones, and so all lives of the actor, share the threads.
#[derive(Debug, Clone)]
pub struct PublicNames {
    look_up: LookUp,
    places: Arc<Semaphore>,
    #[cfg(feature = "fixtures")]
    pub fixture: Fixture,
}

/// The public ones of the addresses that a name has. One that has others besides keeps these.
///
/// # Errors
/// If there is none: nobody is told which others there are, or whether there are any.
fn public(
    found: impl IntoIterator<Item = SocketAddr>,
    may: impl Fn(&SocketAddr) -> bool,
) -> io::Result<Vec<SocketAddr>> {
    let public: Vec<_> = found.into_iter().filter(may).collect();
    if public.is_empty() {
        return Err(io::ErrorKind::AddrNotAvailable.into());
    }
    Ok(public)
}

/// By the machine's own resolver.
fn by_machine(name: &str) -> io::Result<Vec<SocketAddr>> {
    // Port 0 is the scheme's own.
    (name, 0).to_socket_addrs().map(Vec::from_iter)
}

// === impl PublicNames ===

impl Default for PublicNames {
    fn default() -> Self {
        Self {
            look_up: by_machine,
            places: Arc::new(Semaphore::new(LOOK_UPS)),
            #[cfg(feature = "fixtures")]
            fixture: Fixture::default(),
        }
    }
}

impl PublicNames {
    async fn addresses(self, name: &str) -> io::Result<Vec<SocketAddr>> {
        #[cfg(feature = "fixtures")]
        if let Some(found) = self.fixture.named(name) {
            return public([found], |address| self.fixture.exempts(address));
        }
        let place = self.places.acquire_owned().await;
        let place = place.map_err(io::Error::other)?;
        let (look_up, name) = (self.look_up, name.to_owned());
        let looking = spawn_blocking(move || {
            // It is taken for as long as the thread is, not for as long as somebody waits.
            let _place = place;
            look_up(&name)
        });
        let found = looking.await.map_err(io::Error::other)??;
        public(found, |address| is_public(address.ip()))
    }
}

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            let public = names.addresses(name.as_str()).await?;
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            RwLock,
            atomic::{AtomicUsize, Ordering},
        },
        time::{Duration, Instant},
    };

    use tokio::{runtime::Builder, task::yield_now};

    use super::*;

    /// Look-ups that have begun.
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    /// Nobody answers while somebody writes.
    static SILENCE: RwLock<()> = RwLock::new(());

    /// A name server that takes its time.
    fn slow(_: &str) -> io::Result<Vec<SocketAddr>> {
        BEGUN.fetch_add(1, Ordering::SeqCst);
        drop(SILENCE.read());
        Ok(vec![([8, 8, 8, 8], 0).into()])
    }

    #[test]
    fn of_a_names_addresses_the_public_ones_are_left() {
        let of = |addresses: &[&str]| {
            let found = addresses.iter().map(|text| text.parse().expect("is one"));
            public(found, |address| is_public(address.ip()))
        };
        assert_eq!(
            of(&["127.0.0.1:0", "8.8.8.8:0", "[::1]:0"]).ok(),
            Some(vec!["8.8.8.8:0".parse().expect("is one")])
        );
        let none = of(&[]).expect_err("there is none");
        let private = of(&["10.0.0.1:0", "[fd00::1]:0"]).expect_err("none is public");
        assert_eq!(none.to_string(), private.to_string());
    }

    /// The machine's own names, by the machine's own resolver.
    #[tokio::test]
    async fn a_name_of_this_machine_has_no_address() {
        for name in ["localhost", "LOCALHOST", "localhost."] {
            let names = PublicNames::default();
            let found = names.addresses(name).await;
            assert!(found.is_err(), "{name}: {found:?}");
        }
    }

    /// Whoever hangs up leaves a thread behind, and the next must not take another.
    #[test]
    fn who_hangs_up_frees_no_place_for_a_look_up() {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let names = PublicNames {
            look_up: slow,
            ..PublicNames::default()
        };
        let silence = SILENCE.write().expect("nobody panicked");
        runtime.block_on(async {
            for _ in 0..4 * LOOK_UPS {
                tokio::select! {
                    biased;
                    found = names.clone().addresses("slow.test") => panic!("nobody answers: {found:?}"),
                    () = yield_now() => {}
                }
            }
            let start = Instant::now();
            while BEGUN.load(Ordering::SeqCst) < LOOK_UPS {
                assert!(start.elapsed() < Duration::from_secs(10), "they begin");
                yield_now().await;
            }
        });
        assert_eq!(names.places.available_permits(), 0);
        drop(silence);
        // Its turn comes when one of them has ended; none of those who left is looked up after all.
        let found = runtime.block_on(names.addresses("slow.test"));
        assert_eq!(found.ok(), Some(vec![([8, 8, 8, 8], 0).into()]));
        assert_eq!(BEGUN.load(Ordering::SeqCst), LOOK_UPS + 1);
    }
}
