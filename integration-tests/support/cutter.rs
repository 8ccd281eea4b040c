//! A wire to a database that breaks at the worst moment: the work is done, and nobody is told.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Forwards bytes both ways; once armed, it cuts a connection when the answer to an INSERT comes.
#[derive(Debug)]
pub(crate) struct Cutter {
    /// Where it listens.
    pub(crate) port: u16,
    /// Whether the next answer is cut off.
    pub(crate) armed: Arc<AtomicBool>,
    /// How many were.
    pub(crate) cuts: Arc<Mutex<usize>>,
}

// === impl Cutter ===

impl Cutter {
    /// One before this port.
    pub(crate) async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cutter = Self {
            port: listener.local_addr().unwrap().port(),
            armed: Arc::default(),
            cuts: Arc::default(),
        };
        let (armed, cuts) = (cutter.armed.clone(), cutter.cuts.clone());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (armed, cuts) = (armed.clone(), cuts.clone());
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                    let (mut from, mut back) = ([0; 65536], [0; 65536]);
                    let mut inserting = false;
                    loop {
                        tokio::select! {
                            read = client.read(&mut from) => match read {
                                Ok(count @ 1..) => {
                                    let sent = &from[..count];
                                    inserting |= sent.windows(11).any(|w| w == b"INSERT INTO");
                                    server.write_all(sent).await.unwrap();
                                }
                                _ => return,
                            },
                            read = server.read(&mut back) => match read {
                                Ok(count @ 1..) => {
                                    // CommandComplete says that it is done: nobody hears of it.
                                    let said = &back[..count];
                                    let done = said.windows(9).any(|w| w == b"INSERT 0 ");
                                    if inserting && done && armed.swap(false, Ordering::SeqCst) {
                                        *cuts.lock().unwrap() += 1;
                                        return;
                                    }
                                    if client.write_all(said).await.is_err() {
                                        return;
                                    }
                                }
                                _ => return,
                            },
                        }
                    }
                });
            }
        });
        cutter
    }
}
