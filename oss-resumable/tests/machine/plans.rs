//! What an upload makes of lengths at the edges: how many parts, how large, and when it ends before anything is read.

use oss_checkpoint::{ByteCount, Checkpoint, PartPlan, PlanError};
use oss_resumable::{Failure, Limits, Outcome, Upload};

use crate::world::{MIN_PART, World, spec};

const MOST_PARTS: u64 = 10_000;

/// Uploads `len` bytes with that wish for a part size: how many parts it takes, and of which size.
#[track_caller]
fn parts_of(len: u64, wished: u64) -> (usize, u64) {
    let mut world = World::new(len);
    let mut upload = Upload::begin(spec(wished), Limits::default());
    world.drive(&mut upload, usize::MAX);
    let Some(Outcome::Completed(finished)) = upload.outcome() else {
        panic!("{len}: {:?}", upload.outcome())
    };
    assert!(!finished.already && !finished.facts.settled, "{finished:?}");
    assert_eq!(upload.notes(), [], "there is nothing to say");
    assert_eq!(upload.progress().total, Some(ByteCount::new(len)));
    world.sent.sort_unstable();
    let numbers: Vec<u64> = world.sent.iter().map(|(number, _)| number.get().into()).collect();
    assert_eq!(numbers, (1..=world.sent.len() as u64).collect::<Vec<_>>(), "each part went once");
    assert_eq!(world.sent.iter().map(|(_, len)| len).sum::<u64>(), len, "the parts tile the source");
    let size = world.sent.first().map_or(0, |(_, len)| *len);
    let all_but_the_last = world.sent.iter().rev().skip(1);
    assert!(all_but_the_last.clone().all(|(_, len)| *len == size), "all but the last are of one size");
    (world.sent.len(), size)
}

// Rows: 113
#[test]
fn a_byte_more_or_less_than_a_number_of_parts_is_a_part_more_or_a_shorter_one() {
    for parts in [1, 2, 7, 100] {
        let whole = parts * MIN_PART;
        let count = usize::try_from(parts).unwrap();
        assert_eq!(parts_of(whole - 1, MIN_PART), (count, MIN_PART.min(whole - 1)));
        assert_eq!(parts_of(whole, MIN_PART), (count, MIN_PART));
        assert_eq!(parts_of(whole + 1, MIN_PART), (count + 1, MIN_PART));
    }
    assert_eq!(parts_of(1, MIN_PART), (1, 1));
    assert_eq!(parts_of(0, MIN_PART), (0, 0), "nothing goes up in one request");
}

// Rows: 114
#[test]
fn ten_thousand_parts_are_taken_and_for_a_byte_more_they_grow() {
    assert_eq!(parts_of(MOST_PARTS * MIN_PART, MIN_PART), (10_000, MIN_PART));
    let mib = 1 << 20;
    let count = (MOST_PARTS * MIN_PART + 1).div_ceil(mib);
    assert_eq!(parts_of(MOST_PARTS * MIN_PART + 1, MIN_PART), (usize::try_from(count).unwrap(), mib));
    assert_eq!(parts_of(MOST_PARTS * mib, mib), (10_000, mib));
    assert_eq!(parts_of(MOST_PARTS * mib + 1, mib), (5_001, 2 * mib));
}

// Rows: 114
#[test]
fn a_resumed_upload_keeps_its_part_size_whatever_is_wished_now() {
    let len = 20 * MIN_PART + 1;
    for wished in [MIN_PART + 1, 10 << 20, 5 << 30] {
        let mut world = World::new(len);
        let mut first = Upload::begin(spec(MIN_PART), Limits::default());
        world.drive(&mut first, 3);
        assert_eq!(first.outcome(), Some(&Outcome::Paused));

        let mut history = Checkpoint::new();
        for record in &world.journal {
            history.apply(record).unwrap();
        }
        world.sent.clear();
        let mut second = Upload::resume(history, spec(wished), Limits::default());
        world.drive(&mut second, usize::MAX);
        assert!(matches!(second.outcome(), Some(Outcome::Completed(_))), "{:?}", second.outcome());
        assert_eq!(second.plan().map(|plan| plan.part_size().get()), Some(MIN_PART));
        // The server of this test forgets what it has, so that all of it goes again.
        assert_eq!((world.sent.len(), second.receipts().count()), (21, 21), "{wished}");
    }
}

// Rows: 115
#[test]
fn the_largest_object_is_planned_and_whatever_is_larger_ends_before_a_byte_is_read() {
    let largest = PartPlan::MAX_OBJECT.get();
    for wished in [MIN_PART, 10 << 20, 5 << 30] {
        assert_eq!(parts_of(largest, wished), (10_000, 5 << 30));
        assert_eq!(parts_of(largest - 1, wished), (10_000, 5 << 30));
        for len in [largest + 1, 1 << 63, u64::MAX] {
            let mut world = World::new(len);
            let mut upload = Upload::begin(spec(wished), Limits::default());
            world.drive(&mut upload, usize::MAX);
            let too_large = Failure::Plan(PlanError::ObjectTooLarge(ByteCount::new(len)));
            assert_eq!(upload.outcome(), Some(&Outcome::Failed(too_large)));
            assert!(world.sent.is_empty() && world.journal.is_empty(), "nothing was begun");
            assert_eq!(world.asked, 0, "nothing was asked");
        }
    }
}
