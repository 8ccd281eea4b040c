//! The room as a whole.

mod dsn;
mod results;
