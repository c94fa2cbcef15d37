//! How far an upload is, drawn on a thread of its own: a terminal that does not take bytes stalls no upload.

use std::{
    fmt::Write as _,
    io::{IsTerminal as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use oss_checkpoint::ByteCount;

use crate::{quantity::Span, text::printable};

/// How often the bar moves.
const REDRAW: Duration = Duration::from_millis(100);
/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// How long the end waits for a terminal that takes nothing.
const PATIENCE: Duration = Duration::from_secs(2);
/// Length of the bar in characters.
const BAR: usize = 12;

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// A bar that moves.
    Bar,
    /// A line every few seconds.
    Lines,
    /// Nothing but notes.
    Silent,
}

impl Style {
    /// A bar on a terminal, lines elsewhere.
    pub(crate) fn for_stderr() -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if std::io::stderr().is_terminal() && !dumb { Self::Bar } else { Self::Lines }
    }
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Bytes of the source; 0 while it is not known.
    pub(crate) total: u64,
    /// Bytes that are on the server or on their way.
    pub(crate) done: u64,
    /// Of these, bytes that were there before this run.
    pub(crate) resumed: u64,
}

/// The drawing of one upload. Dropping it ends the drawing.
pub(crate) struct Drawing {
    pen: Pen,
    thread: Option<JoinHandle<()>>,
    ended: mpsc::Receiver<()>,
}

/// Says what is to be drawn, from any thread; never blocks.
#[derive(Clone)]
pub(crate) struct Pen {
    cells: Arc<Cells>,
    orders: mpsc::Sender<Order>,
}

/// What pens write and the thread reads.
#[derive(Debug, Default)]
struct Cells {
    total: AtomicU64,
    done: AtomicU64,
    resumed: AtomicU64,
}

enum Order {
    Note(String),
    End,
}

impl Pen {
    /// Says how far it is now.
    pub(crate) fn move_to(&self, now: Snapshot) {
        self.cells.set(now);
    }

    /// How far it was when it was said last.
    pub(crate) fn at(&self) -> Snapshot {
        self.cells.get()
    }

    /// Writes a line, above the bar if there is one.
    pub(crate) fn note(&self, line: &str) {
        // When the drawing has ended, nobody needs the line any more.
        let _ = self.orders.send(Order::Note(printable(line)));
    }
}

impl Cells {
    fn set(&self, now: Snapshot) {
        self.total.store(now.total, Ordering::Relaxed);
        self.done.store(now.done, Ordering::Relaxed);
        self.resumed.store(now.resumed, Ordering::Relaxed);
    }

    /// Never more than the whole, and never less than what was there before.
    fn get(&self) -> Snapshot {
        let resumed = self.resumed.load(Ordering::Relaxed);
        let done = self.done.load(Ordering::Relaxed).max(resumed);
        Snapshot { total: self.total.load(Ordering::Relaxed).max(done), done, resumed }
    }
}

impl Drawing {
    /// Begins to draw on stderr. Where no thread can be had, nothing is drawn.
    pub(crate) fn begin(style: Style) -> Self {
        let cells = Arc::new(Cells::default());
        let (orders, inbox) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let painter = Painter::new(style, Arc::clone(&cells));
        let thread = thread::Builder::new()
            .name("oss-progress".to_owned())
            .spawn(move || {
                painter.run(&inbox);
                drop(end);
            })
            .ok();
        Self { pen: Pen { cells, orders }, thread, ended }
    }

    /// Something to draw with.
    pub(crate) fn pen(&self) -> Pen {
        self.pen.clone()
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        let _ = self.pen.orders.send(Order::End);
        // Either it ends at once, or the terminal takes nothing and the thread is left behind.
        if self.ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Disconnected)
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

struct Painter {
    style: Style,
    cells: Arc<Cells>,
    bar: ProgressBar,
    speed: Speed,
    next_line: Instant,
    resume_told: bool,
}

impl Painter {
    fn new(style: Style, cells: Arc<Cells>) -> Self {
        let target = match style {
            Style::Bar => ProgressDrawTarget::stderr(),
            Style::Lines | Style::Silent => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(template) = ProgressStyle::with_template("{wide_msg}") {
            bar.set_style(template);
        }
        let next_line = Instant::now() + LINE_EVERY;
        Self { style, cells, bar, speed: Speed::default(), next_line, resume_told: false }
    }

    fn run(mut self, inbox: &mpsc::Receiver<Order>) {
        loop {
            match inbox.recv_timeout(REDRAW) {
                Ok(Order::Note(line)) => self.bar.suspend(|| write_line(&line)),
                Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => self.draw(Instant::now()),
            }
        }
        self.bar.finish_and_clear();
    }

    fn draw(&mut self, now: Instant) {
        let snapshot = self.cells.get();
        if snapshot.total == 0 {
            return;
        }
        let rate = self.speed.observe(now, snapshot.done - snapshot.resumed);
        match self.style {
            Style::Bar => self.bar.set_message(bar_text(snapshot, rate)),
            Style::Lines => {
                let first_of_a_resume = snapshot.resumed > 0 && !self.resume_told;
                if first_of_a_resume || now >= self.next_line {
                    write_line(&status_text(snapshot, rate));
                    self.next_line = now + LINE_EVERY;
                    self.resume_told |= snapshot.resumed > 0;
                }
            }
            Style::Silent => {}
        }
    }
}

fn write_line(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Bytes a second over the last seconds, in a moving average.
#[derive(Default)]
struct Speed {
    last: Option<(Instant, u64)>,
    rate: Option<f64>,
}

impl Speed {
    /// Time in which an old rate loses about two thirds of its weight, in seconds.
    const MEMORY: f64 = 5.0;

    fn observe(&mut self, now: Instant, sent: u64) -> Option<f64> {
        let Some((then, before)) = self.last else {
            self.last = Some((now, sent));
            return None;
        };
        let seconds = now.duration_since(then).as_secs_f64();
        if seconds < 0.05 {
            return self.rate;
        }
        self.last = Some((now, sent));
        #[expect(clippy::cast_precision_loss, reason = "a rate is shown with two digits")]
        let current = sent.saturating_sub(before) as f64 / seconds;
        let rate = self.rate.map_or(current, |rate| {
            let weight = (-seconds / Self::MEMORY).exp();
            rate * weight + current * (1.0 - weight)
        });
        self.rate = Some(rate);
        self.rate
    }
}

/// ` 42% [===##       ] 420 MiB of 1 GiB, …`: `=` was there before this run, `#` was sent by it.
fn bar_text(snapshot: Snapshot, rate: Option<f64>) -> String {
    let cells = |bytes: u64| {
        let cells = u128::from(bytes) * BAR as u128 / u128::from(snapshot.total.max(1));
        usize::try_from(cells).unwrap_or(BAR).min(BAR)
    };
    let (resumed, done) = (cells(snapshot.resumed), cells(snapshot.done));
    let bar = format!("{}{}{}", "=".repeat(resumed), "#".repeat(done - resumed), " ".repeat(BAR - done));
    let (percent, rest) = (percent(snapshot), amounts(snapshot, rate));
    format!("{percent:>3}% [{bar}] {rest}")
}

/// `42%: 420 MiB of 1 GiB, 12 MiB/s, 50 s left, 300 MiB resumed`.
fn status_text(snapshot: Snapshot, rate: Option<f64>) -> String {
    format!("{}%: {}", percent(snapshot), amounts(snapshot, rate))
}

fn percent(snapshot: Snapshot) -> u128 {
    u128::from(snapshot.done) * 100 / u128::from(snapshot.total.max(1))
}

fn amounts(snapshot: Snapshot, rate: Option<f64>) -> String {
    let mut text = format!("{} of {}", ByteCount::new(snapshot.done), ByteCount::new(snapshot.total));
    if let Some(rate) = rate.filter(|rate| *rate >= 1.0) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate is shown with two digits"
        )]
        let _ = write!(text, ", {}/s", short(rate as u64));
        #[expect(clippy::cast_precision_loss, reason = "the time left is a guess")]
        let left = (snapshot.total - snapshot.done) as f64 / rate;
        if let Ok(left) = Duration::try_from_secs_f64(left.ceil())
            && snapshot.done < snapshot.total
        {
            let _ = write!(text, ", {} left", Span(left));
        }
    }
    if snapshot.resumed > 0 {
        let _ = write!(text, ", {} resumed", ByteCount::new(snapshot.resumed));
    }
    text
}

/// As a person reads it, without a fraction where there are two digits before it.
fn short(bytes: u64) -> String {
    let text = ByteCount::new(bytes).to_string();
    match text.split_once('.') {
        Some((whole, rest)) if whole.len() > 1 => {
            let unit = rest.split_once(' ').map_or("", |(_, unit)| unit);
            format!("{whole} {unit}")
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn resumed_bytes_are_told_apart() {
        let snapshot = Snapshot { total: 1000 * MIB, done: 500 * MIB, resumed: 250 * MIB };
        assert_eq!(
            bar_text(snapshot, Some(10.0 * 1_048_576.0)),
            " 50% [===###      ] 500 MiB of 1000 MiB, 10 MiB/s, 50 s left, 250 MiB resumed"
        );
        assert_eq!(status_text(snapshot, None), "50%: 500 MiB of 1000 MiB, 250 MiB resumed");
    }

    #[test]
    fn the_whole_is_a_hundred_percent_and_not_before() {
        let check = |total: u64, done: u64, percent_shown: u128| {
            assert_eq!(percent(Snapshot { total, done, resumed: 0 }), percent_shown, "{done} of {total}");
        };
        check(1000, 999, 99);
        check(1000, 1000, 100);
        check(u64::MAX, u64::MAX, 100);
        let full = Snapshot { total: 10, done: 10, resumed: 0 };
        assert!(bar_text(full, Some(5.0)).contains(&"#".repeat(BAR)));
        assert!(!bar_text(full, Some(5.0)).contains("left"));
    }

    #[test]
    fn a_rate_has_no_more_digits_than_it_deserves() {
        let check = |bytes: u64, text: &str| assert_eq!(short(bytes), text);
        check(216 * MIB + MIB / 2, "216 MiB");
        check(10 * MIB + MIB / 2, "10 MiB");
        check(9 * MIB + MIB / 2, "9.5 MiB");
        check(100, "100 B");
    }

    #[test]
    fn the_cells_never_show_more_than_the_whole() {
        let cells = Cells::default();
        cells.set(Snapshot { total: 10, done: 3, resumed: 5 });
        assert_eq!(cells.get(), Snapshot { total: 10, done: 5, resumed: 5 });
        cells.set(Snapshot { total: 10, done: 30, resumed: 5 });
        assert_eq!(cells.get().total, 30);
    }

    #[test]
    fn the_rate_is_that_of_the_bytes_of_this_run() {
        let mut speed = Speed::default();
        let start = Instant::now();
        assert_eq!(speed.observe(start, 500), None);
        let steady = (1..20).map(|n| speed.observe(start + Duration::from_secs(n), 500 + n * 100)).last();
        assert!(steady.flatten().is_some_and(|rate| (rate - 100.0).abs() < 1.0));
    }
}
