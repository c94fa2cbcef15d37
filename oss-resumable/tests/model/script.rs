//! What befalls each action: a list of fates, drawn and shrunk by proptest. Behind its end nothing goes wrong.

use proptest::prelude::*;

/// What befalls one action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is done, and the answer comes after this many tenths of a second.
    Done(u8),
    /// The server never saw it.
    Unreachable,
    /// The answer is lost, and nothing was done.
    LostBefore,
    /// The answer is lost, and it was done.
    LostAfter,
    /// The answer is lost, and it is done seconds later.
    LostLate,
    /// Too many requests.
    Throttled,
    /// The clock was corrected, or the credentials renewed.
    Again(bool),
    /// The answer is not one, or the bytes arrive changed.
    Corrupted,
    /// The server states a CRC-64 that is not that of the object.
    Lie,
    /// The server will not.
    Refused,
    /// The journal or the source cannot be used.
    Local,
    /// The process is killed before it is done, or the power fails.
    Crash { done: bool, power: bool },
    /// The process is killed, and the object removed before the next run.
    CrashAndRemove,
    /// The process is killed, and something else put under the key before the next run.
    CrashAndReplace,
    /// Somebody presses Ctrl-C.
    Pause,
    /// Somebody gives the upload up.
    Abort,
    /// The source gets other bytes in one block, from now on.
    Rewrite(u8),
    /// The source gets another length.
    Resize(u8),
    /// The source is touched: another stamp, the same bytes.
    Touch,
    /// Somebody aborts the upload on the server.
    Vanish,
    /// Somebody completes the upload on the server, if all its parts are there.
    CompletedElsewhere,
    /// The server loses a part.
    LosePart(u8),
    /// Somebody else sends a part of our upload: of the same length, or of another.
    AlterPart { number: u8, longer: bool },
}

pub(crate) fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        24 => (0_u8..20).prop_map(Fate::Done),
        2 => Just(Fate::Unreachable),
        3 => Just(Fate::LostBefore),
        4 => Just(Fate::LostAfter),
        2 => Just(Fate::LostLate),
        2 => Just(Fate::Throttled),
        1 => any::<bool>().prop_map(Fate::Again),
        2 => Just(Fate::Corrupted),
        1 => Just(Fate::Lie),
        1 => Just(Fate::Refused),
        1 => Just(Fate::Local),
        4 => (any::<bool>(), any::<bool>()).prop_map(|(done, power)| Fate::Crash { done, power }),
        1 => Just(Fate::CrashAndRemove),
        1 => Just(Fate::CrashAndReplace),
        1 => Just(Fate::Pause),
        1 => Just(Fate::Abort),
        3 => (0_u8..8).prop_map(Fate::Rewrite),
        1 => (1_u8..8).prop_map(Fate::Resize),
        1 => Just(Fate::Touch),
        1 => Just(Fate::Vanish),
        1 => Just(Fate::CompletedElsewhere),
        1 => (1_u8..8).prop_map(Fate::LosePart),
        2 => (1_u8..8, any::<bool>()).prop_map(|(number, longer)| Fate::AlterPart { number, longer }),
    ]
}

pub(crate) fn script() -> impl Strategy<Value = Vec<Fate>> {
    prop::collection::vec(fate(), 0..60)
}
