//! The data folder: where the hub's own files are, and what must be true of a file before what is in
//! it is believed.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

/// The folder of the hub's own files.
#[derive(Debug, Clone)]
pub struct DataFolder(PathBuf);

// === impl DataFolder ===

impl DataFolder {
    /// That folder, which need not exist yet.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes the folder if it is not there, for its owner alone.
    ///
    /// # Errors
    /// If it is not there and cannot be made.
    pub fn make(&self) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&self.0)
    }

    /// Whether files can be made in it.
    pub fn is_writable(&self) -> bool {
        let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        self.make().is_ok() && rustix::fs::access(&self.0, access).is_ok()
    }

    /// A file in it that nobody else can read or write, made if it is not there. One that is somebody
    /// else's, or stands for another by a link, is refused: whoever made it decided what is in it.
    ///
    /// # Errors
    /// If it cannot be made or opened, or is refused.
    pub fn private_file(&self, name: &str) -> io::Result<PathBuf> {
        self.make()?;
        let path = self.0.join(name);
        let flags = OFlags::NOFOLLOW.bits().cast_signed();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(flags)
            .open(&path)?;
        let metadata = file.metadata()?;
        let ours = metadata.uid() == rustix::process::geteuid().as_raw();
        if !ours || !metadata.is_file() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        only_for_its_owner(&file)?;
        Ok(path)
    }
}

/// Takes a file's rights from everybody else: one of an older hub, or one that was copied here.
pub fn only_for_its_owner(file: &File) -> io::Result<()> {
    match file.metadata()?.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => file.set_permissions(fs::Permissions::from_mode(0o600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_is_its_owners_and_no_link() {
        let temporary = tempfile::tempdir().expect("a folder");
        let folder = DataFolder::new(temporary.path().join("new/data"));
        let file = folder.private_file("guardian.db").expect("is made");
        let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(folder.path())), (0o600, 0o700));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("is set");
        folder.private_file("guardian.db").expect("is there");
        assert_eq!(mode(&file), 0o600, "made private again");
        let link = folder.path().join("link.db");
        std::os::unix::fs::symlink(&file, &link).expect("is made");
        assert!(folder.private_file("link.db").is_err());
        fs::create_dir(folder.path().join("folder.db")).expect("is made");
        assert!(folder.private_file("folder.db").is_err());
    }
}
