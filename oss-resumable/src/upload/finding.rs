//! Unfinished uploads of this key: our own whose Initiate was never answered, and those without a journal here.

use std::time::Duration;

use oss_checkpoint::{ByteCount, Crc64, PartNumber, PartPlan, PartReceipt, SourceStamp, UploadId};

use super::{
    Next, Upload, ask,
    phase::{Attempt, Examination, Finding, Fit, Phase},
    react::Reaction,
    tickets::Work,
};
use crate::{
    Action, Adopt, Failure, Fault, FoundUpload, ListedPart, Note, Outcome, PartsPage, Stop, UploadsPage,
};

/// How many candidates are looked at. More than a few unfinished uploads of one key are somebody's accident.
const MAX_CANDIDATES: usize = 16;

/// How far the local clock may be behind the server's, as OSS itself allows.
const SKEW: Duration = Duration::from_mins(15);

impl Upload {
    /// Looks for unfinished uploads of this key, or at the one that was named.
    pub(super) fn find(&mut self) {
        let mut finding = Finding::default();
        if let Some(chosen) = self.chosen() {
            finding.queue.push_back(FoundUpload { upload_id: chosen.clone(), initiated: None });
            finding.listed = true;
            finding.chosen = true;
        }
        self.phase = Phase::Finding(Box::new(finding));
    }

    /// The upload that the user has named, while it has not been taken.
    fn chosen(&self) -> Option<&UploadId> {
        match &self.spec.adopt {
            Adopt::This(chosen) if !self.known.contains(chosen) => Some(chosen),
            Adopt::This(_) | Adopt::Auto | Adopt::Never => None,
        }
    }

    /// Initiate was not answered: it may have been done.
    pub(super) fn on_initiate_unanswered(&mut self, fault: Fault) {
        let Some(at) = self.next_try(self.initiate_tries, &fault) else {
            self.give_in(fault);
            return;
        };
        self.initiate_tries += 1;
        self.phase = Phase::Finding(Box::new(Finding {
            attempt: Attempt { not_before: at, ..Attempt::default() },
            ..Finding::default()
        }));
    }

    pub(super) fn advance_finding(&mut self) -> Next {
        let Phase::Finding(finding) = &mut self.phase else { return Next::Idle };
        let Some(examining) = &mut finding.examining else {
            if !finding.listed {
                return ask(&mut finding.attempt, self.now, &mut self.tickets, Work::FindUploads);
            }
            match finding.queue.pop_front() {
                Some(upload) => finding.examining = Some(Examination::of(upload)),
                None => self.conclude(),
            }
            return Next::Moved;
        };
        let Some(plan) = examining.plan else {
            return match ask(&mut examining.attempt, self.now, &mut self.tickets, Work::ListParts) {
                Next::Act(Action::ListParts { ticket, .. }) => {
                    Next::Act(Action::ListParts { ticket, after: examining.after })
                }
                next => next,
            };
        };
        if let Some(part) = examining.parts.get(examining.next) {
            let Ok(range) = plan.range_of(part.number) else { return Next::Idle };
            if examining.reading >= self.limits.checksums.get() {
                return Next::Idle;
            }
            let work = Work::ChecksumPart { number: part.number, generation: self.generation };
            let part = crate::Part { number: part.number, range };
            examining.next += 1;
            examining.reading += 1;
            return Next::Act(Action::ChecksumPart { ticket: self.tickets.issue(work), part });
        }
        if examining.reading > 0 {
            return Next::Idle;
        }
        if let Some(Examination { upload, mut receipts, .. }) = finding.examining.take() {
            receipts.sort_by_key(|(receipt, _)| receipt.number);
            finding.fits.push(Fit { upload, plan, receipts });
        }
        Next::Moved
    }

    pub(super) fn on_uploads(&mut self, page: UploadsPage) {
        let intent = self.checkpoint.begun().map(|begun| begun.at);
        if intent.is_none() {
            self.patience.progress(self.now);
        }
        let Phase::Finding(finding) = &mut self.phase else { return };
        finding.attempt = Attempt::default();
        for upload in page.uploads {
            let worth_a_look = self.spec.adopt == Adopt::Auto || is_since(intent, &upload);
            if worth_a_look && !self.known.contains(&upload.upload_id) && finding.queue.len() < MAX_CANDIDATES
            {
                finding.queue.push_back(upload);
            }
        }
        // A marker that stands still would list the same page for ever.
        finding.listed = page.next.is_none() || page.next == finding.marker;
        finding.marker = page.next;
    }

    /// Unfinished uploads may not be listed: whatever there is stays as it is.
    pub(super) fn on_find_denied(&mut self, fault: Fault) {
        self.note_once(Note::FindDenied(fault));
        if self.has_intent() {
            self.untraced = self.checkpoint.begun().map(|begun| begun.at);
        }
        if let Phase::Finding(finding) = &mut self.phase {
            finding.listed = true;
            finding.queue.clear();
        }
    }

    /// A page of the parts of the candidate in hand.
    pub(super) fn on_candidate_parts(&mut self, page: PartsPage) {
        let Phase::Finding(finding) = &mut self.phase else { return };
        let Some(examining) = &mut finding.examining else { return };
        examining.attempt = Attempt::default();
        examining.parts.extend(page.parts);
        if let Some(next) = page.next.filter(|next| Some(*next) > examining.after) {
            examining.after = Some(next);
            return;
        }
        let len = self.stamp.map(|stamp| stamp.len).unwrap_or_default();
        if examining.parts.is_empty() {
            let intent = self.checkpoint.begun().map(|begun| begun.at);
            if let Some(Examination { upload, .. }) = finding.examining.take() {
                if finding.chosen || is_since(intent, &upload) {
                    finding.empties.push(upload);
                } else {
                    self.known.push(upload.upload_id);
                }
            }
        } else if let Some(plan) =
            infer_plan(len, &mut examining.parts).filter(|_| self.spec.adopt != Adopt::Never)
        {
            examining.plan = Some(plan);
        } else {
            self.drop_candidate();
        }
    }

    pub(super) fn on_candidate_checksum(
        &mut self,
        number: PartNumber,
        crc64: Crc64,
        stamp: SourceStamp,
        at_rest: bool,
    ) {
        if self.stamp != Some(stamp) {
            // What was read so far was of another file.
            self.cancel_all();
            self.phase = Phase::Inspecting { attempt: Attempt::default() };
            return;
        }
        let Phase::Finding(finding) = &mut self.phase else { return };
        let Some(examining) = &mut finding.examining else { return };
        examining.reading = examining.reading.saturating_sub(1);
        let listed = examining.parts.binary_search_by_key(&number, |part| part.number);
        let part = listed.ok().and_then(|at| examining.parts.get(at));
        match part {
            Some(part) if part.crc64 == Some(crc64) => {
                let receipt = PartReceipt { number, size: part.size, crc64, etag: part.etag.clone() };
                examining.receipts.push((receipt, at_rest));
                self.patience.progress(self.now);
            }
            // Of the one that was named, what differs is sent again.
            Some(_) if finding.chosen => {
                self.patience.progress(self.now);
            }
            _ => self.drop_candidate(),
        }
    }

    pub(super) fn on_candidate_checksum_failed(&mut self, reaction: Reaction, fault: Fault) {
        if reaction == Reaction::Reinspect {
            self.cancel_all();
            self.on_moved_early();
        } else {
            self.fail(Failure::Local(fault));
        }
    }

    /// The candidate in hand is not for this source, or cannot be looked at.
    pub(super) fn drop_candidate(&mut self) {
        self.cancel_work(|work| matches!(work, Work::ChecksumPart { .. } | Work::ListParts));
        if let Phase::Finding(finding) = &mut self.phase
            && let Some(examining) = finding.examining.take()
        {
            self.known.push(examining.upload.upload_id);
        }
    }

    /// All candidates have been looked at.
    fn conclude(&mut self) {
        let Phase::Finding(finding) = &mut self.phase else { return };
        let chosen = finding.chosen;
        let mut fits = std::mem::take(&mut finding.fits);
        let mut empties = std::mem::take(&mut finding.empties);
        if self.stop == Some(Stop::Abort) {
            // What somebody else began is not ours to abort.
            fits.clear();
        }
        if fits.is_empty() && empties.len() == 1 {
            let len = self.stamp.map(|stamp| stamp.len).unwrap_or_default();
            let begun = self.checkpoint.begun().and_then(|begun| PartPlan::new(len, begun.part_size).ok());
            let plan = begun.map_or_else(|| self.plan_for(len), Ok);
            if let (Ok(plan), Some(upload)) = (plan, empties.pop()) {
                fits.push(Fit { upload, plan, receipts: Vec::new() });
            }
        }
        if fits.len() == 1 {
            self.begin_upload(fits.pop().map(Box::new));
            return;
        }
        if let (true, Adopt::This(upload_id), None) = (chosen, &self.spec.adopt, self.stop) {
            let upload_id = upload_id.clone();
            self.fail(Failure::NotAdopted(upload_id));
            return;
        }
        if !fits.is_empty() {
            self.fail(Failure::Ambiguous(fits.into_iter().map(|fit| fit.upload.upload_id).collect()));
            return;
        }
        if !empties.is_empty() {
            let ids: Vec<_> = empties.into_iter().map(|upload| upload.upload_id).collect();
            self.known.extend(ids.iter().cloned());
            self.note(Note::Candidates(ids));
        }
        self.begin_unless_put();
    }

    /// A new upload, or one request where the source has become small meanwhile.
    fn begin_unless_put(&mut self) {
        if self.stop == Some(Stop::Abort) {
            self.retire(Outcome::Aborted);
            return;
        }
        let Some(stamp) = self.stamp else { return };
        if stamp.len == ByteCount::ZERO || stamp.len < self.spec.threshold {
            self.phase = Phase::Putting(super::phase::Putting::default());
        } else {
            self.begin_upload(None);
        }
    }
}

impl Examination {
    fn of(upload: FoundUpload) -> Self {
        Self {
            attempt: Attempt::default(),
            upload,
            after: None,
            parts: Vec::new(),
            plan: None,
            next: 0,
            reading: 0,
            receipts: Vec::new(),
        }
    }
}

/// Whether the upload may be the one that was meant to begin at `intent`.
fn is_since(intent: Option<i64>, upload: &FoundUpload) -> bool {
    let skew = i64::try_from(SKEW.as_secs()).unwrap_or(i64::MAX);
    match (intent, upload.initiated) {
        (Some(at), Some(initiated)) => initiated.unix() >= at.saturating_sub(skew),
        _ => false,
    }
}

/// The part size under which all listed parts are parts of a source of `len` bytes. Sorts them.
fn infer_plan(len: ByteCount, parts: &mut [ListedPart]) -> Option<PartPlan> {
    parts.sort_by_key(|part| part.number);
    let distinct = parts.windows(2).all(|pair| pair[0].number < pair[1].number);
    if !distinct || parts.iter().any(|part| part.crc64.is_none()) {
        return None;
    }
    let fits = |size: ByteCount| {
        PartPlan::new(len, size).ok().filter(|plan| {
            parts.iter().all(|part| plan.range_of(part.number).is_ok_and(|range| range.len == part.size))
        })
    };
    let largest = parts.iter().map(|part| part.size).max()?;
    fits(largest).or_else(|| {
        // Only the last part is there, and it is shorter than the others.
        let [last] = &*parts else { return None };
        let before = u64::from(last.number.get()) - 1;
        let rest = len.get().checked_sub(last.size.get())?;
        if before == 0 || rest % before != 0 {
            return None;
        }
        fits(ByteCount::new(rest / before))
    })
}
