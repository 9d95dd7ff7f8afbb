//! The API's routes and their description (OpenAPI 3.1) from one table, so that neither can say
//! what the other does not do.

use axum::Router;
use axum::http::Method;
use axum::middleware;
use axum::routing::MethodRouter;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::guard;
use crate::keys::Scope;
use crate::problem::{self, Problem};

/// Where the API begins.
pub(crate) const BASE: &str = "/api/v1";

/// One operation: its route and its description.
pub(crate) struct Endpoint {
    method: Method,
    path: &'static str,
    tag: &'static str,
    summary: &'static str,
    description: &'static str,
    scope: Scope,
    parameters: Vec<Value>,
    body: Option<Value>,
    answer: Value,
    problems: Vec<u16>,
    route: MethodRouter<App>,
}

/// Makes endpoints, and gathers the schemas that they name.
pub(crate) struct Table {
    inputs: SchemaGenerator,
    outputs: SchemaGenerator,
    pub(crate) endpoints: Vec<Endpoint>,
}

impl Table {
    pub(crate) fn new() -> Self {
        let mut settings = SchemaSettings::draft2020_12();
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
        let outputs = settings.clone().for_serialize().into_generator();
        settings.inline_subschemas = true;
        Self { inputs: settings.into_generator(), outputs, endpoints: Vec::new() }
    }

    /// Begins an operation that reads, and answers with `T` as JSON.
    pub(crate) fn get<T: JsonSchema>(
        &mut self,
        path: &'static str,
        [tag, summary]: [&'static str; 2],
        route: MethodRouter<App>,
    ) -> &mut Endpoint {
        let schema = self.outputs.subschema_for::<T>().to_value();
        self.add(Method::GET, path, [tag, summary], "application/json", &schema, route)
    }

    /// Begins an operation that reads a stream of server-sent events.
    pub(crate) fn get_stream(
        &mut self,
        path: &'static str,
        [tag, summary]: [&'static str; 2],
        route: MethodRouter<App>,
    ) -> &mut Endpoint {
        let schema = json!({ "type": "string" });
        self.add(Method::GET, path, [tag, summary], "text/event-stream", &schema, route)
    }

    /// Begins an operation that changes something, and answers with `T` as JSON.
    pub(crate) fn post<T: JsonSchema>(
        &mut self,
        path: &'static str,
        [tag, summary]: [&'static str; 2],
        route: MethodRouter<App>,
    ) -> &mut Endpoint {
        let schema = self.outputs.subschema_for::<T>().to_value();
        let endpoint =
            self.add(Method::POST, path, [tag, summary], "application/json", &schema, route);
        endpoint.scope = Scope::Operate;
        endpoint.problems.extend([409, 413, 415, 422]);
        endpoint
    }

    fn add(
        &mut self,
        method: Method,
        path: &'static str,
        [tag, summary]: [&'static str; 2],
        media: &'static str,
        schema: &Value,
        route: MethodRouter<App>,
    ) -> &mut Endpoint {
        let variables = path.split('/').filter(|part| part.starts_with('{')).count();
        let mut problems = vec![400, 401, 403, 429, 500, 503];
        if variables > 0 {
            problems.push(404);
        }
        self.endpoints.push(Endpoint {
            method,
            path,
            tag,
            summary,
            description: "",
            scope: Scope::Read,
            parameters: Vec::new(),
            body: None,
            answer: json!({ media: { "schema": schema } }),
            problems,
            route,
        });
        self.endpoints.last_mut().expect("one was just added")
    }

    /// The schema of what is taken in, without names of its own.
    pub(crate) fn taken<T: JsonSchema>(&mut self) -> Value {
        self.inputs.subschema_for::<T>().to_value()
    }
}

impl Endpoint {
    /// Says more about it.
    pub(crate) fn says(&mut self, description: &'static str) -> &mut Self {
        self.description = description;
        self
    }

    /// Takes these query parameters: the fields of an object's schema.
    pub(crate) fn query(&mut self, schema: &Value) -> &mut Self {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if name == "cursor" {
                // One that names no row (any more).
                self.fails_with(404);
            }
            let mut property = property.clone();
            let description = property.as_object_mut().and_then(|one| one.remove("description"));
            self.parameters.push(json!({
                "name": name,
                "in": "query",
                "required": required.contains(&json!(name)),
                "description": description.unwrap_or_default(),
                "schema": not_null(property),
            }));
        }
        self
    }

    /// Says that the text of a parameter has this form, which its type alone does not tell.
    pub(crate) fn form(&mut self, name: &str, pattern: &str) -> &mut Self {
        for parameter in self.parameters.iter_mut().filter(|one| one["name"] == name) {
            parameter["schema"]["pattern"] = pattern.into();
        }
        self
    }

    /// Says that a parameter takes this value alone, where its type knows others.
    pub(crate) fn only(&mut self, name: &str, value: &str) -> &mut Self {
        for parameter in self.parameters.iter_mut().filter(|one| one["name"] == name) {
            parameter["schema"] = json!({ "type": "string", "enum": [value] });
        }
        self
    }

    /// Says that it can end with a problem of this status.
    pub(crate) fn fails_with(&mut self, status: u16) -> &mut Self {
        self.problems.push(status);
        self
    }

    /// Takes this variable part of the path.
    pub(crate) fn path(&mut self, name: &str, mut schema: Value) -> &mut Self {
        let description = schema.as_object_mut().and_then(|one| one.remove("description"));
        self.parameters.push(json!({
            "name": name, "in": "path", "required": true,
            "description": description.unwrap_or_default(), "schema": schema,
        }));
        self
    }

    /// Takes this header, where it is sent.
    pub(crate) fn header(&mut self, name: &str, description: &str, schema: &Value) -> &mut Self {
        self.parameters.push(json!({
            "name": name, "in": "header", "required": false,
            "description": description, "schema": schema,
        }));
        self
    }

    /// Takes a body: schemas by media type.
    pub(crate) fn body(&mut self, content: &Value) -> &mut Self {
        self.body = Some(json!({ "required": true, "content": content }));
        self
    }

    fn describe(&self) -> Value {
        let mut responses = Map::new();
        let mut good = json!({ "description": "done", "content": self.answer });
        if self.method == Method::GET {
            good["headers"] = json!({
                "ETag": { "schema": { "type": "string" }, "description": "of the content" }
            });
            responses.insert("304".into(), json!({ "description": "the client has it already" }));
        }
        responses.insert("200".into(), good);
        for status in &self.problems {
            responses.insert(status.to_string(), problem_of(*status));
        }
        let mut operation = json!({
            "operationId": self.operation_id(),
            "tags": [self.tag],
            "summary": self.summary,
            "parameters": self.parameters,
            "responses": responses,
            "security": [{ "key": [self.scope.name()] }, {}],
        });
        if !self.description.is_empty() {
            operation["description"] = self.description.into();
        }
        if let Some(body) = &self.body {
            operation["requestBody"] = body.clone();
        }
        operation
    }

    fn operation_id(&self) -> String {
        let path = self.path.replace(['{', '}'], "").replace(['/', '-', '.'], "_");
        format!("{}{path}", self.method.as_str().to_lowercase())
    }
}

/// A schema without the null that stands for leaving a parameter out.
fn not_null(mut schema: Value) -> Value {
    let types = schema.get("type").and_then(Value::as_array);
    if let Some(only) = types.and_then(|types| types.iter().find(|one| **one != "null")).cloned() {
        schema["type"] = only;
    }
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        let only: Vec<&Value> = choices.iter().filter(|one| one["type"] != "null").collect();
        if let [only] = only[..] {
            schema = only.clone();
        }
    }
    if let Some(choices) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        choices.retain(|choice| !choice.is_null());
    }
    if let Some(object) = schema.as_object_mut() {
        object.remove("default");
    }
    schema
}

fn problem_of(status: u16) -> Value {
    let status = axum::http::StatusCode::from_u16(status).unwrap_or_default();
    json!({
        "description": status.canonical_reason().unwrap_or_default(),
        "content": { problem::MEDIA_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } }
    })
}

/// The router of the table's operations, below [`BASE`].
pub(crate) fn router(table: Table) -> Router<App> {
    table.endpoints.into_iter().fold(Router::new(), |router, endpoint| {
        let scope = endpoint.scope;
        let guarded = endpoint
            .route
            .layer(middleware::from_fn(move |request, next| guard::scope(scope, request, next)));
        router.route(endpoint.path, guarded)
    })
}

/// The description of the API, as OpenAPI 3.1.
#[must_use]
pub fn document() -> Value {
    describe(crate::api::table())
}

fn describe(mut table: Table) -> Value {
    table.outputs.subschema_for::<Problem>();
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in &table.endpoints {
        let path = paths.entry(endpoint.path.to_owned()).or_insert_with(|| json!({}));
        path[endpoint.method.as_str().to_lowercase()] = endpoint.describe();
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "MaraBet",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Value bets, and everything that led to them.",
            "description": "Instants are microseconds since 1970-01-01T00:00:00Z. A match is \
                            `competition|season|home|away|leg`; in a path it is percent-encoded. \
                            Answers carry weak ETags; lists come in pages; what goes wrong is a \
                            problem document (RFC 9457).",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": BASE }],
        "paths": paths,
        "components": {
            "schemas": table.outputs.take_definitions(true),
            "securitySchemes": {
                "key": {
                    "type": "http", "scheme": "bearer",
                    "description": "A key of [web.keys]; none is needed where none is set.",
                },
            },
        },
    })
}
