//! Schemas of what tools take and return, as JSON Schema 2020-12.

mod input;
mod output;

pub use self::{
    input::{llm_input, model_input, no_input, persist_input, query_input, search_input},
    output::{
        active_tools_output, health_output, model_output, persist_output, query_output,
        search_output,
    },
};

/// The dialect, which MCP has as its default since 2025-11-25.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
