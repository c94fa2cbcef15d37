//! What the tests stand on: a scene with the emulator in another process, the program, files, and a second reading of what is
//! stored.

mod back_door;
mod canary;
mod emulator_process;
mod files;
mod front;
mod program;
mod recorder;
mod relay;
mod request_log;
mod scene;
mod wait;

pub(crate) use back_door::{BackDoor, encoded};
pub(crate) use canary::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, PROXY_PASSWORD, SECURITY_TOKEN};
pub(crate) use files::{contents, keep_times, write_file};
pub(crate) use front::{Answered, Front};
pub(crate) use program::{Ended, Oss, Running};
pub(crate) use recorder::{Recorded, Recorder};
pub(crate) use relay::{Deed, Message, Parting, Relay, Side};
pub(crate) use request_log::RequestLog;
pub(crate) use scene::{BUCKET, PART, Scene};
pub(crate) use wait::{eventually, until};
