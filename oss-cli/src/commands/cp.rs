//! `oss cp`: one file goes up, and the same command again goes on with what is missing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use oss_checkpoint::{Checkpoint, StoreError};
use oss_resumable::{
    Adopt, Failure as UploadFailure,
    driver::{BandwidthLimit, Receipt, ReceiptProof, UploadBuilder, UploadError, Uploader},
};

use crate::{
    args::{OnLocked, OnMismatch},
    bandwidth,
    compose::{self, Connection, Journals},
    exit::ExitStatus,
    failure::{Failure, with_causes},
    finished::Finished,
    hint::{self, Circumstances},
    late_retire::Waiting,
    output::say,
    progress::{Drawing, Pen, Snapshot},
    settings::{Copy, Global},
    stop::{self, Cause, Stop},
    watcher::{Memory, Watcher},
    wrong_object::{self, WrongObject},
};

/// Uploads one file.
///
/// # Errors
/// What failed; state is kept unless the failure says otherwise.
pub(crate) fn run(copy: &Copy, global: Global) -> Result<ExitStatus, Failure> {
    let waiting = Waiting::default();
    let ended = upload(copy, global, &waiting);
    // The last act: what is killed before it finds a journal that says how it ended.
    if let Err(error) = waiting.retire() {
        say(&format!("warning: the journal could not be removed: {}", with_causes(&error)));
    }
    ended
}

/// Runs the upload and tells its success; journals that are done with are left in `waiting`.
fn upload(copy: &Copy, global: Global, waiting: &Waiting) -> Result<ExitStatus, Failure> {
    let started = Instant::now();
    let cannot_start = |error: std::io::Error| {
        let failure = Failure::local(format!("cannot start: {error}"));
        failure.advised(|failure| hint::for_failure(failure, &Circumstances::default()))
    };
    let stop = Stop::listen(global.output, global.deadline).map_err(cannot_start)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot_start)?;
    let connection = Connection::make(&copy.service)?;
    let journals = compose::journals(&copy.checkpoint_dir, copy.lock, waiting);
    let uploader = connection.uploader(Arc::clone(&journals))?;

    let drawing = Drawing::begin(global.style);
    let (pen, memory) = (drawing.pen(), Memory::default());
    let bandwidth = {
        let _inside = runtime.enter();
        let limit = copy.bandwidth_limit.map(|rate| bandwidth::limit(rate, pen.clone()));
        limit.transpose().map_err(cannot_start)?
    };
    let run = Run { copy, uploader, journals, stop: &stop, pen, waiting, memory, bandwidth };
    let ended = runtime.block_on(run.to_its_end());
    let at = run.pen.at();
    let ended = match ended {
        Ok(receipt) => run.finish(&receipt).map(|()| Ended::Done(Box::new(receipt))),
        Err(UploadError::Paused) => Ok(Ended::Paused(stop.cause().unwrap_or(Cause::Signal))),
        Err(error) => {
            let circumstances = Circumstances {
                no_part_gets_through: run.memory.no_part_gets_through(),
                ..connection.circumstances(Some(copy.bucket.as_str()))
            };
            let wrong = wrong_object::of(&error);
            let failure = run.failure_of(error);
            let failure = match wrong {
                None => failure,
                Some(_) if copy.on_mismatch == OnMismatch::Keep => failure.with_hint(wrong_object::KEPT),
                Some(wrong) => Failure {
                    message: format!("{}; {}", failure.message, runtime.block_on(run.remove(wrong))),
                    ..failure
                },
            };
            let failure = failure.advised(|failure| hint::for_failure(failure, &circumstances));
            Err(Failure { kept: run.kept(failure.status), ..failure })
        }
    };
    stop.end(match &ended {
        Ok(Ended::Done(_)) => ExitStatus::Done,
        Ok(Ended::Paused(cause)) => cause.status(),
        Err(failure) => failure.status,
    });
    drop(drawing);
    // A read that hangs is left behind.
    runtime.shutdown_background();

    match ended {
        Ok(Ended::Done(receipt)) => {
            let finished = Finished { receipt: &receipt, resumed: at.resumed, took: started.elapsed() };
            global.output.done(|| finished.text(), || finished.json());
            Ok(ExitStatus::Done)
        }
        Ok(Ended::Paused(cause)) => {
            stop::tell(cause, Some(at), global.output);
            connection.leave();
            Ok(cause.status())
        }
        Err(failure) => Err(failure),
    }
}

/// How an upload ended that did not fail.
enum Ended {
    Done(Box<Receipt>),
    Paused(Cause),
}

/// One upload with all that belongs to it.
struct Run<'a> {
    copy: &'a Copy,
    uploader: Uploader,
    journals: Arc<Journals>,
    stop: &'a Stop,
    pen: Pen,
    /// Journals that are done with.
    waiting: &'a Waiting,
    memory: Memory,
    bandwidth: Option<BandwidthLimit>,
}

impl Run<'_> {
    async fn to_its_end(&self) -> Result<Receipt, UploadError> {
        if !self.copy.no_resume {
            return self.wait_for_the_lock(|| self.upload()).await;
        }
        self.give_up_the_former().await?;
        // What could not be aborted would be found again.
        self.wait_for_the_lock(|| self.upload().adopt(Adopt::Never)).await
    }

    /// Aborts what is unfinished, here and on the server, or forgets it here.
    async fn give_up_the_former(&self) -> Result<(), UploadError> {
        let aborted = self.wait_for_the_lock(|| {
            let upload = self.upload();
            upload.handle().abort();
            upload
        });
        match aborted.await {
            // Finished where it could not be given up any more: then there is nothing unfinished either.
            Ok(_) | Err(UploadError::Aborted) => Ok(self.waiting.retire()?),
            Err(UploadError::Failed(failure)) if !would_stop_any_upload(&failure) => {
                if let Some(id) = self.journals.forget()? {
                    self.pen.note(&format!(
                        "note: the former upload {id} could not be aborted, is forgotten here and may be left on the \
                         server: {failure}"
                    ));
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Runs an upload, again and again while another run has it and that is to be waited for.
    async fn wait_for_the_lock(&self, make: impl Fn() -> UploadBuilder) -> Result<Receipt, UploadError> {
        const PAUSE: Duration = Duration::from_millis(500);
        let mut told = false;
        loop {
            let upload = make();
            self.stop.attach(upload.handle());
            let holder = match upload.run().await {
                Err(UploadError::Locked { holder }) if self.copy.on_locked == OnLocked::Wait => holder,
                ended => return ended,
            };
            if self.stop.cause().is_some() {
                return Err(UploadError::Paused);
            }
            if !told {
                let now = jiff::Timestamp::now().as_second();
                let who = holder.map_or("another run".to_owned(), |holder| hint::describe(&holder, now));
                self.pen.note(&format!("note: waiting for {who}, which has this upload"));
                told = true;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn upload(&self) -> UploadBuilder {
        let copy = self.copy;
        let mut upload = self
            .uploader
            .upload_file(&copy.source, copy.bucket.clone(), copy.key.clone())
            .part_size(copy.part_size)
            .threshold(copy.threshold)
            .options(copy.options.clone())
            .default_content_type(&copy.guessed_content_type)
            .on_change(copy.on_change)
            .verify(copy.verify)
            .adopt(copy.adopt.clone())
            .observer(Watcher::new(self.pen.clone(), self.memory.clone()));
        if let Some(limit) = &self.bandwidth {
            upload = upload.bandwidth_limit(limit.clone());
        }
        if let Some(parallel) = copy.parallel {
            upload = upload.parallel(parallel);
        }
        if let Some(idle) = copy.give_up_after {
            upload = upload.give_up_after(idle);
        }
        upload
    }

    /// Writes the receipt, and sees whether success is enough.
    fn finish(&self, receipt: &Receipt) -> Result<(), Failure> {
        if let Some(place) = &self.copy.receipt {
            // It can still be had: the same command finds the journal and sends nothing.
            place.write(receipt).inspect_err(|_| self.waiting.leave())?;
        }
        if self.copy.require_proof && receipt.proof == ReceiptProof::None {
            return Err(Failure::new(
                ExitStatus::ProofFailed,
                "the object is stored, but the service states no checksum and --require-proof was given",
            ));
        }
        if let Some(why) = &receipt.callback_failed {
            let message = format!("the object is stored and proved, but the callback failed: {why}");
            return Err(Failure::new(ExitStatus::CallbackFailed, message));
        }
        Ok(())
    }

    /// Removes the wrong object that this run has made, and says what became of it.
    async fn remove(&self, wrong: WrongObject) -> String {
        wrong_object::remove(self.uploader.client(), &self.copy.bucket, &self.copy.key, wrong).await
    }

    /// What the same command goes on with behind such a failure.
    fn kept(&self, status: ExitStatus) -> Option<Snapshot> {
        let at = match status {
            ExitStatus::Refused | ExitStatus::Local => self.pen.at(),
            // It may have ended before the parts were looked at.
            ExitStatus::SourceChanged => Some(self.pen.at())
                .filter(|at| at.done > 0)
                .or_else(|| snapshot_of(&self.journals.standing()?))?,
            _ => return None,
        };
        Some(at).filter(|at| at.done > 0)
    }

    fn failure_of(&self, error: UploadError) -> Failure {
        match error {
            UploadError::Failed(failure) => {
                let mut failure = Failure::of_upload(&failure);
                if failure.part.is_none() {
                    failure.part = failure.refusal.as_ref().and_then(|refusal| self.memory.part_of(refusal));
                }
                failure
            }
            UploadError::Locked { holder } => Failure::of_store(&StoreError::Locked { holder }),
            UploadError::Store(error) => Failure::of_store(&error),
            UploadError::Source { path: _, source } => {
                Failure::local(format!("cannot read {}: {source}", self.copy.source.display()))
            }
            other => Failure::local(with_causes(&other)),
        }
    }
}

fn snapshot_of(checkpoint: &Checkpoint) -> Option<Snapshot> {
    let total = checkpoint.begun()?.stamp.len.get();
    let done = checkpoint.parts().map(|part| part.receipt.size.get()).sum();
    Some(Snapshot { total, done, resumed: done })
}

/// Whether a new upload would end as this one did, so that to forget what there is would gain nothing.
fn would_stop_any_upload(failure: &UploadFailure) -> bool {
    const OF_THE_CALLER: [&str; 6] = [
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidSecurityToken",
        "SecurityTokenExpired",
        "RequestTimeTooSkewed",
        "UserDisable",
    ];
    match failure {
        UploadFailure::Unreachable(_) | UploadFailure::NoProgress { .. } | UploadFailure::Local(_) => true,
        UploadFailure::Refused(fault) => {
            fault.refusal.as_ref().is_some_and(|refusal| OF_THE_CALLER.contains(&refusal.code.as_str()))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use oss_checkpoint::Crc64;
    use oss_resumable::{Fault, FaultClass, Refusal, Unproved};

    use super::*;

    #[test]
    fn a_former_upload_is_forgotten_only_if_a_new_one_may_end_otherwise() {
        let refused = |code: &str| {
            let refusal = Refusal { status: 403, code: code.to_owned(), ..Refusal::default() };
            let fault = Fault::new(FaultClass::Refused, "no");
            UploadFailure::Refused(Fault { refusal: Some(refusal.into()), ..fault })
        };
        let proof =
            UploadFailure::ProofFailed { what: Unproved::FoundObject, local: Crc64::EMPTY, server: None };
        for failure in [refused("AccessDenied"), refused("NoSuchUpload"), proof] {
            assert!(!would_stop_any_upload(&failure), "{failure}");
        }
        let unreachable = UploadFailure::Unreachable(Fault::new(FaultClass::Unreachable, "no"));
        for failure in [refused("InvalidAccessKeyId"), refused("SecurityTokenExpired"), unreachable] {
            assert!(would_stop_any_upload(&failure), "{failure}");
        }
    }
}
