//! The room as a whole.

mod actor;
mod answers;
mod attacks;
mod query;

use std::{io, path::PathBuf, sync::Arc};

use tempfile::NamedTempFile;

use super::open::{Place, StateFile};

/// A file of a test's.
struct File(PathBuf);

impl StateFile for File {
    fn prepare(&self) -> io::Result<PathBuf> {
        Ok(self.0.clone())
    }

    fn set_aside(&self) -> io::Result<PathBuf> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

pub(crate) fn place(file: &NamedTempFile) -> Place {
    Place::File(Arc::new(File(file.path().to_owned())))
}
