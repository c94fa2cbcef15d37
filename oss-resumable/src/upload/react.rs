//! What is done about each fault of each piece of work, as one table.

use super::tickets::Work;
use crate::FaultClass;

/// What is done about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reaction {
    /// The same again after a pause; the run gives up when nothing moves for too long.
    Retry,
    /// The same again after a pause, and fewer at once.
    SlowDown,
    /// The same again, beside no more than are on their way.
    Shrink,
    /// The same again at once; two times, then it counts as refused.
    Again,
    /// The same again with a fresh read, a few times; then it cannot be proved.
    RetryFew,
    /// It may have been done: ask.
    Settle,
    /// The server does not know the upload: find out what became of it.
    Vanished,
    /// The server no longer has what was to be undone.
    CountAsDone,
    /// The object is there: our own, if an earlier try may have been done, else a refusal.
    Exists,
    /// The server holds other parts than we believe: list them again.
    Relist,
    /// Go on without the answer, and say so.
    DoWithout,
    /// Look at the source again.
    Reinspect,
    /// The end: the service refuses.
    Refuse,
    /// The end: the service cannot be reached.
    Unreachable,
    /// The end: this machine cannot do it.
    Local,
}

#[expect(clippy::match_same_arms, reason = "a table: each row says one thing")]
pub(crate) const fn react(work: Work, class: FaultClass) -> Reaction {
    use FaultClass as F;
    use Reaction as R;
    match (work, class) {
        // What never leaves this machine.
        (Work::Save, _) => R::Retry,
        (Work::Retire, _) => R::DoWithout,
        (_, F::Local) => R::Local,
        (Work::ChecksumPart { .. } | Work::UploadPart { .. } | Work::PutObject, F::SourceMoved) => {
            R::Reinspect
        }
        (Work::InspectSource | Work::ChecksumPart { .. }, _) | (_, F::SourceMoved) => R::Local,

        // The same for whatever was asked.
        (Work::UploadPart { .. }, F::Scarce) => R::Shrink,
        (_, F::Unreachable | F::Scarce) => R::Retry,
        (_, F::Untrusted) => R::Unreachable,
        (_, F::Throttled) => R::SlowDown,
        (_, F::Skewed | F::Unauthorised) => R::Again,

        // A lost answer: what may be repeated is, the rest is asked about.
        (Work::Initiate | Work::Complete, F::Unanswered | F::Corrupted) => R::Settle,
        (_, F::Unanswered) => R::Retry,
        (_, F::Corrupted) => R::RetryFew,

        // The upload is gone.
        (Work::UploadPart { .. } | Work::ListParts | Work::Complete, F::Vanished) => R::Vanished,
        (Work::Abort | Work::InspectObject, F::Vanished) => R::CountAsDone,

        // Something stands in the way.
        (Work::PutObject | Work::Complete, F::Exists) => R::Exists,
        (Work::Complete, F::PartsRejected) => R::Relist,

        // Permissions that an upload can do without.
        (Work::FindUploads | Work::ListParts | Work::Abort, F::Refused) => R::DoWithout,
        (Work::FindUploads, F::Vanished | F::Exists | F::PartsRejected) => R::DoWithout,
        (_, F::Refused | F::Vanished | F::Exists | F::PartsRejected) => R::Refuse,
    }
}
