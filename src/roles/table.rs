//! Table: who may do what, as the database has it, read in one join.

use std::collections::HashMap;

use deadpool_postgres::{Client, Object};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};
use tokio_postgres::Error;

use super::{
    PATIENCE,
    permission::{Granted, Permission},
};
use crate::cloud_db::{Database, Fault};

/// How many of the tables are there.
const TABLES: &str = "
    SELECT count(*) FROM (VALUES ('user_roles'), ('user_permissions'), ('role_permissions'),
                                 ('user_role_assignments')) AS needed (name)
    WHERE to_regclass(needed.name) IS NOT NULL";
/// Who has which permission.
const PERMISSIONS: &str = "
    SELECT a.user_name, p.name
    FROM user_role_assignments a
    JOIN user_roles r ON r.name = a.role
    JOIN role_permissions h ON h.role = r.name
    JOIN user_permissions p ON p.name = h.permission";

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Unique.
    pub name: String,
    /// What whoever has it may do.
    pub permissions: Vec<String>,
    /// Who has it.
    pub users: Vec<String>,
}

/// What the database said.
#[derive(Debug)]
pub struct Read {
    /// When it was asked.
    pub at: Instant,
    /// What each user is granted, by name; `None` if there is none of the tables.
    pub users: Option<HashMap<String, Granted>>,
}

/// Reads who may do what.
///
/// # Errors
/// [`Fault`], also if some of the tables are missing.
pub async fn read(database: &Database) -> Result<Read, Fault> {
    let at = Instant::now();
    let client = database.client().await?;
    let users = match timeout(PATIENCE, users(&client)).await {
        Ok(users) => users?,
        Err(_) => {
            // One that does not answer is not used again.
            drop(Object::take(client));
            return Err(Fault::silent());
        }
    };
    Ok(Read { at, users })
}

async fn users(client: &Client) -> Result<Option<HashMap<String, Granted>>, Error> {
    let count = client.query_typed(TABLES, &[]).await?;
    let count = count.first().map(|row| row.try_get::<_, i64>(0));
    if count.transpose()? == Some(0) {
        return Ok(None);
    }
    let mut users = HashMap::new();
    for row in client.query_typed(PERMISSIONS, &[]).await? {
        let (user, text): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let granted = users.entry(user).or_insert(Granted::NOTHING);
        match text.parse::<Permission>() {
            Ok(permission) => granted.add(permission),
            // Somebody wrote it there; it allows nothing.
            Err(error) => tracing::warn!(%error, "a role has something that is no permission"),
        }
    }
    Ok(Some(users))
}
