//! A folder with an emulator, and the program pointed at it.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};

use super::{
    back_door::BackDoor,
    canary::{self, ACCESS_KEY_ID, ACCESS_KEY_SECRET},
    emulator_process::EmulatorProcess,
    files,
    program::{Oss, Running},
    request_log::RequestLog,
    wait::until,
};

/// The bucket of every scene.
pub(crate) const BUCKET: &str = "demo";

/// Size of a part unless a test says another: the smallest that OSS takes.
pub(crate) const PART: usize = 100 << 10;

/// A folder with an emulator in another process. All of it is gone when this is dropped, which is when every file in it is
/// searched for secrets.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) emulator: EmulatorProcess,
    back_door: OnceLock<BackDoor>,
    folder: TempDir,
    /// Key pairs that the emulator knows, outside of what is searched for secrets.
    _keys: NamedTempFile,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with("", &[])
    }

    /// With an emulator that misbehaves as this script says.
    pub(crate) fn with_faults(script: &str) -> Self {
        Self::with(script, &[])
    }

    /// With further arguments for `oss emulate`.
    pub(crate) fn with(script: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut keys = NamedTempFile::new().unwrap();
        writeln!(keys, "{ACCESS_KEY_ID}:{ACCESS_KEY_SECRET}").unwrap();
        let file = keys.path().to_str().expect("names of temporary files are ASCII").to_owned();
        let arguments = [&["--access-key-file", &file], arguments].concat();
        let emulator = EmulatorProcess::start(&folder.path().join("server"), script, &arguments);
        Self { emulator, back_door: OnceLock::new(), folder, _keys: keys }
    }

    /// Where everything lies; it is the program's home and its current folder too.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// A file with the contents that `seed` gives, and those.
    pub(crate) fn file(&self, name: &str, seed: u64, length: usize) -> (PathBuf, Vec<u8>) {
        let (path, bytes) = (self.path(name), files::contents(seed, length));
        files::write_file(&path, &bytes);
        (path, bytes)
    }

    pub(crate) fn checkpoint_dir(&self) -> PathBuf {
        self.path("state/oss/uploads")
    }

    /// The journals of unfinished uploads.
    pub(crate) fn journals(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.checkpoint_dir()) else { return Vec::new() };
        let mut journals: Vec<PathBuf> = entries
            .map(|entry| entry.unwrap())
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "ossj"))
            .collect();
        journals.sort();
        journals
    }

    /// Starts an upload and returns when all its parts but `missing`, which hangs at the server, are up and the program knows it.
    /// The emulator is to be restarted before anything else is asked of it.
    pub(crate) fn start_all_but(
        &mut self,
        missing: u16,
        upload: impl FnOnce(&Self) -> Oss,
        parts: u16,
    ) -> Running {
        let hang = format!("[[fault]]\nat = 'upload_part'\npart = {missing}\ndo = 'delay'\nfor = '1h'\n");
        self.emulator.restart(&hang);
        let running = upload(self).start();
        until("all parts but one are up", || self.parts_in_journal_of(running.id()) == Some(parts - 1));
        running
    }

    /// How many parts the journal has that this process holds.
    fn parts_in_journal_of(&self, process: u32) -> Option<u16> {
        let listed = self.oss().args(["jobs", "ls", "--output-format", "json"]).run();
        let jobs = listed.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let held = jobs
            .filter(|job| job["held_by"]["pid"] == process)
            .find_map(|job| job["parts_uploaded"].as_u64());
        held.and_then(|parts| parts.try_into().ok())
    }

    /// The program, pointed at the emulator with a key pair that it knows.
    pub(crate) fn oss(&self) -> Oss {
        self.oss_at(&format!("http://{}", self.emulator.address()))
    }

    /// The program, pointed at another endpoint.
    pub(crate) fn oss_at(&self, endpoint: &str) -> Oss {
        Oss::new(self.folder())
            .env("OSS_ENDPOINT", endpoint)
            .env("OSS_REGION", "cn-hangzhou")
            .env("OSS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .env("OSS_ACCESS_KEY_SECRET", ACCESS_KEY_SECRET)
    }

    /// `oss cp FILE oss://demo/KEY` with parts and a threshold of [`PART`] bytes.
    pub(crate) fn cp(&self, path: &Path, key: &str) -> Oss {
        let size = PART.to_string();
        self.oss()
            .args(["cp", "--part-size", &size, "--bigfile-threshold", &size])
            .arg(path)
            .arg(format!("oss://{BUCKET}/{key}"))
    }

    pub(crate) fn log(&self) -> RequestLog {
        RequestLog::read(&self.path("server/requests.jsonl"))
    }

    /// The second reading of what is stored.
    pub(crate) fn back_door(&self) -> &BackDoor {
        self.back_door.get_or_init(|| BackDoor::open(&self.path("server")))
    }

    /// Says that the object is there and is `bytes`.
    #[track_caller]
    pub(crate) fn expect_object(&self, key: &str, bytes: &[u8]) {
        let object =
            self.back_door().object(BUCKET, key).unwrap_or_else(|| panic!("there is no object {key:?}"));
        assert_eq!(object.len(), bytes.len(), "the object {key:?} has another size");
        let differs = object.iter().zip(bytes).position(|(stored, meant)| stored != meant);
        assert_eq!(differs, None, "the object {key:?} differs at this offset");
    }

    /// Says that there is no such object.
    #[track_caller]
    pub(crate) fn expect_no_object(&self, key: &str) {
        assert!(self.back_door().object(BUCKET, key).is_none(), "there is an object {key:?}");
    }

    /// Ids of the unfinished uploads of a key.
    pub(crate) fn uploads_of(&self, key: &str) -> Vec<String> {
        let uploads = self.back_door().uploads(BUCKET).into_iter();
        uploads.filter(|(of, _)| of == key).map(|(_, id)| id).collect()
    }

    /// Says that nothing is left to pay for.
    #[track_caller]
    pub(crate) fn expect_nothing_left_on_the_server(&self) {
        assert_eq!(self.back_door().uploads(BUCKET), [], "uploads are left on the server");
    }

    /// Says that nothing is left to pay for and nothing to go on with: no upload on the server, no journal here.
    #[track_caller]
    pub(crate) fn expect_nothing_left(&self) {
        self.expect_nothing_left_on_the_server();
        assert_eq!(self.journals(), Vec::<PathBuf>::new(), "journals are left");
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            canary::expect_none_below(self.folder());
        }
    }
}
