//! The page: the document for people. One file of HTML without scripts, made from nothing but the
//! document.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The page's only style. Its digest is in the page's policy: what is in the element is exactly this.
pub const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
color-scheme:light dark}code,pre{font:14px/1.4 ui-monospace,monospace}pre{padding:.75rem;overflow:auto;\
border:1px solid #8884}table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;\
padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8884}section{margin-top:2.5rem}h3 code{font-size:1.1rem}";

/// The methods that are shown.
const METHODS: [&str; 3] = ["get", "post", "delete"];

/// A page that is being written.
struct Page<'a> {
    document: &'a Value,
    html: String,
}

/// The page of a document.
pub fn of(document: &Value) -> String {
    let title = text(&document["info"]["title"]);
    let mut page = Page {
        document,
        html: format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
             <style>{STYLE}</style></head><body><h1>{title} {}</h1><p>{}</p>\
             <p>For programs: <a href=\"/openapi.json\">/openapi.json</a></p>",
            text(&document["info"]["version"]),
            prose(&document["info"]["description"]),
        ),
    };
    page.keys();
    page.contents();
    page.doors();
    page.errors();
    page.schemas();
    page.html.push_str("</body></html>");
    page.html
}

/// The entries of an object; none of anything else.
fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn text(value: &Value) -> String {
    escaped(value.as_str().unwrap_or_default())
}

/// A text whose words in backticks are code.
fn prose(value: &Value) -> String {
    let text = text(value);
    let mut html = String::new();
    for (at, piece) in text.split('`').enumerate() {
        match at % 2 {
            0 => html.push_str(piece),
            _ => html.push_str(&format!("<code>{piece}</code>")),
        }
    }
    html
}

/// The last word of a reference.
fn name(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or_default()
}

/// What a schema is, in a few words, with links to what it names.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = escaped(name(reference));
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    for any in ["oneOf", "anyOf"] {
        if let Some(items) = schema[any].as_array() {
            return items.iter().map(kind).collect::<Vec<_>>().join(" or ");
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(text).collect::<Vec<_>>().join(", ");
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => {
            format!("list of {}", self::kind(&schema["items"]))
        }
        Value::String(kind) => escaped(kind),
        Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
        _ => "anything".to_owned(),
    }
}

fn pretty(example: &Value) -> String {
    let pretty = serde_json::to_string_pretty(example).unwrap_or_default();
    format!("<pre>{}</pre>", escaped(&pretty))
}

// === impl Page ===

impl Page<'_> {
    fn add(&mut self, html: std::fmt::Arguments<'_>) {
        // A string takes everything.
        let _ = self.html.write_fmt(html);
    }

    fn keys(&mut self) {
        self.add(format_args!("<section><h2>Keys</h2><table>"));
        for (_, scheme) in entries(&self.document["components"]["securitySchemes"]) {
            let named = match scheme["name"].as_str() {
                Some(name) => format!("{} {}", text(&scheme["in"]), escaped(name)),
                None => "header Authorization".to_owned(),
            };
            let about = prose(&scheme["description"]);
            self.add(format_args!(
                "<tr><th><code>{named}</code></th><td>{about}</td></tr>"
            ));
        }
        self.add(format_args!("</table></section>"));
    }

    fn operations(&self) -> Vec<(String, &Value)> {
        let mut operations = Vec::new();
        for (path, item) in entries(&self.document["paths"]) {
            for method in METHODS {
                if let Some(operation) = item.get(method) {
                    operations.push((format!("{} {path}", method.to_uppercase()), operation));
                }
            }
        }
        operations
    }

    fn contents(&mut self) {
        let mut html = "<section><h2>Doors</h2><table>".to_owned();
        for (named, operation) in self.operations() {
            let (named, about) = (escaped(&named), text(&operation["summary"]));
            let anchor = named.replace(' ', "-");
            html.push_str(&format!(
                "<tr><th><a href=\"#{anchor}\"><code>{named}</code></a></th><td>{about}</td></tr>"
            ));
        }
        self.html.push_str(&html);
        self.add(format_args!("</table></section>"));
    }

    fn doors(&mut self) {
        let mut html = String::new();
        for (named, operation) in self.operations() {
            let named = escaped(&named);
            let anchor = named.replace(' ', "-");
            html.push_str(&format!(
                "<section id=\"{anchor}\"><h3><code>{named}</code> {}</h3><p>{}</p>",
                text(&operation["summary"]),
                prose(&operation["description"])
            ));
            if operation["security"].as_array().is_some_and(Vec::is_empty) {
                html.push_str("<p>Without a key.</p>");
            }
            if let Some(link) = operation["externalDocs"]["url"].as_str() {
                let link = escaped(link);
                html.push_str(&format!(
                    "<p>Described at <a href=\"{link}\">{link}</a></p>"
                ));
            }
            html.push_str(&self.parameters(operation));
            let body = &operation["requestBody"];
            if body.is_object() {
                html.push_str(&format!("<h4>Request</h4>{}", contents(body)));
            }
            html.push_str(&self.responses(operation));
            html.push_str("</section>");
        }
        self.html.push_str(&html);
    }

    fn parameters(&self, operation: &Value) -> String {
        let Some(parameters) = operation["parameters"].as_array() else {
            return String::new();
        };
        let mut html = "<h4>Parameters</h4><table>".to_owned();
        for parameter in parameters {
            html.push_str(&format!(
                "<tr><th><code>{}</code></th><td>{}</td><td>{}</td></tr>",
                text(&parameter["name"]),
                text(&parameter["in"]),
                prose(&parameter["description"])
            ));
        }
        html + "</table>"
    }

    fn responses(&self, operation: &Value) -> String {
        let mut html = "<h4>Answers</h4><table>".to_owned();
        for (status, response) in entries(&operation["responses"]) {
            let about = match response["$ref"].as_str() {
                Some(reference) => {
                    let told = &self.document["components"]["responses"][name(reference)];
                    prose(&told["description"])
                }
                None => format!("{}{}", prose(&response["description"]), contents(response)),
            };
            html.push_str(&format!(
                "<tr><th>{}</th><td>{about}</td></tr>",
                escaped(status)
            ));
        }
        html + "</table>"
    }

    fn errors(&mut self) {
        self.add(format_args!("<section><h2>Errors</h2><table>"));
        for (named, response) in entries(&self.document["components"]["responses"]) {
            let status = escaped(named.trim_start_matches("Error"));
            let about = prose(&response["description"]);
            self.add(format_args!("<tr><th>{status}</th><td>{about}</td></tr>"));
        }
        self.add(format_args!("</table></section>"));
    }

    fn schemas(&mut self) {
        self.add(format_args!("<section><h2>Types</h2>"));
        for (named, schema) in entries(&self.document["components"]["schemas"]) {
            let (named, about) = (escaped(named), prose(&schema["description"]));
            self.add(format_args!(
                "<h3 id=\"{named}\">{named}</h3><p>{about}</p>"
            ));
            let mut shown = false;
            let all = ["allOf", "oneOf", "anyOf"].map(|any| schema[any].as_array());
            let all = all.into_iter().flatten().flatten();
            for part in std::iter::once(schema).chain(all) {
                if part["properties"].is_object() {
                    self.html.push_str(&fields(part));
                    shown = true;
                } else if part["$ref"].is_string() || part["anyOf"].is_array() {
                    self.add(format_args!("<p>{}</p>", kind(part)));
                    shown = true;
                }
            }
            if !shown {
                self.add(format_args!("<p>{}</p>", kind(schema)));
            }
        }
        self.add(format_args!("</section>"));
    }
}

/// What a body is made of, with examples.
fn contents(body: &Value) -> String {
    let mut html = String::new();
    for (media, content) in entries(&body["content"]) {
        let of = match content["schema"]["$ref"].is_string() {
            true => format!(": {}", kind(&content["schema"])),
            false => String::new(),
        };
        html.push_str(&format!("<p><code>{}</code>{of}</p>", escaped(media)));
        if let Some(example) = content.get("example") {
            html.push_str(&pretty(example));
        }
    }
    html
}

/// The fields of an object.
fn fields(schema: &Value) -> String {
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    let mut html = "<table>".to_owned();
    for (name, field) in entries(&schema["properties"]) {
        let needed = required.iter().any(|required| required == name);
        html.push_str(&format!(
            "<tr><th><code>{}</code></th><td>{}{}</td><td>{}</td></tr>",
            escaped(name),
            kind(field),
            if needed { "" } else { ", may be absent" },
            prose(&field["description"])
        ));
    }
    html + "</table>"
}
