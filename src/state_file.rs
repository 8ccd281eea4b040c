//! The state's file: where it is, who may read it, and what becomes of a damaged one.
//!
//! DbSync holds this as a capability: it can open the one file, and name no other.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use hub_actors::{
    db_sync::{Place, StateFile},
    outbox::OutboxSpec,
};

use crate::{
    data_folder::{DataFolder, only_for_its_owner},
    settings::Settings,
};

/// Where a Hugging Face Space keeps what shall outlive it, if its owner pays for that.
const SPACE_DATA: &str = "/data";
/// Where it keeps the rest.
const SPACE_TMP: &str = "/tmp";
/// The file's name where only a folder is given.
const NAME: &str = "hub_state.db";
/// Beside it: which envelopes have been opened.
const ENVELOPES: &str = "crypto.db";
/// The file beside it, where rows wait for the cloud's database.
const OUTBOX: &str = "outbox.db";
/// What SQLite puts beside a file.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What the environment says of where files live.
#[derive(Debug, Clone, Default)]
pub struct DataVariables {
    /// HUB_DATA_DIR
    pub folder: Option<PathBuf>,
    /// Whether SPACE_ID is set: the hub is a Hugging Face Space.
    pub is_space: bool,
}

/// The file.
#[derive(Debug)]
struct OneFile(PathBuf);

/// Where the hub's own things are.
pub struct Places {
    /// Where the state is kept.
    pub state: Place,
    /// Where rows wait for the cloud's database.
    pub outbox: OutboxSpec,
    /// Which envelopes have been opened.
    pub envelopes: Place,
    /// Where relative paths start: the configuration file's folder.
    pub folder: PathBuf,
}

/// Where the state is kept, with a warning for the person at the terminal, if there is one.
///
/// HUB_DATA_DIR (the variable before the key) names the folder, else SQLITE_PATH does; relative paths
/// start at the configuration file's folder. In a Space the file moves to /data if that can be written,
/// else to /tmp. A hub without any of these, or whose folder cannot be written, keeps its state in
/// memory.
pub fn places(
    settings: &Settings,
    config: &Path,
    variables: &DataVariables,
) -> (Places, Option<String>) {
    let mut places = Places {
        folder: config.parent().unwrap_or(Path::new("")).to_owned(),
        ..Places::memory()
    };
    let Some(path) = path(settings, config, variables) else {
        return (places, None);
    };
    let outbox = OneFile(path.with_file_name(OUTBOX));
    let envelopes = OneFile(path.with_file_name(ENVELOPES));
    let file = OneFile(path);
    match file.prepare() {
        Ok(_) => {
            // The rest of a Space goes with it.
            let durable = !variables.is_space || file.0.starts_with(SPACE_DATA);
            places.state = Place::File(Arc::new(file));
            places.envelopes = Place::File(Arc::new(envelopes));
            places.outbox = OutboxSpec {
                place: Place::File(Arc::new(outbox)),
                durable,
            };
            (places, None)
        }
        Err(error) => {
            let warning = format!(
                "{} cannot be written ({}), so the state is kept in memory and gone at the end; \
                 set SQLITE_PATH or HUB_DATA_DIR to a place that can",
                file.0.display(),
                error.kind()
            );
            (places, Some(warning))
        }
    }
}

/// The folder of the hub's other files: where the state's file would be. `None` for a hub that was
/// given neither.
pub fn folder(settings: &Settings, config: &Path, variables: &DataVariables) -> Option<DataFolder> {
    let file = path(settings, config, variables)?;
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    Some(DataFolder::new(folder.unwrap_or(Path::new(".")).to_owned()))
}

fn path(settings: &Settings, config: &Path, variables: &DataVariables) -> Option<PathBuf> {
    let beside = |path: &Path| config.parent().unwrap_or(Path::new("")).join(path);
    let name = |path: &Path| path.file_name().map_or(NAME.into(), PathBuf::from);
    let folder = variables.folder.as_ref().or(settings.hub.data_dir.as_ref());
    let file = settings.db_sync.sqlite_path.as_deref();
    match (folder, file) {
        (Some(folder), file) => Some(beside(folder).join(file.map_or(NAME.into(), name))),
        (None, Some(file)) if variables.is_space => {
            let data = Path::new(SPACE_DATA);
            let folder = match is_writable(data) {
                true => data,
                false => Path::new(SPACE_TMP),
            };
            Some(folder.join(name(file)))
        }
        (None, Some(file)) => Some(beside(file)),
        (None, None) => None,
    }
}

fn is_writable(folder: &Path) -> bool {
    rustix::fs::access(
        folder,
        rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK,
    )
    .is_ok()
}

// === impl Places ===

impl Places {
    /// Everything in memory, and gone at the end.
    pub fn memory() -> Self {
        Self {
            state: Place::Memory,
            outbox: OutboxSpec {
                place: Place::Memory,
                durable: false,
            },
            envelopes: Place::Memory,
            folder: PathBuf::new(),
        }
    }
}

// === impl OneFile ===

impl StateFile for OneFile {
    fn prepare(&self) -> io::Result<PathBuf> {
        if let Some(folder) = self.0.parent().filter(|f| !f.as_os_str().is_empty()) {
            DataFolder::new(folder.to_owned()).make()?;
        }
        // SQLite gives its companions the mode of the file.
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&self.0)?;
        only_for_its_owner(&file)?;
        Ok(self.0.clone())
    }

    fn set_aside(&self) -> io::Result<PathBuf> {
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let mut aside = with_suffix(&self.0, &format!(".damaged-{seconds}"));
        let mut number = 1;
        while aside.exists() {
            number += 1;
            aside = with_suffix(&self.0, &format!(".damaged-{seconds}-{number}"));
        }
        fs::rename(&self.0, &aside)?;
        for companion in COMPANIONS {
            let from = with_suffix(&self.0, companion);
            // A log that stayed would be played into the new file.
            match fs::rename(&from, with_suffix(&aside, companion)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(aside)
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::environment::Overrides;

    fn settings(text: &str) -> Settings {
        let loaded = Settings::load("f", Some(text.as_bytes()), &Overrides::new());
        loaded.expect("is valid").0
    }

    fn path_of(text: &str, folder: Option<&str>, is_space: bool) -> Option<PathBuf> {
        let variables = DataVariables {
            folder: folder.map(PathBuf::from),
            is_space,
        };
        path(&settings(text), Path::new("/etc/hub/hub.pyfun"), &variables)
    }

    #[test]
    fn where_it_is() {
        let file = "[DB_SYNC]\nSQLITE_PATH = \"app/.state.db\"\n[DB_SYNC_END]\n";
        let folder = "[HUB]\nHUB_DATA_DIR = \"var\"\n[HUB_END]\n";
        let both = format!("{file}{folder}");
        let cases = [
            ("", None, None),
            (file, None, Some("/etc/hub/app/.state.db")),
            (folder, None, Some("/etc/hub/var/hub_state.db")),
            (&both, None, Some("/etc/hub/var/.state.db")),
            (&both, Some("/srv"), Some("/srv/.state.db")),
            ("", Some("/srv"), Some("/srv/hub_state.db")),
        ];
        for (text, variable, expected) in cases {
            let found = path_of(text, variable, false);
            assert_eq!(found, expected.map(PathBuf::from), "{text}");
        }
    }

    #[test]
    fn in_a_space_it_moves_to_what_outlives_it() {
        let file = "[DB_SYNC]\nSQLITE_PATH = \"app/.state.db\"\n[DB_SYNC_END]\n";
        let found = path_of(file, None, true);
        let expected = match is_writable(Path::new(SPACE_DATA)) {
            true => "/data/.state.db",
            false => "/tmp/.state.db",
        };
        assert_eq!(found, Some(PathBuf::from(expected)));
        // Who names a folder means it.
        assert_eq!(
            path_of(file, Some("/srv"), true),
            Some("/srv/.state.db".into())
        );
    }

    #[test]
    fn a_damaged_file_goes_with_its_companions() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = OneFile(folder.path().join("deep/er/hub_state.db"));
        file.prepare().expect("is made");
        let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
        assert_eq!(mode(&file.0), 0o600);
        fs::write(with_suffix(&file.0, "-wal"), "log").expect("is written");
        let first = file.set_aside().expect("is moved");
        assert!(first.exists() && !file.0.exists());
        assert!(with_suffix(&first, "-wal").exists() && !with_suffix(&file.0, "-wal").exists());
        file.prepare().expect("is made again");
        assert_ne!(file.set_aside().expect("is moved"), first);
    }
}
