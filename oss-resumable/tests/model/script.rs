//! What befalls each action: a list of fates, drawn and shrunk by proptest. Behind its end nothing goes wrong.

use oss_resumable::FaultClass;
use proptest::{prelude::*, strategy::Union};

use crate::coverage::CLASSES;

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
    /// UploadPart is answered without a tag.
    Nameless,
    /// The answer states no CRC-64.
    Silent,
    /// The server will not.
    Refused,
    /// The journal or the source cannot be used.
    Local,
    /// The process is killed before it is done, or the power fails.
    Crash { done: bool, power: bool },
    /// It is done, and the process is killed before it learns of that.
    CrashAtReply,
    /// The process is killed, and the object removed before the next run.
    CrashAndRemove,
    /// The process is killed, and something else put under the key before the next run.
    CrashAndReplace,
    /// It fails in this way and nothing is done, whether that makes sense or not.
    Fails(FaultClass),
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
    /// The source is away, for this run and the next.
    Gone,
    /// Somebody aborts the upload on the server.
    Vanish,
    /// Somebody completes the upload on the server, if all its parts are there.
    CompletedElsewhere,
    /// The server loses a part.
    LosePart(u8),
    /// Somebody else sends a part of our upload: of the same length, or of another.
    AlterPart { number: u8, longer: bool },
}

/// What a script is mostly about. A mixture of everything is rarely a lot of anything.
#[derive(Clone, Copy)]
enum Mood {
    Mixed,
    BadNetwork,
    Crashes,
    ChangingSource,
    Meddling,
    Nonsense,
}

/// A script of up to 60 fates, in one of the moods.
pub(crate) fn script() -> BoxedStrategy<Vec<Fate>> {
    let of = |mood| prop::collection::vec(fate(mood), 0..60);
    prop_oneof![
        4 => of(Mood::Mixed),
        2 => of(Mood::BadNetwork),
        2 => of(Mood::Crashes),
        2 => of(Mood::ChangingSource),
        2 => of(Mood::Meddling),
        1 => of(Mood::Nonsense),
    ]
    .boxed()
}

fn fate(mood: Mood) -> Union<BoxedStrategy<Fate>> {
    let more = |weight: u32, in_mood: &[Mood]| {
        let is_in =
            in_mood.iter().any(|other| std::mem::discriminant(other) == std::mem::discriminant(&mood));
        weight * if is_in { 6 } else { 1 }
    };
    let network = |weight| more(weight, &[Mood::BadNetwork]);
    let crashes = |weight| more(weight, &[Mood::Crashes]);
    let changes = |weight| more(weight, &[Mood::ChangingSource]);
    let meddling = |weight| more(weight, &[Mood::Meddling]);
    Union::new_weighted(vec![
        (24, (0_u8..20).prop_map(Fate::Done).boxed()),
        (network(2), Just(Fate::Unreachable).boxed()),
        (network(3), Just(Fate::LostBefore).boxed()),
        (network(4), Just(Fate::LostAfter).boxed()),
        (network(2), Just(Fate::LostLate).boxed()),
        (network(2), Just(Fate::Throttled).boxed()),
        (1, any::<bool>().prop_map(Fate::Again).boxed()),
        (network(2), Just(Fate::Corrupted).boxed()),
        (1, Just(Fate::Lie).boxed()),
        (1, Just(Fate::Nameless).boxed()),
        (1, Just(Fate::Silent).boxed()),
        (1, Just(Fate::Refused).boxed()),
        (1, Just(Fate::Local).boxed()),
        (
            more(1, &[Mood::Nonsense]),
            (0..CLASSES.len()).prop_map(|class| Fate::Fails(CLASSES[class])).boxed(),
        ),
        (
            crashes(3),
            (any::<bool>(), any::<bool>()).prop_map(|(done, power)| Fate::Crash { done, power }).boxed(),
        ),
        (crashes(1), Just(Fate::CrashAtReply).boxed()),
        (crashes(1), Just(Fate::CrashAndRemove).boxed()),
        (crashes(1), Just(Fate::CrashAndReplace).boxed()),
        (1, Just(Fate::Pause).boxed()),
        (1, Just(Fate::Abort).boxed()),
        (changes(3), (0_u8..8).prop_map(Fate::Rewrite).boxed()),
        (changes(1), (1_u8..8).prop_map(Fate::Resize).boxed()),
        (changes(1), Just(Fate::Touch).boxed()),
        (changes(1), Just(Fate::Gone).boxed()),
        (meddling(1), Just(Fate::Vanish).boxed()),
        (meddling(1), Just(Fate::CompletedElsewhere).boxed()),
        (meddling(1), (1_u8..8).prop_map(Fate::LosePart).boxed()),
        (
            meddling(2),
            (1_u8..8, any::<bool>()).prop_map(|(number, longer)| Fate::AlterPart { number, longer }).boxed(),
        ),
    ])
}
