//! `hub user`: people who log in with a password; and `hub import-users`, which takes those of the Python
//! hub over.

use std::{
    io::{self, BufRead, IsTerminal},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use rusqlite::{Connection, OpenFlags, Row};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{
    cli::{Files, complain, fail, say},
    control::{self, Answer, Request, UserRequest},
    exit,
    identity::{Hash, NewUser, User, now},
    local,
    table::Table,
};

/// Users that are sent at a time: a request is one line of at most 64 KiB.
const CHUNK: usize = 50;

/// What to do with users.
#[derive(Args)]
pub struct UserArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Make a user; the password is typed, or the first line of standard input
    Add {
        /// The name to log in with
        name: String,
        /// May administer everything
        #[arg(long)]
        admin: bool,
    },
    /// Set another password, and end the user's sessions
    Passwd {
        /// Who
        name: String,
    },
    /// Keep a user from logging in, and end their sessions
    Lock {
        /// Who
        name: String,
    },
    /// Let a user log in again, also after too many wrong passwords
    Unlock {
        /// Who
        name: String,
    },
    /// Show all users
    List {
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
}

/// Which users to take over.
#[derive(Args)]
pub struct ImportArgs {
    /// The Python hub's SQLite file
    file: PathBuf,
}

/// A failure: exit code and sentence.
type Failed = (u8, String);

/// Does it, prints, and returns the exit code.
pub fn run(files: &Files, arguments: &UserArgs) -> u8 {
    ended(act(files, &arguments.act))
}

/// Takes users over, says whom, and returns the exit code.
pub fn import(files: &Files, arguments: &ImportArgs) -> u8 {
    ended(take_over(files, &arguments.file))
}

fn ended(done: Result<(), Failed>) -> u8 {
    match done {
        Ok(()) => exit::OK,
        Err((code, sentence)) => {
            complain(sentence);
            code
        }
    }
}

fn act(files: &Files, act: &Act) -> Result<(), Failed> {
    match act {
        Act::Add { name, admin } => {
            let user = NewUser {
                name: name.clone(),
                hash: typed_hash()?,
                is_admin: *admin,
                is_locked: false,
            };
            let added = ask(files, UserRequest::Add(vec![user]))?;
            match added.pointer("/0/refused").and_then(Value::as_str) {
                Some(why) => return Err((exit::FAILED, why.to_owned())),
                None => say(format!("added {name}")),
            }
        }
        Act::Passwd { name } => {
            let (name, hash) = (name.clone(), typed_hash()?);
            ask(files, UserRequest::Password { name, hash })?;
            say("the password is set, and older sessions have ended");
        }
        Act::Lock { name } | Act::Unlock { name } => {
            let locked = matches!(act, Act::Lock { .. });
            let name = name.clone();
            ask(files, UserRequest::Lock { name, locked })?;
            say(if locked { "locked" } else { "unlocked" });
        }
        Act::List { json } => {
            let answer = ask(files, UserRequest::List)?;
            if *json {
                say(format!("{answer:#}"));
            } else {
                list(&serde_json::from_value::<Vec<User>>(answer).map_err(|_| other_version())?);
            }
        }
    }
    Ok(())
}

fn list(users: &[User]) {
    if users.is_empty() {
        return complain("there is no user yet; `hub user add NAME` makes one");
    }
    let mut table = Table::new(["name", "admin", "state"]);
    for user in users {
        let state = match user {
            User {
                is_locked: true, ..
            } => "locked",
            User { until, .. } if *until > now() => "locked by wrong passwords",
            _ => "active",
        };
        let admin = if user.is_admin { "yes" } else { "" };
        table.row([user.name.clone(), admin.to_owned(), state.to_owned()]);
    }
    say(table.to_string().trim_end());
}

fn ask(files: &Files, request: UserRequest) -> Result<Value, Failed> {
    let folder = local::data_folder(files)
        .map_err(|code| (code, "the configuration is wrong".to_owned()))?;
    let folder = folder.ok_or_else(|| {
        let sentence =
            "there is no folder for users: set HUB_DATA_DIR, or SQLITE_PATH in hub.pyfun";
        (exit::CONFIG, sentence.to_owned())
    })?;
    match control::ask(&folder, Request::User(request)) {
        Ok(Answer::Done(done)) => Ok(done),
        Ok(Answer::Failed(sentence)) => Err((exit::FAILED, sentence)),
        Err(error) => {
            let code = fail(exit::UNAVAILABLE, &error);
            Err((code, "nothing was changed".to_owned()))
        }
    }
}

fn other_version() -> Failed {
    (
        exit::UNAVAILABLE,
        "what answers is another version of the hub".to_owned(),
    )
}

/// The hash of a password that is typed twice without being shown, or comes from standard input. Never
/// from an argument: those are for everybody to see.
fn typed_hash() -> Result<String, Failed> {
    let unread = |error: io::Error| {
        (
            exit::FAILED,
            format!("no password was read ({})", error.kind()),
        )
    };
    let mut password = Zeroizing::new(String::new());
    if io::stdin().is_terminal() {
        *password = rpassword::prompt_password("Password: ").map_err(unread)?;
        let again = Zeroizing::new(rpassword::prompt_password("Once more: ").map_err(unread)?);
        if *password != *again {
            return Err((
                exit::FAILED,
                "those were two different passwords".to_owned(),
            ));
        }
    } else {
        io::stdin()
            .lock()
            .read_line(&mut password)
            .map_err(unread)?;
    }
    let password = password.trim_end_matches(['\r', '\n']);
    let hash = Hash::new(password).map_err(|error| (exit::FAILED, error.to_string()))?;
    Ok(hash.to_string())
}

/// Takes over whom it can, and says of everybody else why not.
fn take_over(files: &Files, file: &Path) -> Result<(), Failed> {
    let unreadable = |error: rusqlite::Error| {
        (
            exit::FAILED,
            format!(
                "{} has no table of users that could be read ({error})",
                file.display()
            ),
        )
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(unreadable)?;
    let (mut good, mut left) = (Vec::new(), Vec::new());
    for user in reference_users(&connection).map_err(unreadable)? {
        match Hash::parse(&user.hash) {
            Ok(_) => good.push(user),
            Err(error) => left.push((user.name, format!("the password: {error}"))),
        }
    }
    let mut taken = 0;
    for chunk in good.chunks(CHUNK) {
        let users = chunk.to_vec();
        let answer = ask(files, UserRequest::Add(users))?;
        for user in answer.as_array().into_iter().flatten() {
            let name = user.get("name").and_then(Value::as_str).unwrap_or_default();
            match user.get("refused").and_then(Value::as_str) {
                Some(why) => left.push((name.to_owned(), why.to_owned())),
                None => {
                    say(format!("taken  {name}"));
                    taken += 1;
                }
            }
        }
    }
    for (name, why) in &left {
        say(format!("left   {name}: {why}"));
    }
    say(format!(
        "{taken} users taken, {} left. Passwords are as they were; sessions are not taken, people log in again.",
        left.len()
    ));
    Ok(())
}

/// The users of the Python hub's file. Only names and passwords must be there.
fn reference_users(connection: &Connection) -> rusqlite::Result<Vec<NewUser>> {
    let mut all = connection.prepare("SELECT * FROM users")?;
    let columns: Vec<String> = all.column_names().map(str::to_lowercase).collect();
    let column = |names: &[&str]| {
        columns
            .iter()
            .position(|column| names.contains(&column.as_str()))
    };
    let missing = || rusqlite::Error::InvalidColumnName("username, password".to_owned());
    let name = column(&["username", "name", "user"]).ok_or_else(missing)?;
    let password = column(&["password", "password_hash", "hash"]).ok_or_else(missing)?;
    let (admin, locked) = (
        column(&["is_admin", "admin"]),
        column(&["account_locked", "is_locked", "locked"]),
    );
    let flag = |row: &Row<'_>, column: Option<usize>| -> rusqlite::Result<bool> {
        let value = column
            .map(|column| row.get::<_, Option<i64>>(column))
            .transpose()?;
        Ok(value.flatten().is_some_and(|value| value != 0))
    };
    let users = all.query_map([], |row| {
        Ok(NewUser {
            name: row.get::<_, Option<String>>(name)?.unwrap_or_default(),
            hash: row.get::<_, Option<String>>(password)?.unwrap_or_default(),
            is_admin: flag(row, admin)?,
            is_locked: flag(row, locked)?,
        })
    })?;
    users.collect()
}
