//! What a client reads when something is wrong: RFC 9457 problem details, with a hint of what to do next.

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flowork_ports::{blobs, documents, mesh, store};
use flowork_protocol::{Failure, check};
use serde::{Deserialize, Serialize};

/// An answer that says what is wrong. Boxed, because most calls end without one.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    hint: Option<String>,
    problems: Vec<check::Problem>,
    job: Option<String>,
    retry_after_s: Option<u32>,
    allow: Option<String>,
}

/// The JSON form of a problem (RFC 9457).
#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "ProblemDetails")]
pub(crate) struct Details {
    /// `urn:flowork:problem:` and a stable kebab-case word.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What happened, to what.
    detail: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// For presets: every problem with its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    problems: Vec<check::Problem>,
    /// The job that is meant, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    job: Option<String>,
}

impl Problem {
    /// A problem with a stable word for programs and a sentence for people.
    pub(crate) fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        let (code, detail) = (code.into(), detail.into());
        Self(Box::new(Inner {
            status,
            code,
            detail,
            hint: None,
            problems: Vec::new(),
            job: None,
            retry_after_s: None,
            allow: None,
        }))
    }

    /// Something that is not there.
    pub(crate) fn missing(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// Something that does not fit what is there.
    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// Something that was understood and cannot be done as asked.
    pub(crate) fn wrong(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// A limit of this gateway that is reached for now.
    pub(crate) fn flooded(what: &str, limit: usize) -> Self {
        let detail = format!("{limit} {what} are open already");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many", detail)
            .hint("send the request again after the time in Retry-After; nothing was done yet")
            .retry_after(1)
    }

    /// Something larger than allowed.
    pub(crate) fn too_large(what: &str, limit_bytes: u64) -> Self {
        let detail = format!("{what} is larger than {limit_bytes} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
            .hint("send large data as a file: POST /api/v1/files, then name the blob in an item's `files`")
    }

    /// Says what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Says when to try again.
    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Says which methods there are.
    pub(crate) fn allow(mut self, methods: String) -> Self {
        self.0.allow = Some(methods);
        self
    }

    /// Status, code, what happened with what to do next, and when to try again: for clients that read another form.
    pub(crate) fn told(&self) -> (StatusCode, String, String, Option<u32>) {
        let hint = self.0.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        (self.0.status, self.0.code.to_string(), format!("{}{hint}", self.0.detail), self.0.retry_after_s)
    }

    /// What happened, to what.
    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Names the job.
    pub(crate) fn job(mut self, job: impl std::fmt::Display) -> Self {
        self.0.job = Some(job.to_string());
        self
    }

    /// Every problem of a preset.
    pub(crate) fn preset(problems: Vec<check::Problem>) -> Self {
        let errors = problems.iter().filter(|problem| problem.severity == check::Severity::Error).count();
        let mut problem = Self::wrong(
            "preset-problems",
            if errors == 1 {
                "the preset has a problem that stops it".to_owned()
            } else {
                format!("the preset has {errors} problems that stop it")
            },
        )
        .hint("`problems` lists each with its place and a suggestion; `flowork preset check FILE` shows the same");
        problem.0.problems = problems;
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let problem = *self.0;
        let details = Details {
            kind: format!("urn:flowork:problem:{}", problem.code),
            title: problem.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: problem.status.as_u16(),
            detail: problem.detail,
            hint: problem.hint,
            problems: problem.problems,
            job: problem.job,
        };
        // Texts and numbers only: this always writes.
        let body = serde_json::to_vec(&details).unwrap_or_default();
        let mut response = (problem.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = problem.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(methods) = problem.allow.and_then(|methods| HeaderValue::from_str(&methods).ok()) {
            headers.insert(header::ALLOW, methods);
        }
        if problem.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"flowork\""));
        }
        response
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        use store::Error as E;
        let text = error.to_string();
        match error {
            E::Full { .. } => Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk-full", text)
                .hint("free space on that disk, or raise the node's disk budget, and send the request again"),
            E::Busy(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "store-busy", text)
                .hint("send the request again after the time in Retry-After")
                .retry_after(1),
            E::Damaged { .. } => Self::new(StatusCode::SERVICE_UNAVAILABLE, "store-damaged", text)
                .hint("jobs in other shards go on; `flowork restore` brings a damaged file back from a backup"),
            E::Locked { .. } | E::Fenced { .. } => Self::new(StatusCode::SERVICE_UNAVAILABLE, "store-locked", text)
                .hint("`flowork doctor` names the program that holds the file")
                .retry_after(5),
            E::Ended { .. } => Self::new(StatusCode::SERVICE_UNAVAILABLE, "store-ended", text)
                .hint("the supervisor starts it again; send the request again in a moment")
                .retry_after(1),
            E::NoJob(job) => Self::no_job(job),
            E::Other { .. } => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "store-error", text)
                .hint("`flowork doctor` looks at every file of the store"),
        }
    }
}

impl Problem {
    /// There is no such job.
    pub(crate) fn no_job(job: impl std::fmt::Display) -> Self {
        Self::missing("no-job", format!("there is no job {job}"))
            .hint("it was never accepted here, or retention has forgotten it; `flowork job list` shows what there is")
    }
}

impl Problem {
    /// The shard of this job is out.
    pub(crate) fn shard_out(job: flowork_protocol::JobId, why: &str) -> Self {
        let detail = format!("the job {job} belongs to shard {}, which is out: {why}", job.shard());
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "shard-out", detail)
            .hint("jobs on other shards go on; restore the file from a backup, or send the request without its key")
    }
}

impl From<documents::Error> for Problem {
    fn from(error: documents::Error) -> Self {
        use documents::Error as E;
        let text = error.to_string();
        match error {
            E::Missing(_) => Self::missing("no-preset", text).hint("GET /api/v1/presets lists what there is"),
            E::NameTaken(_) => Self::conflict("name-taken", text).hint("choose another name, or update that preset"),
            E::HeadsMissing(_) => Self::conflict("heads-missing", text)
                .hint("edits may still be on their way; send the request again in a moment")
                .retry_after(1),
            E::Problems(problems) => Self::preset(problems),
            E::Quarantined { .. } => Self::conflict("draft-quarantined", text)
                .hint("its versions still run; restore the draft from one of them, or from a backup"),
            E::Damaged(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "draft-damaged", text)
                .hint("its versions still run; restore the draft from one of them, or from a backup"),
            E::Away(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "documents-away", text)
                .hint("activated presets still run by name and by trigger; send the request again in a moment, and look at `flowork status` if it stays so")
                .retry_after(1),
        }
    }
}

impl From<mesh::Error> for Problem {
    fn from(error: mesh::Error) -> Self {
        use mesh::Error as E;
        let of = |status, Failure { code, message, hint, .. }: Failure| {
            let problem = Self::new(status, code, message);
            match hint {
                Some(hint) => problem.hint(hint),
                None => problem,
            }
        };
        match error {
            E::Missing(failure) => of(StatusCode::NOT_FOUND, failure),
            E::Invalid(failure) => of(StatusCode::UNPROCESSABLE_ENTITY, failure),
            // The other node is to this one what a server is to a gateway.
            E::Peer(failure) => of(StatusCode::BAD_GATEWAY, failure),
            E::Store(text) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "mesh-store", text).retry_after(5),
            E::Away(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "mesh-away", error.to_string())
                .hint("everything on this node goes on without it; send the request again in a moment")
                .retry_after(1),
        }
    }
}

impl From<blobs::Error> for Problem {
    fn from(error: blobs::Error) -> Self {
        use blobs::Error as E;
        let text = error.to_string();
        match error {
            E::Missing(_) => Self::missing("no-file", text).hint("upload it first: POST /api/v1/files"),
            E::Damaged(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "file-damaged", text)
                .hint("`flowork restore` brings it back from a backup"),
            E::TooLarge { limit_bytes } => Self::too_large("the file", limit_bytes),
            E::Io { doing, source } => {
                use std::io::ErrorKind;
                let text = format!("the blob store cannot {doing}: {source}");
                match source.kind() {
                    ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                        Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk-full", text)
                            .hint("free space on the disk that holds the data directory")
                    }
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
                        Self::new(StatusCode::BAD_REQUEST, "upload-cut", text).hint("send the file again")
                    }
                    ErrorKind::TimedOut => Self::new(StatusCode::REQUEST_TIMEOUT, "upload-slow", text)
                        .hint("the client stopped sending; send the file again"),
                    _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "file-error", text)
                        .hint("`flowork doctor` looks at the data directory"),
                }
            }
        }
    }
}
