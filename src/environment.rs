//! Environment: the process's variables and `.env`, read here and nowhere else.

use std::{
    collections::BTreeMap,
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{
    cloud_db::{Dsn, DsnError},
    seal::Variables,
    settings::OVERRIDE_PREFIX,
};

/// Variables with a meaning of their own, besides the keys that hub.pyfun names.
const OWN: [&str; 9] = [
    "ENABLE_PUBLIC_LOGS",
    "HOST",
    "HUB_API_KEY",
    "HUB_AUTH",
    "HUB_DATA_DIR",
    "LOG_LEVEL",
    "LOG_TO_TMP",
    "PORT",
    "SPACE_ID",
];
/// Where `.env` is looked for if the command line does not say.
const DEFAULT_FILE: &str = ".env";

/// Values that replace those of hub.pyfun, by their variable.
pub type Overrides = BTreeMap<String, String>;

/// All variables that are set to something, `.env` below the process's own.
pub struct Environment(Variables);

/// Why `.env` could not be read. Never shows a line of it.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The file is there and cannot be opened.
    #[error("{} cannot be read ({})", .file.display(), .source.kind())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is not `NAME=value`.
    #[error("{} is not a list of NAME=value lines: look at the one after {after}", .file.display())]
    Malformed {
        /// Which file.
        file: PathBuf,
        /// The last variable that could be read.
        after: String,
    },
}

// === impl Environment ===

impl Environment {
    /// Reads the process's variables and `file`, by default `.env` if there is one.
    ///
    /// Returns sentences to warn with beside it.
    ///
    /// # Errors
    /// [`EnvironmentError`] if the file cannot be read or understood.
    pub fn read(file: Option<&Path>) -> Result<(Self, Vec<String>), EnvironmentError> {
        let mut warnings = Vec::new();
        let mut variables = match file {
            None if !Path::new(DEFAULT_FILE).exists() => Variables::new(),
            None => read_file(Path::new(DEFAULT_FILE), &mut warnings)?,
            Some(file) if !file.exists() => {
                warnings.push(format!(
                    "{} does not exist, going on without it",
                    file.display()
                ));
                Variables::new()
            }
            Some(file) => read_file(file, &mut warnings)?,
        };
        for (name, value) in std::env::vars_os() {
            if let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) {
                variables.insert(name, Zeroizing::new(value));
            }
        }
        variables.retain(|_, value| !is_unset(value));
        Ok((Self(variables), warnings))
    }

    /// Whether a variable is set.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The value of a variable that is no secret.
    pub fn plain(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.as_str())
    }

    /// The database that a variable names, if it is set. Relative files in it start at `folder`.
    pub fn dsn(&self, name: &str, folder: &Path) -> Option<Result<Dsn, DsnError>> {
        let text = self.0.get(name)?;
        Some(Dsn::new(text, folder))
    }

    /// The overrides of hub.pyfun among the variables.
    pub fn overrides(&self) -> Overrides {
        overrides(&self.0)
    }

    /// What the sealed hub needs: its own variables, the overrides, and `keys`.
    pub fn needed(mut self, keys: &[String]) -> Variables {
        self.0.retain(|name, _| {
            OWN.contains(&name.as_str()) || name.starts_with(OVERRIDE_PREFIX) || keys.contains(name)
        });
        self.0
    }
}

/// The overrides of hub.pyfun among `variables`.
pub fn overrides(variables: &Variables) -> Overrides {
    variables
        .iter()
        .filter(|(name, _)| name.starts_with(OVERRIDE_PREFIX))
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect()
}

fn read_file(file: &Path, warnings: &mut Vec<String>) -> Result<Variables, EnvironmentError> {
    let unreadable = |source| EnvironmentError::Unreadable {
        file: file.to_owned(),
        source,
    };
    let mode = std::fs::metadata(file)
        .map_err(unreadable)?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        warnings.push(format!(
            "{0} can be read by others on this machine; `chmod 600 {0}` keeps it to you",
            file.display()
        ));
    }
    if let Some(name) = substituted(&std::fs::read(file).map_err(unreadable)?) {
        warnings.push(format!(
            "{}: the value of `{name}` holds a `$`, and what follows it is replaced like a \
             variable; put the value in single quotes to keep it as it is",
            file.display()
        ));
    }
    let entries = dotenvy::from_path_iter(file).map_err(|error| match error {
        dotenvy::Error::Io(source) => unreadable(source),
        _ => unreadable(io::ErrorKind::InvalidData.into()),
    })?;
    let mut variables = Variables::new();
    let mut last = "its beginning".to_owned();
    for entry in entries {
        // The error's own text quotes the line, which may hold a key.
        let (name, value) = entry.map_err(|_| EnvironmentError::Malformed {
            file: file.to_owned(),
            after: last.clone(),
        })?;
        last = format!("`{name}`");
        variables.insert(name, Zeroizing::new(value));
    }
    Ok(variables)
}

/// The first variable whose value would be changed on the way: it holds a `$` outside single quotes.
fn substituted(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let mut pairs = text.lines().filter_map(|line| line.trim().split_once('='));
    let (name, _) = pairs.find(|(name, value)| {
        let value = value.trim_start();
        !name.starts_with('#') && value.contains('$') && !value.starts_with('\'')
    })?;
    Some(name.trim().trim_start_matches("export ").to_owned())
}

/// Empty, or a placeholder of the example file (`your_anthropic_key_here`).
fn is_unset(value: &str) -> bool {
    let value = value.trim();
    value.is_empty() || (value.starts_with("your_") && value.ends_with("_here"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_count_as_unset() {
        assert!(is_unset("your_anthropic_api_key_here"));
        assert!(is_unset(" "));
        assert!(!is_unset("sk-your_key_here-really"));
    }

    #[test]
    fn a_dollar_is_noticed_unless_it_is_quoted() {
        let found = |text: &str| substituted(text.as_bytes());
        assert_eq!(
            found("A=1\nexport B_KEY=abc$HOME/x"),
            Some("B_KEY".to_owned())
        );
        assert_eq!(found("B_KEY=\"abc$HOME\""), Some("B_KEY".to_owned()));
        assert_eq!(found("# A=$B\nB_KEY='abc$HOME/x'"), None);
    }

    #[test]
    fn only_what_is_needed_travels() {
        let variable = |name: &str| (name.to_owned(), Zeroizing::new("x".to_owned()));
        let names = ["A_KEY", "B_KEY", "HUB__HUB__HUB_NAME", "PORT", "HOME"];
        let environment = Environment(names.map(variable).into());
        let needed = environment.needed(&["A_KEY".to_owned()]);
        let names: Vec<_> = needed.keys().map(String::as_str).collect();
        assert_eq!(names, ["A_KEY", "HUB__HUB__HUB_NAME", "PORT"]);
    }
}
