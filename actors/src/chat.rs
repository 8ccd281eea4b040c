//! Chat: one conversation with a model that is asked for by name, as SDKs ask. It is planned, walked and
//! kept as a call of a tool is; only the two ends differ.

use std::{borrow::Cow, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time::Instant;

use crate::{
    attempt::Attempt,
    cache::{self, Answer, Asked, Begun, Collector, Given, Status, Told},
    call::{Answered, walk, withheld},
    catalogue::{Catalogue, ModelInfo, ToolKind},
    error::CallError,
    history,
    models::{Named, find},
    plan::{Asker, Plan, Start, usual},
    principal::Principal,
    protocol::{Completed, CompletionRequest, DbUp},
    tools,
};

/// Longest time for the chain of a model that is asked for by name: what the official SDKs wait. Each
/// provider has its `REQUEST_TIMEOUT_SEC` within it. A stream is in time once its first part is.
pub(crate) const DEADLINE: Duration = Duration::from_secs(600);

/// The tool whose right is needed to ask a model by its own name.
pub const COMPLETE: &str = "llm_complete";

/// One conversation, as every door for SDKs understands it.
#[derive(Debug)]
pub struct Chat {
    /// Who calls.
    pub principal: Arc<Principal>,
    /// Under which name its records are kept, if no tool is asked for.
    pub door: &'static str,
    /// What is asked for: a model, `provider/model` or an LLM tool.
    pub model: String,
    /// What is asked.
    pub request: CompletionRequest,
    /// Whether the caller lets the cache be used.
    pub cache: bool,
    /// When it came in.
    pub received: Instant,
}

/// An answer, whole or just begun.
#[derive(Debug)]
pub struct Chatted<A = Completed> {
    /// The answer.
    pub answer: A,
    /// Who answers.
    pub provider: Arc<str>,
    /// The model that was asked.
    pub model: Arc<str>,
    /// What the configuration says of it.
    pub info: Option<Arc<ModelInfo>>,
    /// Parameters that the caller set and this provider does not have.
    pub dropped: Vec<Cow<'static, str>>,
    /// Who was asked, in order; the last one answers.
    pub attempts: Vec<Attempt>,
    /// What the cache did; `None` if what was asked for has none.
    pub cache: Option<Status>,
    /// Wants to see the events of an answer that comes bit by bit.
    pub collector: Option<Collector>,
    /// What remains to be done once the answer is complete.
    pub keeping: Keeping,
}

/// Where an answer is kept once it is complete, if it is kept at all.
#[derive(Debug)]
pub struct Keeping {
    db: Option<DbUp>,
    tool: Arc<str>,
    prompt: Option<String>,
    provider: Arc<str>,
    model: Arc<str>,
}

/// Runs a conversation up to its answer, or the first part of one that streams.
///
/// # Errors
/// Every [`CallError`] there is.
pub async fn run(catalogue: &Arc<Catalogue>, chat: Chat) -> Result<Chatted, CallError> {
    let Chat {
        principal,
        door,
        model,
        mut request,
        cache,
        received,
    } = chat;
    may_lead_to_others(&principal, &request)?;
    let counts = request.count;
    let prompt = history::prompt(catalogue, request.conversation.last_text());
    let (tool, mut plan) = match named(catalogue, &principal, &model)? {
        Named::Model { provider, model } => {
            // That is what this tool does.
            principal.may_call(COMPLETE)?;
            let asker = Asker {
                name: model,
                inactive: provider.info.inactive.as_deref(),
            };
            let start = Start {
                provider,
                model: Some(model),
                timeout: DEADLINE,
            };
            let plan = Plan::conversation(catalogue, asker, start, request, received)?;
            (door.into(), plan)
        }
        Named::Tool(tool) => {
            let tool = tools::find(catalogue, &principal, &tool.name)?;
            let ToolKind::Llm { system, provider } = &tool.kind else {
                return Err(CallError::Internal);
            };
            if let Some(system) = system.clone().filter(|text| !text.is_empty()) {
                Arc::make_mut(&mut request.conversation)
                    .system
                    .insert(0, system);
                // What came in has no system prompt of the tool's.
                request.raw = None;
            }
            let asker = Asker {
                name: &tool.name,
                inactive: None,
            };
            let start = Start {
                provider: usual(catalogue, provider.as_deref())?,
                model: None,
                timeout: tool.timeout,
            };
            let plan = Plan::conversation(catalogue, asker, start, request, received)?;
            if !counts {
                let asked = Asked {
                    catalogue,
                    tool,
                    principal: &principal,
                    cache,
                    observer: None,
                };
                return through_cache(asked, prompt, plan).await;
            }
            (tool.name.clone(), plan)
        }
    };
    if counts {
        // Another model counts in another way.
        plan.hops.truncate(1);
    }
    let walked = walk(&plan, catalogue, None).await?;
    let mut chatted = Chatted::new(catalogue, tool, prompt, walked);
    if counts {
        chatted.keeping.db = None;
    }
    Ok(chatted)
}

/// Runs a conversation that asks for a tool, whose answers may be kept.
///
/// # Errors
/// Every [`CallError`] there is.
pub async fn through_cache(
    asked: Asked<'_>,
    prompt: Option<String>,
    plan: Plan,
) -> Result<Chatted, CallError> {
    let (catalogue, tool) = (asked.catalogue, asked.tool.name.clone());
    let streams = plan.request.stream;
    let given = if streams {
        match cache::begin(asked, plan).await? {
            Begun::Kept(given) => given,
            Begun::Told(told) => {
                let Told {
                    answered,
                    status,
                    collector,
                } = *told;
                return Ok(Chatted {
                    cache: status,
                    collector,
                    ..Chatted::new(catalogue, tool, prompt, answered)
                });
            }
        }
    } else {
        cache::answer(asked, plan, Answer::told).await?
    };
    Chatted::given(catalogue, tool, prompt, given, streams)
}

/// Some vendors go on to other models by themselves, to those that a request names: it passes as it is, so
/// they are held to the key's scope here.
fn may_lead_to_others(principal: &Principal, request: &CompletionRequest) -> Result<(), CallError> {
    let rest = request.conversation.rest.as_ref();
    let Some(others) = rest.and_then(|rest| rest.fields.get("models")) else {
        return Ok(());
    };
    if principal.sees_all() {
        return Ok(());
    }
    let names = others
        .as_array()
        .map(|names| names.iter().map(Value::as_str));
    for name in names.into_iter().flatten() {
        principal.may_use(name.unwrap_or_default())?;
    }
    match others.is_array() {
        true => Ok(()),
        false => Err(CallError::BadRequest(
            "`models` must be a list of names.".to_owned(),
        )),
    }
}

/// What a name means to somebody.
///
/// # Errors
/// As [`find`]; [`CallError::Forbidden`] if they may not use a model of that name, whether there is one or
/// not.
fn named<'a>(
    catalogue: &'a Catalogue,
    principal: &Principal,
    name: &str,
) -> Result<Named<'a>, CallError> {
    find(catalogue, name).or_else(|unknown| {
        let bare = name
            .split_once('/')
            .filter(|(owner, _)| catalogue.provider(owner).is_some());
        principal.may_use(bare.map_or(name, |(_, bare)| bare))?;
        Err(unknown)
    })
}

// === impl Chatted ===

impl<A> Chatted<A> {
    /// An answer that came of a walk, to be kept as `tool`'s.
    pub fn new(
        catalogue: &Catalogue,
        tool: Arc<str>,
        prompt: Option<String>,
        walked: Answered<A>,
    ) -> Self {
        let provider = walked.provider();
        Self::of(catalogue, tool, prompt, provider, walked)
    }

    fn of(
        catalogue: &Catalogue,
        tool: Arc<str>,
        prompt: Option<String>,
        provider: Arc<str>,
        walked: Answered<A>,
    ) -> Self {
        Self {
            answer: walked.answer,
            keeping: Keeping {
                db: catalogue.db.clone(),
                tool,
                prompt,
                provider: provider.clone(),
                model: walked.model.clone(),
            },
            info: catalogue.model_of(&provider, &walked.model).cloned(),
            provider,
            model: walked.model,
            dropped: walked.dropped,
            attempts: walked.attempts,
            cache: None,
            collector: None,
        }
    }
}

impl Chatted {
    /// The same for who wants a text.
    ///
    /// # Errors
    /// [`CallError::Rejected`] if there is none because the vendor or the model refused.
    pub fn answering(self) -> Result<Self, CallError> {
        match self.answer.answering() {
            Ok(answer) => Ok(Self { answer, ..self }),
            Err(failure) => Err(withheld(&self.provider, &failure, self.attempts)),
        }
    }

    /// An answer that the cache had, or will have.
    fn given(
        catalogue: &Catalogue,
        tool: Arc<str>,
        prompt: Option<String>,
        given: Given,
        streams: bool,
    ) -> Result<Self, CallError> {
        let answer = given.completed(streams).ok_or(CallError::Internal)?;
        let Given {
            answer: kept,
            status,
            attempts,
        } = given;
        let (provider, model) = (kept.provider.clone(), kept.model.clone());
        let walked = Answered {
            answer,
            model,
            limit: u32::MAX,
            dropped: kept.dropped(),
            attempts,
        };
        Ok(Self {
            cache: status,
            ..Self::of(catalogue, tool, prompt, provider, walked)
        })
    }
}

// === impl Keeping ===

impl Keeping {
    /// How many bytes of the answer are worth remembering until it is complete.
    pub fn most(&self) -> usize {
        let wanted = self
            .db
            .as_ref()
            .is_some_and(|db| self.prompt.is_some() || db.last_results.is_some());
        if wanted { history::MOST + 1 } else { 0 }
    }

    /// Keeps a complete answer, or what was remembered of it.
    pub fn keep(&mut self, text: &str) {
        if let Some(db) = &self.db {
            let prompt = self.prompt.take();
            let (provider, model) = (&self.provider, &self.model);
            history::keep_text(db, &self.tool, prompt, text, provider, model);
        }
    }
}
