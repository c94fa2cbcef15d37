//! Bytes of a journal that are not what was written.

use std::fs;

use super::unfinished::Unfinished;

/// Where a header says what the file is and of which version: the rest of it is checked before it is believed.
const SAYS_WHAT_IT_IS: std::ops::Range<usize> = 0..6;

/// How many places are tried.
const PLACES: usize = 40;

// Rows: 128, 130, 131
#[test]
fn a_flipped_bit_anywhere_costs_no_byte_and_is_never_believed() {
    let keys: Vec<String> = (0..PLACES).map(|place| format!("flipped-{place}")).collect();
    let uploads = Unfinished::new(&keys);
    let mut noticed = 0;
    for (place, key) in keys.iter().enumerate() {
        let journal = uploads.stop(key);
        let mut bytes = fs::read(&journal).unwrap();
        // The first places are those of the header, one by one.
        let at = if place < 10 { place } else { bytes.len() * place / PLACES };
        bytes[at] ^= 1 << (place % 8);
        fs::write(&journal, &bytes).unwrap();
        if SAYS_WHAT_IT_IS.contains(&at) {
            uploads.is_refused(key, &journal);
            assert_eq!(fs::read(&journal).unwrap(), bytes, "it is left alone");
        } else {
            let said = uploads.finishes(key).stderr;
            noticed += usize::from(said.contains("journal"));
        }
    }
    assert_eq!(noticed, PLACES - SAYS_WHAT_IT_IS.len(), "damage is told each time");
}

// Rows: 127, 130
#[test]
fn a_journal_that_ends_anywhere_costs_no_byte() {
    let keys: Vec<String> = (0..=20).map(|place| format!("cut-{place}")).collect();
    let uploads = Unfinished::new(&keys);
    for (place, key) in keys.iter().enumerate() {
        let journal = uploads.stop(key);
        let bytes = fs::read(&journal).unwrap();
        let end = match place {
            0..5 => [0, 1, 31, 32, 33][place],
            _ => bytes.len() * place / 21,
        };
        fs::write(&journal, &bytes[..end]).unwrap();
        uploads.finishes(key);
    }
}

// Rows: 129, 130
#[test]
fn zeros_and_stale_bytes_behind_a_journal_are_not_taken() {
    let keys = ["zeros-behind", "itself-behind", "zeros-only", "another-behind"].map(str::to_owned);
    let uploads = Unfinished::new(&keys);
    let mut former = Vec::new();
    for key in &keys {
        let journal = uploads.stop(key);
        let bytes = fs::read(&journal).unwrap();
        let now = match key.as_str() {
            "zeros-behind" => [&bytes[..], &[0; 4096]].concat(),
            "itself-behind" => [&bytes[..], &bytes[32..]].concat(),
            "zeros-only" => vec![0; bytes.len()],
            _ => [&bytes[..], &former[32..]].concat(),
        };
        former = bytes;
        fs::write(&journal, now).unwrap();
        uploads.finishes(key);
    }
}
