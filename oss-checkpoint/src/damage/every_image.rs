//! Every image of a kind, each compared with what must be read from it.

use super::{
    ID, Written,
    images::{self, times_more},
    oracle::Oracle,
    written,
};
use crate::{format::HEADER_LEN, history};

/// Behind the first byte of the journal's id, in bytes: what has an older journal's bytes from before there on is that one.
const INTO_THE_ID: usize = 9;

/// Journals of one upload: the usual one, and longer ones for longer runs.
fn journals() -> impl Iterator<Item = Written> {
    (0..times_more()).map(|more| of_parts(ID, 4 + more % 9))
}

/// The same upload in another journal.
fn older() -> Written {
    of_parts(*b"another journal!", 12)
}

fn of_parts(id: [u8; 16], parts: u64) -> Written {
    written(id, history::under_way(&history::job("key"), parts, 99))
}

// Rows: 127, 128
#[test]
fn every_bit_of_every_prefix_flipped_is_read_as_what_was_written_without_it() {
    let mut count = 0;
    for ours in journals() {
        let mut oracle = Oracle::of(&ours);
        for len in 0..=ours.bytes.len() {
            let mut bytes = ours.bytes[..len].to_vec();
            oracle.check(&bytes, || format!("{len} bytes"));
            for bit in 0..len * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                oracle.check(&bytes, || format!("{len} bytes, bit {bit}"));
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            count += 1 + len * 8;
        }
    }
    images::enough(count, images::FLIPPED);
}

// Rows: 128, 129
#[test]
fn every_stretch_that_reads_as_zeros_or_as_an_older_journal_is_a_hole_or_a_torn_tail() {
    let mut count = 0;
    for ours in journals() {
        let mut oracle = Oracle::of(&ours);
        let older = older();
        let mut of_older = Oracle::of(&older);
        let zeros = vec![0; ours.bytes.len()];
        for (other, first) in [(&zeros, 0), (&older.bytes, INTO_THE_ID)] {
            for from in first..ours.bytes.len() {
                let mut bytes = ours.bytes.clone();
                for at in from..ours.bytes.len() {
                    bytes[at] = other[at];
                    let knows = if older.has_header(&bytes) { &mut of_older } else { &mut oracle };
                    knows.check(&bytes, || format!("{from} to {at} of another"));
                    count += 1;
                }
            }
        }
    }
    images::enough(count, images::OVERWRITTEN);
}

// Rows: 127, 129
#[test]
fn every_prefix_with_a_tail_of_zeros_or_of_an_older_journal_ends_where_it_was_cut() {
    let mut count = 0;
    for ours in journals() {
        let mut oracle = Oracle::of(&ours);
        let older = older();
        let mut of_older = Oracle::of(&older);
        for cut in 0..=ours.bytes.len() {
            let mut bytes = ours.bytes[..cut].to_vec();
            for at in cut..older.bytes.len() {
                bytes.push(older.bytes[at]);
                let knows = if older.has_header(&bytes) { &mut of_older } else { &mut oracle };
                knows.check(&bytes, || format!("{cut} bytes, then another to {at}"));
            }
            count += older.bytes.len() - cut;
            bytes.truncate(cut);
            for zeros in (0..600).chain([4_096, 65_536]) {
                bytes.resize(cut + zeros, 0);
                oracle.check(&bytes, || format!("{cut} bytes and {zeros} zeros"));
                count += 1;
            }
        }
    }
    images::enough(count, images::FOLLOWED);
}

// Rows: 129
#[test]
fn a_frame_that_is_copied_to_any_other_place_counts_for_nothing() {
    let mut count = 0;
    for ours in journals() {
        let mut oracle = Oracle::of(&ours);
        for frame in ours.places.windows(2) {
            let frame = &ours.bytes[frame[0]..frame[1]];
            for at in HEADER_LEN..=ours.bytes.len() {
                let mut bytes = ours.bytes.clone();
                bytes.resize(bytes.len().max(at + frame.len()), 0);
                bytes[at..at + frame.len()].copy_from_slice(frame);
                oracle.check(&bytes, || format!("a frame of {} bytes at {at}", frame.len()));
                count += 1;
            }
        }
    }
    images::enough(count, images::COPIED);
}
