use crate::{ByteCount, Crc64, ETag, PartNumber, ServerTime};

/// A part that is proved: the checksum of the local bytes and the server's name for what it stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartReceipt {
    /// Which part.
    pub number: PartNumber,
    /// Its length.
    pub size: ByteCount,
    /// CRC-64 of the local bytes; the server stated the same, where it stated any.
    pub crc64: Crc64,
    /// What `CompleteMultipartUpload` names the part by.
    pub etag: ETag,
}

/// How far an object is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proof {
    /// The server stated the CRC-64 of each part and of the object, and all are those of the local bytes.
    PartsAndObject,
    /// The server stated the CRC-64 of the object, and it is that of the local bytes.
    Object,
    /// The server stated none.
    None,
}

/// What is known of a finished object. Names no part: the part table of a receipt is made from memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectFacts {
    /// Its length.
    pub size: ByteCount,
    /// CRC-64 of the local bytes.
    pub crc64: Crc64,
    /// The object's tag, where the server stated it.
    pub etag: Option<ETag>,
    /// Its version in a versioned bucket.
    pub version_id: Option<String>,
    /// How far it is proved.
    pub proof: Proof,
    /// Whether the answer to the last request was lost and the object was found by asking.
    pub settled: bool,
    /// When, by the server's clock, where it said so.
    pub finished: Option<ServerTime>,
}
