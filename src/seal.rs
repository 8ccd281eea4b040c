//! Seal: what the process gives up before it does anything else.
//!
//! 1. [`harden`]: no core files, no debugger, no `/proc` for others, no new privileges. Before any
//!    thread exists, and again after the exec, because `execve` makes a process dumpable again.
//! 2. [`reexec`]: the variables that are needed go into a pipe, then the program executes itself
//!    with an allow-listed environment. `/proc/self/environ` shows what a process was started with,
//!    whatever it unset since: so even a dependency that looks there finds nothing.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, Read, Write},
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::Path,
    process::Command,
};

use rustix::process::{DumpableBehavior, Resource, Rlimit};
use zeroize::Zeroizing;

/// Names the pipe's descriptor to the sealed process. Not a secret.
const DESCRIPTOR: &str = "HUB_SEALED_FD";

/// What the sealed process keeps of its environment: nothing that could be a secret.
const KEPT: [&str; 7] = [
    "LANG",
    "LC_ALL",
    "RUST_BACKTRACE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
];

/// What it is given besides. A large body is then memory of its own, which goes back to the system
/// when it is freed; otherwise glibc learns from the first one to keep such memory for ever.
const GIVEN: [(&str, &str); 2] = [
    ("MALLOC_MMAP_THRESHOLD_", "1048576"),
    ("MALLOC_TRIM_THRESHOLD_", "16777216"),
];

/// Where SQLite puts what does not fit into memory: the data folder, if there is one.
const SQLITE_TMPDIR: &str = "SQLITE_TMPDIR";

/// A pipe holds 64 KiB before its writer blocks, and here the reader does not exist yet.
const MOST: usize = 60 * 1024;

/// Variables on their way through the seal.
pub type Variables = BTreeMap<String, Zeroizing<String>>;

/// Why the process could not be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// A limit could not be set.
    #[error("the process cannot be hardened ({what})")]
    Harden {
        /// Which call.
        what: &'static str,
        /// The system's word.
        #[source]
        source: io::Error,
    },
    /// The variables do not fit.
    #[error("the hub's variables are {0} bytes long together; at most {MOST} are possible")]
    TooMuch(usize),
    /// The pipe failed.
    #[error("the variables cannot be handed over")]
    Handover(#[source] io::Error),
    /// The program could not execute itself.
    #[error("the program cannot execute itself")]
    Exec(#[source] io::Error),
}

/// What hardening is on. Call it before the first thread.
///
/// # Errors
/// [`SealError::Harden`]. A process that cannot be hardened must not hold keys.
pub fn harden() -> Result<(), SealError> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let failed = |what| {
        move |errno: rustix::io::Errno| SealError::Harden {
            what,
            source: errno.into(),
        }
    };
    rustix::process::setrlimit(Resource::Core, none).map_err(failed("RLIMIT_CORE"))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(failed("PR_SET_DUMPABLE"))?;
    rustix::thread::set_no_new_privs(true).map_err(failed("PR_SET_NO_NEW_PRIVS"))
}

/// How many variables the sealed process has that it was not given.
pub fn strange_variables() -> usize {
    let given = GIVEN.iter().map(|(name, _)| *name);
    let known: Vec<_> = KEPT
        .into_iter()
        .chain(given)
        .chain([DESCRIPTOR, SQLITE_TMPDIR])
        .collect();
    let strange = |(name, _): &(OsString, OsString)| known.iter().all(|known| name != known);
    std::env::vars_os().filter(strange).count()
}

/// The variables that the unsealed process handed over; `None` in the unsealed process itself.
///
/// # Errors
/// [`SealError::Handover`] if the pipe cannot be read.
pub fn handed_over() -> Result<Option<Variables>, SealError> {
    let Ok(descriptor) = std::env::var(DESCRIPTOR) else {
        return Ok(None);
    };
    let broken = || SealError::Handover(io::ErrorKind::InvalidInput.into());
    let descriptor: i32 = descriptor.parse().map_err(|_| broken())?;
    // The standard streams are never the pipe: a caller who sets the variable does not get them closed.
    if descriptor <= 2 {
        return Err(broken());
    }
    // SAFETY: `reexec` left this descriptor open across the exec and named it in the environment;
    // nothing else in this process knows it, and this runs once, before any thread exists.
    #[expect(unsafe_code, reason = "an inherited descriptor has no owner yet")]
    let pipe = unsafe { OwnedFd::from_raw_fd(descriptor) };
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST + 1));
    let mut pipe = std::fs::File::from(pipe).take(MOST as u64 + 1);
    pipe.read_to_end(&mut bytes).map_err(SealError::Handover)?;
    let mut variables = Variables::new();
    for entry in bytes
        .split(|byte| *byte == 0)
        .filter(|entry| !entry.is_empty())
    {
        let entry = std::str::from_utf8(entry).map_err(|_| broken())?;
        let (name, value) = entry.split_once('=').ok_or_else(broken)?;
        variables.insert(name.to_owned(), Zeroizing::new(value.to_owned()));
    }
    Ok(Some(variables))
}

/// Executes this program again with `variables` in a pipe and nothing but the allow-list in its
/// environment; what does not fit into memory goes to `data`. Returns only if that fails.
pub fn reexec(variables: &Variables, data: Option<&Path>) -> SealError {
    match handover(variables) {
        Ok(pipe) => exec(&pipe, data),
        Err(error) => error,
    }
}

fn handover(variables: &Variables) -> Result<OwnedFd, SealError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST));
    for (name, value) in variables {
        for part in [name.as_bytes(), b"=", value.as_bytes(), b"\0"] {
            if bytes.len() + part.len() > MOST {
                let total = variables
                    .iter()
                    .map(|(name, value)| name.len() + value.len() + 2);
                return Err(SealError::TooMuch(total.sum()));
            }
            bytes.extend_from_slice(part);
        }
    }
    // Without CLOEXEC: the read end must live through the exec.
    let (reader, writer) =
        rustix::pipe::pipe().map_err(|errno| SealError::Handover(errno.into()))?;
    std::fs::File::from(writer)
        .write_all(&bytes)
        .map_err(SealError::Handover)?;
    Ok(reader)
}

fn exec(pipe: &OwnedFd, data: Option<&Path>) -> SealError {
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_else(|| OsString::from("hub"));
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return SealError::Exec(error),
    };
    let kept = KEPT
        .iter()
        .filter_map(|name| Some((*name, std::env::var_os(name)?)));
    SealError::Exec(
        Command::new(program)
            .arg0(name)
            .args(arguments)
            .env_clear()
            .envs(kept)
            .envs(GIVEN)
            .envs(data.map(|folder| (SQLITE_TMPDIR, folder)))
            .env(DESCRIPTOR, pipe.as_raw_fd().to_string())
            .exec(),
    )
}
