//! Socket: the Unix socket in the data folder, through which commands reach the running hub.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use crate::data_folder::DataFolder;

/// The socket's name.
const NAME: &str = "control.sock";

/// A bound socket. Its file is removed when this is dropped.
#[derive(Debug)]
pub struct Bound {
    listener: UnixListener,
    path: PathBuf,
}

/// Why commands cannot reach this hub.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another hub listens there.
    #[error("another hub has its files in {0}; `hub key` reaches that one")]
    Taken(String),
    /// The system's word.
    #[error("the control socket in {folder} cannot be made ({}); `hub key` works on the files", .source.kind())]
    System {
        /// Where.
        folder: String,
        /// Why.
        source: io::Error,
    },
}

/// Where the socket of a hub with this folder is.
pub fn path(folder: &DataFolder) -> PathBuf {
    folder.path().join(NAME)
}

/// Whether whoever is at the other end is this very user, or one of both is root. The mode of the file
/// says so, too; this holds even if somebody changes it.
pub fn is_own(stream: &impl std::os::fd::AsFd) -> bool {
    let own = rustix::process::geteuid();
    rustix::net::sockopt::socket_peercred(stream)
        .is_ok_and(|peer| peer.uid == own || peer.uid.is_root() || own.is_root())
}

// === impl Bound ===

impl Bound {
    /// Binds it, in place of one that a killed hub has left behind.
    ///
    /// # Errors
    /// [`SocketError`]
    pub fn new(folder: &DataFolder) -> Result<Self, SocketError> {
        let shown = || folder.path().display().to_string();
        let path = path(folder);
        if UnixStream::connect(&path).is_ok() {
            return Err(SocketError::Taken(shown()));
        }
        let listener = folder
            .make()
            .and_then(|()| remove(&path))
            .and_then(|()| UnixListener::bind(&path));
        let listener = listener.and_then(|listener| {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        match listener {
            Ok(listener) => Ok(Self { listener, path }),
            Err(source) => Err(SocketError::System {
                folder: shown(),
                source,
            }),
        }
    }

    /// The listener, shared: a Control that restarts finds it still its own.
    ///
    /// # Errors
    /// If it cannot be shared.
    pub fn listener(&self) -> io::Result<UnixListener> {
        self.listener.try_clone()
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // Whoever removed it before has done the same.
        drop(fs::remove_file(&self.path));
    }
}

/// Removes a socket; anything else that has its name is not ours.
fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(path),
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_its_owners_and_replaces_what_a_kill_left() {
        let temporary = tempfile::tempdir().expect("a folder");
        let folder = DataFolder::new(temporary.path().join("data"));
        let bound = Bound::new(&folder).expect("is bound");
        let mode = fs::metadata(path(&folder))
            .expect("is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(matches!(Bound::new(&folder), Err(SocketError::Taken(_))));
        let stream = UnixStream::connect(path(&folder)).expect("connects");
        assert!(is_own(&stream));
        drop(bound);
        assert!(!path(&folder).exists());
        // A kill leaves the file and no listener.
        drop(UnixListener::bind(path(&folder)).expect("is bound"));
        drop(Bound::new(&folder).expect("is bound again"));
        fs::write(path(&folder), "a file").expect("is written");
        assert!(matches!(
            Bound::new(&folder),
            Err(SocketError::System { .. })
        ));
    }
}
