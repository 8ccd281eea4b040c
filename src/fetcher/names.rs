//! Names: the resolver of the fetcher's client. It is asked at the moment of connecting, and what it answers
//! is what is connected to: a name that leads elsewhere a second later (DNS rebinding) leads nowhere.

use std::{io, net::SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

#[cfg(feature = "fixtures")]
use super::fixture::Fixture;
use super::public::is_public;

/// Knows public addresses alone.
#[derive(Debug, Clone, Default)]
pub struct PublicNames {
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

// === impl PublicNames ===

impl PublicNames {
    async fn addresses(self, name: &str) -> io::Result<Vec<SocketAddr>> {
        #[cfg(feature = "fixtures")]
        if let Some(found) = self.fixture.named(name) {
            return public([found], |address| self.fixture.exempts(address));
        }
        // Port 0 is the scheme's own.
        let found = lookup_host((name, 0)).await?;
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
    use super::*;

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
}
