//! `hub role`: makes, shows and removes roles, and says who has them: through the running hub, or in the
//! database itself when none runs.

use std::{collections::HashSet, time::Instant};

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::{
    cli::{Files, complain, fail, say},
    control::{self, Answer, Request},
    data_folder::DataFolder,
    db_command, environment, exit,
    grounds::Grounds,
    identity::{self, Act as Administered, Done, Store, StoreError},
    local,
    roles::{self, Permission, Role, RoleAct},
    seal::{self, Variables},
    start, state_file,
    table::Table,
};

/// What to do with roles.
#[derive(Args)]
pub struct RoleArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Make a role, or give the one of that name other permissions
    Add {
        /// Its name
        name: String,
        /// tool:NAME, model:NAME (a `*` may end the name), admin:keys, admin:config, usage:read, with
        /// commas between
        #[arg(
            long,
            value_delimiter = ',',
            required = true,
            value_name = "PERMISSIONS"
        )]
        permissions: Vec<Permission>,
    },
    /// Show all roles, what they allow, and who has them
    List {
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Remove a role; nobody has it any more
    Remove {
        /// Its name
        name: String,
    },
    /// Give a user one more role
    Grant {
        /// Who
        user: String,
        /// Which
        role: String,
    },
    /// Take a role from a user: sessions lose it at once
    Revoke {
        /// Who
        user: String,
        /// Which
        role: String,
    },
    /// Give a user these roles and no other, at once
    Set {
        /// Who
        user: String,
        /// Which, with commas between; an empty text is none
        #[arg(value_name = "ROLE,..")]
        roles: String,
    },
}

/// Does it, prints, and returns the exit code.
pub fn run(files: &Files, arguments: &RoleArgs) -> u8 {
    match seal::handed_over() {
        Ok(Some(variables)) => directly(files, &arguments.act, variables),
        Ok(None) => through_the_hub(files, &arguments.act),
        Err(error) => fail(exit::INTERNAL, &error),
    }
}

fn through_the_hub(files: &Files, act: &Act) -> u8 {
    let folder = match local::data_folder(files) {
        Ok(folder) => folder,
        Err(code) => return code,
    };
    let Some(folder) = folder else {
        complain("there is no folder for users: set HUB_DATA_DIR, or SQLITE_PATH in hub.pyfun");
        return exit::CONFIG;
    };
    match control::ask_running(&folder, &Request::Role(act.request())) {
        Ok(Some(answer)) => act.print(answer),
        Ok(None) => db_command::unsealed(files),
        Err(error) => fail(exit::UNAVAILABLE, &error),
    }
}

/// In the sealed process, and no hub runs.
fn directly(files: &Files, act: &Act, mut variables: Variables) -> u8 {
    let since = Instant::now();
    let settings = match start::load(files, &environment::overrides(&variables)) {
        Ok((settings, _)) => settings,
        Err(code) => return code,
    };
    let data = Grounds::new(files, &settings, &variables).data;
    let Some(folder) = state_file::folder(&settings, &files.config, &data) else {
        return exit::CONFIG;
    };
    let users = match users(&folder) {
        Ok(users) => users,
        Err(error) => return fail(exit::CONFIG, &error),
    };
    let request = act.request();
    let what = Request::Role(request.clone()).audited();
    db_command::with_database(files, &mut variables, async |database, _| {
        let done = roles::perform(&database, &request, &users).await;
        let answer = Answer::new(done.map(Done::Roles));
        control::put_down_at_once(&folder, what, &answer, since);
        act.print(answer)
    })
}

fn users(folder: &DataFolder) -> Result<HashSet<String>, StoreError> {
    if !Store::is_in(folder) {
        return Ok(HashSet::new());
    }
    let store = Store::open(folder)?;
    let all = identity::administer(&store, &Request::principal(), Administered::ListUsers);
    Ok(match all {
        Ok(Done::ListedUsers(users)) => users.into_iter().map(|user| user.name).collect(),
        _ => HashSet::new(),
    })
}

// === impl Act ===

impl Act {
    fn request(&self) -> RoleAct {
        match self {
            Self::Add { name, permissions } => RoleAct::Add {
                name: name.clone(),
                permissions: permissions.clone(),
            },
            Self::List { .. } => RoleAct::List,
            Self::Remove { name } => RoleAct::Remove(name.clone()),
            Self::Grant { user, role } => RoleAct::Grant {
                user: user.clone(),
                role: role.clone(),
            },
            Self::Revoke { user, role } => RoleAct::Revoke {
                user: user.clone(),
                role: role.clone(),
            },
            Self::Set { user, roles } => RoleAct::Set {
                user: user.clone(),
                roles: names(roles),
            },
        }
    }

    fn print(&self, answer: Answer) -> u8 {
        let answer = match answer {
            Answer::Done(done) => done,
            Answer::Failed(sentence) => {
                complain(sentence);
                return exit::FAILED;
            }
        };
        match self {
            Self::List { json: true } => say(format!("{answer:#}")),
            Self::List { json: false } => return list(answer),
            Self::Add { name, .. } => say(format!("the role {name} is as you said")),
            Self::Remove { name } => say(format!("removed {name}")),
            Self::Grant { user, role } => say(format!("{user} has the role {role}")),
            Self::Revoke { user, role } => say(format!("{user} has the role {role} no longer")),
            Self::Set { user, roles } => match names(roles).as_slice() {
                [] => say(format!("{user} has no role")),
                roles => say(format!("{user} has: {}", roles.join(", "))),
            },
        }
        exit::OK
    }
}

fn names(list: &str) -> Vec<String> {
    let names = list.split(',').map(str::trim);
    let names = names.filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

fn list(answer: Value) -> u8 {
    let Ok(roles) = serde_json::from_value::<Vec<Role>>(answer) else {
        complain("what answers is another version of the hub");
        return exit::UNAVAILABLE;
    };
    if roles.is_empty() {
        complain(
            "there is no role yet; `hub role add NAME --permissions tool:*,model:*` makes one",
        );
        return exit::OK;
    }
    let mut table = Table::new(["role", "permissions", "users"]);
    for role in roles {
        table.row([
            role.name,
            role.permissions.join(", "),
            role.users.join(", "),
        ]);
    }
    say(table.to_string().trim_end());
    exit::OK
}
