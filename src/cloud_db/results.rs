//! Results: rows into a table that may be somebody else's.
//!
//! A row arrives once because a unique column holds its id. In the hub's own table that is `id`; a table
//! of before, with a number there, needs one column more, and the hub says which.

use std::sync::Arc;

use deadpool_postgres::Client;
use hub_actors::{
    protocol::{Rejected, Row},
    table::Table,
};
use tokio_postgres::types::Type;

use super::{
    database::{Database, answer},
    fault::{Fault, FaultKind},
};

/// Where a row's id can be, in this order.
const KEYS: [&str; 2] = ["id", "hub_id"];

/// What a table must have, and what it has. `to_regclass` is null for a table that is not there.
const COLUMNS: &str = "
    SELECT a.attname::text, t.typname::text, EXISTS (
        SELECT FROM pg_index i
        WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid AND i.indimmediate
          AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum
    ), a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped";

/// A statement that inserts any number of rows into one table, those that are there left alone.
pub type Insert = Arc<str>;

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, as `pg_type` calls it.
    pub kind: String,
    /// Whether an index makes its values unique.
    pub unique: bool,
    /// Whether a row must have a value here, and has none by itself.
    pub required: bool,
}

/// What became of a delivery.
pub struct Delivered {
    /// Rows that will never be there.
    pub rejected: Vec<Rejected>,
    /// For the next delivery to this table; `None` if the table may have changed.
    pub insert: Option<Insert>,
}

/// Brings rows into a table. `insert` is what the delivery before used.
///
/// # Errors
/// [`Fault`], if it can be tried again: nobody knows which rows are there.
pub async fn deliver(
    database: &Database,
    table: &Table,
    rows: &[Row],
    insert: Option<Insert>,
) -> Result<Delivered, Fault> {
    let known = insert.is_some();
    let insert = match insert {
        Some(insert) => insert,
        None => match prepare(database, table).await {
            Ok(insert) => insert,
            Err(fault) => return all_rejected(table, rows, fault),
        },
    };
    let mut rejected = Vec::new();
    // One row that is refused keeps the others out, so they are tried in halves.
    let mut parts = vec![rows];
    while let Some(part) = parts.pop() {
        let Err(fault) = send(database, &insert, part).await else {
            continue;
        };
        match (fault.kind, part) {
            (FaultKind::NoConnection | FaultKind::NotNow, _) => return Err(fault),
            // The table is not what it was.
            (FaultKind::Table, _) if known => {
                return Box::pin(deliver(database, table, rows, None)).await;
            }
            (FaultKind::Table, _) => return all_rejected(table, rows, fault),
            (FaultKind::Row, [row]) => rejected.push(Rejected {
                id: row.id,
                reason: reason(table, &fault),
            }),
            (FaultKind::Row, _) => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
        }
    }
    Ok(Delivered {
        rejected,
        insert: Some(insert),
    })
}

fn all_rejected(table: &Table, rows: &[Row], fault: Fault) -> Result<Delivered, Fault> {
    match fault.kind {
        FaultKind::NoConnection | FaultKind::NotNow => Err(fault),
        FaultKind::Table | FaultKind::Row => {
            let reason = reason(table, &fault);
            let rejected = rows.iter().map(|row| Rejected {
                id: row.id,
                reason: reason.clone(),
            });
            Ok(Delivered {
                rejected: rejected.collect(),
                insert: None,
            })
        }
    }
}

fn reason(table: &Table, fault: &Fault) -> Arc<str> {
    format!("{table}: {fault}").into()
}

async fn send(database: &Database, insert: &Insert, rows: &[Row]) -> Result<(), Fault> {
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let payloads: Vec<_> = rows.iter().map(|row| row.payload.as_str()).collect();
    let times: Vec<_> = rows.iter().map(|row| row.created_at.as_str()).collect();
    let client = database.client().await?;
    // Without a name, a statement also passes a pooler that gives each transaction another connection.
    let sent = answer(client, async |client: &Client| {
        let values: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] = [
            (&ids, Type::UUID_ARRAY),
            (&payloads, Type::TEXT_ARRAY),
            (&times, Type::TEXT_ARRAY),
        ];
        client.execute_typed(insert, &values).await
    });
    sent.await.1.map(|_| ())
}

/// Looks at a table and makes the statement that fits it.
///
/// # Errors
/// [`Fault`]; of the kind `Table` if no statement does.
pub async fn prepare(database: &Database, table: &Table) -> Result<Insert, Fault> {
    let columns = columns(database, table).await?;
    if columns.is_empty() {
        let sentence = "the table does not exist: run `hub db init`";
        return Err(Fault::new(FaultKind::Table, sentence));
    }
    insert(table, &columns).map_err(|sentence| Fault::new(FaultKind::Table, sentence))
}

/// A table's columns; none if there is no such table.
///
/// # Errors
/// [`Fault`]
pub async fn columns(database: &Database, table: &Table) -> Result<Vec<Column>, Fault> {
    let client = database.client().await?;
    let name = table.quoted();
    let found = answer(client, async |client: &Client| {
        client.query_typed(COLUMNS, &[(&name, Type::TEXT)]).await
    });
    let rows = found.await.1?;
    let column = |row: &tokio_postgres::Row| {
        Ok(Column {
            name: row.try_get(0)?,
            kind: row.try_get(1)?,
            unique: row.try_get(2)?,
            required: row.try_get(3)?,
        })
    };
    rows.iter().map(column).collect()
}

/// The statement for a table with these columns, or the ALTER TABLE that it needs.
pub fn insert(table: &Table, columns: &[Column]) -> Result<Insert, String> {
    let table = table.quoted();
    let find = |name: &str| columns.iter().find(|column| column.name == name);
    let alter = |what: &str| format!("ALTER TABLE {table} {what};");
    let is_key = |column: &&Column| column.unique && matches!(&*column.kind, "uuid");
    let keys = KEYS.iter().filter_map(|name| find(name));
    let Some(key) = keys.clone().find(is_key) else {
        let last = KEYS.last().copied().and_then(find);
        return Err(match last.map(|column| column.kind.as_str()) {
            None => format!(
                "no column holds the ids by which rows are known again: run {}",
                alter("ADD COLUMN hub_id uuid UNIQUE")
            ),
            Some("uuid") => format!("hub_id is not unique: run {}", alter("ADD UNIQUE (hub_id)")),
            Some(_) => format!(
                "hub_id holds something else: run {} {}",
                alter("RENAME COLUMN hub_id TO old_hub_id"),
                alter("ADD COLUMN hub_id uuid UNIQUE")
            ),
        });
    };
    let payload = match find("payload").map(|column| column.kind.as_str()) {
        Some(kind @ ("jsonb" | "json" | "text")) => kind,
        Some("varchar") => "text",
        Some(_) => {
            let what = "ALTER COLUMN payload TYPE jsonb USING to_jsonb(payload)";
            return Err(format!("payload cannot hold JSON: run {}", alter(what)));
        }
        None => {
            let what = "ADD COLUMN payload jsonb";
            return Err(format!("there is no column payload: run {}", alter(what)));
        }
    };
    let time = match find("created_at").map(|column| column.kind.as_str()) {
        Some(kind @ ("timestamptz" | "timestamp" | "text")) => Some(kind),
        Some("varchar") => Some("text"),
        // A default, or nothing.
        _ => None,
    };
    let key = &key.name;
    let is_filled =
        |name: &str| name == key || name == "payload" || (name == "created_at" && time.is_some());
    let empty = |column: &&Column| column.required && !is_filled(&column.name);
    if let Some(column) = columns.iter().find(empty) {
        let name = column.name.replace('"', "\"\"");
        let what = match &*column.kind {
            "uuid" => format!("ALTER COLUMN \"{name}\" SET DEFAULT gen_random_uuid()"),
            "text" | "varchar" => {
                format!("ALTER COLUMN \"{name}\" SET DEFAULT gen_random_uuid()::text")
            }
            _ => format!("ALTER COLUMN \"{name}\" DROP NOT NULL"),
        };
        return Err(format!(
            "every row needs a value in {name}, and the hub has none for it: run {}",
            alter(&what)
        ));
    }
    let (column, value) = match time {
        // Times without a zone are in UTC, as the texts are.
        Some("timestamp") => (
            ", created_at",
            ", c::timestamptz AT TIME ZONE 'UTC'".to_owned(),
        ),
        Some(kind) => (", created_at", format!(", c::{kind}")),
        None => ("", String::new()),
    };
    Ok(format!(
        "INSERT INTO {table} ({key}, payload{column}) SELECT i, p::{payload}{value} \
         FROM unnest($1::uuid[], $2::text[], $3::text[]) AS r (i, p, c) \
         ON CONFLICT ({key}) DO NOTHING"
    )
    .into())
}
