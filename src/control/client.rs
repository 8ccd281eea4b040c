//! Client: how a command reaches the hub that has the files, or the files if no hub runs.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use super::{
    actor::put_down,
    request::{Answer, Request},
    socket,
};
use crate::{
    audit,
    data_folder::DataFolder,
    identity::{self, Store, StoreError},
};

/// A hub answers in a moment, or never.
const PATIENCE: Duration = Duration::from_secs(15);
/// Longest answer: many keys.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The hub does not answer.
    #[error("the running hub does not answer at {path}")]
    Silent {
        /// Where.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It is somebody else's.
    #[error("the socket at {0} is another user's; become that user first")]
    Foreign(String),
    /// No hub runs, and its files cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Does it.
///
/// # Errors
/// [`ClientError`]. What the hub refuses is an answer.
pub fn ask(folder: &DataFolder, request: Request) -> Result<Answer, ClientError> {
    match ask_running(folder, &request)? {
        Some(answer) => Ok(answer),
        None => on_files(folder, request),
    }
}

/// Asks the hub that runs; `None` if none does.
///
/// # Errors
/// [`ClientError`]. What the hub refuses is an answer.
pub fn ask_running(folder: &DataFolder, request: &Request) -> Result<Option<Answer>, ClientError> {
    let path = socket::path(folder);
    match UnixStream::connect(&path) {
        Ok(stream) if socket::is_own(&stream) => {
            let answer = exchange(stream, request).map_err(|source| ClientError::Silent {
                path: path.display().to_string(),
                source,
            });
            answer.map(Some)
        }
        Ok(_) => Err(ClientError::Foreign(path.display().to_string())),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(ClientError::Foreign(path.display().to_string()))
        }
        Err(_no_hub) => Ok(None),
    }
}

fn exchange(mut stream: UnixStream, request: &Request) -> io::Result<Answer> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}

fn on_files(folder: &DataFolder, request: Request) -> Result<Answer, ClientError> {
    let since = Instant::now();
    let store = Store::open(folder)?;
    let what = request.audited();
    let done = identity::administer(&store, &Request::principal(), request.act());
    let answer = Answer::new(done);
    put_down_at_once(folder, what, &answer, since);
    Ok(answer)
}

/// Puts down what was done while no hub runs.
pub fn put_down_at_once(
    folder: &DataFolder,
    what: Option<String>,
    answer: &Answer,
    since: Instant,
) {
    audit::at_once(folder, |trail| put_down(trail, what, answer, since));
}
