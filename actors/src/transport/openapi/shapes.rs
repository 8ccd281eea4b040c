//! Shapes that no derive can know: where a type says less than what is sent.

use utoipa::{
    ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{
            AdditionalProperties, AnyOfBuilder, ArrayBuilder, ObjectBuilder, Ref, SchemaType, Type,
        },
    },
};

use crate::{outcome::Provenance, provider::wire::embedding::MOST};

/// The names that a tool's `meta` has if it asks no provider.
const ALWAYS: [&str; 3] = ["request_id", "duration_ms", "truncated"];

/// A tool's result.
pub fn result() -> RefOr<Schema> {
    AnyOfBuilder::new()
        .item(text())
        .item(anything())
        .item(ArrayBuilder::new().items(anything()))
        .into()
}

/// Who answered; nothing for a tool that asks no provider.
pub fn provenance() -> RefOr<Schema> {
    let names = text().enum_values(Some(ALWAYS));
    let nobody = ObjectBuilder::new()
        .description(Some("Nothing more, of a tool that asks no provider."))
        .property_names(Some(Schema::Object(names.build())));
    AnyOfBuilder::new()
        .item(of::<Provenance>())
        .item(nobody)
        .into()
}

/// An object whose fields are described elsewhere.
pub fn anything() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::Object))
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
}

/// A conversation in a vendor's format: what the hub itself looks at, and anything that the vendor has.
pub fn conversation() -> ObjectBuilder {
    // To some vendors less than 1 means something.
    let limit = ObjectBuilder::new().schema_type(Type::Integer);
    let flag = ObjectBuilder::new().schema_type(Type::Boolean);
    anything()
        .property("model", text())
        .property(
            "messages",
            ArrayBuilder::new().items(anything()).min_items(Some(1)),
        )
        .property("max_tokens", limit)
        .property("stream", flag)
        .required("model")
        .required("messages")
}

/// What vectors are asked for, in OpenAI's format.
pub fn embedding() -> ObjectBuilder {
    let list = |items: ObjectBuilder| ArrayBuilder::new().items(items).min_items(Some(1));
    let token = || ObjectBuilder::new().schema_type(Type::Integer);
    let tokens = ArrayBuilder::new().items(list(token())).min_items(Some(1));
    let input = AnyOfBuilder::new()
        .item(text())
        .item(list(text()).max_items(Some(MOST)))
        .item(list(token()))
        .item(tokens.max_items(Some(MOST)));
    let encoding = text().enum_values(Some(["float", "base64"]));
    anything()
        .property("model", text())
        .property("input", input)
        .property("dimensions", count())
        .property("encoding_format", encoding)
        .required("model")
        .required("input")
}

/// A number of things.
fn count() -> ObjectBuilder {
    let least = ObjectBuilder::new().schema_type(Type::Integer);
    least.minimum(Some(1))
}

/// Where this type is described.
pub fn of<T: ToSchema>() -> Ref {
    Ref::from_schema_name(T::name())
}

/// A text.
pub fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}
