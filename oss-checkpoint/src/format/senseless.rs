//! Frames whose checksum is right and whose payload no program of ours has written.

use super::{FRAME_HEAD, Image, v1};
use crate::{Finding, Inconsistent, Record, Stage, history, replay::replay};

impl Image {
    /// A good frame around any bytes.
    fn push_payload(&mut self, payload: &[u8]) {
        let start = self.bytes.len();
        let length = u32::try_from(payload.len()).unwrap();
        let sum = self.checksum.of_frame(start as u64, length, payload);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(&sum.to_le_bytes());
        self.bytes.extend_from_slice(payload);
    }
}

fn begun() -> Image {
    let mut image = Image::new(*b"no sense in this");
    image.extend(&history::under_way(&history::job("key"), 2, 9)).unwrap();
    image
}

/// A part as it is stored, with other bytes for its number.
fn part_numbered(number: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    v1::encode(&history::part(3, 9), &mut payload, 100).unwrap();
    assert_eq!(payload[..2], [2, 3]);
    [&payload[..1], number, &payload[2..]].concat()
}

// Rows: 132
#[test]
fn a_payload_that_is_no_record_is_damage_and_what_is_behind_it_still_counts() {
    let whole = part_numbered(&[3]);
    let payloads: [(&str, Vec<u8>); 10] = [
        ("part 0", part_numbered(&[0])),
        ("part 10,001", part_numbered(&[0x91, 0x4E])),
        ("part 65,536", part_numbered(&[0x80, 0x80, 0x04])),
        ("a byte too many", [&whole[..], &[0]].concat()),
        ("a byte too few", whole[..whole.len() - 1].to_vec()),
        ("an empty upload id", vec![1, 0, 0]),
        ("an upload id of control characters", vec![1, 1, 7, 0]),
        ("stage 3", vec![4, 3]),
        ("kind 7", vec![7]),
        ("an upload id without an end", vec![1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
    ];
    for (what, payload) in payloads {
        let mut image = begun();
        let offset = image.bytes().len();
        image.push_payload(&payload);
        let torn = replay(image.bytes()).unwrap();
        let bytes = (FRAME_HEAD + payload.len()) as u64;
        assert_eq!((torn.findings, torn.end), (vec![Finding::TornTail { bytes }], offset), "{what}");
        image.extend([&history::part(4, 9)]).unwrap();
        let read = replay(image.bytes()).unwrap();
        assert_eq!(read.findings, [Finding::Damaged { offset: offset as u64, bytes }], "{what}");
        let parts: Vec<u16> = read.checkpoint.parts().map(|part| part.receipt.number.get()).collect();
        assert_eq!(parts, [1, 2, 4], "{what}");
    }
}

// Rows: 132
#[test]
fn a_record_that_makes_no_sense_where_it_stands_is_named_and_changes_nothing() {
    let part_of_another_size = {
        let Record::PartUploaded { receipt, .. } = history::part(3, 3) else { unreachable!() };
        Record::PartUploaded { receipt, at_rest: true }
    };
    let size = Inconsistent::PartSize(crate::PartNumber::new(3).unwrap());
    let records = [
        (history::initiated("another"), Inconsistent::TwoIds),
        (history::begun(&history::job("key"), 2), Inconsistent::TwoIds),
        (part_of_another_size, size),
    ];
    for (record, why) in records {
        let mut image = begun();
        let before = replay(image.bytes()).unwrap().checkpoint;
        let offset = image.bytes().len() as u64;
        image.extend([&record]).unwrap();
        let read = replay(image.bytes()).unwrap();
        assert_eq!(read.findings, [Finding::Senseless { offset, why }], "{record:?}");
        assert_eq!(read.checkpoint, before, "{record:?}");
    }
}

// Rows: 132
#[test]
fn a_journal_that_does_not_begin_with_a_beginning_is_damaged() {
    let records =
        [history::part(1, 9), history::initiated("1"), Record::Entered(Stage::Completing), history::done(9)];
    for record in records {
        let mut image = Image::new(*b"no sense in this");
        image.extend([&record]).unwrap();
        image.extend(&history::under_way(&history::job("key"), 1, 9)).unwrap();
        assert!(replay(image.bytes()).is_err(), "{record:?}");
    }
}
