//! `hub key`: makes, shows and revokes API keys, of the running hub or in the files of one that is not.

use std::{
    num::NonZeroU32,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::{Args, Subcommand};
use hub_actors::{account::Limits, scope::Scope};
use serde_json::Value;

use crate::{
    cli::{Files, complain, fail, say},
    control::{self, Answer, KeyRequest, Request},
    exit,
    identity::{NewKey, Rights, Shown, State, now},
    local,
    table::Table,
};

/// What to do with keys.
#[derive(Args)]
pub struct KeyArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Make a key, and print it; nobody can show it again
    Add(AddArgs),
    /// Show all keys, but for the keys themselves
    List {
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key: within a second it is one no longer, everywhere
    Revoke {
        /// Its name or its id
        #[arg(value_name = "NAME|ID")]
        which: String,
    },
}

/// What the key may do.
#[derive(Args)]
struct AddArgs {
    /// For people: who or what will use it
    #[arg(long)]
    name: String,
    /// Tools that it may call: names and beginnings (`llm_*`), with commas between; `*` is all
    #[arg(long, value_name = "NAMES", default_value = "*")]
    tools: Scope,
    /// Models that it may ask, in the same manner
    #[arg(long, value_name = "NAMES", default_value = "*")]
    models: Scope,
    /// What it may administer: admin:keys, admin:config, usage:read, `*`
    #[arg(long, value_name = "NAMES", default_value = "")]
    admin: Scope,
    /// Requests per minute
    #[arg(long, value_name = "COUNT")]
    rpm: Option<NonZeroU32>,
    /// Requests per day
    #[arg(long, value_name = "COUNT")]
    rpd: Option<NonZeroU32>,
    /// Calls at the same time
    #[arg(long, value_name = "COUNT")]
    parallel: Option<NonZeroU32>,
    /// When it ends: after a time (`12h`, `30d`), or at one (`2027-01-31`, UTC)
    #[arg(long, value_name = "WHEN", value_parser = expires)]
    expires: Option<u64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Does it, prints, and returns the exit code.
pub fn run(files: &Files, arguments: &KeyArgs) -> u8 {
    let folder = match local::data_folder(files) {
        Ok(Some(folder)) => folder,
        Ok(None) => {
            complain(
                "there is no folder for keys: set HUB_DATA_DIR, or SQLITE_PATH in hub.pyfun. \
                 Without one, HUB_API_KEY is the one key there can be",
            );
            return exit::CONFIG;
        }
        Err(code) => return code,
    };
    let answer = match control::ask(&folder, arguments.act.request()) {
        Ok(Answer::Done(done)) => done,
        Ok(Answer::Failed(sentence)) => {
            complain(sentence);
            return exit::FAILED;
        }
        Err(error) => return fail(exit::UNAVAILABLE, &error),
    };
    arguments.act.print(&answer)
}

/// Reads a time from now on, or a date.
fn expires(text: &str) -> Result<u64, String> {
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).map(|since| since.as_secs());
    if let Ok(from_now) = humantime::parse_duration(text) {
        let end = Duration::from_secs(now()).checked_add(from_now);
        return end
            .map(|end| end.as_secs())
            .ok_or_else(|| "that is too far away".to_owned());
    }
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    let time = humantime::parse_rfc3339_weak(&whole).ok();
    time.and_then(|time| seconds(time).ok())
        .ok_or_else(|| "say for how long (12h, 30d), or until when (2027-01-31)".to_owned())
}

// === impl Act ===

impl Act {
    fn request(&self) -> Request {
        Request::Key(match self {
            Self::Add(add) => KeyRequest::Add(NewKey {
                name: add.name.clone(),
                rights: Rights {
                    tools: add.tools.clone(),
                    models: add.models.clone(),
                    admin: add.admin.clone(),
                    limits: Limits {
                        rpm: add.rpm,
                        rpd: add.rpd,
                        parallel: add.parallel,
                    },
                    expires: add.expires,
                },
            }),
            Self::List { .. } => KeyRequest::List,
            Self::Revoke { which } => KeyRequest::Revoke(which.clone()),
        })
    }

    fn print(&self, answer: &Value) -> u8 {
        match self {
            Self::Add(AddArgs { json: true, .. }) | Self::List { json: true } => {
                say(format!("{answer:#}"));
            }
            Self::Add(_) => {
                say(answer
                    .get("key")
                    .and_then(Value::as_str)
                    .unwrap_or_default());
                complain("this is the key, and nobody can show it again: keep it now");
            }
            Self::List { .. } => match serde_json::from_value::<Vec<Shown>>(answer.clone()) {
                Ok(keys) => list(&keys),
                Err(_) => {
                    complain("what answers is another version of the hub");
                    return exit::UNAVAILABLE;
                }
            },
            Self::Revoke { .. } => {
                let name = answer.get("name").and_then(Value::as_str);
                say(format!("revoked {}", name.unwrap_or_default()));
            }
        }
        exit::OK
    }
}

fn list(keys: &[Shown]) {
    if keys.is_empty() {
        complain("there is no key yet; `hub key add --name me` makes one");
        return;
    }
    let mut table = Table::new(["name", "id", "tools", "models", "admin", "limits", "state"]);
    let is_valid = |key: &&Shown| key.state == State::Valid;
    let valid = keys.iter().filter(is_valid);
    // What can be used comes first.
    for key in valid.chain(keys.iter().filter(|key| !is_valid(key))) {
        table.row(key.row());
    }
    say(table.to_string().trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_time_from_now_or_a_date() {
        let in_a_day = expires("1d").expect("is read");
        assert!((now() + 86_399..=now() + 86_401).contains(&in_a_day));
        assert_eq!(expires("2027-01-31"), Ok(1_801_353_600));
        assert_eq!(expires("2027-01-31T12:00:00Z"), Ok(1_801_396_800));
        for text in ["", "soon", "-1d", "2027-13-01", "99999999999999999y"] {
            assert!(expires(text).is_err(), "{text}");
        }
    }
}
