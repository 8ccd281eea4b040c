//! Parts: what the descriptions of doors are made of.

use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        ContentBuilder, HttpMethod, PathItem, Ref, RefOr, Required, Response, ResponseBuilder,
        Schema,
        external_docs::ExternalDocsBuilder,
        path::{Operation, OperationBuilder},
        request_body::{RequestBody, RequestBodyBuilder},
    },
};

use super::{errors, shapes};

/// The media type of nearly everything.
pub const JSON: &str = "application/json";
/// The media type of answers that come bit by bit.
pub const EVENTS: &str = "text/event-stream";

/// A door that is read.
pub fn get(operation: impl Into<Operation>) -> PathItem {
    PathItem::new(HttpMethod::Get, operation)
}

/// A door that something is sent to.
pub fn post(operation: impl Into<Operation>) -> PathItem {
    PathItem::new(HttpMethod::Post, operation)
}

/// An operation with a heading, and what it does.
pub fn operation(summary: &str, description: &str) -> OperationBuilder {
    OperationBuilder::new()
        .summary(Some(summary))
        .description(Some(description))
}

/// Says where somebody else describes an operation.
pub fn described_at(operation: OperationBuilder, url: &str) -> Operation {
    let mut operation = operation.build();
    let docs = ExternalDocsBuilder::new().url(url);
    let docs = docs.description(Some("The format's own description"));
    operation.external_docs = Some(docs.build());
    operation
}

/// A body of JSON that must be there.
pub fn body(schema: impl Into<RefOr<Schema>>, example: Value) -> Option<RequestBody> {
    let content = ContentBuilder::new().schema(Some(schema));
    let content = content.example(Some(example)).build();
    let body = RequestBodyBuilder::new().required(Some(Required::True));
    Some(body.content(JSON, content).build())
}

/// An answer of this type.
pub fn answer<T: ToSchema>(description: &str, example: Value) -> Response {
    let content = ContentBuilder::new().schema(Some(shapes::of::<T>()));
    let content = content.example(Some(example)).build();
    ResponseBuilder::new()
        .description(description)
        .content(JSON, content)
        .build()
}

/// An answer whose shape is described elsewhere.
pub fn elsewhere(description: &str, types: &[&str]) -> Response {
    let response = ResponseBuilder::new().description(description);
    let with = |response: ResponseBuilder, kind: &&str| {
        let content = ContentBuilder::new();
        let content = match *kind {
            JSON => content.schema(Some(shapes::anything())),
            _ => content,
        };
        response.content(*kind, content.build())
    };
    types.iter().fold(response, with).build()
}

/// Adds the failures with these statuses to what an operation answers.
pub fn failing(mut operation: OperationBuilder, statuses: &[u16]) -> OperationBuilder {
    for status in statuses {
        operation = operation.response(status.to_string(), failure(*status));
    }
    operation
}

/// Adds a failure, unless the operation says something of its own about the status.
pub fn may_fail(operation: &mut Operation, status: u16) {
    let responses = &mut operation.responses.responses;
    responses
        .entry(status.to_string())
        .or_insert_with(|| failure(status).into());
}

fn failure(status: u16) -> Ref {
    Ref::from_response_name(errors::name(status))
}
