//! What a rule does.

use std::time::Duration;

use jiff::SignedDuration;

/// One way of misbehaving; the README says each in a line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    Refuse { status: u16, code: String, ec: String, message: String, retry_after: Option<String>, when: When },
    Body { status: u16, content_type: String, text: String, when: When },
    CutRequest { after: Offset, parting: Parting },
    LoseAnswer { parting: Parting },
    NoAct { parting: Parting },
    StallRequest { after: Offset, pause: Duration },
    StallAnswer { pause: Duration },
    Delay { pause: Duration },
    Trickle { rate: u64 },
    Throttle { rate: u64 },
    Header { name: String, value: String },
    WithoutHeader { name: String },
    TruncateAnswer { after: u64, parting: Parting },
    CorruptCrc,
    CorruptBody { after: Offset },
    OmitPart { number: u16 },
    AlterPart { number: u16, change: Change },
    LosePart { number: u16 },
    ForgetUpload,
    CompleteElsewhere,
    OverwriteObject { text: String },
    ExpireToken,
    Skew { by: SignedDuration },
}

/// When an answer made up by a rule goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum When {
    /// At once, before the request's body is read.
    Early,
    /// When the body has been read; nothing is done.
    AfterBody,
    /// When the operation has been carried out.
    AfterActing,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Parting {
    /// A TCP reset: unsent bytes are lost.
    #[default]
    Reset,
    /// An orderly end of the stream.
    Close,
}

/// A place in a body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Offset {
    Bytes(u64),
    Percent(u8),
}

impl Offset {
    /// In a body of `length` bytes, if that is known; a share of an unknown length is its start.
    pub(crate) fn in_body(self, length: Option<u64>) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Percent(percent) => {
                let share = u128::from(length.unwrap_or_default()) * u128::from(percent) / 100;
                u64::try_from(share).unwrap_or(u64::MAX)
            }
        }
    }
}

/// What `alter-part` changes in a listed part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Change {
    Size,
    Crc,
    Etag,
    WithoutCrc,
}
