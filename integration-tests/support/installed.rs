//! What a database server of the tests' own is made of: programs, a user, certificates.

use std::{
    env, fs,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustix::process::geteuid;

/// What has to be there, and how it gets there.
pub(crate) const MISSING: &str =
    "PostgreSQL's server programs (initdb, postgres) are needed: `.ci/tools` installs them";

/// A root, and a certificate of its for these names, with its key.
pub(crate) fn certificates(names: &[&str]) -> (String, String, String) {
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let server = CertificateParams::new(names).unwrap();
    let server = server.signed_by(&key, &root).unwrap();
    (root.pem(), server.pem(), key.serialize_pem())
}

/// A server program: on the PATH, or where distributions put those that are not.
pub(crate) fn program(name: &str) -> PathBuf {
    let paths = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&paths).collect();
    let mut versions: Vec<PathBuf> = Vec::new();
    for parent in [
        "/usr/lib/postgresql",
        "/usr",
        "/opt/homebrew/opt",
        "/usr/local/opt",
    ] {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.path());
        versions.extend(names.map(|path| path.join("bin")));
    }
    versions.sort();
    folders.extend(versions.into_iter().rev());
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(String::from_utf8_lossy(&output.stdout).trim().into());
    }
    let found = folders.into_iter().map(|folder| folder.join(name));
    found
        .into_iter()
        .find(|path| path.is_file())
        .expect(MISSING)
}

/// PostgreSQL refuses to run as root.
fn somebody() -> Option<(u32, u32)> {
    if !geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(
        find("postgres")
            .or_else(|| find("nobody"))
            .expect("a user that is not root"),
    )
}

/// A command that is run by somebody who is not root.
pub(crate) fn as_somebody(program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = somebody() {
        command.uid(user).gid(group);
    }
    // The server's children are in its group, and signals for the tests are not for them.
    command.process_group(0).current_dir("/");
    command
}

/// Gives a file to that somebody, with this mode.
pub(crate) fn own(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    if let Some((user, group)) = somebody() {
        chown(path, Some(user), Some(group)).unwrap();
    }
}
