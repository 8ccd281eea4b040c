//! Schema: the tables that are the hub's, made by `hub db init`. Making them twice changes nothing.

use deadpool_postgres::Client;
use hub_actors::table::Table;

use super::{
    Fault,
    database::{Database, answer},
    fault::FaultKind,
    results,
};

/// One thing that a database must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The table it is about.
    pub table: Table,
    /// What makes it, in order; each can be repeated.
    statements: Vec<String>,
    needs: Needs,
}

/// What one that is there must have.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Needs {
    /// A place for rows and their ids.
    Results,
    /// These columns, of type text.
    Texts(&'static [&'static str]),
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// It was not there, and is now.
    Created,
    /// It was there and has what is needed.
    Fits,
    /// It was there and lacks something; the clause says what to run.
    Lacks(String),
}

/// What a table for results takes.
pub fn results(table: &Table) -> Step {
    let schema = table.schema().map(|schema| {
        // IF NOT EXISTS asks for the right to create even if there is nothing to create.
        format!(
            "DO $$ BEGIN IF to_regnamespace('\"{schema}\"') IS NULL \
             THEN CREATE SCHEMA \"{schema}\"; END IF; END $$"
        )
    });
    let create = format!(
        "CREATE TABLE IF NOT EXISTS {} (
            id uuid PRIMARY KEY,
            payload jsonb NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now()
        )",
        table.quoted()
    );
    Step {
        table: table.clone(),
        statements: schema.into_iter().chain([create]).collect(),
        needs: Needs::Results,
    }
}

/// What roles take: `user_role_assignments -> user_roles -> role_permissions -> user_permissions`.
pub fn roles() -> [Step; 4] {
    let [roles, permissions, role_permissions, assignments] = Table::roles();
    let step = |table: Table, columns: &str, needs| Step {
        statements: vec![format!(
            "CREATE TABLE IF NOT EXISTS {} ({columns})",
            table.quoted()
        )],
        table,
        needs: Needs::Texts(needs),
    };
    [
        step(roles, "name text PRIMARY KEY", &["name"]),
        step(permissions, "name text PRIMARY KEY", &["name"]),
        step(
            role_permissions,
            "role text NOT NULL REFERENCES user_roles (name) ON DELETE CASCADE,
             permission text NOT NULL REFERENCES user_permissions (name) ON DELETE CASCADE,
             PRIMARY KEY (role, permission)",
            &["role", "permission"],
        ),
        step(
            assignments,
            "user_name text NOT NULL,
             role text NOT NULL REFERENCES user_roles (name) ON DELETE CASCADE,
             PRIMARY KEY (user_name, role)",
            &["user_name", "role"],
        ),
    ]
}

/// Sees to it that the database has what a step is about.
///
/// # Errors
/// [`Fault`]
pub async fn make(database: &Database, step: &Step) -> Result<Made, Fault> {
    let there = !results::columns(database, &step.table).await?.is_empty();
    if !there {
        for statement in &step.statements {
            let client = database.client().await?;
            let made = answer(client, async |client: &Client| {
                client.batch_execute(statement).await
            });
            made.await.1?;
        }
    }
    let fits = match step.needs {
        Needs::Results => results::prepare(database, &step.table).await.map(drop),
        Needs::Texts(names) => has_texts(database, &step.table, names).await,
    };
    match fits {
        Ok(()) if there => Ok(Made::Fits),
        Ok(()) => Ok(Made::Created),
        Err(fault) if fault.is_about_table() => Ok(Made::Lacks(fault.to_string())),
        Err(fault) => Err(fault),
    }
}

async fn has_texts(database: &Database, table: &Table, names: &[&str]) -> Result<(), Fault> {
    let columns = results::columns(database, table).await?;
    let is_there = |name: &&&str| {
        let mut same = columns.iter().filter(|column| column.name == **name);
        same.any(|column| matches!(&*column.kind, "text" | "varchar"))
    };
    let Some(missing) = names.iter().find(|name| !is_there(name)) else {
        return Ok(());
    };
    let quoted = table.quoted();
    let sentence = format!(
        "it is somebody else's, without the text column {missing}: run ALTER TABLE {quoted} RENAME TO \
         \"old_{table}\"; and `hub db init` again"
    );
    Err(Fault::new(FaultKind::Table, sentence))
}
