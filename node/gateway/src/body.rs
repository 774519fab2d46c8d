//! The bodies of requests: how large one may say it is, and how long its sender may pause.
//!
//! Invariant: a body that says that it is too large is refused before any of it is read.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::context::Ctx;
use crate::extract::BODY_BYTES_MAX;
use crate::guard::HOOKS;
use crate::problem::Problem;
use crate::routes::hooks;

/// How large a preset may be: docs keeps its texts letter by letter, and one that is huge would keep it from everybody else.
const PRESET_BYTES_MAX: u64 = 4 << 20;
const PRESET_HINT: &str = "a preset holds steps and wires; keep data in files that a step reads";
/// How large a body of the open endpoints may be: anybody can send one.
const LOGIN_BYTES_MAX: u64 = 16 << 10;
/// Where people log in.
const LOGIN: &str = "/api/v1/login/";
/// Where presets are kept.
const PRESETS: &str = "/api/v1/presets";
const LOGIN_HINT: &str = "a login is a few short texts; GET /api/v1/openapi.json describes them";
/// Where files are uploaded.
pub(crate) const FILES: &str = "/api/v1/files";

/// The length that a request announces for its body; none when it comes in chunks.
pub(crate) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Refuses a body that announces more than its address takes, and bounds the pauses of the others.
pub(crate) fn admit(ctx: &Ctx, request: Request) -> Result<Request, Problem> {
    let (what, limit) = match request.uri().path() {
        FILES => ("the file", ctx.options.upload_bytes_max),
        path if path.starts_with(PRESETS) => ("the preset", PRESET_BYTES_MAX),
        path if path.starts_with(HOOKS) => ("the body", hooks::BODY_BYTES_MAX),
        path if path.starts_with(LOGIN) => ("the login", LOGIN_BYTES_MAX),
        _ => ("the body", BODY_BYTES_MAX as u64),
    };
    if announced(request.headers()).is_some_and(|length| length > limit) {
        let problem = Problem::too_large(what, limit);
        return Err(match what {
            "the file" => problem.hint("split it, or let a `read-file` step read it where it lies"),
            "the preset" => problem.hint(PRESET_HINT),
            "the login" => problem.hint(LOGIN_HINT),
            _ => problem,
        });
    }
    let pause = ctx.options.patience.pause;
    let left = matches!(what, "the preset" | "the login").then_some(limit);
    Ok(request.map(|body| match hyper::body::Body::is_end_stream(&body) {
        true => body,
        false => Body::new(Paced { body, pause, left, long: Long { what, limit }, waits: None }),
    }))
}

/// The sender of a body paused for too long.
#[derive(Debug, thiserror::Error)]
#[error("nothing came for {} seconds", .0.as_secs_f32())]
struct Slow(Duration);

/// What came in chunks is larger than it may be.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("{what} is larger than {limit} bytes")]
struct Long {
    what: &'static str,
    limit: u64,
}

/// What is wrong with a body that ended with `error`.
pub(crate) fn ended(error: &(dyn std::error::Error + 'static)) -> Problem {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    if let Some(Long { what, limit }) = causes.find_map(|error| error.downcast_ref::<Long>()) {
        let hint = if *what == "the login" { LOGIN_HINT } else { PRESET_HINT };
        return Problem::too_large(what, *limit).hint(hint);
    }
    match is_slow(error) {
        true => Problem::new(StatusCode::REQUEST_TIMEOUT, "body-slow", "the client stopped sending the body")
            .hint("send the request again, its body without long pauses"),
        false => Problem::new(StatusCode::BAD_REQUEST, "body-cut", format!("the body ended early: {error}"))
            .hint("send the request again"),
    }
}

/// Whether a body ended because its sender paused for too long.
pub(crate) fn is_slow(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<Slow>())
}

/// A body whose sender may not pause for long. Costs nothing while pieces are there.
struct Paced {
    body: Body,
    pause: Duration,
    /// How many bytes may still come, where that is bounded here.
    left: Option<u64>,
    long: Long,
    waits: Option<Pin<Box<Sleep>>>,
}

impl hyper::body::Body for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>, context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.waits = None;
            let size = match &frame {
                Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len) as u64,
                _ => 0,
            };
            if let Some(left) = self.left {
                let Some(rest) = left.checked_sub(size) else {
                    return Poll::Ready(Some(Err(axum::Error::new(self.long))));
                };
                self.left = Some(rest);
            }
            return Poll::Ready(frame);
        }
        let pause = self.pause;
        let waits = self.waits.get_or_insert_with(|| Box::pin(sleep(pause)));
        ready!(waits.as_mut().poll(context));
        self.waits = None;
        Poll::Ready(Some(Err(axum::Error::new(Slow(pause)))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
