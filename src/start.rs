//! Start: from the command line to a sealed process that serves.

use std::{io, net::TcpListener, path::Path, sync::Arc};

use crate::{
    audit::Audit,
    cli::{Files, complain, fail},
    cloud_db::VARIABLE as DATABASE,
    confine::Confinement,
    control::Bound,
    data_folder::DataFolder,
    doors,
    environment::{self, Environment, Overrides},
    exit,
    grounds::Grounds,
    house::House,
    identity::{self, Admission, FROM_OUTSIDE, Identities, Store},
    listener,
    pyfun::Problems,
    seal::{self, Variables},
    serve,
    settings::{Auth, Settings, readiness},
    state_file::{self, Places},
    summary,
    vault::{MASTER, Vault},
};

/// Where a hub listens that nobody told otherwise.
pub const DEFAULT_PORT: u16 = 7860;

/// How the hub is entered.
pub enum Door<'a> {
    /// A port.
    Http,
    /// Standard input and output, with the rights of the key of that name or id; all if there is none.
    Stdio(Option<&'a str>),
}

/// Starts the hub. The first time it reads the variables, hands over those that are needed and
/// executes itself; the second time it serves.
pub fn start(files: &Files, door: &Door<'_>) -> u8 {
    sealed(files, |variables| serve(files, door, variables))
}

/// Runs `work` in the sealed process. The first time it only gets there.
pub fn sealed(files: &Files, work: impl FnOnce(Variables) -> u8) -> u8 {
    match seal::handed_over() {
        Ok(Some(variables)) => work(variables),
        Ok(None) => unsealed(files),
        Err(error) => fail(exit::INTERNAL, &error),
    }
}

fn unsealed(files: &Files) -> u8 {
    let (environment, warnings) = match Environment::read(files.env_file.as_deref()) {
        Ok(read) => read,
        Err(error) => return fail(exit::CONFIG, &error),
    };
    warnings.iter().for_each(complain);
    // What is merely odd is said once, by the sealed process.
    let settings = match load(files, &environment.overrides()) {
        Ok((settings, _)) => settings,
        Err(code) => return code,
    };
    let keys = keys(&settings);
    let variables = environment.needed(&keys);
    let data = Grounds::new(files, &settings, &variables).data;
    let folder = state_file::folder(&settings, &files.config, &data);
    let folder = folder.as_ref().map(DataFolder::path);
    fail(exit::INTERNAL, &seal::reexec(&variables, folder))
}

fn serve(files: &Files, door: &Door<'_>, mut variables: Variables) -> u8 {
    let overrides = environment::overrides(&variables);
    let settings = match load(files, &overrides) {
        Ok((settings, problems)) => {
            summary::problems(&problems);
            settings
        }
        Err(code) => return code,
    };
    let grounds = Grounds::new(files, &settings, &variables);
    let (places, warning) = state_file::places(&settings, &files.config, &grounds.data);
    // Before the first thread, and the log has one.
    let confinement = grounds.confine(files, &settings);
    let (_logging, warnings) = grounds.logs.start();
    warnings.iter().chain(&warning).for_each(complain);
    tracing::info!(%confinement, "landlock");
    let data = grounds.data;
    let plain = |name: &str| variables.get(name).map(|value| value.trim().to_owned());
    let host = plain("HOST").unwrap_or_else(|| settings.hub.host.clone());
    let port = match plain("PORT").map_or(Ok(settings.hub.port), |port| port.parse()) {
        Ok(port) => port,
        Err(_) => {
            complain("PORT must be a number from 0 to 65535");
            return exit::CONFIG;
        }
    };
    let auth = match plain("HUB_AUTH").map_or(Some(settings.hub.auth), |word| Auth::read(&word)) {
        Some(auth) => auth,
        None => {
            complain(format!("HUB_AUTH must be {}", Auth::WORDS.join(", ")));
            return exit::CONFIG;
        }
    };
    let vault = Vault::take(&mut variables, &keys(&settings));
    drop(variables);
    // Of one that cannot be written the state's file has said so.
    let folder = state_file::folder(&settings, &files.config, &data)
        .filter(|folder| Store::is_in(folder) || folder.is_writable());
    let admission = match vault.digest(FROM_OUTSIDE).transpose() {
        Ok(from_outside) => Admission {
            auth,
            loopback: doors::is_loopback(&host),
            from_outside,
        },
        Err(error) => return fail(exit::CONFIG, &error),
    };
    let store = match folder.as_ref().map_or_else(Store::in_memory, Store::open) {
        Ok(store) => store,
        Err(error) => return fail(exit::CONFIG, &error),
    };
    let stdio_key = match door {
        Door::Stdio(Some(name)) => match identity::find(&store, name) {
            Ok(Some(id)) => Some(id),
            Ok(None) => {
                complain(format!(
                    "there is no key `{name}` that can be used; `hub key list` shows them"
                ));
                return exit::CONFIG;
            }
            Err(error) => return fail(exit::CONFIG, &error),
        },
        Door::Stdio(None) | Door::Http => None,
    };
    let audit = folder.as_ref().map(Audit::new).transpose();
    let audit = audit.unwrap_or_else(|error| {
        complain(format!("calls are not put down: {error}"));
        None
    });
    let premises = Premises {
        host: &host,
        places,
        identities: Identities::new(store, admission),
        audit,
        stdio_key,
    };
    match door {
        Door::Http => open(&settings, &vault, premises, port, folder.as_ref()),
        Door::Stdio(_) => match House::new(&settings, &vault, premises) {
            Ok(house) => serve::serve_stdio(house),
            Err(error) => fail(exit::CONFIG, &error),
        },
    }
}

/// Confines this process as the hub would be, and does nothing else.
///
/// # Errors
/// The exit code, if the configuration is wrong.
pub fn confined(files: &Files, variables: &Variables) -> Result<Confinement, u8> {
    let (settings, _) = load(files, &environment::overrides(variables))?;
    let grounds = Grounds::new(files, &settings, variables);
    // Makes the folder if it is not there.
    let _ = state_file::places(&settings, &files.config, &grounds.data);
    Ok(grounds.confine(files, &settings))
}

/// Where the hub is, and whose.
pub struct Premises<'a> {
    /// What it listens on.
    pub host: &'a str,
    /// Where its files are.
    pub places: Places,
    /// Who may enter.
    pub identities: Arc<Identities>,
    /// What is kept of calls.
    pub audit: Option<Audit>,
    /// The id of the key whose rights a client at standard input has.
    pub stdio_key: Option<Arc<str>>,
}

/// Binds, builds the house and serves; says where, what there is, and who may enter. What outlives the
/// hub is in `folder`.
fn open(
    settings: &Settings,
    vault: &Vault,
    premises: Premises<'_>,
    port: u16,
    folder: Option<&DataFolder>,
) -> u8 {
    let identities = premises.identities.clone();
    let control = folder.map(Bound::new).transpose().unwrap_or_else(|error| {
        complain(error.to_string());
        None
    });
    // Not before the address is ours: a key that a failed start makes would be shown to nobody.
    let announce = |listener: &TcpListener, house: &House| {
        let Identities {
            admission, store, ..
        } = &*identities;
        let entry = admission.enter(store, identity::now());
        let entry = entry.map_err(|error| fail(exit::CONFIG, &error))?;
        let entry = summary::entry(&entry, admission, &settings.hub, folder.is_some());
        Ok(summary::startup(listener, house, settings) + &entry)
    };
    open_with(settings, vault, premises, port, control.as_ref(), announce)
}

/// Binds, builds the house and serves, with an announcement of the caller's (or their exit code) and
/// commands from `control`.
pub fn open_with(
    settings: &Settings,
    vault: &Vault,
    premises: Premises<'_>,
    port: u16,
    control: Option<&Bound>,
    announce: impl FnOnce(&TcpListener, &House) -> Result<String, u8>,
) -> u8 {
    let host = premises.host;
    let house = match House::new(settings, vault, premises) {
        Ok(house) => house,
        Err(error) => return fail(exit::CONFIG, &error),
    };
    let listener = match listener::bind(host, port) {
        Ok(listener) => listener,
        Err(error) => return fail(exit::UNAVAILABLE, &error),
    };
    match announce(&listener, &house) {
        Ok(announcement) => {
            serve::serve(house, listener, control, || summary::print(&announcement))
        }
        Err(code) => code,
    }
}

/// The variables that hold keys: those of vendors, the one of callers, and the database with roles.
fn keys(settings: &Settings) -> Vec<String> {
    readiness::needed_variables(settings)
        .into_iter()
        .filter(|name| *name != DATABASE)
        .chain([FROM_OUTSIDE, DATABASE])
        .chain(MASTER)
        .map(str::to_owned)
        .collect()
}

/// Reads hub.pyfun; reports its problems if the hub cannot start with them.
///
/// # Errors
/// The exit code.
pub fn load(files: &Files, overrides: &Overrides) -> Result<(Settings, Problems), u8> {
    let text = match read(&files.config) {
        Ok(text) => text,
        Err(error) => {
            complain(format!(
                "{} cannot be read ({})",
                files.config.display(),
                error.kind()
            ));
            return Err(exit::CONFIG);
        }
    };
    let file = files.config.display().to_string();
    Settings::load(&file, text.as_deref(), overrides).map_err(|problems| {
        summary::problems(&problems);
        exit::CONFIG
    })
}

/// The file's bytes; `None` if there is no such file, which is fine.
///
/// # Errors
/// If it is there and cannot be read.
pub fn read(file: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
