//! What tools return.

use serde_json::{Value, json};

use super::DIALECT;

/// A search tool
pub fn search_output() -> Value {
    json!({
        "$schema": DIALECT,
        "type": "object",
        "properties": {
            "answer": {"type": "string"},
            "results": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "title": {"type": "string"},
                        "url": {"type": "string"},
                        "snippet": {"type": "string"},
                        "age": {"type": "string"},
                        "score": {"type": "number"},
                    },
                    "required": ["title", "url", "snippet"],
                },
            },
            "dropped_params": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Parameters that the provider does not have.",
            },
        },
        "required": ["results"],
    })
}

/// `db_query`
pub fn query_output() -> Value {
    json!({
        "$schema": DIALECT,
        "type": "object",
        "properties": {
            "rows": {
                "type": "array",
                "items": {"type": "object"},
                "description": "One object for each row, with a field for each column.",
            },
            "truncated": {
                "type": "boolean",
                "description": "Whether there are more rows, which were left out.",
            },
        },
        "required": ["rows", "truncated"],
    })
}

/// `persist_result`
pub fn persist_output() -> Value {
    json!({
        "$schema": DIALECT,
        "type": "object",
        "properties": {
            "status": {
                "type": "string",
                "enum": ["persisted", "queued", "dead_letter"],
                "description": "In the database, on its way there, or given up for `reason`.",
            },
            "id": {"type": "string", "format": "uuid"},
            "table": {"type": "string"},
            "reason": {"type": "string"},
            "durability": {
                "type": "string",
                "enum": ["durable", "ephemeral"],
                "description": "Whether a queued row outlives a restart of the hub.",
            },
        },
        "required": ["status", "id", "table", "durability"],
    })
}

/// `list_active_tools`
pub fn active_tools_output() -> Value {
    let names = json!({"type": "array", "items": {"type": "string"}});
    let reasons = json!({"type": "object", "additionalProperties": {"type": "string"}});
    json!({
        "$schema": DIALECT,
        "type": "object",
        "properties": {
            "hub": {"type": "string"},
            "version": {"type": "string"},
            "description": {"type": "string"},
            "transport": {"type": "string"},
            "active_tools": names,
            "tools": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "description": {"type": "string"},
                    },
                    "required": ["name", "description"],
                },
            },
            "active_llm_providers": names,
            "active_search_providers": names,
            "available_models": names,
            "available_embedding_models": names,
            "inactive_tools": reasons,
            "inactive_providers": reasons,
        },
        "required": ["active_tools", "active_llm_providers", "available_models"],
    })
}

/// `health_check`
pub fn health_output() -> Value {
    json!({
        "$schema": DIALECT,
        "type": "object",
        "properties": {
            "status": {"type": "string", "enum": ["ok", "degraded"]},
            "service": {"type": "string"},
            "version": {"type": "string"},
            "uptime_seconds": {"type": "integer", "minimum": 0},
            "transport": {"type": "string"},
            "active_tools": {"type": "integer", "minimum": 0},
            "active_llm_providers": {"type": "integer", "minimum": 0},
            "actors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "state": {
                            "type": "string",
                            "enum": ["running", "restarting", "quarantined"],
                        },
                        "restarts": {"type": "integer", "minimum": 0},
                        "last_exit": {"type": "string"},
                    },
                    "required": ["name", "state", "restarts"],
                },
            },
            "database": {
                "type": "object",
                "properties": {
                    "state": {"type": "string", "enum": ["connecting", "connected", "down"]},
                    "down_seconds": {"type": "integer", "minimum": 0},
                    "reason": {"type": "string"},
                },
                "required": ["state"],
            },
            "outbox": {
                "type": "object",
                "properties": {
                    "pending": {"type": "integer", "minimum": 0},
                    "dead_letters": {"type": "integer", "minimum": 0},
                    "last_reason": {"type": ["string", "null"]},
                    "durability": {"type": "string", "enum": ["durable", "ephemeral"]},
                },
                "required": ["pending", "dead_letters", "durability"],
            },
        },
        "required": ["status", "uptime_seconds", "actors"],
    })
}

/// `get_model_info`
pub fn model_output() -> Value {
    let whole = json!({"type": ["integer", "null"], "minimum": 0});
    let price = json!({"type": ["number", "null"], "minimum": 0});
    let names = json!({"type": "array", "items": {"type": "string"}});
    json!({
        "$schema": DIALECT,
        "type": "object",
        "properties": {
            "model": {"type": "string"},
            "provider": {"type": ["string", "null"]},
            "offered_by": names,
            "available": {"type": "boolean"},
            "context_tokens": whole,
            "max_output_tokens": whole,
            "requests_per_min": whole,
            "requests_per_day": whole,
            "cost_input_per_1k": price,
            "cost_output_per_1k": price,
            "cost_cached_input_per_1k": price,
            "capabilities": names,
        },
        "required": ["model", "offered_by", "available", "capabilities"],
    })
}
