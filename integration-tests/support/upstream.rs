//! A fake vendor: one server on loopback that speaks all formats and does as it is told.
//!
//! It is made of sockets and nothing else, because no HTTP library would misbehave like this.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
    time::sleep,
};

use super::{
    deadline::eventually,
    exchange::Exchange,
    fault::{Afterwards, Fault},
    http::read_message,
    vendor::Vendor,
};

/// Longest wait for a request that is under way.
const ARRIVAL: Duration = Duration::from_secs(10);

/// Between two tries to accept somebody.
const PAUSE: Duration = Duration::from_millis(10);

/// One for each vendor, in their order, and one for strays.
const SCRIPTS: usize = 7;

/// A server that stands for any vendor.
#[derive(Debug)]
pub(crate) struct FakeUpstream {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// `POST ../messages`
    pub(crate) anthropic: Script,
    /// `POST ../models/{model}:generateContent`
    pub(crate) gemini: Script,
    /// `POST ../chat/completions`
    pub(crate) openai: Script,
    /// `GET ../web/search?q=`
    pub(crate) brave: Script,
    /// `POST ../tavily/search`
    pub(crate) tavily: Script,
    /// `GET ../searxng/search?q=`
    pub(crate) searxng: Script,
    /// Everything else, answered with 404.
    pub(crate) strays: Script,
    accepting: JoinHandle<()>,
}

/// What one endpoint shall do, and what it saw.
#[derive(Debug, Clone)]
pub(crate) struct Script(Arc<Mutex<Scene>>);

#[derive(Debug)]
struct Scene {
    next: VecDeque<Fault>,
    otherwise: Fault,
    seen: Vec<Arc<Exchange>>,
}

/// An address where connections are refused, for as long as this lives: it is bound, so nobody
/// else gets it, and does not listen.
#[derive(Debug)]
pub(crate) struct ClosedPort {
    socket: TcpSocket,
}

// === impl FakeUpstream ===

impl FakeUpstream {
    /// Starts on a free port; every endpoint answers until it is told otherwise.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let scripts = [
            Script::new(Fault::Answer("hello from anthropic")),
            Script::new(Fault::Answer("hello from gemini")),
            Script::new(Fault::Answer("hello from openai")),
            Script::new(Fault::Answer("found by brave")),
            Script::new(Fault::Answer("found by tavily")),
            Script::new(Fault::Answer("found by searxng")),
            Script::new(Fault::Status(404)),
        ];
        let [anthropic, gemini, openai, brave, tavily, searxng, strays] = scripts.clone();
        let accepting = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => drop(tokio::spawn(serve(stream, scripts.clone()))),
                    Err(error) => {
                        // One connection that fails, or files that are all in use, is not the end.
                        eprintln!("the fake vendor accepts nobody at the moment: {error}");
                        sleep(PAUSE).await;
                    }
                }
            }
        });
        Self {
            address,
            anthropic,
            gemini,
            openai,
            brave,
            tavily,
            searxng,
            strays,
            accepting,
        }
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The endpoint of one format.
    pub(crate) fn endpoint(&self, vendor: Vendor) -> &Script {
        match vendor {
            Vendor::Anthropic => &self.anthropic,
            Vendor::Gemini => &self.gemini,
            Vendor::OpenAi => &self.openai,
            Vendor::Brave => &self.brave,
            Vendor::Tavily => &self.tavily,
            Vendor::Searxng => &self.searxng,
        }
    }

    fn endpoints(&self) -> [&Script; 6] {
        [
            &self.anthropic,
            &self.gemini,
            &self.openai,
            &self.brave,
            &self.tavily,
            &self.searxng,
        ]
    }

    /// Everything that arrived anywhere.
    pub(crate) fn seen(&self) -> Vec<Arc<Exchange>> {
        let scripts = self.endpoints().into_iter().chain([&self.strays]);
        scripts.flat_map(Script::seen).collect()
    }

    /// Every endpoint does this from now on.
    pub(crate) fn always(&self, fault: &Fault) {
        for script in self.endpoints() {
            script.always(fault.clone());
        }
    }
}

impl Drop for FakeUpstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

// === impl Script ===

impl Script {
    fn new(otherwise: Fault) -> Self {
        Self(Arc::new(Mutex::new(Scene {
            next: VecDeque::new(),
            otherwise,
            seen: Vec::new(),
        })))
    }

    /// Does this on the next request that has nothing else to meet.
    pub(crate) fn once(&self, fault: Fault) -> &Self {
        self.0.lock().unwrap().next.push_back(fault);
        self
    }

    /// Does this on every request from now on.
    pub(crate) fn always(&self, fault: Fault) -> &Self {
        self.0.lock().unwrap().otherwise = fault;
        self
    }

    /// What arrived, in order.
    pub(crate) fn seen(&self) -> Vec<Arc<Exchange>> {
        self.0.lock().unwrap().seen.clone()
    }

    /// The request number `index`, as soon as it has arrived.
    pub(crate) async fn arrival(&self, index: usize) -> Arc<Exchange> {
        let look = async || self.seen().get(index).cloned();
        eventually(ARRIVAL, "a request at the vendor", look).await.0
    }

    /// The only request that arrived.
    #[track_caller]
    pub(crate) fn only(&self) -> Arc<Exchange> {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "requests at this endpoint");
        Arc::clone(&seen[0])
    }

    fn meet(&self, exchange: &Arc<Exchange>) -> Fault {
        let mut scene = self.0.lock().unwrap();
        scene.seen.push(Arc::clone(exchange));
        let next = scene.next.pop_front();
        next.unwrap_or_else(|| scene.otherwise.clone())
    }
}

// === impl ClosedPort ===

impl ClosedPort {
    pub(crate) fn reserve() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self { socket }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.socket.local_addr().unwrap())
    }
}

async fn serve(mut stream: TcpStream, scripts: [Script; SCRIPTS]) -> io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let afterwards = answer(&mut stream, &scripts).await?;
        match afterwards {
            Afterwards::KeepOpen => {}
            Afterwards::Reset => return stream.set_zero_linger(),
            Afterwards::Close | Afterwards::WaitForHangUp => return Ok(()),
        }
    }
}

async fn answer(stream: &mut TcpStream, scripts: &[Script; SCRIPTS]) -> io::Result<Afterwards> {
    let (mut from, mut to) = stream.split();
    let exchange = Exchange::new(read_message(&mut from).await?);
    let vendor = Vendor::of(exchange.target());
    let script = &scripts[vendor.map_or(SCRIPTS - 1, |vendor| vendor as usize)];
    let fault = script.meet(&exchange);
    let playing = async {
        let vendor = vendor.unwrap_or(Vendor::OpenAi);
        let afterwards = fault.play(vendor, &exchange, &mut to).await;
        if matches!(afterwards, Ok(Afterwards::WaitForHangUp)) {
            std::future::pending::<()>().await;
        }
        afterwards
    };
    let afterwards = tokio::select! {
        afterwards = playing => afterwards,
        () = hang_up(&mut from) => Err(io::ErrorKind::ConnectionAborted.into()),
    };
    if afterwards.is_err() {
        exchange.note_hang_up();
    }
    afterwards
}

/// Returns when the far end closes or resets the connection.
async fn hang_up(from: &mut (impl AsyncRead + Unpin)) {
    let mut byte = [0];
    // Nothing is said before the answer is read: the hub does not pipeline.
    while matches!(from.read(&mut byte).await, Ok(1)) {}
}
