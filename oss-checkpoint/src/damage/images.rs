//! How many damaged journals are looked at in a run of the tests.

/// Journals of which any bit of any prefix is flipped.
pub(crate) const FLIPPED: usize = 780_000;
/// Journals that are overwritten from one place to another, with zeros or with an older journal.
pub(crate) const OVERWRITTEN: usize = 140_000;
/// Prefixes with zeros or an older journal behind them.
pub(crate) const FOLLOWED: usize = 380_000;
/// Journals that hold a frame twice.
pub(crate) const COPIED: usize = 2_000;
/// Disks after a power cut: each way that it can end.
#[cfg(feature = "fs")]
pub(crate) const CUT: usize = 240_000;
/// Disks after a power cut that tears writes anywhere.
#[cfg(feature = "fs")]
pub(crate) const TORN: usize = 280_000;
/// Disks after power cuts in a row: in an upload, in the recovery from that, and in the recovery from that one.
#[cfg(feature = "fs")]
pub(crate) const CUT_AGAIN: usize = 400_000;
/// Disks after a power cut that had not flushed what they said they had.
#[cfg(feature = "fs")]
pub(crate) const LIED_ABOUT: usize = 220_000;

#[cfg(feature = "fs")]
const _: () = assert!(
    FLIPPED + OVERWRITTEN + FOLLOWED + COPIED + CUT + TORN + CUT_AGAIN + LIED_ABOUT >= 2_000_000,
    "two million a run"
);

/// How many times more than usual is tried: from `OSS_JOURNAL_TIMES`, for runs of hours.
pub(crate) fn times_more() -> u64 {
    std::env::var("OSS_JOURNAL_TIMES")
        .map_or(1, |times| times.parse().expect("OSS_JOURNAL_TIMES is a number"))
}

/// That many were looked at, and none was answered wrongly; a test whose images have become fewer fails.
pub(crate) fn enough(images: usize, floor: usize) {
    println!("{images} images");
    assert!(images >= floor, "{images} images of {floor}");
}
