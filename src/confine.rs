//! Confine: which files the sealed process can still open, and that it starts no program (Landlock, in
//! kernels that have it).
//!
//! What a bug, or somebody in the hub's place, could want is left out: `.env`, other people's files in
//! the same account, any program. Before version 8 of its interface Landlock holds for the thread that
//! asks and for those it starts later, so it must come before every thread.

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
};

use landlock::{
    ABI, Access, AccessFs, LandlockStatus, PathBeneath, PathFd, RestrictionStatus, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, path_beneath_rules,
};

/// What reading names, addresses, roots of trust and time zones takes: glibc looks at many places, and
/// resolv.conf is often a link into `/run` that is replaced when the network changes, or to anywhere else.
const READ: [&str; 16] = [
    "/etc",
    "/etc/resolv.conf",
    "/usr",
    "/lib",
    "/lib64",
    "/nix/store",
    "/opt/etc/ssl",
    "/proc/self",
    "/proc/sys",
    "/run/NetworkManager",
    "/run/resolvconf",
    "/run/systemd/resolve",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/var/lib/ca-certificates",
    "/var/ssl",
];
/// Devices that are no files.
const DEVICES: [&str; 4] = ["/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"];
/// Where SQLite puts what does not fit into memory, if there is no data folder for it.
const TEMPORARY: [&str; 3] = ["/tmp", "/usr/tmp", "/var/tmp"];
/// Variables that name where else root certificates, or such temporary files, are.
const TRUST: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
const TMPDIR: &str = "TMPDIR";

/// What is asked of Landlock: everything about files of its third version, in Linux since 6.2.
const ASKED: ABI = ABI::V3;

/// What the hub needs besides.
#[derive(Debug, Default)]
pub struct Needs {
    /// The folder of its own files, if it has one that it can write.
    pub data: Option<PathBuf>,
    /// The configuration file. Its folder is often that of `.env`, so it is the file alone.
    pub config: PathBuf,
    /// The database's roots of trust, if they are a file of their own.
    pub roots: Option<PathBuf>,
    /// The log file.
    pub log: Option<PathBuf>,
}

/// What has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confinement {
    /// It holds.
    Enforced {
        /// The version of the kernel's interface.
        abi: i32,
        /// All of it; older kernels do not refuse to cut a file (before 6.2).
        whole: bool,
    },
    /// The kernel has none, or it is switched off there.
    Missing(&'static str),
}

/// Confines this thread, and all that it starts. A kernel that cannot is no reason not to run.
pub fn confine(needs: &Needs) -> Confinement {
    match restrict(needs) {
        Ok(status) => status.into(),
        Err(_) => Confinement::Missing("the kernel refuses it"),
    }
}

fn restrict(needs: &Needs) -> Result<RestrictionStatus, RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let own = AccessFs::from_all(ASKED) & !AccessFs::Execute;
    let trust = TRUST.iter().filter_map(std::env::var_os).map(PathBuf::from);
    let program = std::env::current_exe().ok();
    let readable = READ.iter().map(PathBuf::from).chain(trust).chain(program);
    let readable = readable.chain(needs.roots.clone());
    let temporary = TEMPORARY.iter().map(PathBuf::from);
    let temporary = temporary.chain(std::env::var_os(TMPDIR).map(PathBuf::from));
    let written: Vec<_> = match &needs.data {
        Some(folder) => vec![folder.clone()],
        None => temporary.collect(),
    };
    let config = std::iter::once(&needs.config);
    Ruleset::default()
        .handle_access(AccessFs::from_all(ASKED))?
        .create()?
        .add_rules(path_beneath_rules(readable, read))?
        .add_rules(path_beneath_rules(config, AccessFs::ReadFile))?
        .add_rules(path_beneath_rules(
            DEVICES,
            AccessFs::ReadFile | AccessFs::WriteFile,
        ))?
        .add_rules(path_beneath_rules(written, own))?
        .add_rules(needs.log.iter().filter_map(|file| log(file)))?
        .restrict_self()
}

/// The log file alone, which must be there for that; its folder may be that of `.env`.
fn log(file: &Path) -> Option<Result<PathBeneath<PathFd>, RulesetError>> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).ok()?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .ok()?;
    let file = PathFd::new(file).ok()?;
    Some(Ok(PathBeneath::new(
        file,
        AccessFs::ReadFile | AccessFs::WriteFile,
    )))
}

// === impl Confinement ===

impl From<RestrictionStatus> for Confinement {
    fn from(status: RestrictionStatus) -> Self {
        let LandlockStatus::Available {
            effective_abi,
            kernel_abi,
            ..
        } = status.landlock
        else {
            return Self::Missing(match status.landlock {
                LandlockStatus::NotEnabled => "switched off in this kernel",
                _ => "not in this kernel",
            });
        };
        Self::Enforced {
            abi: kernel_abi.unwrap_or(effective_abi as i32),
            whole: status.ruleset == RulesetStatus::FullyEnforced,
        }
    }
}

impl std::fmt::Display for Confinement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Enforced { abi, whole: true } => write!(f, "ABI {abi}, enforced"),
            Self::Enforced { abi, whole: false } => {
                write!(f, "ABI {abi}, enforced as far as it goes")
            }
            Self::Missing(why) => f.write_str(why),
        }
    }
}
