//! Local: how commands find the hub that has this configuration, and its files.

use std::net::IpAddr;

use crate::{
    cli::{Files, fail},
    data_folder::DataFolder,
    environment::Environment,
    exit,
    settings::Settings,
    start::{DEFAULT_PORT, load, read},
    state_file::{self, DataVariables},
};

/// How a hub with this configuration is reached from this machine.
pub struct Local {
    /// `http://127.0.0.1:7860`
    pub url: String,
    /// MCP clients find the transport of 2024 there.
    pub sse: bool,
}

/// Where the files of a hub with this configuration are; `None` if it has none.
///
/// # Errors
/// The exit code, if the configuration cannot be used.
pub fn data_folder(files: &Files) -> Result<Option<DataFolder>, u8> {
    let (environment, _) =
        Environment::read(files.env_file.as_deref()).map_err(|error| fail(exit::CONFIG, &error))?;
    let (settings, _) = load(files, &environment.overrides())?;
    let data = DataVariables {
        folder: environment
            .plain("HUB_DATA_DIR")
            .map(|folder| folder.trim().into()),
        is_space: environment.has("SPACE_ID"),
    };
    Ok(state_file::folder(&settings, &files.config, &data))
}

// === impl Local ===

impl Local {
    /// Reads it out of the configuration; HOST and PORT win.
    pub fn new(files: &Files, environment: &Environment) -> Self {
        let text = read(&files.config).ok().flatten();
        let file = files.config.display().to_string();
        let loaded = Settings::load(&file, text.as_deref(), &environment.overrides());
        let hub = loaded.ok().map(|(settings, _)| settings.hub);
        let port = environment
            .plain("PORT")
            .and_then(|port| port.trim().parse().ok());
        let port = port
            .or(hub.as_ref().map(|hub| hub.port))
            .unwrap_or(DEFAULT_PORT);
        let host = environment.plain("HOST").map(str::trim);
        let host = host
            .or(hub.as_ref().map(|hub| hub.host.as_str()))
            .unwrap_or("127.0.0.1");
        let host = match host.parse::<IpAddr>() {
            // Listens everywhere, so also here.
            Ok(address) if address.is_unspecified() => "127.0.0.1".to_owned(),
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            _ => host.to_owned(),
        };
        Self {
            url: format!("http://{host}:{port}"),
            sse: hub.is_some_and(|hub| hub.transport == "sse"),
        }
    }
}
