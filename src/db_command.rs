//! `hub db`: looks after the database that DATABASE_URL names.

use clap::{Args, Subcommand};

use crate::{
    cli::{Files, complain, fail, say},
    cloud_db::{
        Database, DatabaseSpec, Fault, VARIABLE,
        schema::{self, Made, Step},
    },
    environment::{self, Environment},
    exit,
    seal::{self, Variables},
    settings::Settings,
    start,
    vault::Vault,
};

/// What to do with the database.
#[derive(Args)]
pub struct DbArgs {
    #[command(subcommand)]
    command: DbCommand,
}

#[derive(Subcommand)]
enum DbCommand {
    /// Make the tables that the hub needs; what is there stays as it is
    Init,
}

/// Runs it, and returns the exit code. Like the hub that serves, it executes itself with a clean
/// environment first.
pub fn run(files: &Files, arguments: &DbArgs) -> u8 {
    let DbCommand::Init = arguments.command;
    match seal::handed_over() {
        Ok(Some(variables)) => init(files, variables),
        Ok(None) => unsealed(files),
        Err(error) => fail(exit::INTERNAL, &error),
    }
}

/// Executes itself with DATABASE_URL and a clean environment.
pub fn unsealed(files: &Files) -> u8 {
    let (environment, warnings) = match Environment::read(files.env_file.as_deref()) {
        Ok(read) => read,
        Err(error) => return fail(exit::CONFIG, &error),
    };
    warnings.iter().for_each(complain);
    if !environment.has(VARIABLE) {
        complain(format!(
            "{VARIABLE} is not set; put it into .env: {VARIABLE}=postgresql://user:password@host/database"
        ));
        return exit::CONFIG;
    }
    let needed = environment.needed(&[VARIABLE.to_owned()]);
    fail(exit::INTERNAL, &seal::reexec(&needed, None))
}

fn init(files: &Files, mut variables: Variables) -> u8 {
    let settings = match start::load(files, &environment::overrides(&variables)) {
        Ok((settings, _)) => settings,
        Err(code) => return code,
    };
    with_database(files, &mut variables, async |database, spec| {
        make(&database, &spec, &steps(&settings)).await
    })
}

/// Does something with the database, and returns the exit code.
pub fn with_database(
    files: &Files,
    variables: &mut Variables,
    work: impl AsyncFnOnce(Database, DatabaseSpec) -> u8,
) -> u8 {
    let vault = Vault::take(variables, &[VARIABLE.to_owned()]);
    let folder = files.config.parent().unwrap_or(std::path::Path::new(""));
    let dsn = match vault.dsn(VARIABLE, folder) {
        Some(Ok(dsn)) => dsn,
        Some(Err(error)) => return fail(exit::CONFIG, &error),
        None => {
            complain(format!("{VARIABLE} is not set"));
            return exit::CONFIG;
        }
    };
    dsn.warnings().iter().for_each(complain);
    let spec = match DatabaseSpec::new(dsn) {
        Ok(spec) => spec,
        Err(error) => return fail(exit::CONFIG, &error),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(exit::INTERNAL, &error),
    };
    runtime.block_on(async {
        match Database::open(&spec) {
            Ok(database) => work(database, spec).await,
            Err(error) => fail(exit::INTERNAL, &error),
        }
    })
}

/// A step for each table that a tool keeps data in, and those of roles.
fn steps(settings: &Settings) -> Vec<Step> {
    let keeps = settings
        .tools
        .iter()
        .filter(|tool| tool.active && tool.provider_type == "persist");
    let mut steps: Vec<Step> = Vec::new();
    for tool in keeps {
        let step = schema::results(&tool.target_table);
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    steps.extend(schema::roles());
    steps
}

async fn make(database: &Database, spec: &DatabaseSpec, steps: &[Step]) -> u8 {
    let mut code = exit::OK;
    for step in steps {
        let table = &step.table;
        match schema::make(database, step).await {
            Ok(Made::Created) => say(format!("{table}: created")),
            Ok(Made::Fits) => say(format!("{table}: is there, and has what is needed")),
            Ok(Made::Lacks(what)) => {
                complain(format!("{table}: {what}"));
                code = exit::FAILED;
            }
            Err(fault) => return refused(spec, &fault),
        }
    }
    code
}

fn refused(spec: &DatabaseSpec, fault: &Fault) -> u8 {
    complain(format!("{}: {fault}", spec.place()));
    exit::FAILED
}
