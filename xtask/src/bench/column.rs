//! The figures of a run, and how each is shown.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Figure {
    /// From the start of the process to its end; of the second one where the first is killed.
    WallSeconds,
    /// User and system time of the same process.
    CpuSeconds,
    PeakRssMib,
    /// User and system time of the emulator meanwhile.
    ServerCpuSeconds,
    /// From the start of the second process to the head of its first UploadPart.
    FirstPartSeconds,
    /// Bytes of parts that came in, both processes together, beyond those of the file.
    SentTwiceMib,
    /// Requests that were answered 503.
    Refused,
}

/// A figure in a unit.
#[derive(Clone, Copy)]
pub(super) struct Column {
    pub(super) figure: Figure,
    /// What stands above it, without the unit.
    pub(super) heading: &'static str,
    pub(super) unit: &'static str,
    scale: f64,
    decimals: usize,
}

pub(super) const WALL: Column = Column::new(Figure::WallSeconds, "wall", "s", 2);
pub(super) const CPU: Column = Column::new(Figure::CpuSeconds, "CPU", "s", 2);
pub(super) const WALL_MS: Column = WALL.in_milliseconds(1);
pub(super) const CPU_MS: Column = CPU.in_milliseconds(1);
pub(super) const PEAK_RSS: Column = Column::new(Figure::PeakRssMib, "peak RSS", "MiB", 1);
pub(super) const SERVER_CPU: Column = Column::new(Figure::ServerCpuSeconds, "server CPU", "s", 2);
pub(super) const FIRST_PART: Column =
    Column::new(Figure::FirstPartSeconds, "first new part after", "s", 3).in_milliseconds(0);
pub(super) const SENT_TWICE: Column = Column::new(Figure::SentTwiceMib, "sent twice", "MiB", 1);
pub(super) const REFUSED: Column = Column::new(Figure::Refused, "refused", "", 0);

impl Column {
    const fn new(figure: Figure, heading: &'static str, unit: &'static str, decimals: usize) -> Self {
        Self { figure, heading, unit, scale: 1.0, decimals }
    }

    const fn in_milliseconds(self, decimals: usize) -> Self {
        Self { unit: "ms", scale: 1000.0, decimals, ..self }
    }

    /// As it stands in a cell and beside a bar.
    pub(super) fn text(&self, value: f64) -> String {
        format!("{:.*}", self.decimals, value * self.scale)
    }

    pub(super) fn title(&self) -> String {
        format!("{} {}", self.heading, self.unit).trim_end().to_owned()
    }
}
