//! The matrix as a document shows it.

use buildbook::fsio::op::Operation;

use super::matrix::{Kind, Row};
use super::procedure::{Procedure, State};

/// The table of operations, points and outcomes, in Markdown. It is the same on every machine whose file system can
/// exchange two names.
#[must_use]
pub fn table(procedures: &[Procedure], rows: &[Row]) -> String {
    let points: usize = rows.iter().flat_map(|row| row.outcomes.values().flat_map(|of| of.values())).sum();
    let operations: usize = rows.iter().map(|row| row.operations.len()).sum();
    let mut text = format!(
        "{} procedures, {operations} operations, {points} points. A number is how many points end so:\n\
         `old` and `new` as readers find the book after recovery, `part` as said below the table; `told` if the \
         procedure\nreported an error although the book is new, which is allowed, as the reverse is not.\n\n\
         | procedure | operations | stop | EIO | ENOSPC | EACCES | EIO, and while undoing |\n|---|---|---|---|---|---|---|\n",
        rows.len()
    );
    for row in rows {
        let cells: Vec<String> = Kind::ALL.into_iter().map(|kind| cell(row, kind)).collect();
        let durable = procedures.iter().any(|procedure| procedure.name == row.name && procedure.durable);
        let mark = if durable { " (synced)" } else { "" };
        text.push_str(&format!(
            "| {}{mark} | {} | {} |\n",
            row.name,
            steps(&row.operations),
            cells.join(" | ")
        ));
    }
    for (what, of) in [("`part`", part as fn(&Procedure) -> _), ("until recovery", gap)] {
        let notes: Vec<String> = procedures
            .iter()
            .filter_map(|procedure| of(procedure).map(|note| format!("* {}: {note}\n", procedure.name)))
            .collect();
        if !notes.is_empty() {
            text.push_str(&format!("\nWhat readers may find {what}:\n\n{}", notes.concat()));
        }
    }
    text
}

fn part(procedure: &Procedure) -> Option<&'static str> {
    procedure.part
}

fn gap(procedure: &Procedure) -> Option<&'static str> {
    procedure.gap
}

fn cell(row: &Row, kind: Kind) -> String {
    let Some(outcomes) = row.outcomes.get(&kind) else { return "none".to_owned() };
    // Whoever is dead tells nothing.
    let died = matches!(kind, Kind::Stop | Kind::Undo);
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for (&(state, done), &count) in outcomes {
        let word = match (state, done || died) {
            (State::Old, _) => "old",
            (State::Part, _) => "part",
            (State::New, true) => "new",
            (State::New, false) => "new, told",
        };
        match counts.iter_mut().find(|(other, _)| *other == word) {
            Some((_, sum)) => *sum += count,
            None => counts.push((word, count)),
        }
    }
    let words: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    words.join("; ")
}

/// `3: create file, write ×2`
fn steps(operations: &[Operation]) -> String {
    let mut steps: Vec<(Operation, usize)> = Vec::new();
    for operation in operations {
        match steps.last_mut() {
            Some((last, count)) if last == operation => *count += 1,
            _ => steps.push((*operation, 1)),
        }
    }
    let words = steps.iter().map(|(operation, count)| match count {
        1 => word(*operation),
        _ => format!("{} ×{count}", word(*operation)),
    });
    format!("{}: {}", operations.len(), words.collect::<Vec<_>>().join(", "))
}

/// `CreateFile` is `create file`.
fn word(operation: Operation) -> String {
    let mut word = String::new();
    for c in format!("{operation:?}").chars() {
        if c.is_uppercase() && !word.is_empty() {
            word.push(' ');
        }
        word.extend(c.to_lowercase());
    }
    word
}
