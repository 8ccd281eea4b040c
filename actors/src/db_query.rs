//! `db_query`: one SELECT on the hub's own state, from parameters to rows.

use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use crate::{
    catalogue::Catalogue,
    error::CallError,
    params::Params,
    protocol::{Query, QueryError, Rows},
};

/// Asks DbSync, until `end` at most.
///
/// # Errors
/// [`CallError::BadRequest`] without SQL, [`CallError::InvalidSql`] if it is no query that runs,
/// [`CallError::Overloaded`] if DbSync is restarting, busy or without its file.
pub async fn query(
    catalogue: &Catalogue,
    mut params: Params,
    end: Instant,
) -> Result<Rows, CallError> {
    let sql = params.text(&["sql", "prompt", "query"])?;
    params.finish()?;
    let Some(sql) = sql else {
        return Err(CallError::BadRequest(
            "`db_query` needs `sql`: a SELECT on hub_state or tool_cache.".to_owned(),
        ));
    };
    let Some(db) = &catalogue.db else {
        return Err(unavailable());
    };
    let (reply, rows) = oneshot::channel();
    db.queries.do_send(Query { sql, reply });
    match timeout_at(end, rows).await {
        Ok(Ok(Ok(rows))) => Ok(rows),
        Ok(Ok(Err(QueryError::Unavailable))) | Ok(Err(_)) | Err(_) => Err(unavailable()),
        Ok(Ok(Err(error))) => Err(CallError::InvalidSql(error.to_string())),
    }
}

fn unavailable() -> CallError {
    CallError::Overloaded(
        "The hub's state cannot be read at this moment. Try again in a second.".to_owned(),
    )
}
