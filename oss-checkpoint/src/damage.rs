//! Damaged journals: each cut, each flipped bit, blocks from elsewhere, and bytes of all kinds.

mod every_image;
pub(crate) mod images;
mod oracle;

use proptest::{
    collection::vec,
    prelude::{ProptestConfig, any, prop_assert, proptest},
    sample::Index,
};

use crate::{
    Checkpoint, Finding, Inconsistent, Record,
    format::{HEADER_LEN, Image},
    history,
    replay::{Unusable, replay},
};

const ID: [u8; 16] = *b"one of a million";

/// A journal, its records, and where each begins; the last place is the end.
struct Written {
    records: Vec<Record>,
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Written {
    fn has_header(&self, bytes: &[u8]) -> bool {
        bytes.get(..HEADER_LEN) == Some(&self.bytes[..HEADER_LEN])
    }
}

fn written(id: [u8; 16], records: Vec<Record>) -> Written {
    let mut image = Image::new(id);
    let mut places = vec![HEADER_LEN];
    for record in &records {
        image.extend([record]).unwrap();
        places.push(image.bytes().len());
    }
    Written { records, bytes: image.bytes().to_vec(), places }
}

fn of_every_kind() -> Written {
    written(ID, history::of_every_kind(&history::job("key")))
}

fn under_way() -> Written {
    written(ID, history::under_way(&history::job("key"), 6, 9))
}

fn told<'a>(records: impl IntoIterator<Item = &'a Record>) -> Checkpoint {
    let mut checkpoint = Checkpoint::new();
    for record in records {
        checkpoint.apply(record).unwrap();
    }
    checkpoint
}

/// As `told`, where nothing behind the record at `hole` counts as read at rest.
fn told_with_hole(records: &[Record], hole: usize) -> Checkpoint {
    let unpinned = |(at, record): (usize, &Record)| match record {
        Record::PartUploaded { receipt, .. } if at > hole => {
            Record::PartUploaded { receipt: receipt.clone(), at_rest: false }
        }
        other => other.clone(),
    };
    let kept: Vec<Record> = records.iter().enumerate().filter(|(at, _)| *at != hole).map(unpinned).collect();
    told(&kept)
}

// Rows: 127
#[test]
fn every_prefix_opens_to_a_prefix_of_the_history() {
    let Written { records, bytes, places } = of_every_kind();
    for len in 0..=bytes.len() {
        let whole = places.iter().filter(|place| **place <= len).count().saturating_sub(1);
        let read = replay(&bytes[..len]).unwrap();
        assert_eq!(read.checkpoint, told(&records[..whole]), "{len} bytes");
        let end = if len < HEADER_LEN { 0 } else { places[whole] };
        let torn = (len - end) as u64;
        let findings = if torn == 0 { vec![] } else { vec![Finding::TornTail { bytes: torn }] };
        assert_eq!((read.findings, read.end), (findings, end), "{len} bytes");
    }
}

// Rows: 128
#[test]
fn every_flipped_bit_is_noticed_and_costs_its_own_record_only() {
    let Written { records, bytes, places } = under_way();
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let read = replay(&damaged);
        let hit = places.iter().filter(|place| **place <= bit / 8).count();
        match (hit, read) {
            // The header, the beginning or the id: the bytes are good for nothing.
            (0, Err(Unusable::Damaged(_) | Unusable::Foreign(_) | Unusable::Newer(_)))
            | (1 | 2, Err(Unusable::Damaged(_))) => {}
            (hit, Ok(read)) if hit == records.len() => {
                let torn = bytes.len() - places[hit - 1];
                assert_eq!(read.findings, [Finding::TornTail { bytes: torn as u64 }], "bit {bit}");
                assert_eq!(read.checkpoint, told(&records[..hit - 1]), "bit {bit}");
            }
            (3.., Ok(read)) => {
                let (offset, len) = (places[hit - 1], places[hit] - places[hit - 1]);
                let finding = Finding::Damaged { offset: offset as u64, bytes: len as u64 };
                assert_eq!(read.findings, [finding], "bit {bit}");
                assert_eq!(read.checkpoint, told_with_hole(&records, hit - 1), "bit {bit}");
                assert_eq!(read.end, bytes.len());
            }
            (_, read) => panic!("bit {bit} in record {hit}: {read:?}"),
        }
    }
}

// Rows: 129
#[test]
fn a_tail_that_was_not_written_is_torn_whatever_it_holds() {
    let ours = under_way();
    let other = written(*b"another journal!", ours.records.clone());
    let longer = written(*b"another journal!", history::under_way(&history::job("key"), 9, 9));
    let check = |tail: &[u8], what: &str| {
        let read = replay(&[&ours.bytes, tail].concat()).unwrap();
        assert_eq!(read.findings, [Finding::TornTail { bytes: tail.len() as u64 }], "{what}");
        assert_eq!(read.checkpoint, told(&ours.records), "{what}");
        assert_eq!(read.end, ours.bytes.len(), "{what}");
    };
    for zeros in 1..5_000 {
        check(&vec![0; zeros], &format!("{zeros} zeros"));
    }
    for start in 0..other.bytes.len() {
        check(&other.bytes[start..], &format!("another journal from {start}"));
    }
    check(&longer.bytes[ours.bytes.len()..], "what another journal has at that place");
    for pair in ours.places.windows(2) {
        check(&ours.bytes[pair[0]..pair[1]], "one of its own frames, copied");
    }
    check(&ours.bytes, "itself");
}

// Rows: 129
#[test]
fn a_block_of_another_journal_in_the_middle_is_a_hole() {
    let ours = under_way();
    let other = written(*b"another journal!", ours.records.clone());
    for hit in 2..ours.records.len() - 1 {
        let (from, to) = (ours.places[hit], ours.places[hit + 1]);
        for block in [&other.bytes[from..to], &vec![0; to - from]] {
            let mut bytes = ours.bytes.clone();
            bytes[from..to].copy_from_slice(block);
            let read = replay(&bytes).unwrap();
            assert_eq!(read.findings, [Finding::Damaged { offset: from as u64, bytes: (to - from) as u64 }]);
            assert_eq!(read.checkpoint, told_with_hole(&ours.records, hit));
        }
    }
}

/// Zeroes the records at `lost` in a journal of two uploads; what is left must open to `kept`, or not at all.
fn check_lost(lost: &[usize], kept: Option<&[usize]>) {
    let job = history::job("key");
    let mut records = history::under_way(&job, 1, 2); // 0 to 2
    records.push(Record::Abandoned); // 3
    records.extend(history::under_way(&job, 3, 3)); // 4 to 8
    let Written { records, mut bytes, places } = written(ID, records);
    for at in lost {
        bytes[places[*at]..places[at + 1]].fill(0);
    }
    let read = replay(&bytes);
    match kept {
        None => assert!(matches!(read, Err(Unusable::Damaged(_))), "{lost:?}: {read:?}"),
        Some(kept) => {
            let first_lost = lost.iter().min().copied().unwrap();
            let kept: Vec<Record> = kept
                .iter()
                .map(|at| match &records[*at] {
                    Record::PartUploaded { receipt, at_rest } => Record::PartUploaded {
                        receipt: receipt.clone(),
                        at_rest: *at_rest && *at < first_lost,
                    },
                    other => other.clone(),
                })
                .collect();
            assert_eq!(read.unwrap().checkpoint.history().collect::<Vec<_>>(), kept, "{lost:?}");
        }
    }
}

#[test]
fn a_lost_beginning_or_id_makes_a_journal_unusable_unless_another_upload_begins_behind_it() {
    check_lost(&[0], None);
    check_lost(&[1], None);
    check_lost(&[4], None);
    check_lost(&[5], None);
    check_lost(&[2], Some(&[4, 5, 6, 7, 8]));
    check_lost(&[3], Some(&[4, 5, 6, 7, 8]));
    check_lost(&[1, 2, 3], Some(&[4, 5, 6, 7, 8]));
    check_lost(&[0, 1, 2, 3], None);
    check_lost(&[7], Some(&[4, 5, 6, 8]));
}

// Rows: 133
#[test]
fn a_journal_of_two_jobs_is_foreign() {
    let mut records = history::under_way(&history::job("one"), 1, 2);
    records.push(Record::Abandoned);
    records.push(history::begun(&history::job("two"), 2));
    let read = replay(&written(ID, records).bytes);
    assert!(matches!(read, Err(Unusable::Foreign(_))), "{read:?}");
}

// Rows: 132
#[test]
fn a_receipt_before_its_plan_or_its_id_is_never_taken() {
    let job = history::job("key");
    let without_plan = written(ID, vec![history::part(1, 3)]).bytes;
    assert!(matches!(replay(&without_plan), Err(Unusable::Damaged(_))));
    let records = vec![history::begun(&job, 3), history::part(1, 3)];
    let read = replay(&written(ID, records.clone()).bytes).unwrap();
    assert_eq!(read.checkpoint, told(&records[..1]));
    assert!(matches!(read.findings[..], [Finding::Senseless { why: Inconsistent::NotInitiated, .. }]));
}

// Rows: 130
#[test]
fn bytes_that_were_never_written_are_as_no_journal() {
    for zeros in [0, 1, 31, 32, 33, 4_096] {
        let read = replay(&vec![0; zeros]).unwrap();
        assert!(read.identity.is_none() && read.checkpoint == Checkpoint::new(), "{zeros} zeros");
        assert_eq!(read.findings.is_empty(), zeros == 0);
    }
    let header_only = replay(Image::new(ID).bytes()).unwrap();
    assert!(header_only.identity.is_none() && header_only.findings.is_empty());
    let mut lost_header = under_way().bytes;
    lost_header[..HEADER_LEN].fill(0);
    assert!(matches!(replay(&lost_header), Err(Unusable::Damaged(_))));
}

// Rows: 130, 131
#[test]
fn other_files_are_foreign_and_later_versions_are_named() {
    for bytes in [&b"x"[..], b"OSSK", b"{\"upload_id\": \"1\"}", b"\x7FELF", b"OSSj\x01\x00\n\x1a"] {
        assert!(matches!(replay(bytes), Err(Unusable::Foreign(_))), "{bytes:?}");
    }
    let mut newer = under_way().bytes;
    newer[4..6].copy_from_slice(&258_u16.to_le_bytes());
    assert_eq!(replay(&newer).unwrap_err(), Unusable::Newer(258));
}

#[test]
fn bytes_made_to_be_slow_are_given_up_on() {
    // Every fourth place could be a frame of 65,286 bytes: a search without limit would sum 64 GiB.
    let mut bytes = Image::new(ID).bytes().to_vec();
    let length = 65_286_u32.to_le_bytes();
    bytes.extend((0..4 << 20).map(|at| length[at % 4]));
    assert!(matches!(replay(&bytes), Err(Unusable::Damaged(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5_000) })]

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..2_000)) {
        let mut journal = Image::new(ID).bytes().to_vec();
        journal.extend_from_slice(&bytes);
        prop_assert!(replay(&journal).map_or(true, |read| read.checkpoint == Checkpoint::new()));
        drop(replay(&bytes));
    }

    #[test]
    fn no_damage_makes_a_record_that_was_not_written(
        hits in vec((any::<Index>(), any::<u8>(), 1_usize..200), 1..6),
        cut in any::<Index>(),
    ) {
        let ours = under_way();
        let mut bytes = ours.bytes.clone();
        for (at, value, len) in hits {
            let from = at.index(bytes.len());
            let to = bytes.len().min(from + len);
            bytes[from..to].fill(value);
        }
        bytes.truncate(bytes.len() - cut.index(bytes.len()) / 4);
        if let Ok(read) = replay(&bytes) {
            for record in read.checkpoint.history() {
                let same = |written: &Record| match (written, &record) {
                    (Record::PartUploaded { receipt: one, .. }, Record::PartUploaded { receipt: other, .. }) => one == other,
                    (one, other) => one == other,
                };
                prop_assert!(ours.records.iter().any(same), "{record:?}");
            }
        }
    }
}
