//! Keys: the same for the same question, and for no other.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;

use super::house::{hop, search_hop};
use crate::{
    cache::{Cacheable, Key},
    conversation::{Content, Conversation, Foreign, Format, Kept, Place, Raw, Rest},
    plan::Hop,
    principal::Principal,
    protocol::{CompletionRequest, Freshness, SearchRequest},
};

/// Everything that a key is made of.
#[derive(Debug, Clone)]
struct Parts<R> {
    principal: String,
    tool: String,
    tagged: bool,
    provider: String,
    model: String,
    limit: u32,
    /// Who is asked next, if anybody.
    next: Option<(&'static str, &'static str)>,
    request: R,
}

impl<R: Cacheable> Parts<R> {
    fn key(&self, hop: impl Fn(&str, &str, u32) -> Hop<R>) -> Key {
        let principal = Principal::all(&self.principal);
        let first = hop(&self.provider, &self.model, self.limit);
        let next = self
            .next
            .map(|(provider, model)| hop(provider, model, self.limit));
        let hops: Vec<_> = [first].into_iter().chain(next).collect();
        Key::new(&principal, &self.tool, self.tagged, &hops, &self.request)
    }
}

fn ask(system: Option<&str>, prompt: &str, temperature: Option<f64>) -> CompletionRequest {
    let mut conversation = Conversation::ask(system.map(Into::into), prompt.to_owned());
    conversation.sampling.temperature = temperature;
    CompletionRequest {
        conversation: Arc::new(conversation),
        max_tokens: Some(1024),
        ceiling: u32::MAX,
        stream: false,
        count: false,
        raw: None,
    }
}

fn completion() -> Parts<CompletionRequest> {
    Parts {
        principal: "anyone".to_owned(),
        tool: "llm_complete".to_owned(),
        tagged: false,
        provider: "anthropic".to_owned(),
        model: "m".to_owned(),
        limit: 1024,
        next: None,
        request: ask(Some("Be brief."), "why", None),
    }
}

fn raw(format: Format, body: &'static str, wants_usage: bool) -> Option<Arc<Raw>> {
    Some(Arc::new(Raw {
        format,
        body: Bytes::from_static(body.as_bytes()),
        wants_usage,
    }))
}

fn search() -> Parts<SearchRequest> {
    let Parts {
        principal,
        tagged,
        limit,
        ..
    } = completion();
    Parts {
        principal,
        tool: "web_search".to_owned(),
        tagged,
        provider: "brave".to_owned(),
        model: String::new(),
        limit,
        next: None,
        request: SearchRequest {
            query: "why".to_owned(),
            max_results: 5,
            include_answer: None,
            freshness: None,
            country: None,
            language: None,
            domains: Vec::new(),
        },
    }
}

/// All of them are different questions.
fn all_differ<R: Cacheable + Clone>(
    parts: impl IntoIterator<Item = Parts<R>>,
    hop: impl Fn(&str, &str, u32) -> Hop<R>,
) {
    let mut seen: HashMap<Key, Parts<R>> = HashMap::new();
    for parts in parts {
        let key = parts.key(&hop);
        assert_eq!(key, parts.key(&hop), "{parts:?}");
        if let Some(other) = seen.insert(key, parts.clone()) {
            panic!("the same key:\n{other:?}\n{parts:?}");
        }
    }
}

/// The same words, with this beside them.
fn with_kept(change: impl FnOnce(&mut Conversation)) -> Parts<CompletionRequest> {
    let mut parts = completion();
    change(Arc::make_mut(&mut parts.request.conversation));
    parts
}

fn kept(name: &str) -> Option<Box<Kept>> {
    let fields = [(name.to_owned(), 1.into())].into_iter().collect();
    Kept::new(Format::OpenAi, fields, Default::default())
}

#[test]
fn what_only_one_format_says_is_part_of_the_key() {
    let foreign = |kind: &str| {
        let value = [("type".to_owned(), kind.into())].into_iter().collect();
        let (format, place) = (Format::OpenAi, Place::Content);
        Content::Foreign(Box::new(Foreign {
            format,
            place,
            value,
        }))
    };
    let within = |fields: Option<Box<Kept>>| {
        fields.map(|kept| Rest {
            within: kept.fields,
            ..Rest::nothing(Format::OpenAi)
        })
    };
    let changes = [
        completion(),
        with_kept(|said| said.messages[0].kept = kept("a")),
        with_kept(|said| said.messages[0].kept = kept("b")),
        with_kept(|said| said.messages[0].parts[0].kept = kept("a")),
        with_kept(|said| said.messages[0].parts[0].kept = Some(Kept::nothing(Format::OpenAi))),
        with_kept(|said| said.messages[0].parts.push(foreign("a").into())),
        with_kept(|said| said.messages[0].parts.push(foreign("b").into())),
        with_kept(|said| said.rest = within(kept("a"))),
        with_kept(|said| said.rest = within(kept("b"))),
    ];
    all_differ(changes, hop);
}

#[test]
fn any_change_of_a_completion_is_another_key() {
    type Change = fn(&mut Parts<CompletionRequest>);
    let changes: [Change; 24] = [
        |_| {},
        |p| p.principal = "somebody".to_owned(),
        |p| p.tool = "summarize".to_owned(),
        |p| p.tagged = true,
        |p| p.provider = "gemini".to_owned(),
        |p| p.model = "n".to_owned(),
        |p| p.limit = 1025,
        |p| p.next = Some(("gemini", "g")),
        |p| p.next = Some(("gemini", "h")),
        |p| p.request = ask(None, "why", None),
        |p| p.request = ask(Some("Be brief"), "why", None),
        |p| p.request = ask(Some("Be brief."), "why ", None),
        |p| p.request = ask(Some("Be brief."), "Why", None),
        |p| p.request = ask(Some("Be brief."), "", None),
        |p| p.request = ask(Some("Be brief."), "why", Some(0.0)),
        |p| p.request = ask(Some("Be brief."), "why", Some(1.0)),
        |p| p.request = ask(Some("Be brief."), "why", Some(f64::EPSILON)),
        |p| p.request.max_tokens = None,
        |p| p.request.count = true,
        |p| p.request.raw = raw(Format::OpenAi, "{}", false),
        |p| p.request.raw = raw(Format::OpenAi, "{ }", false),
        |p| p.request.raw = raw(Format::OpenAi, "{}", true),
        |p| p.request.raw = raw(Format::Anthropic, "{}", false),
        |p| {
            p.request.raw = raw(Format::OpenAi, "{}", false);
            p.request.stream = true;
        },
    ];
    let changed = changes.map(|change| {
        let mut parts = completion();
        change(&mut parts);
        parts
    });
    all_differ(changed, hop);
}

#[test]
fn an_answer_bit_by_bit_is_the_same_in_the_hubs_own_words() {
    let mut parts = completion();
    let whole = parts.key(hop);
    parts.request.stream = true;
    assert_eq!(parts.key(hop), whole);
}

#[test]
fn any_change_of_a_search_is_another_key() {
    type Change = fn(&mut Parts<SearchRequest>);
    let changes: [Change; 18] = [
        |_| {},
        |p| p.principal = "somebody".to_owned(),
        |p| p.tool = "news".to_owned(),
        |p| p.tagged = true,
        |p| p.provider = "tavily".to_owned(),
        |p| p.limit = 6,
        |p| p.request.query = "when".to_owned(),
        |p| p.request.include_answer = Some(true),
        |p| p.request.include_answer = Some(false),
        |p| p.request.freshness = Some(Freshness::Day),
        |p| p.request.freshness = Some(Freshness::Week),
        |p| p.request.country = Some("de".to_owned()),
        |p| p.request.language = Some("de".to_owned()),
        |p| p.request.domains = vec!["de".to_owned()],
        |p| p.request.domains = vec!["a.de".to_owned(), "b.de".to_owned()],
        |p| p.request.domains = vec!["b.de".to_owned(), "a.de".to_owned()],
        |p| p.request.domains = vec!["a.deb.de".to_owned()],
        |p| p.request.domains = vec![String::new(), String::new()],
    ];
    let changed = changes.map(|change| {
        let mut parts = search();
        change(&mut parts);
        parts
    });
    all_differ(changed, search_hop);
}

#[test]
fn texts_that_run_into_one_another_do_not_collide() {
    // The same letters, cut at every place: between who, which tool, whom, which model, what.
    let letters = "abcabc";
    let cut = |at: usize| letters.split_at(at);
    let mut all = Vec::new();
    for at in 0..=letters.len() {
        let (left, right) = cut(at);
        let change: [fn(&mut Parts<CompletionRequest>, &str, &str); 4] = [
            |p, left, right| (p.principal, p.tool) = (left.to_owned(), right.to_owned()),
            |p, left, right| (p.tool, p.provider) = (left.to_owned(), right.to_owned()),
            |p, left, right| (p.provider, p.model) = (left.to_owned(), right.to_owned()),
            |p, left, right| p.request = ask(Some(left), right, None),
        ];
        for change in change {
            let mut parts = completion();
            change(&mut parts, left, right);
            all.push(parts);
        }
    }
    all_differ(all, hop);
}

#[test]
fn whatever_is_asked_the_key_says_whether_it_is_the_same() {
    let mut random = fastrand::Rng::with_seed(4);
    let mut seen: HashMap<Key, String> = HashMap::new();
    // Few letters, few lengths: the same is asked again and again, and nearly the same more often.
    let word = |random: &mut fastrand::Rng| -> String {
        let length = random.usize(..4);
        (0..length)
            .map(|_| *random.choice(&['a', 'b', '\0']).unwrap())
            .collect()
    };
    for _ in 0..50_000 {
        let parts = Parts {
            principal: word(&mut random),
            tool: "t".to_owned(),
            tagged: random.bool(),
            provider: "p".to_owned(),
            model: word(&mut random),
            limit: random.u32(1..3),
            next: None,
            request: {
                let system = random.bool().then(|| word(&mut random));
                let temperature = random.bool().then(|| f64::from(random.u8(..2)));
                ask(system.as_deref(), &word(&mut random), temperature)
            },
        };
        let words = format!("{parts:?}");
        if let Some(other) = seen.insert(parts.key(hop), words.clone()) {
            assert_eq!(other, words);
        }
    }
    let questions: std::collections::HashSet<_> = seen.values().collect();
    assert_eq!(questions.len(), seen.len(), "one question, two keys");
    assert!(seen.len() > 10_000);
}
