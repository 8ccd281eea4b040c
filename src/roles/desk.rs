//! Desk: what `hub role` does. Each act is one transaction, one at a time in all hubs.

use std::collections::HashSet;

use deadpool_postgres::{Client, Object, Transaction};
use hub_actors::params::clip;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tokio_postgres::{
    Error, Row,
    types::{ToSql, Type},
};

use super::{PATIENCE, permission::Permission, table::Role};
use crate::cloud_db::{Database, Fault};

/// Longest name, in characters.
const LONGEST_NAME: usize = 64;
/// Acts wait for each other here; the number is ours alone.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7309453210)";
/// Every role, with what it allows and who has it.
const LIST: &str = "
    SELECT r.name,
           ARRAY(SELECT permission FROM role_permissions WHERE role = r.name ORDER BY 1),
           ARRAY(SELECT user_name FROM user_role_assignments WHERE role = r.name ORDER BY 1)
    FROM user_roles r ORDER BY 1";
/// A user has these roles, too.
const GIVE: &str = "
    INSERT INTO user_role_assignments (user_name, role) SELECT $1, r FROM unnest($2) AS r
    ON CONFLICT DO NOTHING";

/// A value for a statement.
type Value<'a> = (&'a (dyn ToSql + Sync), Type);

/// What can be done with roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleAct {
    /// Make a role, or give the one of that name other permissions.
    Add {
        /// Its name.
        name: String,
        /// What it allows.
        permissions: Vec<Permission>,
    },
    /// Show all.
    List,
    /// Remove one; nobody has it any more.
    Remove(String),
    /// Give a user one more.
    Grant {
        /// Who.
        user: String,
        /// Which.
        role: String,
    },
    /// Take one from a user.
    Revoke {
        /// Who.
        user: String,
        /// Which.
        role: String,
    },
    /// Give a user these, and take all others.
    Set {
        /// Who.
        user: String,
        /// Which.
        roles: Vec<String>,
    },
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum RolesError {
    /// There is no database.
    #[error(
        "roles are kept in PostgreSQL: set DATABASE_URL, run `hub db init`, and start the hub again"
    )]
    NoDatabase,
    /// A name that nobody could type or read.
    #[error(
        "a role's name has 1 to {LONGEST_NAME} characters, no comma, no control characters, and no \
         space at its ends"
    )]
    Name,
    /// There is no such role.
    #[error("there is no role `{0}`; `hub role list` shows them")]
    NoRole(String),
    /// There is no such user.
    #[error("there is no user `{0}`; `hub user list` shows them")]
    NoUser(String),
    /// The user does not have it.
    #[error("`{user}` does not have the role `{role}`")]
    NotGranted {
        /// Who.
        user: String,
        /// Which.
        role: String,
    },
    /// The database.
    #[error("the database: {0}")]
    Database(#[from] Fault),
}

impl From<Error> for RolesError {
    fn from(error: Error) -> Self {
        Self::Database(error.into())
    }
}

/// Does it; `users` are those that there are. Shows roles if that was asked.
///
/// # Errors
/// [`RolesError`]: nothing was changed, unless the database was lost at the end.
pub async fn perform(
    database: &Database,
    act: &RoleAct,
    users: &HashSet<String>,
) -> Result<Vec<Role>, RolesError> {
    if let RoleAct::Add { name, .. } = act {
        let plain = name.chars().all(|c| !c.is_control() && c != ',') && name.trim() == name;
        if !plain || !(1..=LONGEST_NAME).contains(&name.chars().count()) {
            return Err(RolesError::Name);
        }
    }
    if let RoleAct::Grant { user, .. } | RoleAct::Set { user, .. } = act
        && !users.contains(user)
    {
        return Err(RolesError::NoUser(clip(user)));
    }
    let mut client = database.client().await?;
    match timeout(PATIENCE, transact(&mut client, act)).await {
        Ok(done) => done,
        Err(_) => {
            // One that does not answer is not used again.
            drop(Object::take(client));
            Err(Fault::silent().into())
        }
    }
}

async fn transact(client: &mut Client, act: &RoleAct) -> Result<Vec<Role>, RolesError> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(LOCK).await?;
    let roles = change(&transaction, act).await?;
    transaction.commit().await?;
    Ok(roles)
}

async fn change(on: &Transaction<'_>, act: &RoleAct) -> Result<Vec<Role>, RolesError> {
    match act {
        RoleAct::Add { name, permissions } => add(on, name, permissions).await?,
        RoleAct::List => {
            let rows = on.query_typed(LIST, &[]).await?;
            return Ok(rows.iter().map(role).collect::<Result<_, _>>()?);
        }
        RoleAct::Remove(name) => {
            let remove = "DELETE FROM user_roles WHERE name = $1 RETURNING name";
            let removed = on.query_typed(remove, &[(name, Type::TEXT)]).await?;
            if removed.is_empty() {
                return Err(RolesError::NoRole(clip(name)));
            }
        }
        RoleAct::Grant { user, role } => give(on, user, std::slice::from_ref(role)).await?,
        RoleAct::Revoke { user, role } => {
            let take = "DELETE FROM user_role_assignments WHERE user_name = $1 AND role = $2 \
                        RETURNING role";
            let values: [Value<'_>; 2] = [(user, Type::TEXT), (role, Type::TEXT)];
            if on.query_typed(take, &values).await?.is_empty() {
                let (user, role) = (clip(user), clip(role));
                return Err(RolesError::NotGranted { user, role });
            }
        }
        RoleAct::Set { user, roles } => {
            let take = "DELETE FROM user_role_assignments WHERE user_name = $1";
            on.query_typed(take, &[(user, Type::TEXT)]).await?;
            give(on, user, roles).await?;
        }
    }
    Ok(Vec::new())
}

async fn add(on: &Transaction<'_>, name: &str, permissions: &[Permission]) -> Result<(), Error> {
    let permissions: Vec<_> = permissions.iter().map(Permission::to_string).collect();
    let name: Value<'_> = (&name, Type::TEXT);
    let permissions: Value<'_> = (&permissions, Type::TEXT_ARRAY);
    for (statement, values) in [
        (
            "INSERT INTO user_roles (name) VALUES ($1) ON CONFLICT DO NOTHING",
            vec![name.clone()],
        ),
        (
            "INSERT INTO user_permissions (name) SELECT unnest($1) ON CONFLICT DO NOTHING",
            vec![permissions.clone()],
        ),
        (
            "DELETE FROM role_permissions WHERE role = $1",
            vec![name.clone()],
        ),
        (
            "INSERT INTO role_permissions (role, permission) SELECT $1, p FROM unnest($2) AS p \
             ON CONFLICT DO NOTHING",
            vec![name, permissions],
        ),
    ] {
        on.query_typed(statement, &values).await?;
    }
    Ok(())
}

/// Gives a user roles that there are.
async fn give(on: &Transaction<'_>, user: &str, roles: &[String]) -> Result<(), RolesError> {
    let roles = roles.to_vec();
    let unknown = "SELECT r FROM unnest($1) AS r WHERE r NOT IN (SELECT name FROM user_roles)";
    let unknown = on
        .query_typed(unknown, &[(&roles, Type::TEXT_ARRAY)])
        .await?;
    if let Some(row) = unknown.first() {
        let role: String = row.try_get(0)?;
        return Err(RolesError::NoRole(clip(&role)));
    }
    let values: [Value<'_>; 2] = [(&user, Type::TEXT), (&roles, Type::TEXT_ARRAY)];
    on.query_typed(GIVE, &values).await?;
    Ok(())
}

fn role(row: &Row) -> Result<Role, Error> {
    Ok(Role {
        name: row.try_get(0)?,
        permissions: row.try_get(1)?,
        users: row.try_get(2)?,
    })
}
