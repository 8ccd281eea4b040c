//! Three layers of values, each over the one before: defaults, hub.pyfun, `HUB__` variables.

use std::collections::BTreeMap;

use config::{Config, ConfigError, Map, Source, Value, ValueKind};

use super::nearest::nearest;
use crate::pyfun::{NAMED, Place, Problem, Pyfun};

/// Every variable that overrides a value starts so.
pub const OVERRIDE_PREFIX: &str = "HUB__";

/// What counts where neither the file nor a variable says anything, by section and key.
const DEFAULTS: [(&str, &[(&str, &str)]); 4] = [
    (
        "hub",
        &[
            ("hub_name", "Multi-LLM Hub"),
            ("hub_version", env!("CARGO_PKG_VERSION")),
            (
                "hub_description",
                "Every LLM you have a key for, behind one door that keeps the keys",
            ),
            ("hub_transport", "streamable-http"),
            ("hub_host", "127.0.0.1"),
            ("hub_port", "7860"),
            ("hub_stateless", "true"),
            ("hub_tag_replies", "false"),
            ("hub_state_last_results", "true"),
            ("hub_fetch_images", "false"),
        ],
    ),
    (
        "hub_limits",
        &[
            ("max_parallel_requests", "64"),
            ("max_wait_sec", "1"),
            ("retry_count", "1"),
            ("retry_delay_sec", "0.5"),
            ("request_timeout_sec", "55"),
            ("search_timeout_sec", "30"),
            ("cache_max_mb", "64"),
        ],
    ),
    (
        "db_sync",
        &[("sync_interval_sec", "30"), ("max_cache_entries", "0")],
    ),
    (
        "debug",
        &[
            ("debug", "off"),
            ("debug_level", "full"),
            ("log_requests", "true"),
        ],
    ),
];

/// The defaults as a source of values.
#[derive(Debug, Clone, Copy)]
struct Defaults;

/// hub.pyfun without what it leaves unset, so that `""` does not hide a default.
#[derive(Debug, Clone)]
struct FileLayer(Map<String, Value>);

/// The `HUB__` variables as a source of values, each with the variable's name as its origin.
#[derive(Debug, Clone, Default)]
struct Overrides(Map<String, Value>);

/// Lays the three over one another.
///
/// # Errors
/// Only if `config` itself fails; none of the layers does.
pub(super) fn collect(
    pyfun: &Pyfun,
    variables: &BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) -> Result<Map<String, Value>, ConfigError> {
    Config::builder()
        .add_source(Defaults)
        .add_source(FileLayer::new(pyfun)?)
        .add_source(Overrides::new(pyfun, variables, problems))
        .build()?
        .collect()
}

// === impl Defaults ===

impl Defaults {
    fn has(section: &str, key: &str) -> bool {
        DEFAULTS
            .iter()
            .any(|(name, keys)| *name == section && keys.iter().any(|(known, _)| *known == key))
    }
}

impl Source for Defaults {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(*self)
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let section = |keys: &[(&str, &str)]| -> Map<String, Value> {
            keys.iter()
                .map(|(key, value)| ((*key).to_owned(), text(None, value)))
                .collect()
        };
        Ok(DEFAULTS
            .iter()
            .map(|(name, keys)| ((*name).to_owned(), section(keys).into()))
            .collect())
    }
}

// === impl FileLayer ===

impl FileLayer {
    fn new(pyfun: &Pyfun) -> Result<Self, ConfigError> {
        let mut sections = pyfun.collect()?;
        for (name, section) in &mut sections {
            if let ValueKind::Table(table) = &mut section.kind {
                table.retain(|key, value| {
                    let unset = matches!(&value.kind, ValueKind::String(text) if text.is_empty());
                    !(unset && Defaults::has(name, key))
                });
            }
        }
        Ok(Self(sections))
    }
}

impl Source for FileLayer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

// === impl Overrides ===

impl Overrides {
    /// `HUB__SECTION__KEY` or `HUB__KIND__NAME__KEY`; in NAME, `_` also stands for `-`, `.`, `/` and
    /// `:`, and case counts for nothing. An empty variable is as good as none: that is how compose
    /// files pass what is not set.
    fn new(
        pyfun: &Pyfun,
        variables: &BTreeMap<String, String>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut overrides = Self::default();
        for (variable, value) in variables {
            let (Some(path), value) = (variable.strip_prefix(OVERRIDE_PREFIX), value.trim()) else {
                continue;
            };
            if value.is_empty() {
                continue;
            }
            match target(pyfun, path) {
                Ok(target) => overrides.insert(variable, target, value),
                Err(help) => problems.push(
                    Problem::warning(
                        Place::Variable(variable.clone()),
                        "this variable matches nothing in the configuration",
                    )
                    .help(help),
                ),
            }
        }
        overrides
    }

    fn insert(&mut self, variable: &str, (kind, name, key): Target, value: &str) {
        let value = text(Some(&variable.to_owned()), value);
        let section = table(&mut self.0, kind);
        match name {
            Some(name) => table(section, name).insert(key, value),
            None => section.insert(key, value),
        };
    }
}

impl Source for Overrides {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

/// Kind, name of a block, key.
type Target = (String, Option<String>, String);

/// What `SECTION__KEY` or `KIND__NAME__KEY` points at, or what to write instead.
fn target(pyfun: &Pyfun, path: &str) -> Result<Target, String> {
    let path = path.to_ascii_lowercase();
    let form = || {
        "write `HUB__SECTION__KEY`, such as `HUB__HUB__HUB_PORT`, or `HUB__KIND__NAME__KEY`, such \
         as `HUB__LLM_PROVIDER__ANTHROPIC__BASE_URL`"
            .to_owned()
    };
    let Some((kind, rest)) = path.split_once("__") else {
        return Err(form());
    };
    if super::PLAIN.contains(&kind) {
        return Ok((kind.to_owned(), None, rest.to_owned()));
    }
    if !NAMED.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        let known = super::PLAIN.into_iter().chain(super::NAMED_KINDS);
        return Err(nearest(kind, known).map_or_else(form, |near| {
            format!(
                "did you mean `{OVERRIDE_PREFIX}{}__..`?",
                near.to_ascii_uppercase()
            )
        }));
    }
    let Some((name, key)) = rest.rsplit_once("__") else {
        return Err(form());
    };
    let names: Vec<&str> = pyfun.blocks_of(kind).map(|(name, _)| name).collect();
    let same: Vec<&str> = names
        .iter()
        .copied()
        .filter(|known| folded(known) == folded(name))
        .collect();
    let kind_shown = kind.to_ascii_uppercase();
    match same.as_slice() {
        [one] => Ok((kind.to_owned(), Some((*one).to_owned()), key.to_owned())),
        [] => {
            let near = nearest(name, names.iter().copied());
            Err(near.map_or_else(
                || format!("there is no block `[{kind_shown}.{name}]` in the file"),
                |near| format!("did you mean the block `[{kind_shown}.{near}]`?"),
            ))
        }
        _ => Err(format!(
            "it could mean any of the blocks {}; set the value in the file",
            same.join(", ")
        )),
    }
}

/// A block's name as a variable's name can carry it.
fn folded(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            '-' | '.' | '/' | ':' => '_',
            c => c.to_ascii_lowercase(),
        })
        .collect()
}

fn text(origin: Option<&String>, value: &str) -> Value {
    Value::new(origin, ValueKind::String(value.to_owned()))
}

/// The table under `key`, made if there is none.
fn table(map: &mut Map<String, Value>, key: String) -> &mut Map<String, Value> {
    let slot = map
        .entry(key)
        .or_insert_with(|| Value::new(None, ValueKind::Table(Map::new())));
    match &mut slot.kind {
        ValueKind::Table(table) => table,
        _ => unreachable!("only tables are put in above"),
    }
}
