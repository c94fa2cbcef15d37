//! What users of the machine rely on beyond its behaviour: sizes, and that it can be sent and shared.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::panic::{RefUnwindSafe, UnwindSafe};

use oss_checkpoint::{BucketName, Checkpoint, Job, ObjectKey, ServiceName};
use oss_resumable::{Action, Event, Limits, Moment, Outcome, Step, Stop, Upload, UploadSpec};

fn spec() -> UploadSpec {
    let job = Job {
        service: ServiceName::new("local").unwrap(),
        bucket: BucketName::new("bucket").unwrap(),
        key: ObjectKey::new("key").unwrap(),
        source: b"/source".to_vec(),
    };
    UploadSpec::new(job, "oss.example", 0)
}

#[test]
fn an_action_is_small_and_carries_nothing() {
    fn is_copy<T: Copy>() {}
    is_copy::<Action>();
    is_copy::<Step>();
    assert!(size_of::<Action>() <= 40, "{}", size_of::<Action>());
    assert!(size_of::<Step>() <= 40, "{}", size_of::<Step>());
}

#[test]
fn an_upload_can_be_sent_shared_and_survive_a_panic_elsewhere() {
    fn is_free<T: Send + Sync + UnwindSafe + RefUnwindSafe + 'static>() {}
    is_free::<Upload>();
    is_free::<Event>();
    is_free::<Outcome>();
}

#[test]
fn an_empty_history_is_a_beginning() {
    let mut begun = Upload::begin(spec(), Limits::default());
    let mut resumed = Upload::resume(Checkpoint::new(), spec(), Limits::default());
    assert_eq!(begun.poll(Moment::START), resumed.poll(Moment::START));
}

#[test]
fn polling_again_behind_the_end_is_still_the_end() {
    let mut upload = Upload::begin(spec(), Limits::default());
    upload.handle(Event::StopRequested(Stop::Pause), Moment::START);
    for _ in 0..3 {
        assert_eq!(upload.poll(Moment::START), Step::Done);
        assert_eq!(upload.outcome(), Some(&Outcome::Paused));
    }
}
