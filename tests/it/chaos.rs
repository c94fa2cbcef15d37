//! Uploads over a network that does everything at once, by seed. Whatever happens: no false success, nothing lost, nothing left.
//!
//! A seed that fails is printed; `OSS_CHAOS_SEED=N` runs it alone, `OSS_CHAOS_RUNS=N` runs so many.

use std::{fmt::Write as _, thread, time::Duration};

use fastrand::Rng;

use crate::support::{BUCKET, Deed, Ended, Message, PART, Parting, Relay, RequestLog, Scene};

/// How many seeds are run unless told otherwise.
const RUNS: u64 = 100;

/// Seeds are shared out to so many tests, which run side by side.
const SHARES: u64 = 4;

/// How an upload may end on such a network: done, refused (a byte of the request was changed), without progress, not proved.
const ENDINGS: [i32; 4] = [0, 2, 3, 11];

/// What is said where the answer to Initiate is lost and asking is answered with a refusal: an upload without parts may be left
/// then, and nobody can know its id.
const UNTRACEABLE: [&str; 2] = ["may not be listed", "is gone from the server"];

/// How bad the network of one seed is.
struct Weather {
    seed: u64,
    /// How many of a hundred messages have something done to them.
    rate: u8,
    /// Which kinds of deeds there are; a bit each.
    kinds: u8,
}

impl Weather {
    fn of(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let rate = random.choice([3, 8, 15, 30, 50]).expect("there are some");
        // One seed in two has all kinds; the others have some, so that each is also seen without the rest.
        let kinds = if random.bool() { u8::MAX } else { random.u8(1..) };
        Self { seed, rate, kinds }
    }

    /// What happens to a message: it depends on the seed and on the message's place alone.
    fn deeds(&self, message: &Message) -> Vec<Deed> {
        let place = [message.connection as u64, message.turn as u64, message.side as u64];
        let mixed = place
            .iter()
            .fold(self.seed, |mixed, part| mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(part + 1));
        let mut random = Rng::with_seed(mixed);
        let mut deeds = Vec::new();
        while random.u8(0..100) < self.rate && deeds.len() < 3 {
            let kind = random.u8(0..6);
            if self.kinds & (1 << kind) != 0 {
                deeds.push(deed(kind, message, &mut random));
            }
        }
        deeds
    }
}

fn deed(kind: u8, message: &Message, random: &mut Rng) -> Deed {
    let millis = Duration::from_millis;
    // Heads are short and bodies long: half of all places are in the head.
    let place = |random: &mut Rng| {
        if random.bool() { random.usize(0..message.head) } else { random.usize(0..message.len()) }
    };
    match kind {
        0 => Deed::Delay(millis(random.u64(1..150))),
        1 => {
            let parting = if random.bool() { Parting::Reset } else { Parting::Close };
            Deed::Cut { after: random.usize(0..=message.len()), parting }
        }
        2 => Deed::Cut { after: place(random), parting: Parting::Reset },
        3 => Deed::Corrupt { at: place(random), mask: random.u8(1..) },
        4 => {
            let size = random.choice([1, 2, 7, 64, 1500]).expect("there are some");
            let up_to = (size * 200).min(message.len());
            Deed::Pieces { size, pause: Duration::from_micros(random.u64(0..800)), up_to }
        }
        _ => {
            // One in twelve outlasts the program's patience.
            let pause =
                if random.u8(0..12) == 0 { Duration::from_secs(4) } else { millis(random.u64(1..400)) };
            Deed::Stall { after: place(random), pause }
        }
    }
}

/// One upload over the network of this seed, to its end, and then a calm one if it failed.
fn run(seed: u64, scene: &Scene, endings: &mut [usize; ENDINGS.len()]) {
    let weather = Weather::of(seed);
    let relay = Relay::new(scene.emulator.address(), move |message| weather.deeds(message));
    let story = Story { seed, relay: &relay, scene };
    let mut random = Rng::with_seed(!seed);
    let length = match random.u8(0..5) {
        0 => random.usize(0..PART),
        _ => random.usize(PART..10 * PART),
    };
    let (name, key) = (format!("source-{seed}"), format!("object-{seed}"));
    let (path, bytes) = scene.file(&name, seed, length);
    let parallel = random.u8(1..=4).to_string();
    let upload = || -> Ended {
        let flags = ["--parallel", &parallel, "--give-up-after", "1s"];
        let upload = scene.cp(&path, &key).args(flags).env("OSS_ENDPOINT", relay.endpoint());
        // Every other one is as talkative as can be, and what it says is searched for secrets.
        if seed % 2 == 1 { upload.arg("-vv").env("OSS_LOG", "trace").run() } else { upload.run() }
    };
    let ended = upload();
    let code = ended.code().expect("nothing kills it");
    let ending = ENDINGS.iter().position(|known| *known == code);
    endings[ending.unwrap_or_else(|| panic!("exit code {code}: {ended:#?}"))] += 1;
    relay.calm_down();
    let mut said = ended.stderr.clone();
    if code != 0 {
        assert!(ended.stderr.contains("error: "), "{ended:#?}");
        let kept = kept(scene, &key, &bytes);
        let before = scene.log().len();
        let again = upload();
        assert_eq!(again.code(), Some(0), "after {ended:#?}\n{again:#?}");
        let sent = sent_by_the_next(&scene.log().since(before));
        assert!(
            sent.iter().all(|part| !kept.contains(part)),
            "of {kept:?} were sent again: {sent:?}, after {ended:#?}\n{again:#?}"
        );
        said.push_str(&again.stderr);
    }
    scene.expect_object(&key, &bytes);
    for id in scene.uploads_of(&key) {
        let parts = scene.back_door().parts(BUCKET, &key, &id);
        assert_eq!(parts, Vec::<u16>::new(), "an upload with parts is left: {id}\n{said}");
        let is_told = said.contains(&id) || UNTRACEABLE.iter().any(|words| said.contains(words));
        assert!(is_told, "upload {id} is left, and nobody was told\n{said}");
    }
    assert_eq!(scene.journals(), Vec::<std::path::PathBuf>::new(), "journals are left: {ended:#?}");
    drop(story);
}

/// The parts of the unfinished upload of this key that hold what they should; none if it is not clear which upload counts.
fn kept(scene: &Scene, key: &str, bytes: &[u8]) -> Vec<u16> {
    let [id] = &scene.uploads_of(key)[..] else { return Vec::new() };
    let parts: Vec<&[u8]> = bytes.chunks(PART).collect();
    let listed = scene.back_door().part_checksums(BUCKET, key, id).into_iter();
    let right = listed.filter(|(number, crc64)| {
        parts.get(usize::from(*number) - 1).is_some_and(|part| {
            let mut digest = crc64fast::Digest::new();
            digest.write(part);
            digest.sum64() == *crc64
        })
    });
    right.map(|(number, _)| number).collect()
}

/// The parts that a second run sent. What the first one had on its way when the network calmed down is written down late; it was
/// begun before anything that the second one asked.
fn sent_by_the_next(log: &RequestLog) -> Vec<u16> {
    let asked = log.iter().filter(|request| request.operation != "upload_part").map(|request| request.seq);
    let Some(first) = asked.min() else { return Vec::new() };
    let parts = log.of("upload_part").filter(|request| request.seq > first);
    parts.filter_map(|request| request.part).collect()
}

/// Tells of a run that fails what is needed to see it again.
struct Story<'a> {
    seed: u64,
    relay: &'a Relay,
    scene: &'a Scene,
}

impl Drop for Story<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let mut text = format!("seed {0} failed; again: OSS_CHAOS_SEED={0}\n", self.seed);
            for line in self.relay.log() {
                let _ = writeln!(text, "  {line}");
            }
            for line in self.scene.log().in_short() {
                let _ = writeln!(text, "    {line}");
            }
            eprintln!("{text}");
        }
    }
}

/// All seeds of one share.
fn share(number: u64) {
    let chosen = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seeds: Vec<u64> = match chosen("OSS_CHAOS_SEED") {
        Some(seed) if seed % SHARES == number => vec![seed],
        Some(_) => Vec::new(),
        None => {
            (0..chosen("OSS_CHAOS_RUNS").unwrap_or(RUNS)).filter(|seed| seed % SHARES == number).collect()
        }
    };
    let mut endings = [0; ENDINGS.len()];
    for batch in seeds.chunks(50) {
        let scene = Scene::new();
        for seed in batch {
            run(*seed, &scene, &mut endings);
        }
    }
    println!("share {number}: {} runs, exit codes {ENDINGS:?}: {endings:?}", seeds.len());
}

// Rows: 6, 7, 8, 12, 14, 36, 46, 47, 48, 49, 51
#[test]
fn any_weather_ends_in_the_object_or_in_what_can_be_resumed_first_share() {
    share(0);
}

// Rows: 6, 7, 8, 12, 14, 36, 46, 47, 48, 49, 51
#[test]
fn any_weather_ends_in_the_object_or_in_what_can_be_resumed_second_share() {
    share(1);
}

// Rows: 6, 7, 8, 12, 14, 36, 46, 47, 48, 49, 51
#[test]
fn any_weather_ends_in_the_object_or_in_what_can_be_resumed_third_share() {
    share(2);
}

// Rows: 6, 7, 8, 12, 14, 36, 46, 47, 48, 49, 51
#[test]
fn any_weather_ends_in_the_object_or_in_what_can_be_resumed_fourth_share() {
    share(3);
}
