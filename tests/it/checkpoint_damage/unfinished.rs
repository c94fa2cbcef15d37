//! Uploads that stop half way, each with a journal in a directory of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::{BUCKET, Ended, Oss, PART, Scene};

/// Bytes of the source: twelve whole parts and a short one.
const LENGTH: usize = 12 * PART + 77;

/// A server at which the first try of part 8 of each of these keys is refused.
pub(super) struct Unfinished {
    pub(super) scene: Scene,
    pub(super) path: PathBuf,
    bytes: Vec<u8>,
}

impl Unfinished {
    pub(super) fn new(keys: &[String]) -> Self {
        let rule = |key: &String| {
            format!(
                "[[fault]]\nat = 'upload_part'\nkey = '{key}'\npart = 8\nnth = 1\ndo = 'refuse'\nstatus = 403\ncode = 'AccessDenied'\n"
            )
        };
        let scene = Scene::with_faults(&keys.iter().map(rule).collect::<String>());
        let (path, bytes) = scene.file("source", 11, LENGTH);
        Self { scene, path, bytes }
    }

    /// `oss cp` to that key, with journals in a directory of its own.
    pub(super) fn cp(&self, key: &str) -> Oss {
        self.scene.cp(&self.path, key).arg("--checkpoint-dir").arg(self.directory(key))
    }

    pub(super) fn directory(&self, key: &str) -> PathBuf {
        self.scene.path("journals").join(key)
    }

    /// Uploads until part 8 is refused, and gives the journal.
    #[track_caller]
    pub(super) fn stop(&self, key: &str) -> PathBuf {
        self.cp(key).run().expect(2);
        let [journal] = &journals_in(&self.directory(key))[..] else { panic!("one journal is kept") };
        journal.clone()
    }

    /// Goes on with it, whatever has become of the journal: the object is right, nothing is left, and no part is sent again that
    /// the server has.
    #[track_caller]
    pub(super) fn finishes(&self, key: &str) -> Ended {
        let kept = self.kept(key);
        assert!(!kept.is_empty(), "{key}: some parts are there");
        let seen = self.scene.log().len();
        let ended = self.cp(key).run().expect(0);
        self.is_done(key);
        let log = self.scene.log().since(seen);
        // A part of the run before may be noted late: this one asks before it sends.
        let asks = log.operations().iter().position(|operation| operation.starts_with("list_"));
        let log = log.since(asks.unwrap_or_default());
        let again = log.parts_sent();
        let doubled: Vec<&u16> = again.iter().filter(|part| kept.contains(part)).collect();
        assert!(doubled.is_empty(), "{key}: {doubled:?} went again\n{ended:#?}\n{:?}", log.operations());
        assert_eq!(log.count("initiate"), 0, "{key}: the upload is found again");
        ended
    }

    #[track_caller]
    pub(super) fn is_done(&self, key: &str) {
        self.scene.expect_object(key, &self.bytes);
        assert_eq!(self.scene.uploads_of(key), [""; 0], "{key}: an upload is left");
        assert!(journals_in(&self.directory(key)).is_empty(), "{key}: a journal is left");
    }

    /// Says that it is refused with exit code 3, in words that name the file, before anything is asked of the server.
    #[track_caller]
    pub(super) fn is_refused(&self, key: &str, file: &Path) -> Ended {
        let seen = self.scene.log().len();
        let ended = self.cp(key).run().expect(3);
        ended.says(&file.display().to_string()).says("hint: ");
        // Parts of the run before may be noted late.
        let log = self.scene.log().since(seen);
        let asked: Vec<&str> =
            log.operations().into_iter().filter(|operation| *operation != "upload_part").collect();
        assert_eq!(asked, [""; 0], "{key}: something was asked");
        ended
    }

    /// Parts that the server has.
    #[track_caller]
    fn kept(&self, key: &str) -> Vec<u16> {
        let [id] = &self.scene.uploads_of(key)[..] else { panic!("{key}: one upload is kept") };
        self.scene.back_door().parts(BUCKET, key, id)
    }
}

/// Names ending in `.ossj`.
pub(super) fn journals_in(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "ossj")).collect()
}
