//! `hub doctor`: what hardening is on. It seals itself as the hub does, and tries in there what must
//! not be possible.

use std::{
    fs::File,
    io::ErrorKind,
    path::Path,
    process::{Command, Stdio},
};

use clap::Args;
use rustix::process::{DumpableBehavior, Resource};
use serde::Serialize;
use serde_json::json;

use crate::{
    cli::{Files, say},
    confine::Confinement,
    environment, exit, seal, start,
    table::Table,
};

/// How to tell.
#[derive(Args)]
pub struct DoctorArgs {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// One finding.
#[derive(Debug, Serialize)]
struct Finding {
    name: &'static str,
    /// It protects.
    active: bool,
    /// What was seen.
    seen: String,
}

/// Looks, prints, and returns the exit code.
pub fn run(files: &Files, arguments: &DoctorArgs) -> u8 {
    start::sealed(files, |variables| {
        let confinement = match start::confined(files, &variables) {
            Ok(confinement) => confinement,
            Err(code) => return code,
        };
        drop(variables);
        let findings = findings(confinement, files);
        if arguments.json {
            say(format!("{:#}", json!({"findings": findings})));
        } else {
            let mut table = Table::new(["HARDENING", "ACTIVE", "SEEN"]);
            for Finding { name, active, seen } in &findings {
                let active = if *active { "yes" } else { "no" };
                table.row([(*name).to_owned(), active.to_owned(), seen.clone()]);
            }
            say(table.to_string().trim_end());
        }
        exit::OK
    })
}

fn findings(confinement: Confinement, files: &Files) -> Vec<Finding> {
    let finding = |name, active, seen: &str| Finding {
        name,
        active,
        seen: seen.to_owned(),
    };
    let core = rustix::process::getrlimit(Resource::Core).maximum;
    let dumpable = rustix::process::dumpable_behavior();
    let undumpable = matches!(dumpable, Ok(DumpableBehavior::NotDumpable));
    let privileges = matches!(rustix::thread::no_new_privs(), Ok(true));
    let strange = seal::strange_variables();
    let enforced = matches!(confinement, Confinement::Enforced { .. });
    vec![
        finding("no core files", core == Some(0), "RLIMIT_CORE"),
        finding(
            "no debugger, no /proc for others",
            undumpable,
            "PR_SET_DUMPABLE",
        ),
        finding("no new privileges", privileges, "PR_SET_NO_NEW_PRIVS"),
        finding(
            "environment without secrets",
            strange == 0,
            &format!("{strange} variables too many"),
        ),
        finding("files (Landlock)", enforced, &confinement.to_string()),
        secrets(environment::file(files.env_file.as_deref())),
        programs(),
    ]
}

/// Tries to read the file with the keys.
fn secrets(file: &Path) -> Finding {
    let seen = match File::open(file) {
        Ok(_) => "it can be read: it is below a folder that the hub writes, or Landlock is missing",
        Err(error) if error.kind() == ErrorKind::PermissionDenied => "refused",
        Err(error) if error.kind() == ErrorKind::NotFound => "there is none",
        Err(_) => "it cannot be read",
    };
    Finding {
        name: "the file with the keys",
        active: !seen.starts_with("it can be"),
        seen: format!("{}: {seen}", file.display()),
    }
}

/// Tries to start a program: this one, which would only say its version.
fn programs() -> Finding {
    let mut command = Command::new(std::env::current_exe().unwrap_or_else(|_| "/bin/true".into()));
    command
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let started = command.status();
    let refused = started.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    Finding {
        name: "no programs",
        active: refused,
        seen: if refused {
            "refused"
        } else {
            "one was started"
        }
        .to_owned(),
    }
}
