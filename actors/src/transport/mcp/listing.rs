//! Listing: one catalogue as MCP clients see it, made once for each change and then only read.

use rmcp::model::{
    Implementation, Prompt, Resource, ResourceTemplate, ServerCapabilities, ServerConfig, Tool,
};

use super::{prompts, resources, tools};
use crate::catalogue::Catalogue;

/// What is offered, in an order that does not change while the configuration does not.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Who we are and what we can do.
    pub info: ServerConfig,
    /// Tools that can be called.
    pub tools: Vec<Tool>,
    /// System prompts that a client can borrow.
    pub prompts: Vec<Prompt>,
    /// What can be read.
    pub resources: Vec<Resource>,
    /// What can be read by name.
    pub templates: Vec<ResourceTemplate>,
}

/// How often each list has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changes {
    /// The tools.
    pub tools: u64,
    /// The prompts.
    pub prompts: u64,
    /// The resources and their templates.
    pub resources: u64,
}

// === impl Listing ===

impl Listing {
    /// The listing of a catalogue.
    pub fn new(catalogue: &Catalogue) -> Self {
        let listing = Self {
            info: info(catalogue),
            tools: tools::tools(catalogue),
            prompts: prompts::prompts(catalogue),
            resources: resources::resources(catalogue),
            templates: resources::templates(),
        };
        #[cfg(feature = "fixtures")]
        if catalogue.conformance {
            return super::fixture::added(listing);
        }
        listing
    }

    /// The tool of that name, if it is listed.
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }
}

fn info(catalogue: &Catalogue) -> ServerConfig {
    let hub = &catalogue.hub;
    let capabilities = ServerCapabilities::builder()
        .enable_tools()
        .enable_tool_list_changed()
        .enable_prompts()
        .enable_prompts_list_changed()
        .enable_resources()
        .enable_resources_list_changed()
        .enable_completions()
        .enable_logging()
        .build();
    ServerConfig::new(capabilities)
        .with_server_info(
            Implementation::new("multi-llm-hub", hub.version.clone())
                .with_title(hub.name.clone())
                .with_description(hub.description.clone()),
        )
        .with_instructions(
            "Tools that ask an LLM take `prompt`, and `provider` and `model` where it matters who \
             answers; if one provider fails, the next is asked. `list_active_tools` says what can \
             be used now.",
        )
}

// === impl Changes ===

impl Changes {
    /// Counts what differs between two listings; whether anything does.
    pub fn count(&mut self, before: &Listing, after: &Listing) -> bool {
        let earlier = *self;
        self.tools += u64::from(before.tools != after.tools);
        self.prompts += u64::from(before.prompts != after.prompts);
        self.resources +=
            u64::from(before.resources != after.resources || before.templates != after.templates);
        *self != earlier
    }
}
