//! `hub check`: what would work with a configuration, what would not, and what to do about it.

mod entry;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fmt::Write as _};

use serde_json::{Value, json};

pub use entry::entry;

use crate::{
    cloud_db::{Dsn, DsnError},
    exit,
    pyfun::{Problems, Severity, redact},
    settings::{
        LlmProvider, SYSTEM_TOOLS, Settings,
        readiness::{
            IsSet, ProviderState, ProviderStatus, ToolStatus, provider_status, tool_status,
            without_database,
        },
    },
    table::Table,
};

/// What `hub check` found.
#[derive(Debug)]
pub struct Report {
    strict: bool,
    problems: Problems,
    /// Who would be asked for a key, in a sentence.
    entry: Option<String>,
    /// None if an error stops the start: then nothing would register.
    findings: Option<Findings>,
}

/// What would be there.
#[derive(Debug)]
struct Findings {
    providers: Vec<ProviderStatus>,
    tools: Vec<ToolStatus>,
    /// Different models that the active LLM providers list.
    models: usize,
    /// Different embedding models that they list.
    embedding_models: usize,
    /// `[MODEL.x]` blocks.
    described: usize,
    /// The database that DATABASE_URL names, if it is set.
    database: Option<Result<Dsn, DsnError>>,
}

// === impl Report ===

impl Report {
    /// Looks at what [`Settings::load`] returned. `is_set` says whether a variable is set; values
    /// are not asked for. `database` is what DATABASE_URL names, if it is set.
    pub fn new(
        loaded: Result<(Settings, Problems), Problems>,
        is_set: &IsSet<'_>,
        database: Option<Result<Dsn, DsnError>>,
        strict: bool,
    ) -> Self {
        let (findings, problems) = match loaded {
            Ok((settings, problems)) => {
                (Some(Findings::new(&settings, is_set, database)), problems)
            }
            Err(problems) => (None, problems),
        };
        Self {
            strict,
            problems,
            entry: None,
            findings,
        }
    }

    /// Says who would be asked for a key, too.
    pub fn with_entry(mut self, entry: Option<String>) -> Self {
        self.entry = entry;
        self
    }

    /// 0 if the configuration can be used, 78 if not, 1 if it can and `--strict` finds warnings.
    pub fn exit_code(&self) -> u8 {
        if self.findings.is_none() {
            exit::CONFIG
        } else if self.strict && self.problems.count(Severity::Warning) > 0 {
            exit::FAILED
        } else {
            exit::OK
        }
    }

    /// Every problem, for stderr; empty if there is none.
    pub fn problems(&self) -> String {
        self.problems.to_string()
    }

    /// The tables and the verdict, for stdout; ends with a line feed.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Some(findings) = &self.findings {
            findings.write(&mut text);
        }
        if let Some(entry) = &self.entry {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  ENTRY  {entry}\n");
        }
        text.push_str(&self.verdict());
        text.push('\n');
        text
    }

    /// Everything as one object, problems included.
    pub fn json(&self) -> Value {
        let findings = self.findings.as_ref();
        json!({
            "file": self.problems.file(),
            "ok": self.exit_code() == exit::OK,
            "strict": self.strict,
            "exit_code": self.exit_code(),
            "verdict": self.verdict(),
            "problems": self.problems.to_json(),
            "providers": findings.map(|findings| &findings.providers),
            "tools": findings.map(|findings| &findings.tools),
            "system_tools": SYSTEM_TOOLS,
            "database": findings.and_then(|findings| findings.database.as_ref()).map(database_json),
            "entry": self.entry,
            "models": findings.map(|findings| json!({
                "listed": findings.models,
                "embedding": findings.embedding_models,
                "described": findings.described,
            })),
        })
    }

    fn verdict(&self) -> String {
        let file = self.problems.file();
        let errors = self.problems.count(Severity::Error);
        let warnings = match self.problems.count(Severity::Warning) {
            0 => String::new(),
            count => format!(", {}", counted(count, "warning")),
        };
        let Some(findings) = &self.findings else {
            return format!(
                "{file} cannot be used: {}{warnings}",
                counted(errors, "error")
            );
        };
        let usable = findings.tools.iter().filter(|tool| tool.usable).count();
        let tools = format!(
            "{usable} of {} would register{warnings}",
            counted(findings.tools.len(), "tool")
        );
        match self.exit_code() {
            exit::FAILED => format!("{file} does not pass --strict: {tools}"),
            _ => format!("{file} can be used: {tools}"),
        }
    }
}

// === impl Findings ===

impl Findings {
    fn new(
        settings: &Settings,
        is_set: &IsSet<'_>,
        database: Option<Result<Dsn, DsnError>>,
    ) -> Self {
        let mut tools = tool_status(settings, is_set);
        match &database {
            Some(Err(error)) => without_database(&mut tools, &error.to_string()),
            Some(Ok(dsn)) => {
                if let Err(error) = dsn.check_trust() {
                    without_database(&mut tools, &error.to_string());
                }
            }
            None => {}
        }
        let listed = |models: fn(&LlmProvider) -> &[String]| {
            let active = settings.llm_providers.iter().filter(|p| p.active);
            let names = active.flat_map(|provider| {
                let models = models(provider).iter();
                models.map(|model| (provider.name.as_str(), model.as_str()))
            });
            names.collect::<BTreeSet<_>>().len()
        };
        Self {
            models: listed(|provider| &provider.models),
            embedding_models: listed(|provider| &provider.embedding_models),
            described: settings.models.len(),
            providers: provider_status(settings, is_set),
            tools,
            database,
        }
    }

    fn write(&self, text: &mut String) {
        if !self.providers.is_empty() {
            let mut table =
                Table::new(["PROVIDER", "API", "MODELS", "KEY", "STATE", "FALLS BACK TO"]);
            for provider in &self.providers {
                table.row(provider_row(provider));
            }
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{table}");
        }
        let mut table = Table::new(["TOOL", "TYPE", "REGISTERS", "WHY NOT, OR WHOM IT ASKS"]);
        for tool in &self.tools {
            table.row(tool_row(tool, &self.providers));
        }
        for tool in SYSTEM_TOOLS {
            table.row([
                tool.to_owned(),
                "system".to_owned(),
                "yes".to_owned(),
                String::new(),
            ]);
        }
        let vectors = match self.embedding_models {
            0 => String::new(),
            count => format!(" and {}", counted(count, "embedding model")),
        };
        let _ = writeln!(
            text,
            "{table}\n  {}{vectors} listed by active providers, {} described\n",
            counted(self.models, "model"),
            self.described
        );
        if let Some(Ok(dsn)) = &self.database {
            let _ = writeln!(text, "  database {} ({})", dsn.place(), dsn.security());
            for warning in dsn.warnings() {
                let _ = writeln!(text, "  warning: {warning}");
            }
            text.push('\n');
        }
    }
}

/// Host and database; nothing else of the DSN.
fn database_json(database: &Result<Dsn, DsnError>) -> Value {
    match database {
        Ok(dsn) => json!({
            "place": dsn.place(),
            "security": dsn.security(),
            "warnings": dsn.warnings(),
        }),
        Err(error) => json!({"error": error.to_string()}),
    }
}

fn provider_row(provider: &ProviderStatus) -> [String; 6] {
    let dash = || "-".to_owned();
    let key = match (&provider.env_key, provider.key_set) {
        (None, _) => "not needed".to_owned(),
        (Some(variable), true) => format!("{variable} set"),
        (Some(variable), false) => format!("{variable} missing"),
    };
    let state = match provider.state {
        ProviderState::Ready => "ready",
        ProviderState::NoKey => "no key",
        ProviderState::Inactive => "inactive",
        ProviderState::NotBuilt => "no api",
    };
    [
        redact::words(&provider.name),
        provider.api.clone().unwrap_or_else(dash),
        match provider.kind {
            "llm" if provider.embedding_models > 0 => {
                format!(
                    "{} + {} embedding",
                    provider.models, provider.embedding_models
                )
            }
            "llm" => provider.models.to_string(),
            _ => dash(),
        },
        key,
        state.to_owned(),
        provider
            .falls_back_to
            .as_deref()
            .map_or_else(dash, redact::words),
    ]
}

fn tool_row(tool: &ToolStatus, providers: &[ProviderStatus]) -> [String; 4] {
    let mut why = tool
        .reason
        .clone()
        .unwrap_or_else(|| chain(&tool.chain, &tool.provider_type, providers));
    match tool.missing.as_slice() {
        [] => {}
        [one] => why = format!("{why}: set {one}"),
        [first, ..] => why = format!("{why}: set {first}, or another one above"),
    }
    [
        redact::words(&tool.name),
        redact::words(&tool.provider_type),
        if tool.usable { "yes" } else { "no" }.to_owned(),
        redact::words(&why),
    ]
}

/// `anthropic (no key) -> gemini`
fn chain(names: &[String], kind: &str, providers: &[ProviderStatus]) -> String {
    let links: Vec<String> = names
        .iter()
        .map(|name| {
            let provider = providers
                .iter()
                .find(|provider| provider.kind == kind && provider.name == *name);
            match provider.map(|provider| provider.state) {
                Some(ProviderState::NoKey) => format!("{name} (no key)"),
                Some(ProviderState::Inactive) => format!("{name} (inactive)"),
                _ => name.clone(),
            }
        })
        .collect();
    links.join(" -> ")
}

/// `1 error`, `2 errors`
fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
