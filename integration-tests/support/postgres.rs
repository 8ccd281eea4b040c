//! A PostgreSQL of the tests' own: from the installed server programs, as somebody who is not root, on a
//! Unix socket and on a TLS port with a certificate made for the run.
//!
//! It ends with whoever started it, also if that is killed: a shell waits for the end of a pipe.

use std::{
    fs,
    io::Write,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls, Row};

use super::installed::{MISSING, as_somebody, certificates, own, program};

/// Longest wait for a server, on a machine that is busy compiling.
const START: Duration = Duration::from_secs(60);
/// Its superuser.
const USER: &str = "hub";

/// Ends the server when nobody holds the pipe any more; `$1` is the folder, the rest the server.
const WATCH: &str = r#"folder=$1; shift
"$@" >"$folder/log" 2>&1 </dev/null &
server=$!
read -r word
[ "$word" = gone ] || kill -QUIT $server
wait $server
[ "$word" = mine ] || [ "$word" = gone ] || rm -rf "$folder""#;

/// A running server. It is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Postgres {
    folder: TempDir,
    /// Where it listens with TLS.
    pub(crate) port: u16,
    password: String,
    server: Option<Child>,
}

/// One database of a server, which nobody else uses.
#[derive(Debug, Clone)]
pub(crate) struct TestDatabase {
    server: &'static Postgres,
    name: String,
}

// === impl Postgres ===

impl Postgres {
    /// One for tests that do it no harm.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(""))
    }

    /// One that a test may kill, with lines of its own in the configuration.
    ///
    /// # Panics
    /// If the programs are not installed, or the server does not start.
    pub(crate) fn start(lines: &str) -> Self {
        let folder = TempDir::with_prefix("pg").unwrap();
        let password = format!("{:016x}", fastrand::u64(..));
        own(folder.path(), 0o700);
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            own(&path, 0o600);
        };
        write("password", &password);
        let (roots, certificate, key) = certificates(&["localhost"]);
        write("server.pem", &certificate);
        write("server.key", &key);
        let data = folder.path().join("data");
        let made = as_somebody(&program("initdb"))
            .args([
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
                "--username",
                USER,
            ])
            .args([
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "--pgdata",
            ])
            .arg(&data)
            .arg("--pwfile")
            .arg(folder.path().join("password"))
            .stdin(Stdio::null())
            .output()
            .expect(MISSING);
        let log = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "initdb: {log}");
        let path = folder.path().display();
        let configuration = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{path}'\nfsync = off\n\
             ssl = on\nssl_cert_file = '{path}/server.pem'\nssl_key_file = '{path}/server.key'\n\
             shared_buffers = 16MB\nmax_connections = 60\nmax_wal_senders = 0\n{lines}\n"
        );
        write("data/postgresql.conf", &configuration);
        fs::write(folder.path().join("roots.pem"), roots).unwrap();
        let mut server = Self {
            folder,
            port: 0,
            password,
            server: None,
        };
        server.port = server.run(None);
        server
    }

    /// Runs it on this port, or on a free one, and waits until it takes connections.
    fn run(&mut self, port: Option<u16>) -> u16 {
        let end = Instant::now() + START;
        loop {
            let candidate = port.unwrap_or_else(|| {
                let free = TcpListener::bind("127.0.0.1:0").unwrap();
                free.local_addr().unwrap().port()
            });
            let folder = self.folder.path();
            let log = folder.join("log");
            drop(fs::remove_file(&log));
            let child = as_somebody(Path::new("sh"))
                .args(["-c", WATCH, "sh"])
                .arg(folder)
                .arg(program("postgres"))
                .arg("-D")
                .arg(folder.join("data"))
                .args(["-p", &candidate.to_string()])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            self.server = Some(child);
            loop {
                let said = fs::read_to_string(&log).unwrap_or_default();
                if said.contains("ready to accept connections") {
                    return candidate;
                }
                assert!(Instant::now() < end, "PostgreSQL does not start:\n{said}");
                // The port was taken meanwhile, or the life before is not quite over.
                if said.contains("FATAL") {
                    self.end("mine");
                    break;
                }
                sleep(Duration::from_millis(10));
            }
        }
    }

    /// SIGKILL, as by an out-of-memory killer.
    pub(crate) fn kill(&mut self) {
        let file = self.folder.path().join("data/postmaster.pid");
        let text = fs::read_to_string(file).unwrap();
        let pid = text.lines().next().unwrap().parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        self.end("gone");
    }

    /// Starts it again, where it was.
    pub(crate) fn restart(&mut self) {
        self.run(Some(self.port));
    }

    fn end(&mut self, word: &str) {
        if let Some(mut server) = self.server.take() {
            if let Some(mut pipe) = server.stdin.take() {
                drop(writeln!(pipe, "{word}"));
            }
            server.wait().unwrap();
        }
    }

    /// A DSN for the TLS port.
    pub(crate) fn dsn(&self, database: &str, params: &str) -> String {
        let (password, port) = (&self.password, self.port);
        format!("postgresql://{USER}:{password}@localhost:{port}/{database}?{params}")
    }

    /// Parameters that make a client sure whom it talks to.
    pub(crate) fn verified(&self) -> String {
        format!("sslmode=verify-full&sslrootcert={}", self.roots().display())
    }

    /// Who signed its certificate.
    pub(crate) fn roots(&self) -> PathBuf {
        self.folder.path().join("roots.pem")
    }

    /// Where its Unix socket is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The superuser, at the Unix socket.
    pub(crate) async fn client(&self, database: &str) -> Client {
        let mut config = tokio_postgres::Config::new();
        config.host_path(self.folder.path()).port(self.port);
        config.user(USER).dbname(database);
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.end("mine");
    }
}

// === impl TestDatabase ===

impl TestDatabase {
    /// A new, empty one on the shared server.
    pub(crate) async fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = Postgres::shared();
        let name = format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let admin = server.client("postgres").await;
        let create = format!("CREATE DATABASE {name}");
        admin.batch_execute(&create).await.unwrap();
        Self { server, name }
    }

    /// For DATABASE_URL.
    pub(crate) fn url(&self) -> String {
        self.server.dsn(&self.name, &self.server.verified())
    }

    /// The same by the Unix socket, where neither TLS nor password takes time.
    pub(crate) fn socket(&self) -> String {
        let (folder, port) = (self.server.folder().display(), self.server.port);
        let name = &self.name;
        format!("host={folder} port={port} user={USER} dbname={name} sslmode=disable")
    }

    /// The same for another role.
    pub(crate) fn url_of(&self, role: &str, password: &str) -> String {
        let credentials = format!("{USER}:{}", self.server.password);
        self.url()
            .replace(&credentials, &format!("{role}:{password}"))
    }

    /// The superuser.
    pub(crate) async fn client(&self) -> Client {
        self.server.client(&self.name).await
    }

    /// Runs statements.
    pub(crate) async fn run(&self, sql: &str) {
        self.client().await.batch_execute(sql).await.unwrap();
    }

    /// A query's rows.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<Row> {
        self.client().await.query(sql, &[]).await.unwrap()
    }

    /// A number.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.rows(sql).await[0].get(0)
    }
}
