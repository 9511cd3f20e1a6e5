//! What is seen while a batch runs: bars on a terminal, else a line for each target that ends.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::Verdict;
use super::estimate::Estimate;
use super::record::category;
use crate::output::{duration, one_line, say, shortened};
use crate::plan::Plan;

const TICK: Duration = Duration::from_millis(120);

/// Shows a batch on standard error. Standard output is for the result.
pub(super) struct Display {
    names: Vec<String>,
    estimate: Arc<Mutex<Estimate>>,
    state: Mutex<State>,
    bars: Option<Bars>,
}

#[derive(Default)]
struct State {
    ended: usize,
    failed: usize,
    running: HashMap<usize, ProgressBar>,
}

struct Bars {
    all: MultiProgress,
    whole: ProgressBar,
}

impl Display {
    /// Whether there is somebody to whom an estimate of the time that is left can be shown.
    pub(super) fn has_bars() -> bool {
        std::io::stderr().is_terminal()
    }

    pub(super) fn new(plan: &Plan, estimate: Estimate) -> Display {
        let estimate = Arc::new(Mutex::new(estimate));
        let bars = Display::has_bars().then(|| Bars::new(plan.targets.len(), &estimate));
        let names = plan.targets.iter().map(|target| target.package.to_string()).collect();
        Display { names, estimate, state: Mutex::default(), bars }
    }

    /// A command has been started.
    pub(super) fn started(&self, position: usize) {
        let expected = {
            let mut estimate = lock(&self.estimate);
            estimate.started(position);
            estimate.expected(position)
        };
        if let Some(bars) = &self.bars {
            let bar = bars.add(&self.names[position], expected);
            lock(&self.state).running.insert(position, bar);
        }
    }

    /// These targets were in place before anything was started.
    pub(super) fn taken(&self, taken: &[bool]) {
        let mut state = lock(&self.state);
        let mut lines = Vec::new();
        for position in (0..taken.len()).filter(|position| taken[*position]) {
            lock(&self.estimate).ended(position, None);
            state.ended += 1;
            if self.bars.is_none() {
                lines.push(self.line(&state, position, &Verdict::FromLayer, Duration::ZERO));
            }
        }
        match &self.bars {
            Some(bars) => bars.whole.set_position(state.ended as u64),
            None if lines.is_empty() => {}
            None => say(&lines.join("\n")),
        }
    }

    /// A target has ended.
    pub(super) fn ended(&self, position: usize, verdict: &Verdict, span: Duration) {
        let built = matches!(verdict, Verdict::Built | Verdict::Failed(_));
        lock(&self.estimate).ended(position, built.then_some(span));
        let mut state = lock(&self.state);
        let bar = state.running.remove(&position);
        if matches!(verdict, Verdict::Abandoned) {
            drop(state);
            if let (Some(bars), Some(bar)) = (&self.bars, bar) {
                bars.remove(&bar);
            }
            return;
        }
        state.ended += 1;
        state.failed += usize::from(!verdict.is_good());
        let line = self.line(&state, position, verdict, span);
        match &self.bars {
            Some(bars) => {
                if let Some(bar) = bar {
                    bars.remove(&bar);
                }
                // What went well is told by the bar of the whole.
                if !verdict.is_good() {
                    let _ = bars.all.println(line);
                }
                bars.whole.set_message(if state.failed > 0 {
                    format!("{} failed", state.failed)
                } else {
                    String::new()
                });
                bars.whole.set_position(state.ended as u64);
            }
            None => say(&line),
        }
    }

    fn line(&self, state: &State, position: usize, verdict: &Verdict, span: Duration) -> String {
        let (number, total, name) = (state.ended, self.names.len(), &self.names[position]);
        let width = total.to_string().len();
        let what = match verdict {
            Verdict::Built => format!("built       {name}  {}", duration(span)),
            Verdict::FromLayer => format!("from layer  {name}"),
            Verdict::FromMemo => format!("from memo   {name}"),
            Verdict::Failed(cause) => {
                let why = cause.message.as_deref().unwrap_or_default();
                let (category, span) = (category(verdict), duration(span));
                format!("FAILED      {name}  {span}  {category}: {}", shortened(&one_line(why), 160))
            }
            Verdict::Blocked { root } => {
                format!("blocked     {name}  by {}", self.names.get(*root).map_or("", String::as_str))
            }
            Verdict::Abandoned => format!("abandoned   {name}"),
        };
        format!("[{number:>width$}/{total}] {what}")
    }

    /// Tells something beside the bars.
    pub(super) fn note(&self, text: &str) {
        match &self.bars {
            Some(bars) => {
                let _ = bars.all.println(text);
            }
            None => say(text),
        }
    }

    /// Takes the bars away.
    pub(super) fn finish(&self) {
        if let Some(bars) = &self.bars {
            bars.whole.disable_steady_tick();
            bars.whole.finish_and_clear();
            let _ = bars.all.clear();
        }
    }
}

impl Bars {
    fn new(total: usize, estimate: &Arc<Mutex<Estimate>>) -> Bars {
        let all = MultiProgress::new();
        let estimate = Arc::clone(estimate);
        let style = style("{bar:30.green/white} {pos}/{len}  {elapsed}  {rest}  {msg}").with_key(
            "rest",
            move |state: &ProgressState, w: &mut dyn std::fmt::Write| {
                let unfinished = state.len().is_some_and(|len| state.pos() < len);
                let text = match lock(&estimate).remaining() {
                    Some(rest) if unfinished => format!("ETA {}", duration(rest)),
                    None if unfinished => "ETA unknown".to_owned(),
                    _ => String::new(),
                };
                let _ = w.write_str(&text);
            },
        );
        let whole = all.add(ProgressBar::new(total as u64).with_style(style));
        whole.enable_steady_tick(TICK);
        Bars { all, whole }
    }

    /// A bar that fills in the time that the build took before, or turns if it is built for the first time.
    fn add(&self, name: &str, expected: Option<Duration>) -> ProgressBar {
        let bar = ProgressBar::no_length();
        let style = match expected.filter(|span| !span.is_zero()) {
            None => style("{spinner} {prefix:32!} {elapsed}"),
            Some(expected) => style("{spinner} {prefix:32!} {filled} {elapsed}").with_key(
                "filled",
                move |state: &ProgressState, w: &mut dyn std::fmt::Write| {
                    let _ = w.write_str(&filled(state.elapsed().div_duration_f64(expected)));
                },
            ),
        };
        let bar = self.all.insert_before(&self.whole, bar.with_style(style).with_prefix(one_line(name)));
        bar.enable_steady_tick(TICK);
        bar
    }

    fn remove(&self, bar: &ProgressBar) {
        // Cleared before it is taken out: the lines of bars that are only taken out stay on the screen.
        bar.finish_and_clear();
    }
}

/// Twenty characters, filled in proportion; a build that takes longer than before stays just short of full.
fn filled(part: f64) -> String {
    const WIDTH: usize = 20;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=19 before")]
    let full = (part * 20.0).clamp(0.0, 19.0) as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(WIDTH - full))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).with_key(
        "elapsed",
        |state: &ProgressState, w: &mut dyn std::fmt::Write| {
            let _ = w.write_str(&duration(state.elapsed()));
        },
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
