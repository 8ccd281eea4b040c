//! A server with images at an address of the Internet's, as far as the hub under test can tell: real TLS,
//! with a certificate that it believes. And a listener in the network, which nobody must find.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Barrier,
    task::JoinHandle,
    time::sleep,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{exchange::Exchange, http::read_message, hub::HubBuilder, installed::certificates};

/// A red pixel.
pub(crate) const PIXEL: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\
    \0\0\0\x0cIDATx\x9cc\xf8\xcf\xc0\0\0\x03\x01\x01\0\xc9\xfe\x92\xef\0\0\0\0IEND\xaeB`\x82";

/// The name of the server.
pub(crate) const NAME: &str = "images.test";

/// What is at a path.
#[derive(Debug, Clone)]
pub(crate) enum Page {
    /// 200, and these bytes under a content type that says nothing.
    Bytes(Vec<u8>),
    /// 302 to somewhere.
    To(String),
    /// These bytes of HTTP, and the connection ends.
    Http(Vec<u8>),
    /// The pixel's head, and then nothing.
    Stall,
    /// A PNG that never ends, of no announced length.
    Endless,
    /// The pixel, of no announced length: half of it, and the rest when everybody has come.
    Together(Arc<Barrier>),
}

/// The server. It is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Pictures {
    /// Where it is.
    pub(crate) address: SocketAddr,
    roots: NamedTempFile,
    pages: Arc<Mutex<HashMap<String, Page>>>,
    seen: Arc<Mutex<Vec<Arc<Exchange>>>>,
    accepting: JoinHandle<()>,
}

/// A listener that counts who comes, and says nothing.
#[derive(Debug)]
pub(crate) struct Inside {
    /// Where it is.
    pub(crate) address: SocketAddr,
    found: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

// === impl Pictures ===

impl Pictures {
    /// With the pixel at `/pixel.png`.
    pub(crate) async fn start() -> Self {
        let (root, certificate, key) = certificates(&[NAME]);
        let roots = NamedTempFile::new().unwrap();
        std::fs::write(roots.path(), root).unwrap();
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let pages = Arc::<Mutex<HashMap<_, _>>>::default();
        let seen = Arc::<Mutex<Vec<_>>>::default();
        let (shown, kept) = (pages.clone(), seen.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, pages, seen) = (acceptor.clone(), shown.clone(), kept.clone());
                tokio::spawn(async move {
                    let stream = acceptor.accept(stream).await?;
                    serve(stream, &pages, &seen).await
                });
            }
        });
        let pictures = Self {
            address,
            roots,
            pages,
            seen,
            accepting,
        };
        pictures.put("/pixel.png", Page::Bytes(PIXEL.to_vec()));
        pictures
    }

    /// Puts something at a path, and says its address.
    pub(crate) fn put(&self, path: &str, page: Page) -> String {
        self.pages.lock().unwrap().insert(path.to_owned(), page);
        self.url(path)
    }

    /// `https://images.test/PATH`
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{NAME}{path}")
    }

    /// What was asked for, in order.
    pub(crate) fn seen(&self) -> Vec<Arc<Exchange>> {
        self.seen.lock().unwrap().clone()
    }

    /// A hub that fetches images, for which this server is on the Internet. `names` are others, and where
    /// they lead.
    pub(crate) fn known_to(&self, hub: HubBuilder, names: &[(&str, SocketAddr)]) -> HubBuilder {
        let names = names.iter().map(|(name, to)| format!(" {name}={to}"));
        let names: String = names.collect();
        let address = self.address;
        let internet = format!("{NAME}={address} exempt={address}{names}");
        hub.env("SSL_CERT_FILE", self.roots.path().display())
            .env("HUB__HUB__HUB_FETCH_IMAGES", "true")
            .env("HUB__HUB__HUB_FETCH_FIXTURE", internet)
    }
}

impl Drop for Pictures {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    mut stream: TlsStream<TcpStream>,
    pages: &Mutex<HashMap<String, Page>>,
    seen: &Mutex<Vec<Arc<Exchange>>>,
) -> io::Result<()> {
    let exchange = Exchange::new(read_message(&mut stream).await?);
    let page = pages.lock().unwrap().get(exchange.target()).cloned();
    seen.lock().unwrap().push(exchange.clone());
    let head = |more: &str| format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{more}\r\n");
    let bytes = match page {
        None => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
        Some(Page::Bytes(bytes)) => {
            let head = head(&format!("Content-Length: {}\r\n", bytes.len()));
            [head.as_bytes(), &bytes].concat()
        }
        Some(Page::To(location)) => {
            let head = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n");
            (head + "Content-Length: 0\r\n\r\n").into_bytes()
        }
        Some(Page::Http(bytes)) => bytes,
        Some(Page::Stall) => {
            let head = head("Content-Length: 1000\r\n");
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(PIXEL).await?;
            stream.flush().await?;
            // Until the far end is gone.
            let mut rest = Vec::new();
            drop(stream.read_to_end(&mut rest).await);
            exchange.note_hang_up();
            return Ok(());
        }
        Some(Page::Together(everybody)) => {
            let (half, rest) = PIXEL.split_at(PIXEL.len() / 2);
            stream.write_all(head("").as_bytes()).await?;
            stream.write_all(half).await?;
            stream.flush().await?;
            everybody.wait().await;
            rest.to_vec()
        }
        Some(Page::Endless) => {
            stream.write_all(head("").as_bytes()).await?;
            stream.write_all(PIXEL).await?;
            let more = vec![0; 64 * 1024];
            let mut sent = 0;
            while stream.write_all(&more).await.is_ok() {
                sent += more.len();
                exchange.note_sent(more.len());
                assert!(sent < 64 << 20, "nobody stops it");
                sleep(Duration::from_micros(10)).await;
            }
            return Ok(());
        }
    };
    stream.write_all(&bytes).await?;
    stream.shutdown().await
}

// === impl Inside ===

impl Inside {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let found = Arc::<AtomicUsize>::default();
        let count = found.clone();
        let accepting = tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self {
            address,
            found,
            accepting,
        }
    }

    /// How many have connected.
    pub(crate) fn found(&self) -> usize {
        self.found.load(Ordering::SeqCst)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
