//! Parts: which are there, which are sent, which are read again.

use std::time::Duration;

use oss_checkpoint::{Begun, Crc64, PartNumber, PartPlan, PartReceipt, Record, SourceStamp};

use super::{
    Next, Upload, ask,
    attempts::AGAIN,
    parts::{Held, PartTable},
    phase::{About, Attempt, Inspection, Listing, Phase, Transfer},
    react::Reaction,
    tickets::Work,
};
use crate::{
    Action, Failure, Fault, FaultClass, ListedPart, Moment, Note, OnChange, PartsPage, Unproved,
    UploadedPart, Verify,
};

/// A transport bears no longer silence amid a body.
const LONGEST_SILENCE: Duration = Duration::from_mins(1);
/// A part that takes long gets so many tries, however long each takes.
const LONG_TRIES: u32 = 3;

impl Upload {
    /// Goes on with an upload of which the server may hold parts.
    pub(super) fn transfer_listed(&mut self, begun: &Begun) {
        match PartPlan::new(begun.stamp.len, begun.part_size) {
            Ok(plan) => {
                self.table = Some(PartTable::unknown(plan));
                self.phase =
                    Phase::Transferring(Transfer { listing: Some(Listing::default()), inspecting: None });
            }
            Err(_) => self.start_over(),
        }
    }

    pub(super) fn advance_transfer(&mut self) -> Next {
        let now = self.now;
        let (Phase::Transferring(transfer), Some(table)) = (&mut self.phase, &mut self.table) else {
            return Next::Idle;
        };
        if let Some(inspection) = &mut transfer.inspecting
            && let Next::Act(action) =
                ask(&mut inspection.attempt, now, &mut self.tickets, Work::InspectSource)
        {
            return Next::Act(action);
        }
        if transfer.listing.is_none()
            && let Some(first) = table.next_to_ask(now)
        {
            let after = PartNumber::new(u64::from(first.get()) - 1).ok();
            transfer.listing = Some(Listing { attempt: Attempt::default(), after, about: About::Unsure });
        }
        if let Some(listing) = &mut transfer.listing
            && let Next::Act(Action::ListParts { ticket, .. }) =
                ask(&mut listing.attempt, now, &mut self.tickets, Work::ListParts)
        {
            return Next::Act(Action::ListParts { ticket, after: listing.after });
        }
        if transfer.inspecting.is_some() {
            // What would be read now might have to be read again.
            return Next::Idle;
        }
        let (sending, checking) = (
            self.tickets.count(|work| matches!(work, Work::UploadPart { .. })),
            self.tickets.count(|work| matches!(work, Work::ChecksumPart { .. })),
        );
        let generation = self.generation;
        if sending < self.width.parts(now) && self.patience.quiet_until() <= now {
            let only_fresh = !self.patience.has_budget()
                && self.tickets.count(
                    |work| matches!(work, Work::UploadPart { number, .. } if table.is_in_trouble(number)),
                ) > 0;
            if let Some(part) = table.next_to_send(now, only_fresh).and_then(|number| table.part(number)) {
                let ticket =
                    self.tickets.issue(Work::UploadPart { number: part.number, generation, since: now });
                return Next::Act(Action::UploadPart { ticket, part });
            }
        }
        if checking < usize::from(self.limits.checksums.get())
            && let Some(part) = table.next_to_check().and_then(|number| table.part(number))
        {
            let ticket = self.tickets.issue(Work::ChecksumPart { number: part.number, generation });
            return Next::Act(Action::ChecksumPart { ticket, part });
        }
        if table.all_done() && transfer.listing.is_none() && sending + checking == 0 {
            transfer.inspecting = Some(Inspection { seals: true, ..Inspection::default() });
            return Next::Moved;
        }
        Next::Idle
    }

    pub(super) fn on_parts(&mut self, page: PartsPage) {
        match &mut self.phase {
            Phase::Finding(_) => self.on_candidate_parts(page),
            Phase::Completing(_) => self.on_still_unfinished(),
            Phase::Transferring(transfer) => {
                let Some(listing) = transfer.listing.take() else { return };
                // A marker that does not move on would list the same page for ever.
                let next = page.next.filter(|next| Some(*next) > listing.after);
                if listing.about == About::Unsure {
                    self.settle_unsure(&page.parts, next);
                    return;
                }
                transfer.listing = next.map(|next| Listing { after: Some(next), ..Listing::default() });
                self.patience.progress(self.now);
                for part in page.parts {
                    self.on_listed(part);
                }
                self.send_unlisted(next);
            }
            _ => {}
        }
    }

    /// The server holds this. It counts when its size and CRC-64 are those of the local bytes.
    fn on_listed(&mut self, listed: ListedPart) {
        let Some(table) = &mut self.table else { return };
        let number = listed.number;
        let planned = table.part(number).map(|part| part.range.len);
        if !table.is_unknown(number) || planned != Some(listed.size) {
            return;
        }
        let local = self.checkpoint.part(number);
        let pinned = local.filter(|part| part.pinned && self.spec.verify != Verify::Full);
        let known = local.filter(|part| part.receipt.etag == listed.etag).map(|part| part.receipt.crc64);
        match (listed.crc64.or(known), pinned) {
            // The stamp vouches for the bytes that the journal's CRC-64 is of.
            (Some(held), Some(part)) if held == part.receipt.crc64 => {
                let renamed = part.receipt.etag != listed.etag;
                let receipt = PartReceipt { etag: listed.etag, ..part.receipt.clone() };
                table.done(number, true);
                self.unproved |= listed.crc64.is_none();
                if renamed {
                    self.record(Record::PartUploaded { receipt, at_rest: true });
                }
            }
            (Some(_), Some(_)) | (None, _) => table.send(number),
            (Some(_), None) if self.spec.verify == Verify::None => table.send(number),
            (Some(crc64), None) => {
                self.unproved |= listed.crc64.is_none();
                table.check(number, Held { crc64, etag: listed.etag, resumed: true });
            }
        }
    }

    /// What a page passed over is not there.
    fn send_unlisted(&mut self, upto: Option<PartNumber>) {
        let Some(table) = &mut self.table else { return };
        let from = self.listed_upto.map_or(0, |number| usize::from(number.get()));
        for number in table.plan().numbers().skip(from) {
            if upto.is_some_and(|upto| number > upto) {
                break;
            }
            if table.is_unknown(number) {
                table.send(number);
            }
        }
        self.listed_upto = upto;
    }

    /// Parts were sent, and nobody knows whether they are there: this page tells as far as it goes. Only those that are there
    /// are progress; a service that takes none could be asked for ever.
    fn settle_unsure(&mut self, listed: &[ListedPart], upto: Option<PartNumber>) {
        let Some(table) = &mut self.table else { return };
        for (number, sent) in table.take_asked(upto) {
            let planned = table.part(number).map(|part| part.range.len);
            let listed = listed.iter().find(|part| part.number == number);
            // Without a CRC-64 it may be what an earlier try left there, with other bytes.
            match listed.filter(|part| Some(part.size) == planned && part.crc64 == Some(sent)) {
                // The bytes are read once more, since the source may have changed while they went out.
                Some(part) if self.spec.verify != Verify::None => {
                    self.patience.progress(self.now);
                    table.check(number, Held { crc64: sent, etag: part.etag.clone(), resumed: false });
                }
                _ => table.send(number),
            }
        }
    }

    /// Parts may not be listed: what the journal knows stands, and Complete judges.
    pub(super) fn on_list_denied(&mut self, fault: Fault) {
        match &mut self.phase {
            Phase::Finding(_) => {
                self.note_once(Note::ListDenied(fault));
                self.drop_candidate();
            }
            Phase::Completing(_) => self.on_probe_denied(fault),
            Phase::Transferring(transfer) => {
                transfer.listing = None;
                self.unlistable = true;
                self.note_once(Note::ListDenied(fault));
                if let Some(table) = &mut self.table {
                    table.send_unsure();
                }
                // Once Complete has said that the parts are others, nobody knows which.
                let trusted = self.rejected == 0;
                let held: Vec<ListedPart> = self
                    .checkpoint
                    .parts()
                    .filter(|_| trusted)
                    .map(|part| ListedPart {
                        number: part.receipt.number,
                        size: part.receipt.size,
                        etag: part.receipt.etag.clone(),
                        crc64: Some(part.receipt.crc64),
                    })
                    .collect();
                for part in held {
                    self.on_listed(part);
                }
                self.send_unlisted(None);
            }
            _ => {}
        }
    }

    pub(super) fn on_part(&mut self, number: PartNumber, generation: u32, part: UploadedPart) {
        let Some(table) = &mut self.table else { return };
        if !table.is_sending(number) {
            return;
        }
        let Some(size) = table.part(number).map(|part| part.range.len) else { return };
        if let Some(server) = part.server.filter(|server| *server != part.local) {
            self.on_part_corrupted(number, part.local, server);
            return;
        }
        self.patience.progress(self.now);
        if part.server.is_none() {
            self.unproved = true;
            self.note_once(Note::Unproved);
        }
        let Some(etag) = part.etag else {
            self.on_nameless(number, part.local);
            return;
        };
        let Some(table) = &mut self.table else { return };
        let other_bytes = table.trouble(number).read.is_some_and(|read| read != part.local);
        let moved = self.stamp != Some(part.stamp);
        if generation == self.generation && !other_bytes && !moved {
            table.done(number, false);
            let receipt = PartReceipt { number, size, crc64: part.local, etag };
            self.record(Record::PartUploaded { receipt, at_rest: part.at_rest });
            return;
        }
        // It was read while the source changed: the server holds it, and only reading again tells whether it counts.
        if self.spec.verify == Verify::None {
            table.send(number);
        } else {
            table.check(number, Held { crc64: part.local, etag, resumed: false });
        }
        if generation == self.generation {
            self.inspect_again(other_bytes);
        }
    }

    /// How fast a part went says whether more at once would be faster.
    pub(super) fn count_arrival(&mut self, number: PartNumber, since: Moment) {
        self.width.accepted();
        let Some(table) = &self.table else { return };
        if let Some(part) = table.part(number).filter(|_| table.is_done(number)) {
            self.width.arrived(since, self.now, part.range.len.get(), table.open());
        }
    }

    /// The part is there, but the answer does not say what the server calls it, and Complete has to name it.
    fn on_nameless(&mut self, number: PartNumber, local: Crc64) {
        let Some(table) = &mut self.table else { return };
        let trouble = table.trouble(number);
        trouble.corrupted += 1;
        if self.unlistable || trouble.corrupted >= self.limits.corrupted_tries {
            let fault = Fault::new(FaultClass::Corrupted, "the answer to UploadPart has no ETag");
            self.fail(Failure::Unintelligible(fault));
        } else {
            table.ask(number, local, self.now);
        }
    }

    fn on_part_corrupted(&mut self, number: PartNumber, local: Crc64, server: Crc64) {
        let Some(table) = &mut self.table else { return };
        let trouble = table.trouble(number);
        trouble.corrupted += 1;
        let (corrupted, tries) = (trouble.corrupted, trouble.tries);
        trouble.tries += 1;
        if corrupted >= self.limits.corrupted_tries {
            self.fail(Failure::ProofFailed { what: Unproved::Part(number), local, server: Some(server) });
            return;
        }
        let fault = Fault::new(FaultClass::Corrupted, "a part arrived with another CRC-64");
        self.send_part_later(number, tries, fault);
    }

    /// A try that was cut amid its bytes after a long time had moved some all along, else it would have been given up before:
    /// that is no time without progress. Where it happens again and again, the part does not fit through.
    pub(super) fn count_long_try(&mut self, number: PartNumber, since: Moment, fault: &Fault) {
        let Some(table) = &mut self.table else { return };
        let is_long = self.now.since(since) >= self.limits.give_up_after.max(LONGEST_SILENCE);
        let cut = fault.class == FaultClass::Unanswered && fault.read.is_none();
        if is_long && cut && table.is_sending(number) && table.trouble(number).tries < LONG_TRIES {
            self.patience.moves(self.now);
        }
    }

    pub(super) fn on_part_failed(
        &mut self,
        number: PartNumber,
        generation: u32,
        reaction: Reaction,
        fault: Fault,
    ) {
        let current = generation == self.generation;
        let Some(table) = &mut self.table else { return };
        if !table.is_sending(number) {
            return;
        }
        let trouble = table.trouble(number);
        trouble.unanswered = fault.class == FaultClass::Unanswered;
        let tries = trouble.tries;
        let mut other_bytes = false;
        if let Some(read) = fault.read.filter(|_| current) {
            other_bytes = trouble.read.is_some_and(|before| before != read);
            trouble.read = Some(read);
        }
        if reaction != Reaction::Again {
            trouble.again = 0;
        }
        match reaction {
            Reaction::Retry => {
                trouble.tries += 1;
                self.send_part_later(number, tries, fault);
            }
            Reaction::SlowDown | Reaction::Shrink => {
                trouble.tries += 1;
                let at = if reaction == Reaction::Shrink {
                    self.wait_for_room()
                } else {
                    self.wait_for_service(tries, fault.after)
                };
                if let Some(table) = &mut self.table {
                    table.send_later(number, at);
                }
                if self.is_out_of_patience() {
                    self.give_in(fault);
                    return;
                }
            }
            Reaction::Again => {
                trouble.again += 1;
                if trouble.again > AGAIN {
                    self.fail(Failure::Refused(fault));
                    return;
                }
                table.send(number);
            }
            Reaction::RetryFew => {
                trouble.tries += 1;
                trouble.corrupted += 1;
                if trouble.corrupted >= self.limits.corrupted_tries {
                    self.fail(Failure::Unintelligible(fault));
                    return;
                }
                self.send_part_later(number, tries, fault);
            }
            Reaction::Reinspect => {
                table.send(number);
                if current {
                    self.inspect_again(true);
                }
                return;
            }
            Reaction::Vanished => {
                self.on_vanished(fault);
                return;
            }
            Reaction::Unreachable => {
                self.fail(Failure::Unreachable(fault));
                return;
            }
            Reaction::Local => {
                self.fail(Failure::Local(fault));
                return;
            }
            Reaction::Refuse
            | Reaction::Settle
            | Reaction::CountAsDone
            | Reaction::Exists
            | Reaction::Relist
            | Reaction::DoWithout => {
                self.fail(Failure::Refused(fault));
                return;
            }
        }
        if other_bytes {
            self.inspect_again(true);
        }
    }

    /// When a part may be tried again that this machine had no room for.
    fn wait_for_room(&mut self) -> Moment {
        let others = self.tickets.count(|work| matches!(work, Work::UploadPart { .. }));
        self.width.shrink(self.now, others);
        self.patience.wait_for_room(self.now, others)
    }

    fn send_part_later(&mut self, number: PartNumber, tries: u32, fault: Fault) {
        let Some(at) = self.next_try(tries, &fault) else {
            self.give_in(fault);
            return;
        };
        let Some(table) = &mut self.table else { return };
        let large = table.part(number).is_some_and(|part| part.range.len >= self.limits.ask_from);
        match fault.read {
            // All of it went out: asking is cheaper than sending.
            Some(sent) if fault.class == FaultClass::Unanswered && large && !self.unlistable => {
                table.ask(number, sent, at);
            }
            _ => table.send_later(number, at),
        }
    }

    pub(super) fn on_checksum(
        &mut self,
        number: PartNumber,
        generation: u32,
        crc64: Crc64,
        stamp: SourceStamp,
        at_rest: bool,
    ) {
        if matches!(self.phase, Phase::Finding(_)) {
            self.on_candidate_checksum(number, crc64, stamp, at_rest);
            return;
        }
        let Some(table) = &mut self.table else { return };
        let Some(held) = table.checked(number) else { return };
        let Some(size) = table.part(number).map(|part| part.range.len) else { return };
        if self.stamp != Some(stamp) || generation != self.generation {
            table.dropped(number);
            if generation == self.generation {
                self.inspect_again(false);
            }
            return;
        }
        self.patience.progress(self.now);
        if held.crc64 == crc64 {
            table.done(number, held.resumed);
            let receipt = PartReceipt { number, size, crc64, etag: held.etag };
            self.record(Record::PartUploaded { receipt, at_rest });
        } else {
            table.send(number);
            self.note(Note::PartDiffers(number));
        }
    }

    pub(super) fn on_checksum_failed(&mut self, number: PartNumber, reaction: Reaction, fault: Fault) {
        if matches!(self.phase, Phase::Finding(_)) {
            self.on_candidate_checksum_failed(reaction, fault);
        } else if reaction == Reaction::Reinspect {
            if let Some(table) = &mut self.table {
                table.dropped(number);
            }
            self.inspect_again(true);
        } else {
            self.fail(Failure::Local(fault));
        }
    }

    /// Has the source looked at before anything else is read. `suspect`: its bytes are others, whatever its stamp says.
    fn inspect_again(&mut self, suspect: bool) {
        if let Phase::Transferring(transfer) = &mut self.phase {
            let inspection = transfer.inspecting.get_or_insert_default();
            inspection.suspect |= suspect;
        }
    }

    /// The source has been looked at again.
    pub(super) fn on_inspected(&mut self, stamp: SourceStamp) {
        let Phase::Transferring(transfer) = &mut self.phase else { return };
        let Some(inspection) = transfer.inspecting.take() else { return };
        if inspection.suspect || self.stamp != Some(stamp) {
            self.on_source_changed(stamp);
        } else if inspection.seals {
            self.seal();
        }
    }

    fn on_source_changed(&mut self, stamp: SourceStamp) {
        self.rounds += 1;
        if self.spec.on_change == OnChange::Fail || self.rounds > self.limits.heal_rounds {
            self.fail(Failure::SourceChanged { rounds: self.rounds });
            return;
        }
        let old = self.table.as_ref().map(PartTable::plan);
        let plan = old.and_then(|old| PartPlan::new(stamp.len, old.part_size()).ok());
        let (OnChange::Heal, Some(plan)) = (self.spec.on_change, plan) else {
            self.start_over();
            return;
        };
        self.note(Note::SourceChanged);
        self.stamp = Some(stamp);
        self.generation += 1;
        self.record(Record::StampRenewed { stamp });
        let (Some(table), checkpoint) = (&mut self.table, &self.checkpoint) else { return };
        table.renew(plan, self.spec.verify != Verify::None, |number| {
            let receipt = &checkpoint.part(number)?.receipt;
            Some(Held { crc64: receipt.crc64, etag: receipt.etag.clone(), resumed: false })
        });
        let mut outdated = Vec::new();
        while let Some((ticket, _)) = self.tickets.take_any(|work| match work {
            Work::ChecksumPart { .. } => true,
            Work::UploadPart { number, .. } => !table.is_sending(number),
            _ => false,
        }) {
            outdated.push(ticket);
        }
        self.cancels.extend(outdated);
    }
}
