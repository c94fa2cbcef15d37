//! Single promises, each in the one schedule that would show it broken.

use std::{num::NonZeroU16, time::Duration};

use oss_checkpoint::{ByteCount, Checkpoint, Crc64, ObjectOptions, Record, ServerTime, Stage, UploadId};
use oss_resumable::{
    Action, Event, Failure, Fault, FaultClass, FoundUpload, Limits, Moment, Note, Outcome, Step, Stop,
    StoredObject, Ticket, Unproved, Upload, UploadSpec, UploadsPage,
};

use crate::world::{MIN_PART, Which, World, spec};

const PARTS: u64 = 3;
const LEN: u64 = PARTS * MIN_PART;

const INITIATE: Which = |action| matches!(action, Action::Initiate { .. });
const LIST: Which = |action| matches!(action, Action::ListParts { .. });
const SEND: Which = |action| matches!(action, Action::UploadPart { .. });
const READ: Which = |action| matches!(action, Action::ChecksumPart { .. });
const ABORT: Which = |action| matches!(action, Action::Abort { .. });

fn failed(ticket: Ticket, class: FaultClass) -> Event {
    Event::Failed { ticket, fault: Fault::new(class, "by the test") }
}

/// What all parts of the world make together.
fn whole() -> Crc64 {
    (1..=PARTS).fold(Crc64::EMPTY, |whole, number| whole.followed_by(Crc64::new(number), MIN_PART))
}

fn object(crc64: Crc64) -> StoredObject {
    StoredObject { size: Some(ByteCount::new(LEN)), crc64: Some(crc64), ..StoredObject::default() }
}

/// Drives an upload to its end.
fn run(world: &mut World, history: Checkpoint, spec: UploadSpec) -> Upload {
    let mut upload = Upload::resume(history, spec, Limits::default());
    world.drive(&mut upload, usize::MAX);
    upload
}

fn fresh(world: &mut World) -> Upload {
    run(world, Checkpoint::new(), spec(MIN_PART))
}

#[track_caller]
fn completed(upload: &Upload) {
    assert!(matches!(upload.outcome(), Some(Outcome::Completed(_))), "{:?}", upload.outcome());
}

/// A run that was killed when all parts were up and Complete was about to go out.
fn sealed() -> Checkpoint {
    let mut world = World::new(LEN);
    completed(&fresh(&mut world));
    let mut history = Checkpoint::new();
    for record in world.journal.iter().take_while(|record| !matches!(record, Record::Done(_))) {
        history.apply(record).unwrap();
    }
    assert_eq!(history.stage(), Stage::Completing);
    history
}

// Rows: 107
#[test]
fn a_part_that_has_other_bytes_than_at_its_last_try_is_a_change_of_the_source() {
    let mut world = World::new(LEN);
    let mut first = true;
    world.instead = Box::new(move |action, _| {
        let is_it = matches!(action, Action::UploadPart { part, .. } if part.number.get() == 3);
        (is_it && std::mem::take(&mut first)).then(|| {
            let fault = Fault::new(FaultClass::Unanswered, "lost");
            Event::Failed { ticket: action.ticket(), fault: Fault { read: Some(Crc64::new(99)), ..fault } }
        })
    });
    let upload = fresh(&mut world);
    completed(&upload);
    assert!(upload.notes().contains(&Note::SourceChanged), "{:?}", upload.notes());
    assert!(world.count(READ) >= 2, "what had gone up before is read again");
}

// Rows: 101
#[test]
fn a_source_that_changes_again_and_again_is_healed_so_often_and_no_more() {
    let mut world = World::new(LEN);
    let mut looks = 0;
    world.instead = Box::new(move |action, upload| {
        let Action::InspectSource { ticket } = action else { return None };
        looks += 1;
        assert!(looks < 50, "{upload:?}");
        let stamp = oss_checkpoint::SourceStamp { len: ByteCount::new(LEN), mtime_ns: looks, identity: None };
        Some(Event::SourceInspected { ticket: *ticket, stamp })
    });
    let upload = fresh(&mut world);
    let Some(Outcome::Failed(Failure::SourceChanged { rounds })) = upload.outcome() else {
        panic!("{:?}", upload.outcome())
    };
    assert_eq!(*rounds, Limits::default().heal_rounds + 1);
}

// Rows: 61
#[test]
fn behind_a_vanished_upload_another_object_is_not_ours_and_a_new_upload_is_begun() {
    let mut world = World::new(LEN);
    let mut first = true;
    world.instead = Box::new(move |action, _| match action {
        Action::UploadPart { ticket, .. } if std::mem::take(&mut first) => {
            Some(failed(*ticket, FaultClass::Vanished))
        }
        Action::InspectObject { ticket } => {
            Some(Event::ObjectInspected { ticket: *ticket, object: Some(object(Crc64::new(77))) })
        }
        _ => None,
    });
    completed(&fresh(&mut world));
    assert_eq!(world.count(INITIATE), 2);
}

// Rows: 61
#[test]
fn an_upload_that_vanishes_is_begun_anew_once() {
    let mut world = World::new(LEN);
    world.instead = Box::new(|action, _| match action {
        Action::UploadPart { ticket, .. } => Some(failed(*ticket, FaultClass::Vanished)),
        Action::InspectObject { ticket } => Some(Event::ObjectInspected { ticket: *ticket, object: None }),
        _ => None,
    });
    let upload = fresh(&mut world);
    assert!(matches!(upload.outcome(), Some(Outcome::Failed(Failure::Refused(_)))), "{:?}", upload.outcome());
    assert_eq!(world.count(INITIATE), 2);
}

// Rows: 49, 73, 101
#[test]
fn what_was_sealed_for_another_source_is_read_before_it_is_completed_where_parts_may_not_be_listed() {
    let mut world = World::new(LEN);
    world.mtime_ns = 1;
    world.failing = Some((LIST, FaultClass::Refused));
    let upload = run(&mut world, sealed(), spec(MIN_PART));
    completed(&upload);
    let complete = world.actions.iter().position(|action| matches!(action, Action::Complete { .. })).unwrap();
    let read = world.actions[..complete].iter().filter(|action| READ(action) || SEND(action)).count();
    assert_eq!(read as u64, PARTS, "{:?}", world.actions);
}

// Rows: 49, 101
#[test]
fn what_was_completed_for_an_older_source_is_no_success_for_this_one() {
    let mut world = World::new(LEN);
    world.mtime_ns = 1;
    let mut vanished = false;
    world.instead = Box::new(move |action, _| match action {
        Action::ListParts { ticket, .. } if !std::mem::replace(&mut vanished, true) => {
            Some(failed(*ticket, FaultClass::Vanished))
        }
        Action::InspectObject { ticket } => {
            Some(Event::ObjectInspected { ticket: *ticket, object: Some(object(whole())) })
        }
        _ => None,
    });
    completed(&run(&mut world, sealed(), spec(MIN_PART)));
    assert_eq!(world.count(SEND) as u64, PARTS, "{:?}", world.actions);
}

/// Of what was found behind a lost answer, nothing but its CRC-64 says that it is ours.
// Rows: 49
#[test]
fn an_object_that_states_no_checksum_settles_nothing() {
    let mut world = World::new(LEN);
    world.instead = Box::new(|action, _| match action {
        Action::Complete { ticket } => Some(failed(*ticket, FaultClass::Unanswered)),
        Action::ListParts { ticket, .. } => Some(failed(*ticket, FaultClass::Vanished)),
        Action::InspectObject { ticket } => {
            let found = StoredObject { crc64: None, ..object(whole()) };
            Some(Event::ObjectInspected { ticket: *ticket, object: Some(found) })
        }
        _ => None,
    });
    let upload = fresh(&mut world);
    match upload.outcome() {
        Some(Outcome::Failed(Failure::ProofFailed { what: Unproved::FoundObject, .. })) => {}
        other => panic!("{other:?}"),
    }
}

// Rows: 63
#[test]
fn our_own_object_does_not_refuse_us() {
    let mut world = World::new(LEN);
    let mut tries = 0;
    world.instead = Box::new(move |action, _| match action {
        Action::Complete { ticket } => {
            tries += 1;
            let class = if tries == 1 { FaultClass::Unanswered } else { FaultClass::Exists };
            Some(failed(*ticket, class))
        }
        Action::InspectObject { ticket } => {
            Some(Event::ObjectInspected { ticket: *ticket, object: Some(object(whole())) })
        }
        _ => None,
    });
    let upload = fresh(&mut world);
    completed(&upload);
    assert!(upload.notes().contains(&Note::Settled), "{:?}", upload.notes());
    assert_eq!(world.count(ABORT), 0);
}

#[test]
fn an_unfinished_upload_with_other_options_is_aborted_and_not_gone_on_with() {
    let mut first = World::new(LEN);
    first.drive(&mut Upload::begin(spec(MIN_PART), Limits::default()), 1);
    let mut world = World::new(LEN);
    let options = ObjectOptions { content_type: Some("text/plain".to_owned()), ..ObjectOptions::default() };
    let upload = run(&mut world, first.history(), UploadSpec { options, ..spec(MIN_PART) });
    completed(&upload);
    assert_eq!((world.count(ABORT), world.count(INITIATE), world.count(SEND) as u64), (1, 1, PARTS));
}

#[test]
fn an_upload_that_another_journal_has_is_not_looked_at() {
    let mut world = World::new(LEN);
    world.instead = Box::new(|action, _| {
        let Action::FindUploads { ticket } = action else { return None };
        let initiated = Some(ServerTime::from_unix(1_000_000));
        let uploads = vec![FoundUpload { upload_id: UploadId::new("OTHER").unwrap(), initiated }];
        Some(Event::UploadsFound { ticket: *ticket, page: UploadsPage { uploads, ..UploadsPage::default() } })
    });
    let taken = vec![UploadId::new("OTHER").unwrap()];
    completed(&run(&mut world, Checkpoint::new(), UploadSpec { taken, ..spec(MIN_PART) }));
    assert_eq!((world.count(LIST), world.count(INITIATE)), (0, 1));
}

/// Parts that were on their way may still be stored behind the first abort.
// Rows: 144
#[test]
fn an_abort_with_parts_on_their_way_is_sent_twice() {
    let mut world = World::new(LEN);
    world.instead = Box::new(|action, upload| {
        let Action::UploadPart { ticket, .. } = action else { return None };
        upload.handle(Event::StopRequested(Stop::Abort), Moment::START);
        Some(failed(*ticket, FaultClass::Unanswered))
    });
    let upload = fresh(&mut world);
    assert!(matches!(upload.outcome(), Some(Outcome::Aborted)), "{:?}", upload.outcome());
    assert_eq!(world.count(ABORT), 2);
}

#[test]
fn a_small_object_that_arrives_changed_is_sent_again_and_never_a_success() {
    let mut world = World::new(MIN_PART);
    world.instead = Box::new(|action, _| {
        let Action::PutObject { ticket } = action else { return None };
        Some(Event::ObjectPut { ticket: *ticket, object: object(Crc64::new(5)), local: Crc64::new(6) })
    });
    let threshold = ByteCount::new(2 * MIN_PART);
    let upload = run(&mut world, Checkpoint::new(), UploadSpec { threshold, ..spec(MIN_PART) });
    match upload.outcome() {
        Some(Outcome::Failed(Failure::ProofFailed { what: Unproved::Object, .. })) => {}
        other => panic!("{other:?}"),
    }
    let tries = world.count(|action| matches!(action, Action::PutObject { .. }));
    assert_eq!(tries, usize::try_from(Limits::default().corrupted_tries).unwrap());
}

// Rows: 42
#[test]
fn a_service_that_throttles_gets_half_as_many_parts_at_once() {
    let mut world = World::new(40 * MIN_PART);
    let mut upload = Upload::begin(spec(MIN_PART), Limits::default());
    let mut on_their_way = Vec::new();
    let mut now = Moment::START.plus(Duration::from_secs(1));
    for round in 0.. {
        match upload.poll(now) {
            Step::Act(Action::UploadPart { ticket, .. }) => on_their_way.push(ticket),
            Step::Act(action) => {
                let event = world.answer(action, &upload);
                upload.handle(event, now);
            }
            Step::Wait { until } if round > 0 && on_their_way.len() == 4 => {
                assert_eq!(until, None, "four are on their way, and more than that are not sent");
                for ticket in on_their_way.drain(..) {
                    upload.handle(failed(ticket, FaultClass::Throttled), now);
                }
            }
            Step::Wait { until: Some(until) } if on_their_way.is_empty() => now = until,
            Step::Wait { .. } | Step::Done => break,
        }
    }
    assert_eq!(on_their_way.len(), 2);
}

// Rows: 39, 147
#[test]
fn what_this_machine_has_no_room_for_waits_until_fewer_are_on_their_way() {
    let mut world = World::new(40 * MIN_PART);
    let mut upload = Upload::begin(spec(MIN_PART), Limits::default());
    let mut on_their_way = Vec::new();
    let mut now = Moment::START.plus(Duration::from_secs(1));
    let (mut most, mut lacking) = (0, 0);
    loop {
        match upload.poll(now) {
            Step::Act(Action::UploadPart { ticket, .. }) if on_their_way.len() == 2 => {
                lacking += 1;
                upload.handle(failed(ticket, FaultClass::Scarce), now);
            }
            Step::Act(action @ Action::UploadPart { .. }) => on_their_way.push(action),
            Step::Act(action) => {
                let event = world.answer(action, &upload);
                upload.handle(event, now);
            }
            Step::Wait { .. } => {
                most = most.max(on_their_way.len());
                now = now.plus(Duration::from_millis(10));
                if !on_their_way.is_empty() {
                    let event = world.answer(on_their_way.remove(0), &upload);
                    upload.handle(event, now);
                }
            }
            Step::Done => break,
        }
    }
    assert!(matches!(upload.outcome(), Some(Outcome::Completed(_))), "{:?}", upload.outcome());
    assert_eq!((most, lacking), (2, 1), "what has no room shows how many have");
    assert!(now.since(Moment::START) < Duration::from_secs(3), "and nobody waits for longer pauses");
}

// Rows: 39, 147
#[test]
fn where_there_is_no_room_even_for_one_no_other_part_tries_before_that_one_may() {
    let mut world = World::new(40 * MIN_PART);
    let parallel = NonZeroU16::new(16).unwrap();
    let limits = Limits { concurrency: parallel, max_concurrency: parallel, ..Limits::default() };
    let mut upload = Upload::begin(spec(MIN_PART), limits);
    let mut now = Moment::START.plus(Duration::from_secs(1));
    let begun = now;
    let room_from = begun.plus(Duration::from_millis(500));
    let mut full = Vec::new();
    let mut alone = 0;
    loop {
        match upload.poll(now) {
            // Of the sixteen at first none gets what it needs, and none lets go of what it has before all have failed.
            Step::Act(action @ Action::UploadPart { .. }) if now == begun => full.push(action),
            Step::Act(Action::UploadPart { ticket, .. }) if now < room_from => {
                alone += 1;
                assert!(alone <= 4, "too many tries in half a second");
                upload.handle(failed(ticket, FaultClass::Scarce), now);
            }
            Step::Act(action) => {
                let event = world.answer(action, &upload);
                upload.handle(event, now);
            }
            Step::Wait { .. } => {
                for action in full.drain(..) {
                    upload.handle(failed(action.ticket(), FaultClass::Scarce), now);
                }
                now = now.plus(Duration::from_millis(10));
            }
            Step::Done => break,
        }
    }
    assert!(matches!(upload.outcome(), Some(Outcome::Completed(_))), "{:?}", upload.outcome());
    assert!(alone > 0, "one was tried before there was room");
}
