//! Entry: what `hub check` says of who would be asked for a key.

use crate::{
    cli::Files,
    data_folder::DataFolder,
    doors,
    environment::Environment,
    identity::{self, FROM_OUTSIDE, Store},
    settings::{Auth, Settings},
    state_file::{self, DataVariables},
};

/// One sentence. Nothing is made on the way: a file of keys that is not there stays so.
pub fn entry(files: &Files, environment: &Environment, settings: &Settings) -> String {
    let auth = match environment.plain("HUB_AUTH").map(Auth::read) {
        Some(Some(auth)) => auth,
        Some(None) => return format!("HUB_AUTH must be {}", Auth::WORDS.join(", ")),
        None => settings.hub.auth,
    };
    let host = environment.plain("HOST").map(str::trim);
    let loopback = doors::is_loopback(host.unwrap_or(&settings.hub.host));
    let data = DataVariables {
        folder: environment.plain("HUB_DATA_DIR").map(Into::into),
        is_space: environment.has("SPACE_ID"),
    };
    let folder = state_file::folder(settings, &files.config, &data);
    let (ever, valid) = match folder.as_ref().map(keys).transpose() {
        Ok(counted) => counted.unwrap_or_default(),
        Err(error) => return format!("the hub would not start: {error}"),
    };
    let outside = environment.has(FROM_OUTSIDE);
    let open = match auth {
        Auth::Open => true,
        Auth::Required => false,
        Auth::Auto => loopback && ever == 0 && !outside,
    };
    let word = auth.word();
    match (open, valid, outside) {
        (true, ..) if loopback => format!("{word}: open to every program of this machine"),
        (true, ..) => format!("{word}: OPEN to everyone who reaches the address"),
        (false, 0, true) => format!("{word}: with the key in {FROM_OUTSIDE}"),
        (false, 0, false) if ever == 0 => {
            format!("{word}: closed; the first start makes a key and shows it once")
        }
        (false, 0, false) => {
            format!("{word}: closed, and no key can be used; make one with `hub key add`")
        }
        (false, valid, false) => format!("{word}: with a key; {valid} can be used"),
        (false, valid, true) => {
            format!("{word}: with a key; {valid} can be used, and the one in {FROM_OUTSIDE}")
        }
    }
}

/// How many keys there ever were, and how many can be used.
fn keys(folder: &DataFolder) -> Result<(usize, usize), identity::StoreError> {
    if !Store::is_in(folder) {
        return Ok((0, 0));
    }
    identity::count(&Store::open(folder)?)
}
