//! Uploads of random shape, killed at random instants: `OSS_KILL_ROUNDS` says how often (200), `OSS_KILL_SEED` plays a single one
//! again.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::support::{Ended, Oss, PART, Running, Scene, contents, write_file};

/// Kills in all, over the tests of this file, unless the environment says another number.
const KILLS: u64 = 200;
/// Each of the tests takes every so many-th seed.
const SHARES: u64 = 4;
/// A file that was not written to for so long is at rest; the program says two seconds.
const AT_REST: Duration = Duration::from_millis(2100);
/// So many files are written before they are needed.
const AHEAD: usize = 16;
/// Most kills on the way of one upload.
const MOST_KILLS: u64 = 4;
/// So slow that an upload lasts some tenths of a second.
const SLOW: &str = "[[fault]]\nat = 'upload_part'\ndo = 'throttle'\nrate = '3M'\n\
                    [[fault]]\nat = 'put_object'\ndo = 'throttle'\nrate = '1M'\n";

/// Who dies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Victim {
    Client,
    Server,
    Both,
}

/// When.
#[derive(Clone, Copy, Debug)]
enum Instants {
    /// So long after the start.
    After(Duration),
    /// When the server has answered so many further requests.
    Requests(usize),
    /// When the journal has grown by so many bytes.
    Journal(u64),
}

/// What is uploaded, and how.
#[derive(Clone, Copy, Debug)]
struct Shape {
    length: usize,
    part: usize,
    parallel: usize,
    /// Whether the file has been at rest for so long that its times vouch for what was read of it.
    at_rest: bool,
}

/// What all rounds came to.
struct Figures {
    uploads: u64,
    kills: u64,
    /// Kills of a run that had sent something and had not finished.
    amid: u64,
    /// Bytes of parts that arrived twice.
    again: u64,
    /// Most of them in one upload.
    most_again: u64,
    /// The same in percent of what may be in flight at so many kills.
    most_share: u64,
    since: Option<Instant>,
}

static FIGURES: Mutex<Figures> = Mutex::new(Figures {
    uploads: 0,
    kills: 0,
    amid: 0,
    again: 0,
    most_again: 0,
    most_share: 0,
    since: None,
});

// Rows: 80, 135, 139, 148
#[test]
fn killed_at_any_instant_it_goes_on_and_sends_little_twice_1() {
    share(0);
}

// Rows: 80, 135, 139, 148
#[test]
fn killed_at_any_instant_it_goes_on_and_sends_little_twice_2() {
    share(1);
}

// Rows: 80, 135, 139, 148
#[test]
fn killed_at_any_instant_it_goes_on_and_sends_little_twice_3() {
    share(2);
}

// Rows: 80, 135, 139, 148
#[test]
fn killed_at_any_instant_it_goes_on_and_sends_little_twice_4() {
    share(3);
}

/// Kills until this share of the kills is reached.
fn share(first: u64) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    FIGURES.lock().unwrap_or_else(PoisonError::into_inner).since.get_or_insert_with(Instant::now);
    let folder = tempfile::tempdir().unwrap();
    if let Some(seed) = number("OSS_KILL_SEED") {
        if seed % SHARES == first {
            Round::play(Source::write(folder.path(), seed));
        }
        return;
    }
    let wanted = number("OSS_KILL_ROUNDS").unwrap_or(KILLS).div_ceil(SHARES);
    let mut seeds = (0..).map(|turn| first + SHARES * turn);
    let mut sources: VecDeque<Source> = VecDeque::new();
    let (mut kills, mut amid) = (0, 0);
    for _ in 0..2 * wanted + 20 {
        if kills >= wanted {
            break;
        }
        // Written well ahead, so that nobody waits for them to be at rest.
        sources.extend(
            seeds.by_ref().take(AHEAD - sources.len()).map(|seed| Source::write(folder.path(), seed)),
        );
        let round = Round::play(sources.pop_front().expect("there are sources ahead"));
        kills += round.kills;
        amid += round.amid;
    }
    assert!(kills >= wanted, "nearly every upload ended before it was killed");
    assert!(4 * amid >= kills, "only {amid} of {kills} kills hit a run that had something to lose");
    let figures = FIGURES.lock().unwrap_or_else(PoisonError::into_inner);
    println!(
        "{} uploads, {} kills, {} of them amid an upload; bytes sent again: {} a kill in the mean, {} an upload at most, \
         {} % of what may be in flight at most; {:.1} s",
        figures.uploads,
        figures.kills,
        figures.amid,
        figures.again / figures.kills.max(1),
        figures.most_again,
        figures.most_share,
        figures.since.map_or(0.0, |since| since.elapsed().as_secs_f64()),
    );
}

/// A file to upload. It is removed when this is dropped.
struct Source {
    seed: u64,
    /// What the seed has still to say.
    random: fastrand::Rng,
    shape: Shape,
    path: PathBuf,
    written: Instant,
}

impl Source {
    fn write(folder: &Path, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let shape = shape(&mut random);
        let path = folder.join(seed.to_string());
        write_file(&path, &contents(seed, shape.length));
        Self { seed, random, shape, path, written: Instant::now() }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// One upload, from nothing to its end, and those who die on the way.
struct Round {
    random: fastrand::Rng,
    shape: Shape,
    source: Source,
    scene: Scene,
    bytes: Vec<u8>,
    kills: u64,
    amid: u64,
    /// Who died when, for messages.
    told: Vec<String>,
}

impl Round {
    /// Plays it; where something is wrong, the message has the seed.
    fn play(source: Source) -> Self {
        let hint = Hint(source.seed);
        if source.shape.at_rest {
            thread::sleep(AT_REST.saturating_sub(source.written.elapsed()));
        }
        let (random, shape) = (source.random.clone(), source.shape);
        let bytes = fs::read(&source.path).unwrap();
        let scene = Scene::with_faults(SLOW);
        let mut round = Self { random, shape, source, scene, bytes, kills: 0, amid: 0, told: Vec::new() };
        round.run();
        round.judge();
        drop(hint);
        round
    }

    fn run(&mut self) {
        for _ in 0..self.random.u64(1..=MOST_KILLS) {
            if self.kill_one() {
                return;
            }
        }
        let ended = self.upload().run();
        self.expect_success(&ended);
    }

    /// Whether the upload is over with it.
    fn kill_one(&mut self) -> bool {
        let victim = match self.random.u8(0..10) {
            0..=5 => Victim::Client,
            6 | 7 => Victim::Server,
            _ => Victim::Both,
        };
        let instant = match self.random.u8(0..3) {
            0 => Instants::After(Duration::from_micros(self.random.u64(0..250_000))),
            1 => Instants::Requests(self.random.usize(1..14)),
            _ => Instants::Journal(self.random.u64(1..600)),
        };
        self.told.push(format!("{victim:?} {instant:?}"));
        let asked = self.scene.log().len();
        let mut running = self.upload().start();
        self.wait_for(instant, asked, &mut running);
        if victim == Victim::Server {
            if !running.is_alive() {
                let ended = running.wait();
                self.expect_success(&ended);
                return true;
            }
            self.scene.emulator.restart(SLOW);
            self.count(asked);
            let ended = running.wait();
            self.expect_success(&ended);
            return true;
        }
        let ended = running.kill();
        if !ended.was_killed() {
            self.expect_success(&ended);
            return true;
        }
        if ended.stdout.contains("proved by") {
            // What it said is true, and it is over: the same command would mean a new upload.
            self.scene.expect_object("object", &self.bytes);
            if self.scene.journals().is_empty() {
                return true;
            }
        }
        self.count(asked);
        if victim == Victim::Both {
            self.scene.emulator.restart(SLOW);
        }
        false
    }

    fn wait_for(&self, instant: Instants, asked: usize, running: &mut Running) {
        let begun = Instant::now();
        let before = self.journal_length();
        let come = |scene: &Scene| match instant {
            Instants::After(time) => begun.elapsed() >= time,
            Instants::Requests(more) => scene.log().len() >= asked + more,
            Instants::Journal(more) => self.journal_length() >= before + more,
        };
        while running.is_alive() && !come(&self.scene) {
            assert!(begun.elapsed() < Duration::from_mins(1), "nothing comes of {instant:?}");
            // A kill is to hit any instant, not only those at which something has come to a rest.
            thread::sleep(Duration::from_micros(300));
        }
    }

    fn journal_length(&self) -> u64 {
        self.scene.journals().iter().filter_map(|path| fs::metadata(path).ok()).map(|file| file.len()).sum()
    }

    fn count(&mut self, asked: usize) {
        self.kills += 1;
        self.amid += u64::from(self.scene.log().since(asked).data_bytes() > 0);
    }

    fn upload(&self) -> Oss {
        let Shape { part, parallel, .. } = self.shape;
        let oss = self.scene.oss().args(["cp", "--part-size", &part.to_string()]);
        let oss = oss.args(["--bigfile-threshold", &PART.to_string(), "--parallel", &parallel.to_string()]);
        oss.arg(&self.source.path).arg("oss://demo/object")
    }

    /// Exit code, words and object agree.
    fn expect_success(&self, ended: &Ended) {
        assert_eq!(ended.code(), Some(0), "{:?} {ended:#?}", self.told);
        assert!(ended.stdout.contains("proved by CRC-64"), "{ended:#?}");
        self.scene.expect_object("object", &self.bytes);
    }

    /// The object is the source, nothing is left, and little went twice.
    fn judge(&self) {
        self.scene.expect_object("object", &self.bytes);
        self.scene.expect_nothing_left();
        let Shape { length, part, parallel, .. } = self.shape;
        let most = self.kills * if length < PART { length } else { parallel * part } as u64;
        let log = self.scene.log();
        let completed = log.of("complete").filter(|request| request.applied).count();
        let again = log.data_bytes().saturating_sub(length as u64);
        assert!(
            again <= most && completed <= 1,
            "{again} bytes were sent again after {} kills of {:?}: {:?}\n{:#?}",
            self.kills,
            self.shape,
            self.told,
            log.in_short()
        );
        let mut figures = FIGURES.lock().unwrap_or_else(PoisonError::into_inner);
        figures.uploads += 1;
        figures.kills += self.kills;
        figures.amid += self.amid;
        figures.again += again;
        figures.most_again = figures.most_again.max(again);
        figures.most_share = figures.most_share.max(100 * again / most.max(1));
    }
}

/// Mostly some parts of some size with a short one at the end; sometimes one request, or parts that fit.
fn shape(random: &mut fastrand::Rng) -> Shape {
    let part = if random.bool() { PART } else { random.usize(PART..PART * 2) };
    let parts = random.usize(2..=16);
    let length = match random.u8(0..10) {
        0 => random.usize(0..PART),
        1 => parts * part,
        _ => (parts - 1) * part + random.usize(1..=part),
    };
    Shape { length, part, parallel: random.usize(1..=6), at_rest: random.bool() }
}

/// Says how a failed round is played again.
struct Hint(u64);

impl Drop for Hint {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("this was seed {0}; OSS_KILL_SEED={0} plays it again", self.0);
        }
    }
}
