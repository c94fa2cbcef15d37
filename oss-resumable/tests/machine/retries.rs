//! What fails again and again: how often it is tried, after which pauses, and when that is the end.

use std::time::Duration;

use oss_checkpoint::{ByteCount, Checkpoint, Crc64, PartNumber};
use oss_resumable::{Action, Event, Failure, Fault, FaultClass, Limits, Outcome, PartsPage, Upload};

use crate::world::{MIN_PART, Which, World, spec};

/// A request that fails, always, in a first run or in the second one, behind a first that has sent a part.
struct Failing {
    is_it: Which,
    in_second_run: bool,
}

const FIND: Failing =
    Failing { is_it: |action| matches!(action, Action::FindUploads { .. }), in_second_run: false };
const INITIATE: Failing =
    Failing { is_it: |action| matches!(action, Action::Initiate { .. }), in_second_run: false };
const LIST: Failing =
    Failing { is_it: |action| matches!(action, Action::ListParts { .. }), in_second_run: true };
const PART: Failing = Failing {
    is_it: |action| matches!(action, Action::UploadPart { part, .. } if part.number.get() == 3),
    in_second_run: true,
};
const COMPLETE: Failing =
    Failing { is_it: |action| matches!(action, Action::Complete { .. }), in_second_run: true };

impl Failing {
    fn run(&self, class: FaultClass) -> (World, Option<Outcome>) {
        let mut world = World::new(3 * MIN_PART);
        let mut history = Checkpoint::new();
        if self.in_second_run {
            world.drive(&mut Upload::begin(spec(MIN_PART), Limits::default()), 1);
            for record in &world.journal {
                history.apply(record).unwrap();
            }
        }
        world.failing = Some((self.is_it, class));
        let mut upload = Upload::resume(history, spec(MIN_PART), Limits::default());
        world.drive(&mut upload, usize::MAX);
        (world, upload.outcome().cloned())
    }
}

// Rows: 4, 42
#[test]
fn what_always_fails_is_tried_after_growing_pauses_until_the_patience_ends() {
    let limits = Limits::default();
    let (unreachable, throttled, unanswered) =
        (FaultClass::Unreachable, FaultClass::Throttled, FaultClass::Unanswered);
    for (failing, class) in [
        (INITIATE, unreachable),
        (PART, unreachable),
        (COMPLETE, unreachable),
        (FIND, throttled),
        (INITIATE, throttled),
        (LIST, throttled),
        (PART, throttled),
        (COMPLETE, throttled),
        (FIND, unanswered),
        (LIST, unanswered),
        (PART, unanswered),
    ] {
        let longest = if class == unreachable { Duration::from_secs(4) } else { limits.backoff_cap };
        let (world, outcome) = failing.run(class);
        let pauses: Vec<Duration> = world.tries.windows(2).map(|pair| pair[1].since(pair[0])).collect();
        let what = format!("{class:?} {outcome:?}: {pauses:?}");
        let Some(Outcome::Failed(Failure::NoProgress { idle, .. })) = outcome else { panic!("{what}") };
        assert!(idle >= limits.give_up_after && idle < limits.give_up_after + limits.backoff_cap, "{what}");
        assert!(pauses[0] <= limits.backoff_base, "{what}");
        assert!(pauses.iter().all(|pause| *pause <= longest), "{what}");
        assert!(pauses.iter().any(|pause| *pause > longest / 2), "{what}");
        // In the mean a pause is half the longest.
        let fewest = limits.give_up_after.as_secs() / longest.as_secs();
        assert!((fewest..4 * fewest + 10).contains(&(pauses.len() as u64)), "{what}");
    }
}

// Rows: 1, 4
#[test]
fn a_service_that_was_never_reached_is_tried_three_times_within_five_seconds() {
    for failing in [FIND, LIST] {
        let (world, outcome) = failing.run(FaultClass::Unreachable);
        assert!(matches!(outcome, Some(Outcome::Failed(Failure::Unreachable(_)))), "{outcome:?}");
        let at: Vec<u64> = world.tries.iter().map(|at| at.since(world.tries[0]).as_secs()).collect();
        assert_eq!(at, [0, 1, 4]);
    }
}

#[test]
fn what_is_to_be_signed_again_is_tried_twice_more_at_once_and_then_refused() {
    for failing in [INITIATE, LIST, PART, COMPLETE] {
        let (world, outcome) = failing.run(FaultClass::Skewed);
        assert!(matches!(outcome, Some(Outcome::Failed(Failure::Refused(_)))), "{outcome:?}");
        assert_eq!(world.tries, [world.tries[0]; 3]);
    }
}

#[test]
fn what_is_answered_with_nonsense_is_tried_a_few_times() {
    let tries = usize::try_from(Limits::default().corrupted_tries).unwrap();
    for failing in [LIST, PART] {
        let (world, outcome) = failing.run(FaultClass::Corrupted);
        assert!(matches!(outcome, Some(Outcome::Failed(Failure::Unintelligible(_)))), "{outcome:?}");
        assert_eq!(world.tries.len(), tries);
    }
    // What only might have been gone on with is done without.
    let (world, outcome) = FIND.run(FaultClass::Corrupted);
    assert!(matches!(outcome, Some(Outcome::Completed(_))), "{outcome:?}");
    assert_eq!(world.tries.len(), tries);
}

// Rows: 41, 47
#[test]
fn a_part_that_never_arrives_is_asked_for_and_sent_until_the_patience_ends() {
    let limits = Limits { ask_from: ByteCount::new(1), ..Limits::default() };
    // Whether the service's list says that it ends there, or, time and again, that it goes on behind no part at all.
    for next in [None, PartNumber::new(1).ok()] {
        let mut world = World::new(MIN_PART);
        let (mut tries, mut asked) = (0, 0);
        world.instead = Box::new(move |action, _| match action {
            Action::UploadPart { ticket, .. } => {
                tries += 1;
                assert!(tries < 10_000, "it goes on for ever");
                let lost = Fault::new(FaultClass::Unanswered, "lost");
                Some(Event::Failed { ticket: *ticket, fault: Fault { read: Some(Crc64::new(1)), ..lost } })
            }
            Action::ListParts { ticket, .. } => {
                asked += 1;
                assert!(asked < 10_000, "it asks for ever");
                Some(Event::PartsListed { ticket: *ticket, page: PartsPage { parts: Vec::new(), next } })
            }
            _ => None,
        });
        let mut upload = Upload::begin(spec(MIN_PART), limits);
        world.drive(&mut upload, usize::MAX);
        let Some(Outcome::Failed(Failure::NoProgress { idle, last })) = upload.outcome() else {
            panic!("{:?}", upload.outcome())
        };
        assert!(*idle < limits.give_up_after + limits.backoff_cap, "{idle:?}");
        assert_eq!(&*last.message, "lost");
        let sent = world.count(|action| matches!(action, Action::UploadPart { .. }));
        let asked = world.count(|action| matches!(action, Action::ListParts { .. }));
        assert_eq!(asked + 1, sent, "it is asked for before each further try");
    }
}

// Rows: 41, 51
#[test]
fn where_complete_is_never_done_the_last_word_on_it_is_told() {
    let mut world = World::new(MIN_PART);
    let mut tries = 0;
    world.instead = Box::new(move |action, _| {
        let Action::Complete { ticket } = action else { return None };
        tries += 1;
        let fault = Fault::new(FaultClass::Unanswered, format!("the answer to try {tries}"));
        Some(Event::Failed { ticket: *ticket, fault })
    });
    let mut upload = Upload::begin(spec(MIN_PART), Limits::default());
    world.drive(&mut upload, usize::MAX);
    let Some(Outcome::Failed(Failure::NoProgress { last, .. })) = upload.outcome() else {
        panic!("{:?}", upload.outcome())
    };
    let tries = world.count(|action| matches!(action, Action::Complete { .. }));
    assert_eq!(*last.message, format!("the answer to try {tries}"));
}
