//! From a file's text and `HUB__` variables to [`Settings`].

use std::collections::BTreeMap;

use config::{Map, Value, ValueKind};
use hub_actors::provider::wire;

use super::{
    LlmProvider, Model, SearchProvider, Settings, chain, hub, layers,
    model::{self, model},
    nearest::nearest,
    provider::{self, LlmBlock},
    search::{self, SearchBlock},
    section::Section,
    tool::{built_in, tool},
};
use crate::pyfun::{CONTAINERS, Place, Problem, Problems, Pyfun};

/// Sections without a name, lower-case.
pub(super) const PLAIN: [&str; 4] = ["hub", "hub_limits", "db_sync", "debug"];

/// Kinds of blocks, lower-case.
pub(super) const NAMED_KINDS: [&str; 6] = [
    "llm_provider",
    "search_provider",
    "web_provider",
    "parser_provider",
    "model",
    "tool",
];

/// What a newcomer can start with.
const FIRST_LINES: &str = "these lines are enough, with ANTHROPIC_API_KEY set:\n\
     [LLM_PROVIDER.anthropic]\n\
     default_model = \"claude-haiku-5-5\"\n\
     [LLM_PROVIDER.anthropic_END]";

/// The layers, laid over one another, and where each section stands in the file.
#[derive(Debug)]
struct Values<'a> {
    pyfun: &'a Pyfun,
    file: &'a str,
    root: Map<String, Value>,
}

// === impl Settings ===

impl Settings {
    /// Reads and checks a configuration.
    ///
    /// `file` is the name to report it under and `bytes` its content, or `None` if there is no such
    /// file. `overrides` are the environment's variables that start with `HUB__`: they win over the
    /// file, which wins over the defaults.
    ///
    /// An empty or missing file loads, with a note that says what to write. The problems that come
    /// with the settings are warnings and notes.
    ///
    /// # Errors
    /// Every problem, if one of them is an error.
    pub fn load(
        file: &str,
        bytes: Option<&[u8]>,
        overrides: &BTreeMap<String, String>,
    ) -> Result<(Self, Problems), Problems> {
        let (pyfun, mut problems) = match bytes {
            Some(bytes) => Pyfun::read(file, bytes),
            None => (Pyfun::empty(file), Problems::new(file, Vec::new())),
        };
        let mut found = Vec::new();
        let root = layers::collect(&pyfun, overrides, &mut found).unwrap_or_else(|error| {
            let message = format!("the values could not be put together: {error}");
            found.push(Problem::error(Place::File, message));
            Map::new()
        });
        let values = Values {
            pyfun: &pyfun,
            file,
            root,
        };
        let settings = values.settings(&mut found);
        let asks = settings.llm_providers.iter().any(|p| p.active);
        let searches = settings.search_providers.iter().any(|p| p.active);
        if !asks && !searches && !problems.has_errors() {
            let message = match bytes {
                None => "there is no such file, so only the hub's own tools work",
                Some(_) => "no LLM provider is active, so only the hub's own tools work",
            };
            found.push(Problem::note(Place::File, message).help(FIRST_LINES));
        }
        problems.extend(found);
        if problems.has_errors() {
            return Err(problems);
        }
        Ok((settings, problems))
    }
}

// === impl Values ===

impl<'a> Values<'a> {
    fn settings(&'a self, problems: &mut Vec<Problem>) -> Settings {
        self.check_kinds(problems);
        let llm = self.llm_providers(problems);
        let search = self.search_providers(problems);
        let models = self.models(&llm, problems);
        let llm: Vec<LlmProvider> = llm.into_iter().map(|block| block.provider).collect();
        let search: Vec<SearchProvider> = search.into_iter().map(|block| block.provider).collect();
        let mut tools: Vec<_> = self
            .blocks("tool")
            .map(|(name, section)| tool(name, &llm, &search, section, problems))
            .collect();
        // A tool of one's own is one more: it takes none away.
        let missing = built_in(!search.is_empty());
        let missing: Vec<_> = missing
            .filter(|tool| tools.iter().all(|named| named.name != tool.name))
            .collect();
        tools.extend(missing);
        for kind in ["web_provider", "parser_provider"] {
            self.check_not_built(kind, problems);
        }
        Settings {
            hub: hub::hub(self.section("hub"), problems),
            limits: hub::limits(self.section("hub_limits"), problems),
            db_sync: hub::db_sync(self.section("db_sync"), problems),
            debug: hub::debug(self.section("debug"), problems),
            llm_providers: llm,
            search_providers: search,
            models,
            tools,
        }
    }

    fn llm_providers(&'a self, problems: &mut Vec<Problem>) -> Vec<LlmBlock> {
        let apis = wire::ALL.iter().map(|wire| wire.name());
        #[cfg(feature = "fixtures")]
        let apis = apis.chain(["fault"]);
        let apis: Vec<&str> = apis.collect();
        let blocks: Vec<LlmBlock> = self
            .blocks("llm_provider")
            .map(|(name, section)| provider::llm(name, &apis, section, problems))
            .collect();
        let links: Vec<_> = blocks.iter().map(LlmBlock::link).collect();
        problems.extend(chain::check(&links));
        blocks
    }

    fn search_providers(&'a self, problems: &mut Vec<Problem>) -> Vec<SearchBlock> {
        let apis = wire::search::ALL.iter().map(|wire| wire.name());
        #[cfg(feature = "fixtures")]
        let apis = apis.chain(["fault"]);
        let apis: Vec<&str> = apis.collect();
        let blocks: Vec<SearchBlock> = self
            .blocks("search_provider")
            .map(|(name, section)| search::search(name, &apis, section, problems))
            .collect();
        let links: Vec<_> = blocks.iter().map(SearchBlock::link).collect();
        problems.extend(chain::check(&links));
        blocks
    }

    fn models(&'a self, llm: &[LlmBlock], problems: &mut Vec<Problem>) -> Vec<Model> {
        let blocks: Vec<(Model, Place)> = self
            .blocks("model")
            .map(|(name, section)| {
                let place = section.place();
                (model(name, llm, section, problems), place)
            })
            .collect();
        model::check_retired(llm, &blocks, problems);
        blocks.into_iter().map(|(model, _)| model).collect()
    }

    /// Sections that nobody knows.
    fn check_kinds(&self, problems: &mut Vec<Problem>) {
        for (kind, line) in self.pyfun.kinds() {
            if PLAIN.contains(&kind) || NAMED_KINDS.contains(&kind) {
                continue;
            }
            let shown = kind.to_ascii_uppercase();
            let containers = CONTAINERS.into_iter();
            let known = containers.chain(PLAIN).chain(NAMED_KINDS);
            let help = match nearest(kind, known) {
                Some(near) => format!("did you mean `[{}]`?", near.to_ascii_uppercase()),
                None => "its values are ignored; remove it, or check the spelling".to_owned(),
            };
            problems.push(
                Problem::warning(Place::Line(line), format!("unknown section `[{shown}]`"))
                    .help(help),
            );
        }
    }

    /// Blocks that the hub cannot do anything with yet.
    fn check_not_built(&'a self, kind: &str, problems: &mut Vec<Problem>) {
        for (_, mut section) in self.blocks(kind) {
            if section.flag("active") == Some(true) {
                let message = format!("{} is not built yet", section.title());
                problems.push(
                    Problem::warning(section.place(), message)
                        .help("it does nothing in this version; set `active = \"false\"`"),
                );
            }
        }
    }

    fn section(&'a self, kind: &str) -> Section<'a> {
        let title = format!("[{}]", kind.to_ascii_uppercase());
        let line = self.pyfun.kinds().find(|(known, _)| *known == kind);
        let place = line.map_or(Place::File, |(_, line)| Place::Line(line));
        Section::new(title, place, self.file, self.table(kind))
    }

    fn blocks(&'a self, kind: &str) -> impl Iterator<Item = (&'a str, Section<'a>)> {
        let shown = kind.to_ascii_uppercase();
        let blocks: Vec<_> = self.pyfun.blocks_of(kind).collect();
        let table = self.table(kind);
        blocks.into_iter().map(move |(name, line)| {
            let values = table.and_then(|table| table.get(name)).and_then(as_table);
            let title = format!("[{shown}.{name}]");
            let section = Section::new(title, Place::Line(line), self.file, values);
            (name, section)
        })
    }

    fn table(&'a self, kind: &str) -> Option<&'a Map<String, Value>> {
        self.root.get(kind).and_then(as_table)
    }
}

fn as_table(value: &Value) -> Option<&Map<String, Value>> {
    match &value.kind {
        ValueKind::Table(table) => Some(table),
        _ => None,
    }
}
