//! Uploads over lines that are thought up: how long they take there, and with how many parts in flight.

use std::{num::NonZeroU16, time::Duration};

use oss_checkpoint::ByteCount;
use oss_resumable::{
    Action, Event, Fault, FaultClass, Limits, Moment, Outcome, PartSize, Step, Upload, UploadSpec,
};

use crate::world::{World, spec};

const MIB: u64 = 1 << 20;
const MBIT: u64 = 1_000_000 / 8;

/// What a line does to the parts that go over it.
#[derive(Clone, Copy)]
struct Line {
    /// From a request to its answer, without the bytes.
    latency: Duration,
    /// Bytes a second, of one connection and of all together.
    one: u64,
    all: u64,
    /// More parts than this at once are throttled.
    room: usize,
    /// One request in so many is throttled, whatever else goes on.
    grudge: usize,
    /// One part in so many is cut half-way.
    cut: usize,
}

const FAR: Line =
    Line { latency: Duration::from_millis(30), one: 50 * MBIT, all: u64::MAX, room: 999, grudge: 0, cut: 0 };

/// How an upload went.
#[derive(Debug)]
struct Run {
    took: Duration,
    /// Most parts in flight.
    widest: usize,
    /// Parts in flight in the mean.
    mean: f64,
    throttled: usize,
}

struct Flight {
    action: Action,
    /// Nanoseconds until the first byte goes out, and bytes in 2^-30 that then have to.
    latency: u64,
    left: u128,
    fails: Option<FaultClass>,
}

impl Line {
    fn carry(self, len: u64, part_size: PartSize, limits: Limits) -> Run {
        let mut world = World::new(len);
        let mut upload = Upload::begin(UploadSpec { part_size, ..spec(1) }, limits);
        let mut flights: Vec<Flight> = Vec::new();
        let mut now = 0_u64;
        let (mut begun, mut widest, mut throttled, mut area) = (0, 0, 0, Duration::ZERO);
        loop {
            let moment = Moment::START.plus(Duration::from_nanos(now));
            let until = match upload.poll(moment) {
                Step::Done => break,
                Step::Act(Action::Cancel { ticket }) => {
                    flights.retain(|flight| flight.action.ticket() != ticket);
                    continue;
                }
                Step::Act(action @ Action::UploadPart { part, .. }) => {
                    begun += 1;
                    let every = |n: usize| n > 0 && begun % n == 0;
                    let (size, fails) = match part.range.len.get() {
                        _ if flights.len() >= self.room || every(self.grudge) => {
                            (0, Some(FaultClass::Throttled))
                        }
                        size if every(self.cut) => (size / 2, Some(FaultClass::Unanswered)),
                        size => (size, None),
                    };
                    throttled += usize::from(fails == Some(FaultClass::Throttled));
                    let latency = u64::try_from(self.latency.as_nanos()).unwrap();
                    flights.push(Flight { action, latency, left: u128::from(size) << 30, fails });
                    widest = widest.max(flights.len());
                    continue;
                }
                Step::Act(action) => {
                    let event = world.answer(action, &upload);
                    upload.handle(event, moment);
                    continue;
                }
                Step::Wait { until } => until,
            };
            let until = until.map(|until| u64::try_from(until.since(Moment::START).as_nanos()).unwrap());
            let moving = flights.iter().filter(|flight| flight.latency == 0).count() as u64;
            // Bytes in 2^-30 a nanosecond.
            let rate = u128::from(self.one.min(self.all / moving.max(1))) * (1 << 30) / 1_000_000_000;
            let next = |flight: &Flight| match flight.latency {
                0 => u64::try_from(flight.left.div_ceil(rate)).unwrap(),
                latency => latency,
            };
            let wait = flights.iter().map(next).chain(until.map(|until| until - now)).min().unwrap();
            now += wait;
            area += Duration::from_nanos(wait) * u32::try_from(flights.len()).unwrap();
            for flight in &mut flights {
                match flight.latency {
                    0 => flight.left = flight.left.saturating_sub(rate * u128::from(wait)),
                    latency => flight.latency = latency - wait,
                }
            }
            let moment = Moment::START.plus(Duration::from_nanos(now));
            let (through, on_their_way) =
                flights.into_iter().partition::<Vec<_>, _>(|flight| flight.latency == 0 && flight.left == 0);
            flights = on_their_way;
            for flight in through {
                let event = match flight.fails {
                    Some(class) => {
                        Event::Failed { ticket: flight.action.ticket(), fault: Fault::new(class, "the line") }
                    }
                    None => world.answer(flight.action, &upload),
                };
                upload.handle(event, moment);
            }
        }
        assert!(matches!(upload.outcome(), Some(Outcome::Completed(_))), "{:?}", upload.outcome());
        let mean = area.as_secs_f64() / Duration::from_nanos(now).as_secs_f64();
        Run { took: Duration::from_nanos(now), widest, mean, throttled }
    }

    fn with(self, parts: u16, len: u64) -> Run {
        let parts = NonZeroU16::new(parts).unwrap();
        let limits = Limits { concurrency: parts, max_concurrency: parts, ..Limits::default() };
        self.carry(len, PartSize::Auto, limits)
    }

    fn free(self, len: u64) -> Run {
        self.carry(len, PartSize::Auto, Limits::default())
    }
}

fn assert_at_most(run: &Run, times: f64, other: &Run) {
    let ratio = run.took.as_secs_f64() / other.took.as_secs_f64();
    assert!(ratio <= times, "{ratio:.3} times as long: {run:?}, {other:?}");
}

#[test]
fn a_far_line_is_filled_and_the_chosen_part_size_beats_10_mib() {
    let parts = NonZeroU16::new(8).unwrap();
    let limits = Limits { concurrency: parts, max_concurrency: parts, ..Limits::default() };
    let chosen = FAR.carry(256 * MIB, PartSize::Auto, limits);
    let fixed = FAR.carry(256 * MIB, PartSize::Wished(ByteCount::mib(10)), limits);
    assert_at_most(&chosen, 1.0 / 1.15, &fixed);
    // 8 MiB each: 4 on each connection, one after the other.
    let floor = Duration::from_millis(32 * MIB * 1000 / FAR.one) + 4 * FAR.latency;
    assert!(chosen.took <= floor.mul_f64(1.0 / 0.99), "{chosen:?}, {floor:?}");
}

#[test]
fn where_each_connection_is_slow_there_are_more() {
    for len in [512 * MIB, 4096 * MIB] {
        let free = FAR.free(len);
        assert_eq!(free.widest, 16, "{free:?}");
        assert_at_most(&free, if len < 1024 * MIB { 1.55 } else { 1.1 }, &FAR.with(16, len));
        assert!(free.took * 2 < FAR.with(4, len).took, "{free:?}");
    }
}

#[test]
fn where_the_line_is_full_there_are_no_more_for_long() {
    let line = Line { all: 100 * MBIT, ..FAR };
    let free = line.free(4096 * MIB);
    assert_at_most(&free, 1.02, &line.with(4, 4096 * MIB));
    assert!(free.mean < 5.0 && free.widest <= 8, "{free:?}");
    // A slow line is not even tried: what is in flight would be lost with the run.
    let line = Line { all: 2 * MBIT, ..FAR };
    assert_eq!(line.free(256 * MIB).widest, 4);
}

/// The largest file: 10,000 parts of 5 GiB.
const LARGEST: u64 = 10_000 * 5120 * MIB;

#[test]
fn the_longest_parts_are_sent_as_many_at_once_as_fill_the_line() {
    let line = Line { one: 100_000_000, all: 10_000 * MBIT, ..FAR };
    let floor = Duration::from_secs(LARGEST / line.all);
    let free = line.free(LARGEST);
    assert!(free.took <= floor.mul_f64(1.05), "{free:?}, {floor:?}");
}

#[test]
fn the_longest_parts_are_seldom_made_longer_in_vain() {
    let line = Line { one: u64::MAX, all: 1000 * MBIT, ..FAR };
    let free = line.free(LARGEST);
    assert!(free.mean < 4.5 && free.widest <= 8, "{free:?}");
}

#[test]
fn a_service_with_less_room_is_not_asked_for_more_again_and_again() {
    for room in [1, 2, 3, 6, 10] {
        let line = Line { room, ..FAR };
        let free = line.free(4096 * MIB);
        let best = line.with(u16::try_from(room).unwrap(), 4096 * MIB);
        assert_at_most(&free, 1.5, &best);
        let parts = 4096 / 8;
        assert!(free.throttled * 10 <= parts, "{room}: {free:?}");
    }
}

#[test]
fn one_refusal_in_twenty_costs_little() {
    let line = Line { grudge: 20, ..FAR };
    assert_at_most(&line.with(4, 1024 * MIB), 1.3, &FAR.with(4, 1024 * MIB));
    assert_at_most(&line.free(1024 * MIB), 1.3, &FAR.free(1024 * MIB));
}

#[test]
fn one_part_in_ten_that_is_cut_holds_no_other_up() {
    let line = Line { cut: 10, ..FAR };
    // A cut costs half a part, and a tenth of them are.
    assert_at_most(&line.with(4, 1024 * MIB), 1.10, &FAR.with(4, 1024 * MIB));
}

#[test]
fn the_same_line_gives_the_same_run() {
    let line = Line { room: 7, grudge: 13, cut: 11, ..FAR };
    let (one, other) = (line.free(1024 * MIB), line.free(1024 * MIB));
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
}
