//! Grounds: which files the hub uses, as its settings and variables say.

use std::path::{Path, PathBuf};

use crate::{
    cli::Files,
    confine::{Confinement, Needs, confine},
    data_folder::DataFolder,
    logs::LogOptions,
    seal::Variables,
    settings::Settings,
    state_file::{self, DataVariables},
};

/// What settings and variables say of the hub's files.
pub struct Grounds {
    /// Where the log goes.
    pub logs: LogOptions,
    /// Where the hub's own files are.
    pub data: DataVariables,
    roots: Option<PathBuf>,
}

// === impl Grounds ===

impl Grounds {
    /// Reads them.
    pub fn new(files: &Files, settings: &Settings, variables: &Variables) -> Self {
        let plain = |name: &str| variables.get(name).map(|value| value.trim().to_owned());
        let on = |name: &str| plain(name).map(|value| is_on(&value));
        let log = settings.debug.log_file.as_deref();
        Self {
            logs: LogOptions {
                level: plain("LOG_LEVEL").or_else(|| settings.debug.level.clone()),
                file: log.map(|file| beside(&files.config, file)),
                to_tmp: on("LOG_TO_TMP") == Some(true),
                quiet: on("ENABLE_PUBLIC_LOGS") == Some(false),
                calls: settings.debug.log_requests,
            },
            roots: variables
                .get("DATABASE_URL")
                .and_then(|dsn| roots(dsn))
                .map(|file| beside(&files.config, Path::new(&file))),
            data: DataVariables {
                folder: plain("HUB_DATA_DIR").map(PathBuf::from),
                is_space: plain("SPACE_ID").is_some(),
            },
        }
    }

    /// Confines this process to them.
    pub fn confine(&self, files: &Files, settings: &Settings) -> Confinement {
        let data = state_file::folder(settings, &files.config, &self.data);
        confine(&Needs {
            data: data
                .filter(DataFolder::is_writable)
                .map(|folder| folder.path().to_owned()),
            config: files.config.clone(),
            roots: self.roots.clone(),
            log: self.logs.file(),
        })
    }
}

/// A path of the configuration's, which starts at the configuration's folder.
fn beside(config: &Path, path: &Path) -> PathBuf {
    config.parent().unwrap_or(Path::new("")).join(path)
}

fn is_on(value: &str) -> bool {
    ["true", "on", "yes", "1"]
        .iter()
        .any(|on| value.eq_ignore_ascii_case(on))
}

/// The file that a DSN names in `sslrootcert`, whichever of its two forms it has.
fn roots(dsn: &str) -> Option<String> {
    let (_, value) = dsn.split_once("sslrootcert=")?;
    let end = value.find(['&', ' ', '#']).unwrap_or(value.len());
    let value = value.get(..end)?.trim_matches('\'');
    let decoded = percent_encoding::percent_decode_str(value)
        .decode_utf8()
        .ok()?;
    Some(decoded.into_owned())
}
