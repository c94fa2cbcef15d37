//! A part on disk: one file, whose name says everything that is known of it, so that a rename makes the part whole.

use std::path::Path;

/// `number-stamp-size-crc-etag`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredPart {
    pub(crate) number: u16,
    /// When it was stored, in nanoseconds since 1970: the newest of a number counts.
    pub(crate) stamp: u64,
    pub(crate) size: u64,
    pub(crate) crc64: u64,
    /// Without quotes.
    pub(crate) etag: String,
}

impl StoredPart {
    /// A part stored now.
    pub(crate) fn of(number: u16, size: u64, crc64: u64, etag: &str) -> Self {
        let stamp = u64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or_default();
        Self { number, stamp, size, crc64, etag: etag.to_owned() }
    }

    pub(super) fn file_name(&self) -> String {
        format!("{:05}-{:020}-{}-{:016x}-{}", self.number, self.stamp, self.size, self.crc64, self.etag)
    }

    /// `None` for the name of anything else.
    pub(super) fn from_file_name(name: &str) -> Option<Self> {
        let mut fields = name.split('-');
        let mut field = || fields.next();
        let part = Self {
            number: field()?.parse().ok()?,
            stamp: field()?.parse().ok()?,
            size: field()?.parse().ok()?,
            crc64: u64::from_str_radix(field()?, 16).ok()?,
            etag: field()?.to_owned(),
        };
        (part.file_name() == name).then_some(part)
    }

    /// When it was stored, for `LastModified`.
    pub(crate) fn modified(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_nanosecond(i128::from(self.stamp)).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

/// The parts in a folder by number, and older ones of the same numbers.
pub(super) fn list(folder: &Path) -> std::io::Result<(Vec<StoredPart>, Vec<StoredPart>)> {
    let mut parts = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        parts.extend(entry?.file_name().to_str().and_then(StoredPart::from_file_name));
    }
    parts.sort_by_key(|part| (part.number, std::cmp::Reverse(part.stamp)));
    let mut newest: Vec<StoredPart> = Vec::with_capacity(parts.len());
    let mut older = Vec::new();
    for part in parts {
        if newest.last().is_some_and(|last| last.number == part.number) {
            older.push(part);
        } else {
            newest.push(part);
        }
    }
    Ok((newest, older))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_all_and_other_names_are_no_parts() {
        let part = StoredPart { number: 7, stamp: 9, size: 10, crc64: u64::MAX, etag: "AB".to_owned() };
        assert_eq!(StoredPart::from_file_name(&part.file_name()), Some(part));
        for name in ["", "list", "00007-9-10-ff-AB", "00007-00000000000000000009-10-ffffffffffffffff-AB-more"]
        {
            assert_eq!(StoredPart::from_file_name(name), None, "{name}");
        }
    }

    #[test]
    fn the_newest_of_a_number_counts() {
        let folder = tempfile::tempdir().unwrap();
        for (number, stamp) in [(2, 5), (1, 9), (2, 8), (1, 3)] {
            let part = StoredPart { number, stamp, size: 0, crc64: 0, etag: String::new() };
            std::fs::write(folder.path().join(part.file_name()), "").unwrap();
        }
        let (newest, older) = list(folder.path()).unwrap();
        assert_eq!(newest.iter().map(|part| (part.number, part.stamp)).collect::<Vec<_>>(), [(1, 9), (2, 8)]);
        assert_eq!(older.len(), 2);
    }
}
