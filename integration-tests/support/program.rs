//! The binary as a process: a clean environment, captured output, an end that is waited for.

use std::{
    fmt::Display,
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    task::JoinHandle,
};

use super::deadline::within;

/// Longest run of a command that ends by itself.
const RUN: Duration = Duration::from_secs(20);

/// A command line of the hub, not started yet.
#[derive(Debug)]
pub(crate) struct Program {
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    folder: TempDir,
    user: Option<u32>,
}

/// A started hub. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    /// Its working folder, which nobody else has.
    pub(crate) folder: TempDir,
    /// What it has printed so far.
    pub(crate) stdout: Capture,
    /// What it has logged so far.
    pub(crate) stderr: Capture,
    reading: [JoinHandle<()>; 2],
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The exit code; `None` after a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Output, growing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Capture(Arc<Mutex<Vec<u8>>>);

// === impl Program ===

impl Program {
    /// `hub ARGUMENTS..` in an empty folder, with an empty environment.
    pub(crate) fn new<A: Display>(arguments: impl IntoIterator<Item = A>) -> Self {
        Self {
            arguments: arguments.into_iter().map(|a| a.to_string()).collect(),
            environment: Vec::new(),
            folder: tempfile::tempdir().unwrap(),
            user: None,
        }
    }

    /// A variable of its environment.
    pub(crate) fn env(mut self, name: &str, value: impl Display) -> Self {
        self.environment.push((name.to_owned(), value.to_string()));
        self
    }

    /// A file in its folder.
    pub(crate) fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    /// As this user, who owns its folder and has a copy of the program there. Takes root.
    pub(crate) fn user(mut self, user: Option<u32>) -> Self {
        self.user = user;
        self
    }

    /// The command, the folder its user's own.
    fn command(&self) -> Command {
        let Some(user) = self.user else {
            return Command::new(env!("CARGO_BIN_EXE_hub"));
        };
        let folder = self.folder.path();
        let copy = folder.join("hub");
        fs::copy(env!("CARGO_BIN_EXE_hub"), &copy).unwrap();
        let own = |path: &Path| chown(path, Some(user), Some(user)).unwrap();
        own(folder);
        for entry in fs::read_dir(folder).unwrap() {
            own(&entry.unwrap().path());
        }
        let mut command = Command::new(copy);
        command.uid(user).gid(user);
        command
    }

    /// Starts it.
    pub(crate) fn spawn(self) -> Running {
        let mut child = self
            .command()
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (stdout, stderr) = (Capture::default(), Capture::default());
        let reading = [
            tokio::spawn(stdout.clone().read(child.stdout.take().unwrap())),
            tokio::spawn(stderr.clone().read(child.stderr.take().unwrap())),
        ];
        Running {
            child,
            folder: self.folder,
            stdout,
            stderr,
            reading,
        }
    }

    /// Starts it and waits for its end.
    pub(crate) async fn run(self) -> Finished {
        self.spawn().finish(RUN).await
    }
}

// === impl Running ===

impl Running {
    /// The process id.
    ///
    /// # Panics
    /// After the end.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("the hub still runs")
    }

    /// A file below `/proc/PID`.
    pub(crate) fn proc_file(&self, name: &str) -> PathBuf {
        Path::new("/proc").join(self.pid().to_string()).join(name)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Whether it has ended, and how.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end.
    pub(crate) async fn finish(mut self, limit: Duration) -> Finished {
        let status = within(limit, "the program's end", self.child.wait()).await;
        for reading in &mut self.reading {
            within(limit, "the end of the output", reading)
                .await
                .unwrap();
        }
        Finished {
            code: status.unwrap().code(),
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
        }
    }
}

// === impl Finished ===

impl Finished {
    /// Both outputs, for tests that do not mind which.
    pub(crate) fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    #[track_caller]
    pub(crate) fn assert_exit(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "output:\n{}", self.output());
        self
    }
}

// === impl Capture ===

impl Capture {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    async fn read(self, mut from: impl AsyncRead + Unpin) {
        let mut piece = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut piece).await {
            self.0.lock().unwrap().extend_from_slice(&piece[..count]);
        }
    }
}
