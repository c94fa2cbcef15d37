//! The journal on a disk that forgets: whatever is cut, and whenever, what was flushed is read again, and nothing that
//! was not written.

mod failures;
mod scripts;
mod told;

use self::{
    scripts::{Step, append, begun, done, initiated, journal, part, run, run_behind, scripts},
    told::{Honesty, Judge, Told},
};
use super::{
    Durability, Opened,
    simulated_disk::{Chance, Sector, SimulatedDisk, Trouble, every},
};
use crate::{
    Record, Stage,
    damage::images::{self, times_more},
};

const NAME: &str = "0123.ossj";

/// Every operation of every script at which the power can be cut, with what was told until then.
fn for_each_cut(mut go: impl FnMut(&SimulatedDisk, &Told, &str)) {
    for (script, steps) in scripts().iter().enumerate() {
        let operations = run(&SimulatedDisk::new(), steps).1;
        for at in 1..=operations + 1 {
            let disk = SimulatedDisk::new();
            disk.expect(Trouble::PowerCut { at });
            let (told, _) = run(&disk, steps);
            go(&disk, &told, &format!("script {script}, power cut at {at}"));
        }
    }
}

// Rows: 140
#[test]
fn whatever_of_the_unflushed_writes_a_power_cut_leaves_the_journal_holds_what_was_flushed() {
    let mut count = 0;
    for_each_cut(|disk, told, case| {
        let judge = told.judge(Honesty::Honest);
        for sector in Sector::BOTH {
            count += every(|chance| {
                judge.look(&disk.after_power_cut(sector, chance), &format_args!("{case}, {sector:?}"));
            });
        }
    });
    images::enough(count, images::CUT);
}

// Rows: 127, 140
#[test]
fn wherever_a_power_cut_tears_a_write_the_journal_holds_what_was_flushed() {
    let mut count = 0;
    for_each_cut(|disk, told, case| {
        let judge = told.judge(Honesty::Honest);
        for seed in 0..2_000 * times_more() {
            let sector = Sector::BOTH[usize::from(seed % 4 == 0)];
            let after = disk.after_power_cut(sector, &mut Chance::new(seed << 32));
            judge.look(&after, &format_args!("{case}, {sector:?}, seed {seed}"));
            count += 1;
        }
    });
    images::enough(count, images::TORN);
}

// Rows: 140, 141
#[test]
fn a_power_cut_at_any_operation_of_a_recovery_and_of_the_recovery_from_that_loses_no_more() {
    let mut count = 0;
    for_each_cut(|disk, told, case| {
        let judge = told.judge(Honesty::Honest);
        for seed in 0..6 * times_more() {
            let mut chance = Chance::new(seed << 32 | 1);
            count += recovered(disk, &judge, 2, &mut chance, &format!("{case}, seed {seed}"));
        }
    });
    images::enough(count, images::CUT_AGAIN);
}

/// Images that are looked at behind the last cut.
const LAST: usize = 4;

/// Cuts the power, looks, and cuts it again at each operation of each recovery, as often as said; gives how many images
/// were looked at.
fn recovered(disk: &SimulatedDisk, judge: &Judge<'_>, again: u32, chance: &mut Chance, case: &str) -> usize {
    let mut cut = || {
        let sector = Sector::BOTH[chance.below(2)];
        let after = disk.after_power_cut(sector, chance);
        let found = judge.look(&after.fork(), &case);
        (after, found)
    };
    if again == 0 {
        (0..LAST).for_each(|_| drop(cut()));
        return LAST;
    }
    let (after, found) = cut();
    let mut images = 1;
    // One recovery of three kinds, so that three cuts in a row stay countable.
    let recovery = &recoveries(&found)[chance.below(3)];
    let steps = run(&after.fork(), recovery).1;
    for at in 1..=steps + 1 {
        let disk = after.fork();
        disk.expect(Trouble::PowerCut { at });
        let (told, _) = run_behind(Told::found(&found), &disk, recovery);
        let case = format!("{case}, again at {at}");
        images += recovered(&disk, &told.judge(Honesty::Honest), again - 1, chance, &case);
    }
    images
}

/// What the next run writes: what it goes on with at once; a part before it; and the same into a journal that somebody
/// removes, so that it is written anew.
fn recoveries(found: &Opened) -> [Vec<Step>; 3] {
    use Durability::{Flushed, Written};
    let next = append(&[next_record(found)], Flushed);
    let goes_on = found.checkpoint.upload_id().is_some() && found.checkpoint.done().is_none();
    if !goes_on {
        return [vec![next.clone()], vec![next.clone()], vec![next]];
    }
    [
        vec![next.clone()],
        vec![append(&[part(2)], Written), next.clone()],
        vec![append(&[part(1)], Written), Step::Vanish, next],
    ]
}

/// Something that makes sense to append to what is found.
fn next_record(found: &Opened) -> Record {
    let checkpoint = &found.checkpoint;
    match (checkpoint.begun(), checkpoint.upload_id()) {
        (None, _) => begun(3),
        (Some(_), None) => initiated("3"),
        (Some(_), Some(_)) if checkpoint.done().is_some() => begun(3),
        (Some(_), Some(_)) => Record::Entered(Stage::Aborting),
    }
}

// Rows: 142
#[test]
fn a_disk_that_lies_about_flushes_makes_a_journal_shorter_and_never_wrong() {
    let mut count = 0;
    let mut shorter = 0;
    for (script, steps) in scripts().iter().enumerate() {
        let operations = run(&SimulatedDisk::new(), steps).1;
        for at in 1..=operations + 1 {
            for lies in 0..16 * times_more() {
                let disk = SimulatedDisk::new();
                // The first of them is a disk that never flushes.
                disk.lie(u64::MAX.wrapping_sub(lies.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
                disk.expect(Trouble::PowerCut { at });
                let (told, _) = run(&disk, steps);
                let judge = told.judge(Honesty::Lying);
                for seed in 0..100 {
                    let sector = Sector::BOTH[usize::from(seed % 4 == 0)];
                    let after = disk.after_power_cut(sector, &mut Chance::new(seed << 32 | lies));
                    let case = format_args!("script {script}, power cut at {at}, lies {lies}, seed {seed}");
                    let found = judge.look(&after, &case);
                    count += 1;
                    shorter += usize::from(found.checkpoint.begun().is_none());
                }
            }
        }
    }
    images::enough(count, images::LIED_ABOUT);
    assert!(shorter >= 1_000, "{shorter}: the lies cost nothing");
}
