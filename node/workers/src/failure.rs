//! How a call that went wrong is told to people.

use flowork_protocol::Failure;

use crate::frame::{Ended, FRAME_BYTES_MAX, Raised};
use crate::language::Language;

/// How much of a traceback or of stderr goes into a failure.
pub(crate) const DETAIL_BYTES_MAX: usize = 4 << 10;

/// The call took longer than its step allows.
pub(crate) fn timeout(language: Language, timeout_ms: u64) -> Failure {
    let took =
        if timeout_ms.is_multiple_of(1000) { format!("{} s", timeout_ms / 1000) } else { format!("{timeout_ms} ms") };
    Failure::new(
        "script-timeout",
        format!("the {} script was not done after {took} and was ended with all it had started", language.title()),
    )
    .hint("raise `timeout_ms` in the step's config, or give the script less to do at once")
    .place("config.timeout_ms")
    .retryable()
}

/// The script used more memory than its step allows.
pub(crate) fn memory(language: Language, memory_mb: u64) -> Failure {
    Failure::new(
        "script-memory",
        format!("the {} script needed more than its {memory_mb} MB of memory and was ended", language.title()),
    )
    .hint("raise `memory_mb` in the step's config, or work through the data in smaller parts")
    .place("config.memory_mb")
}

/// The script started more processes than are allowed.
pub(crate) fn processes(language: Language, most: u64) -> Failure {
    Failure::new(
        "script-processes",
        format!("the {} script started more than {most} processes and was ended", language.title()),
    )
    .hint("start fewer at once, and wait for each")
}

/// The script wrote more than is kept.
pub(crate) fn output(language: Language, bytes_max: u64) -> Failure {
    let most = bytes_max >> 20;
    Failure::new(
        "script-output-too-large",
        format!("the {} script wrote more than {most} MB to stdout and stderr and was ended", language.title()),
    )
    .hint("write large output into a file below `out/` and attach it to an item, and log less")
}

/// Its own folder is full.
pub(crate) fn scratch(language: Language, bytes_max: u64, why: Option<String>) -> Failure {
    let message = format!(
        "the {} code filled its folder: {} MB is the most for all its files",
        language.title(),
        bytes_max >> 20
    );
    let failure = Failure::new("script-disk-full", message)
        .hint("remove files that are no longer needed, handle the data in smaller parts, or write it to a folder of yours in `permissions.write`");
    match why {
        Some(why) => failure.detail(why),
        None => failure,
    }
}

/// What the script gave does not fit into one frame.
pub(crate) fn result_too_large() -> Failure {
    Failure::new(
        "script-result-too-large",
        format!("the items that the script gave are larger than {} MB", FRAME_BYTES_MAX >> 20),
    )
    .hint("write large data into files below `out/` and attach them to items")
}

/// What the script should be given does not fit into one frame.
pub(crate) fn input_too_large() -> Failure {
    Failure::new(
        "script-input-too-large",
        format!("the items for the script are larger than {} MB", FRAME_BYTES_MAX >> 20),
    )
    .hint("split the items with a loop before this step, or pass large data as files")
}

/// The step was cancelled.
pub(crate) fn cancelled() -> Failure {
    Failure::new("cancelled", "the step was cancelled, and the script was ended with all it had started")
}

/// What interpreters say on stderr when they end for want of memory.
const OF_MEMORY: [&str; 5] =
    ["Out of memory", "heap out of memory", "Cannot allocate memory", "cannot allocate", "failed to allocate memory"];

fn of_memory(stderr: &str) -> bool {
    OF_MEMORY.iter().any(|words| stderr.contains(words))
}

/// An exception, as the harness told it. `stderr` is the end of what the script wrote there.
pub(crate) fn raised(language: Language, raised: Raised, stderr: &str, memory_mb: u64) -> Failure {
    let title = language.title();
    let mut failure = match raised.kind.as_str() {
        "memory" => memory(language, memory_mb),
        "exit" if of_memory(stderr) => memory(language, memory_mb),
        "syntax" => Failure::new("script-syntax", format!("the {title} code does not parse: {}", raised.message))
            .hint("correct the code of this step"),
        "result" => Failure::new(
            "script-result",
            format!("the {title} script gave something that is not items: {}", raised.message),
        )
        .hint("return a list of objects, each an item; plain values become {\"value\": …}"),
        "large" => result_too_large(),
        "exit" => Failure::new("script-exit", format!("the {title} script ended with {}", raised.message))
            .hint("look at the last lines of the step's log; status 0 means success")
            .retryable(),
        // What a script raises may well be a service that was away: whoever gives the step a retry policy means that.
        _ => Failure::new("script-error", raised.message).retryable(),
    };
    if let Some(line) = raised.line {
        failure = failure.place(format!("line {line}"));
    }
    if let Some(item) = raised.item {
        failure = failure.item(item as usize);
    }
    match raised.detail {
        Some(detail) if !detail.trim().is_empty() => failure.detail(cut(&detail)),
        _ if !stderr.trim().is_empty() => failure.detail(cut(stderr)),
        _ => failure,
    }
}

/// The script's process ended without giving anything. `stderr` is the end of what it wrote there.
pub(crate) fn ended(language: Language, ended: Ended, stderr: &str, memory_mb: u64) -> Failure {
    let title = language.title();
    let failure = if of_memory(stderr) {
        memory(language, memory_mb)
    } else if let Some(signal) = ended.signal {
        Failure::new(
            "script-died",
            format!("the {title} script was ended by signal {signal} ({})", signal_name(signal)),
        )
        .hint(signal_hint(signal))
        .retryable()
    } else {
        let code = ended.code.unwrap_or_default();
        Failure::new("script-exit", format!("the {title} script ended with status {code}"))
            .hint("look at the last lines of the step's log; status 0 means success")
            .retryable()
    };
    let failure = match ended.line {
        Some(line) => failure.place(format!("line {line}")),
        None => failure,
    };
    if stderr.trim().is_empty() { failure } else { failure.detail(cut(stderr)) }
}

fn signal_hint(signal: i32) -> &'static str {
    match signal {
        libc::SIGXFSZ => "it wrote a file larger than allowed; write several smaller ones",
        libc::SIGXCPU => "it used more processor time than allowed; give it less to do at once",
        libc::SIGSYS => "it tried something that the sandbox refuses; `flowork doctor` lists what",
        libc::SIGKILL => "the system ended it, most often for want of memory",
        _ => "look for a crash in a library that the script uses, or a `kill` in the script",
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGHUP => "SIGHUP",
        libc::SIGINT => "SIGINT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL",
        libc::SIGUSR1 => "SIGUSR1",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGUSR2 => "SIGUSR2",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGALRM => "SIGALRM",
        libc::SIGTERM => "SIGTERM",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        libc::SIGSYS => "SIGSYS",
        _ => "another signal",
    }
}

/// The end of a long text: the last lines say most.
pub(crate) fn cut(text: &str) -> String {
    if text.len() <= DETAIL_BYTES_MAX {
        return text.to_owned();
    }
    let mut from = text.len() - DETAIL_BYTES_MAX;
    while !text.is_char_boundary(from) {
        from += 1;
    }
    format!("…{}", text.get(from..).unwrap_or_default())
}
