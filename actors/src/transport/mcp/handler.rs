//! Handler: answers MCP requests from the lobby. One for each session, or for each request without.

use std::sync::{Arc, OnceLock};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult,
        CustomRequest, CustomResult, ErrorCode, Extensions, GetPromptRequestParams,
        GetPromptResponse, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
        ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
        ServerConfig, SetLevelRequestParams, SubscriptionFilter, Tool,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};
use tokio::sync::watch;

use super::{
    call,
    held::{self, Held},
    prompts, resources,
    subscription::{self, Subscription},
    verbosity::Verbosity,
};
use crate::{
    protocol::Presented,
    transport::{lobby::Lobby, views::Seen},
};

/// Methods of all versions: if their parameters do not fit, they are not unknown.
const METHODS: [&str; 10] = [
    "server/discover",
    "tools/list",
    "tools/call",
    "prompts/list",
    "prompts/get",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "completion/complete",
    "subscriptions/listen",
];

/// All listeners' places are taken.
pub(super) const CROWDED: &str =
    "The hub has as many listeners as it can hold. Try again in ten seconds.";

/// Methods that 2026-07-28 has removed.
const REMOVED: [&str; 5] = [
    "initialize",
    "ping",
    "resources/subscribe",
    "resources/unsubscribe",
    "logging/setLevel",
];

/// Answers one client.
pub struct Handler {
    pub(super) lobby: Arc<Lobby>,
    pub(super) verbosity: Verbosity,
    /// What the client is known by, if it is not known by each of its requests.
    pub(super) shown: Option<Presented>,
    /// Ends when the client's connection does; never for transports that cancel by themselves.
    connection: Option<watch::Receiver<()>>,
    subscription: OnceLock<Subscription>,
}

// === impl Handler ===

impl Handler {
    /// A handler for a client whose transport cancels what is left behind.
    pub fn new(lobby: Arc<Lobby>) -> Self {
        Self {
            lobby,
            verbosity: Verbosity::default(),
            shown: None,
            connection: None,
            subscription: OnceLock::new(),
        }
    }

    /// A handler whose calls end when the sender of `connection` is dropped.
    pub fn connected(lobby: Arc<Lobby>, connection: watch::Receiver<()>) -> Self {
        Self {
            connection: Some(connection),
            ..Self::new(lobby)
        }
    }

    /// The same, for a client that shows who it is by how it came here.
    pub fn local(lobby: Arc<Lobby>, connection: watch::Receiver<()>, shown: Presented) -> Self {
        Self {
            shown: Some(shown),
            ..Self::connected(lobby, connection)
        }
    }

    /// Returns when the client's connection, or the session of the request with these extensions, is
    /// over.
    pub(super) async fn hung_up(&self, extensions: &Extensions) {
        let session = Held::of(extensions).and_then(|held| held.session.clone());
        held::end(session.or_else(|| self.connection.clone())).await;
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        self.lobby.listing.load().info.clone()
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        first_page(page)?;
        let (_, seen) = self.seen(&context.extensions).await?;
        let tools = seen.listing.tools.clone();
        Ok(ListToolsResult::with_all_items(tools))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.lobby.listing.load().tool(name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        #[cfg(feature = "fixtures")]
        if super::fixture::has_tool(self, &request.name) {
            return super::fixture::call(self, request, context).await;
        }
        call::call(self, request, context).await.map(Into::into)
    }

    async fn list_prompts(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        first_page(page)?;
        let (_, seen) = self.seen(&context.extensions).await?;
        let prompts = seen.listing.prompts.clone();
        Ok(ListPromptsResult::with_all_items(prompts))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let (_, Seen { catalogue, .. }) = self.seen(&context.extensions).await?;
        #[cfg(feature = "fixtures")]
        if let Some(prompt) = super::fixture::prompt(&catalogue, &request) {
            return prompt;
        }
        prompts::prompt(&catalogue, request).map(Into::into)
    }

    async fn list_resources(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        first_page(page)?;
        let (_, seen) = self.seen(&context.extensions).await?;
        let resources = seen.listing.resources.clone();
        Ok(ListResourcesResult::with_all_items(resources))
    }

    async fn list_resource_templates(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        first_page(page)?;
        let (_, seen) = self.seen(&context.extensions).await?;
        let templates = seen.listing.templates.clone();
        Ok(ListResourceTemplatesResult::with_all_items(templates))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let (principal, Seen { catalogue, .. }) = self.seen(&context.extensions).await?;
        #[cfg(feature = "fixtures")]
        if let Some(read) = super::fixture::read(&catalogue, &request.uri) {
            return Ok(read.into());
        }
        resources::read(&catalogue, &principal, &request.uri).map(Into::into)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let (_, seen) = self.seen(&context.extensions).await?;
        resources::complete(&seen.catalogue, &request.r#ref, &request.argument)
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if is_modern(&context) {
            return Err(unknown("logging/setLevel"));
        }
        self.verbosity.set(request.level);
        Ok(())
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let changes = self.lobby.changes.subscribe();
        self.subscription
            .get_or_init(|| Subscription::new(context.peer, changes));
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        // At `/mcp` the door has kept a place, and refuses with a status.
        let held = Held::of(&context.request_context().extensions);
        let _place = match held.and_then(|held| held.listener.clone()) {
            Some(place) => place,
            None => match self.lobby.listeners.clone().try_acquire_owned() {
                Ok(place) => Arc::new(place),
                Err(_) => return Err(ErrorData::internal_error(CROWDED, None)),
            },
        };
        let principal = self.principal(&context.request_context().extensions);
        let account = principal.await?.account.clone();
        let changes = self.lobby.changes.subscribe();
        tokio::select! {
            () = subscription::listen(&context, changes) => {}
            () = context.cancelled() => {}
            () = account.over() => {}
            () = self.hung_up(&context.request_context().extensions) => {}
        }
        Ok(())
    }

    #[cfg(feature = "fixtures")]
    async fn subscribe(
        &self,
        _: rmcp::model::SubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    #[cfg(feature = "fixtures")]
    async fn unsubscribe(
        &self,
        _: rmcp::model::UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let method = request.method.as_str();
        if METHODS.contains(&method) || (REMOVED.contains(&method) && !is_modern(&context)) {
            return Err(ErrorData::invalid_params(
                format!("The params are not what {} takes.", request.method),
                None,
            ));
        }
        Err(unknown(method))
    }
}

/// Whether a request is one of 2026-07-28 or later, by what it says itself.
fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    let version = context.meta.protocol_version();
    version.is_some_and(|version| !version.has_initialize())
}

fn unknown(method: &str) -> ErrorData {
    ErrorData::new(
        ErrorCode::METHOD_NOT_FOUND,
        format!("There is no method {}.", crate::params::clip(method)),
        None,
    )
}

/// Every list is one page, so no cursor is ever ours.
fn first_page(page: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match page.and_then(|page| page.cursor) {
        None => Ok(()),
        Some(_) => Err(ErrorData::invalid_params(
            "There is no such page. Ask without a cursor.",
            None,
        )),
    }
}
