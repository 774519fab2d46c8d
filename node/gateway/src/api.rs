//! The list of routes. Router and OpenAPI document are both made from it, so neither can miss what the other has.

use axum::extract::{DefaultBodyLimit, State};
use axum::handler::Handler;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Router, http};
use flowork_protocol::command::Role;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, Object, OpenApiBuilder, Ref, RefOr, Required,
    ResponseBuilder, SecurityRequirement, schema,
};

use crate::context::Ctx;
use crate::extract::BODY_BYTES_MAX;
use crate::problem::{Details, Problem};
use crate::routes;
use crate::{guard, gui};

/// One route: how it is called, who may, what goes in and out, and what does it.
pub(crate) struct Route {
    method: Method,
    path: &'static str,
    summary: &'static str,
    needs: Option<Role>,
    query: Option<Shape>,
    body: Option<(Shape, &'static str)>,
    replies: Vec<(u16, &'static str, Option<Shape>, &'static str)>,
    handler: MethodRouter<Ctx>,
}

type Shape = fn(&mut SchemaGenerator) -> Schema;

fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn whole_shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

impl Route {
    /// A route. `needs` is the least role, none for the open ones; the handler checks it by asking for that permit.
    pub(crate) fn new<H, X>(
        method: Method, path: &'static str, needs: impl Into<Option<Role>>, summary: &'static str, handler: H,
    ) -> Self
    where
        H: Handler<X, Ctx>,
        X: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
        let (needs, handler) = (needs.into(), on(filter, handler));
        Self { method, path, summary, needs, query: None, body: None, replies: Vec::new(), handler }
    }

    /// Its query parameters: the fields of `T`.
    pub(crate) fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(whole_shape::<T>);
        self
    }

    /// Its JSON body.
    pub(crate) fn body<T: JsonSchema>(mut self) -> Self {
        self.body = Some((shape::<T>, "application/json"));
        self
    }

    /// Its body of bytes.
    pub(crate) fn body_bytes(mut self) -> Self {
        self.body = Some((shape::<Value>, "application/octet-stream"));
        self
    }

    /// What it answers, as JSON.
    pub(crate) fn reply<T: JsonSchema>(mut self, status: u16, what: &'static str) -> Self {
        self.replies.push((status, what, Some(shape::<T>), "application/json"));
        self
    }

    /// What it answers, as something else.
    pub(crate) fn reply_as(mut self, status: u16, what: &'static str, media_type: &'static str) -> Self {
        self.replies.push((status, what, None, media_type));
        self
    }
}

/// The router with everything in front of it.
pub(crate) fn router(ctx: Ctx) -> Router {
    let mut router = Router::new();
    for route in routes::all() {
        router = router.route(route.path, route.handler);
    }
    router
        .route("/hooks/{*path}", axum::routing::any(routes::hooks::fire))
        .fallback(elsewhere)
        .method_not_allowed_fallback(no_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(ctx.clone(), guard::guard))
        .with_state(ctx)
}

/// What is no route: a file or a page of the GUI, or nothing.
async fn elsewhere(State(ctx): State<Ctx>, method: Method, uri: http::Uri, headers: HeaderMap) -> Response {
    gui::serve(ctx.options.gui, &method, uri.path(), &headers).unwrap_or_else(|| no_route(&uri).into_response())
}

fn no_route(uri: &http::Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::missing("no-route", format!("there is nothing at {path}"))
        .hint("GET /api/v1/openapi.json lists every address")
}

async fn no_method(method: Method, uri: http::Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "no-method", format!("{method} is not possible at {path}"))
        .hint("the Allow header says what is; GET /api/v1/openapi.json lists every address")
}

/// The OpenAPI document.
pub(crate) fn document(version: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut named = Map::new();
    let problem = name(&mut named, "ProblemDetails", shape::<Details>(&mut generator));
    let mut paths = Paths::new();
    for route in routes::all() {
        let Some(method) = http_method(&route.method) else { continue };
        let operation = operation(&route, &mut generator, &mut named, &problem);
        paths.add_path_operation(open_path(route.path), vec![method], operation);
    }
    for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let Some(filter) = http_method(&method) else { continue };
        paths.add_path_operation("/hooks/{path}", vec![filter], hook_operation(&method, &problem));
    }
    let security = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let document = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Flowork")
                .version(version)
                .description(Some("The API of one Flowork node. Errors are RFC 9457 problem details."))
                .build(),
        )
        .paths(paths)
        .components(Some(ComponentsBuilder::new().security_scheme("token", security).build()))
        .build();
    let mut document = serde_json::to_value(&document).unwrap_or_default();
    let mut schemas = generator.take_definitions(true);
    schemas.extend(named);
    document["components"]["schemas"] = Value::Object(schemas);
    document
}

/// The document's parts are typed, its schemas are not: each goes in under a name, and operations refer to it.
fn name(named: &mut Map<String, Value>, want: &str, schema: Schema) -> Ref {
    let value = schema.to_value();
    if let Some(at) = value.get("$ref").and_then(Value::as_str) {
        return Ref::new(at);
    }
    named.insert(want.to_owned(), value);
    Ref::from_schema_name(want)
}

fn operation(
    route: &Route, generator: &mut SchemaGenerator, named: &mut Map<String, Value>, problem: &Ref,
) -> utoipa::openapi::path::Operation {
    let id = operation_id(&route.method, route.path);
    let mut operation =
        OperationBuilder::new().summary(Some(route.summary)).operation_id(Some(id.clone())).tag(tag(route.path));
    for parameter in path_parameters(route.path) {
        operation = operation.parameter(parameter);
    }
    for parameter in route.query.map(|shape| query_parameters(&shape(generator))).unwrap_or_default() {
        operation = operation.parameter(parameter);
    }
    if let Some((shape, media_type)) = route.body {
        let content = match media_type {
            "application/json" => {
                ContentBuilder::new().schema(Some(name(named, &format!("{id}Body"), shape(generator)))).build()
            }
            _ => ContentBuilder::new().build(),
        };
        operation = operation.request_body(Some(RequestBodyBuilder::new().content(media_type, content).build()));
    }
    for (status, what, shape, media_type) in &route.replies {
        let content = match shape {
            Some(shape) => {
                ContentBuilder::new().schema(Some(name(named, &format!("{id}Reply{status}"), shape(generator)))).build()
            }
            None => ContentBuilder::new().build(),
        };
        let response = ResponseBuilder::new().description(*what).content(*media_type, content).build();
        operation = operation.response(status.to_string(), response);
    }
    operation = operation.response("default", problem_response(problem));
    if let Some(role) = route.needs {
        operation = operation
            .description(Some(format!("Needs a token with the role {} or higher.", crate::access::word(role))))
            .security(SecurityRequirement::new("token", Vec::<String>::new()));
    }
    operation.build()
}

fn hook_operation(method: &Method, problem: &Ref) -> utoipa::openapi::path::Operation {
    let started = ContentBuilder::new().schema(Some(Ref::from_schema_name("Started"))).build();
    OperationBuilder::new()
        .summary(Some("Starts a job by a webhook of an activated preset."))
        .description(Some("The methods, the check and the answer are what the preset's webhook trigger says."))
        .operation_id(Some(operation_id(method, "/hooks")))
        .tag("hooks")
        .parameter(ParameterBuilder::new().name("path").parameter_in(ParameterIn::Path).required(Required::True))
        .parameter(ParameterBuilder::new().name("Idempotency-Key").parameter_in(ParameterIn::Header))
        .response(
            "202",
            ResponseBuilder::new().description("The job is on disk.").content("application/json", started).build(),
        )
        .response("200", ResponseBuilder::new().description("The answer of the preset.").build())
        .response("default", problem_response(problem))
        .build()
}

fn problem_response(problem: &Ref) -> utoipa::openapi::Response {
    let content = ContentBuilder::new().schema(Some(problem.clone())).build();
    ResponseBuilder::new()
        .description("What is wrong, and what to do.")
        .content("application/problem+json", content)
        .build()
}

fn path_parameters(path: &str) -> Vec<Parameter> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            ParameterBuilder::new()
                .name(name.trim_start_matches('*'))
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(Object::with_type(schema::Type::String)))
                .build()
        })
        .collect()
}

fn query_parameters(schema: &Schema) -> Vec<Parameter> {
    let empty = Map::new();
    let value = schema.as_value();
    let fields = value["properties"].as_object().unwrap_or(&empty);
    let required = |name: &str| value["required"].as_array().is_some_and(|list| list.contains(&json!(name)));
    fields
        .iter()
        .map(|(name, field)| {
            // A schema that this type cannot say is described in words all the same.
            let typed = serde_json::from_value::<RefOr<schema::Schema>>(field.clone()).ok();
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Query)
                .required(if required(name) { Required::True } else { Required::False })
                .description(field["description"].as_str())
                .schema(typed)
                .build()
        })
        .collect()
}

fn open_path(path: &str) -> String {
    path.replace("{*", "{")
}

fn tag(path: &str) -> &str {
    path.strip_prefix("/api/v1/").and_then(|rest| rest.split('/').next()).unwrap_or("node")
}

fn operation_id(method: &Method, path: &str) -> String {
    let mut id = method.as_str().to_ascii_lowercase();
    for part in path.trim_start_matches("/api/v1").split(['/', '.', '-']).filter(|part| !part.is_empty()) {
        let part = part.trim_matches(['{', '}', '*']);
        let mut letters = part.chars();
        id.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        id.push_str(letters.as_str());
    }
    id
}

fn http_method(method: &Method) -> Option<HttpMethod> {
    Some(match *method {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => return None,
    })
}
