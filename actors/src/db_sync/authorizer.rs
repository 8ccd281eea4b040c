//! Authorizer: what a query may touch. Everything that is not on a list here is refused.

use std::sync::mpsc;

use rusqlite::{
    Connection, Error,
    hooks::{AuthAction, AuthContext, Authorization},
};

/// The tables that queries see.
const TABLES: [&str; 2] = ["hub_state", "tool_cache"];

/// The functions that queries have: none of them can take long over one value, or make a large one from
/// nothing. Left out on purpose, measured: `instr`, `replace`, `trim`, `ltrim`, `rtrim`
/// `glob` (quadratic), `printf`, `format`, `randomblob`, `zeroblob` (size from a number),
/// `load_extension`. `like` is the hub's own.
const FUNCTIONS: [&str; 61] = [
    "->",
    "->>",
    "abs",
    "avg",
    "ceil",
    "ceiling",
    "coalesce",
    "concat",
    "concat_ws",
    "count",
    "cume_dist",
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "dense_rank",
    "first_value",
    "floor",
    "group_concat",
    "hex",
    "ifnull",
    "iif",
    "if",
    "json",
    "json_array_length",
    "json_extract",
    "json_type",
    "json_valid",
    "julianday",
    "lag",
    "last_value",
    "lead",
    "length",
    "like",
    "likelihood",
    "likely",
    "lower",
    "max",
    "min",
    "nth_value",
    "ntile",
    "nullif",
    "octet_length",
    "percent_rank",
    "quote",
    "rank",
    "round",
    "row_number",
    "sign",
    "strftime",
    "string_agg",
    "substr",
    "substring",
    "sum",
    "time",
    "total",
    "typeof",
    "unixepoch",
    "unlikely",
    "upper",
];

/// Why a statement is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It reads a table that queries do not see.
    Table(String),
    /// It calls a function that queries do not have.
    Function(String),
    /// It does something else than reading.
    Action,
}

/// Every table, view and index of the file that queries do not see.
///
/// `count(*) FROM t` comes to the authorizer in the same shape as a subquery named `t`, so the names
/// that are really there have to be known.
///
/// # Errors
/// SQLite's, if the file cannot be read.
pub fn other_tables(connection: &Connection) -> Result<Vec<String>, Error> {
    let mut statement = connection.prepare("SELECT name FROM sqlite_schema")?;
    let names = statement.query_map([], |row| row.get(0))?;
    let names: Vec<String> = names.collect::<Result<_, _>>()?;
    Ok(names
        .into_iter()
        .filter(|name| !is_one_of(&TABLES, name))
        .collect())
}

/// The authorizer of one query. It says why it refuses, because SQLite does not.
pub fn authorizer(
    others: Vec<String>,
    refusals: mpsc::Sender<Refusal>,
) -> impl for<'r> FnMut(AuthContext<'r>) -> Authorization + Send + 'static {
    move |context| match judge(&context, &others) {
        Ok(()) => Authorization::Allow,
        Err(refusal) => {
            // The query listens until it has ended.
            drop(refusals.send(refusal));
            Authorization::Deny
        }
    }
}

fn judge(context: &AuthContext<'_>, others: &[String]) -> Result<(), Refusal> {
    match context.action {
        AuthAction::Select | AuthAction::Recursive => Ok(()),
        AuthAction::Function { function_name } if is_one_of(&FUNCTIONS, function_name) => Ok(()),
        AuthAction::Function { function_name } => Err(Refusal::Function(function_name.to_owned())),
        AuthAction::Read { table_name, .. } => {
            let known = match context.database_name {
                Some(database) => database == "main" && is_one_of(&TABLES, table_name),
                // A subquery or a common table expression, which has any name its author likes.
                None => !is_one_of(others, table_name) && !is_internal(table_name),
            };
            match known {
                true => Ok(()),
                false => Err(Refusal::Table(table_name.to_owned())),
            }
        }
        _ => Err(Refusal::Action),
    }
}

fn is_internal(name: &str) -> bool {
    let start = name.get(..7);
    start.is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
}

fn is_one_of<T: AsRef<str>>(names: &[T], name: &str) -> bool {
    names
        .iter()
        .any(|known| known.as_ref().eq_ignore_ascii_case(name))
}
