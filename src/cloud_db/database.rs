//! Database: a few connections, and what each must be before it is used.

use std::{future::Future, pin::Pin, time::Duration};

use deadpool_postgres::{
    Client, Connect, CreatePoolError, Hook, HookError, Manager, ManagerConfig, Object, Pool,
    PoolError, RecyclingMethod, Runtime, Timeouts,
};
use rustls::ClientConfig;
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{Config, Error, NoTls, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    dsn::Dsn,
    fault::{Fault, FaultKind},
    tls::{self, TlsError},
};

/// Most connections. Small hosted databases have few.
const MOST: usize = 10;
/// Longest time for a connection to be there, TLS and password included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time for a statement, by the server's clock.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);
/// The same by ours: a server that does not answer keeps no promise either.
const SILENCE: Duration = Duration::from_secs(35);

/// What a database can be opened with. Made once; each life opens it for itself.
#[derive(Clone)]
pub struct DatabaseSpec {
    dsn: Dsn,
    tls: Option<ClientConfig>,
}

/// An open database: connections come when they are needed.
#[derive(Clone)]
pub struct Database(Pool);

/// Connects as the spec says. The driver's own words stay inside: a server can choose them.
struct Connector(Option<MakeRustlsConnect>);

// === impl DatabaseSpec ===

impl DatabaseSpec {
    /// Reads the roots that are to be trusted.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn new(dsn: Dsn) -> Result<Self, TlsError> {
        let tls = tls::client(&dsn.trust)?;
        Ok(Self { dsn, tls })
    }

    /// Host and database, for people to read.
    pub fn place(&self) -> &str {
        self.dsn.place()
    }
}

// === impl Database ===

impl Database {
    /// Opens it. Nothing is connected yet.
    ///
    /// # Errors
    /// [`CreatePoolError`], if the pool cannot be made: a fault of ours.
    pub fn open(spec: &DatabaseSpec) -> Result<Self, CreatePoolError> {
        let connector = Connector(spec.tls.clone().map(MakeRustlsConnect::new));
        let manager = Manager::from_connect(
            spec.dsn.config.clone(),
            connector,
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let (secure, own_timeout) = (spec.tls.is_some(), spec.dsn.own_timeout);
        let prepare = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async move {
                let prepared = prepare(client, secure, own_timeout).await;
                prepared.map_err(HookError::Backend)
            })
        });
        let pool = Pool::builder(manager)
            .max_size(MOST)
            .timeouts(Timeouts {
                wait: Some(CONNECT_TIMEOUT),
                create: Some(CONNECT_TIMEOUT),
                recycle: Some(CONNECT_TIMEOUT),
            })
            .runtime(Runtime::Tokio1)
            .post_create(prepare)
            .build();
        pool.map(Self).map_err(CreatePoolError::Build)
    }

    /// A connection that is ready for work.
    ///
    /// # Errors
    /// [`Fault`]
    pub async fn client(&self) -> Result<Client, Fault> {
        self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                error.into()
            }
            PoolError::Timeout(_) => Fault::silent(),
            _ => Fault::new(FaultKind::NotNow, "no connection is free"),
        })
    }
}

/// Waits for a statement. A connection that does not answer is not used again.
///
/// # Errors
/// [`Fault`]
pub async fn answer<T>(
    client: Client,
    statement: impl AsyncFnOnce(&Client) -> Result<T, Error>,
) -> (Option<Client>, Result<T, Fault>) {
    match timeout(SILENCE, statement(&client)).await {
        Ok(answer) => (Some(client), answer.map_err(Fault::from)),
        Err(_) => {
            drop(Object::take(client));
            (None, Err(Fault::silent()))
        }
    }
}

/// Sets what every statement relies on, and looks whether the server sees TLS, too.
async fn prepare(
    client: &tokio_postgres::Client,
    secure: bool,
    own_timeout: bool,
) -> Result<(), Error> {
    // A commit that the server may forget is none: the outbox forgets the row.
    let mut setup = "SELECT set_config('synchronous_commit', 'on', false) \
                     WHERE current_setting('synchronous_commit') = 'off'"
        .to_owned();
    if !own_timeout {
        let milliseconds = STATEMENT_TIMEOUT.as_millis();
        setup = format!("SET statement_timeout = {milliseconds}; {setup}");
    }
    client.batch_execute(&setup).await?;
    if !secure {
        return Ok(());
    }
    let sees = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let plain = match client.simple_query(sees).await {
        Ok(messages) => messages.iter().any(
            |message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("f")),
        ),
        // A cloud that hides the view hides nothing else.
        Err(_) => false,
    };
    if plain {
        tracing::warn!(
            "the database sees a connection without TLS: something before it ends the TLS, and what \
             is behind that is in the cloud's hands"
        );
    }
    Ok(())
}

// === impl Connector ===

type Connecting<'a> = Pin<
    Box<dyn Future<Output = Result<(tokio_postgres::Client, JoinHandle<()>), Error>> + Send + 'a>,
>;

impl Connect for Connector {
    fn connect(&self, config: &Config) -> Connecting<'_> {
        let (config, tls) = (config.clone(), self.0.clone());
        Box::pin(async move {
            // What ends a connection shows in the next statement on it.
            Ok(match tls {
                Some(tls) => {
                    let (client, connection) = config.connect(tls).await?;
                    (client, tokio::spawn(async move { drop(connection.await) }))
                }
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    (client, tokio::spawn(async move { drop(connection.await) }))
                }
            })
        })
    }
}
