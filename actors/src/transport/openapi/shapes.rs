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

use crate::outcome::Provenance;

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

/// Where this type is described.
pub fn of<T: ToSchema>() -> Ref {
    Ref::from_schema_name(T::name())
}

/// A text.
pub fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}
