//! Schema: the tables that are the hub's, made by `hub db init`. Making them twice changes nothing.

use deadpool_postgres::Client;
use hub_actors::table::Table;

use super::{
    Fault,
    database::{Database, answer},
    results,
};

/// One thing that a database must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The table it is about.
    pub table: Table,
    /// What makes it, in order; each can be repeated.
    statements: Vec<String>,
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
    }
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
    match results::prepare(database, &step.table).await {
        Ok(_) if there => Ok(Made::Fits),
        Ok(_) => Ok(Made::Created),
        Err(fault) if fault.is_about_table() => Ok(Made::Lacks(fault.to_string())),
        Err(fault) => Err(fault),
    }
}
