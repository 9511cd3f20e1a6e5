//! What ran when, for a trace viewer.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use crate::op::{Activity, Op, Status};

/// Processes come after all threads for files in the viewer.
const FIRST_PROCESS_ROW: usize = 1_000;

/// One line of the trace.
#[derive(Serialize)]
struct Event<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cat: Option<&'a str>,
    ph: char,
    pid: u32,
    tid: usize,
    /// Microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    args: Arguments<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Arguments<'a> {
    Row {
        name: String,
    },
    Order {
        sort_index: usize,
    },
    Span {
        op: usize,
        status: &'static str,
        waited_us: f64,
        reads: Vec<String>,
        writes: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        exit: Option<i32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a str>,
    },
}

/// Writes operations in the trace event format of Chrome, a JSON document that `chrome://tracing` and Perfetto show:
/// one row for each thread, and on it what its operations did, from when to when, and whether they were revived.
/// Operations that never came to a thread are not in it.
///
/// # Errors
///
/// What the writer says.
pub fn write_chrome_trace(ops: &[Op], mut out: impl Write) -> io::Result<()> {
    out.write_all(b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
    let mut separator = "\n";
    let mut write = |event: Event<'_>| {
        out.write_all(separator.as_bytes())?;
        separator = ",\n";
        serde_json::to_writer(&mut out, &event).map_err(io::Error::from)
    };
    let spans = || ops.iter().flat_map(|op| op.spans.iter().map(move |span| (op, span)));
    let rows: BTreeSet<(usize, String)> = spans()
        .map(|(_, span)| (row(span.activity, span.slot), row_name(span.activity, span.slot)))
        .collect();
    for (tid, name) in rows {
        write(metadata("thread_name", tid, Arguments::Row { name }))?;
        write(metadata("thread_sort_index", tid, Arguments::Order { sort_index: tid }))?;
    }
    for (op, span) in spans() {
        let error = error_of(op);
        let paths =
            |paths: &[std::path::PathBuf]| paths.iter().map(|path| path.display().to_string()).collect();
        write(Event {
            name: &op.label,
            cat: Some(op.kind.as_str()),
            ph: 'X',
            pid: 1,
            tid: row(span.activity, span.slot),
            ts: Some(microseconds(span.start)),
            dur: Some(microseconds(span.end.saturating_sub(span.start))),
            args: Arguments::Span {
                op: op.id.index(),
                status: status(&op.status),
                waited_us: microseconds(span.start.saturating_sub(op.created)),
                reads: paths(&op.reads),
                writes: paths(&op.writes),
                exit: op.exit,
                error: error.as_deref(),
            },
        })?;
    }
    out.write_all(b"\n]}\n")?;
    out.flush()
}

fn metadata<'a>(name: &'a str, tid: usize, args: Arguments<'a>) -> Event<'a> {
    Event { name, cat: None, ph: 'M', pid: 1, tid, ts: None, dur: None, args }
}

fn row(activity: Activity, slot: usize) -> usize {
    match activity {
        Activity::Files => slot,
        Activity::Process => FIRST_PROCESS_ROW + slot,
    }
}

fn row_name(activity: Activity, slot: usize) -> String {
    match activity {
        Activity::Files => format!("files {slot}"),
        Activity::Process => format!("process {slot}"),
    }
}

fn status(status: &Status) -> &'static str {
    match status {
        Status::Waiting => "waiting",
        Status::Executed => "executed",
        Status::Revived => "revived",
        Status::Failed(_) => "failed",
        Status::Aborted(_) => "aborted",
    }
}

fn error_of(op: &Op) -> Option<String> {
    match &op.status {
        Status::Failed(error) | Status::Aborted(error) => Some(buildbook_fsio::explained(error)),
        Status::Waiting | Status::Executed | Status::Revived => None,
    }
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::op::{Kind, OpId, Span};

    #[test]
    fn a_trace_is_a_document_with_a_row_for_each_thread() {
        let span = |activity, slot, start, end| Span {
            activity,
            slot,
            start: Duration::from_micros(start),
            end: Duration::from_micros(end),
        };
        let op = Op {
            id: OpId(3),
            kind: Kind::Spawn,
            label: "cc \"a\".c".to_owned(),
            reads: vec!["/a.c".into()],
            writes: vec!["/a.o".into()],
            status: Status::Revived,
            created: Duration::from_micros(1),
            spans: vec![span(Activity::Files, 0, 5, 7), span(Activity::Process, 1, 8, 20)],
            exit: Some(0),
            output: Arc::from([]),
        };
        let mut text = Vec::new();
        write_chrome_trace(&[op], &mut text).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let events = document["traceEvents"].as_array().unwrap();
        assert_eq!(events.len(), 6);
        assert_eq!(events[0]["args"]["name"], "files 0");
        assert_eq!(events[2]["args"]["name"], "process 1");
        assert_eq!((&events[5]["ts"], &events[5]["dur"]), (&8.0.into(), &12.0.into()));
        assert_eq!(
            (&events[5]["name"], &events[5]["args"]["status"]),
            (&"cc \"a\".c".into(), &"revived".into())
        );
        assert_eq!(events[5]["tid"], events[2]["tid"]);
    }

    #[test]
    fn no_operations_are_a_document_as_well() {
        let mut text = Vec::new();
        write_chrome_trace(&[], &mut text).unwrap();
        assert!(serde_json::from_slice::<serde_json::Value>(&text).is_ok());
    }
}
