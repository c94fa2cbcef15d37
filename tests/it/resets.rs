//! A reset at every byte of every head and answer, and at places all over a body: each run ends in the object, and says so.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use crate::support::{Deed, Message, PART, Parting, Relay, Scene, Side};

/// Uploads under way at once: most of each is a pause before a retry.
const AT_ONCE: usize = 16;
/// The second part is short.
const LENGTH: usize = PART + 4321;
const SMALL: usize = 3000;
/// No head, and no answer, is so long.
const MOST_BYTES: usize = 2000;
/// Places of a body.
const PLACES: usize = 64;

/// Which bytes of which messages end their connection.
type Place = fn(&Message, usize) -> Option<usize>;

fn head_of_request(message: &Message, byte: usize) -> Option<usize> {
    // The body of a Complete is as short as a head.
    let length = if message.operation == "complete" { message.len() } else { message.head };
    (message.side == Side::Request && byte < length).then_some(byte)
}

fn answer(message: &Message, byte: usize) -> Option<usize> {
    (message.side == Side::Answer && byte < message.len()).then_some(byte)
}

fn body_of_request(message: &Message, place: usize) -> Option<usize> {
    let in_body = message.body * place / PLACES;
    (message.side == Side::Request && message.body >= SMALL && place < PLACES)
        .then_some(message.head + in_body)
}

/// Uploads of a file in two parts and of one in a single request, for each number from 0 on: of each operation the first message in
/// question is cut there, until none is so long.
fn check(place: Place) {
    let scene = Scene::new();
    let (_, large) = scene.file("large", 1, LENGTH);
    let (_, small) = scene.file("small", 2, SMALL);
    let (next, resets) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    assert!(number < MOST_BYTES, "a message of more bytes");
                    let cut = upload(&scene, "large", &large, place, number)
                        + upload(&scene, "small", &small, place, number);
                    resets.fetch_add(cut, Ordering::SeqCst);
                    if cut == 0 {
                        return;
                    }
                }
            });
        }
    });
    scene.expect_nothing_left();
    let log = scene.log();
    for number in 0..next.into_inner() {
        for (name, bytes) in [("large", &large), ("small", &small)] {
            let log = log.of_key(&key(name, number));
            // One part, or the small object, was on its way when its connection ended.
            let most = bytes.len() + bytes.len().min(PART);
            assert!(log.data_bytes() <= most as u64, "{number}: {:#?}", log.in_short());
        }
    }
    println!("{} resets", resets.load(Ordering::SeqCst));
}

fn key(name: &str, number: usize) -> String {
    format!("{name}-{number}")
}

/// How often it was cut.
fn upload(scene: &Scene, name: &str, bytes: &[u8], place: Place, number: usize) -> usize {
    let relay = Relay::new(scene.emulator.address(), move |message| {
        let after = place(message, number).filter(|_| message.nth == 0);
        after.map(|after| Deed::Cut { after, parting: Parting::Reset }).into_iter().collect()
    });
    let key = key(name, number);
    let upload =
        scene.cp(&scene.path(name), &key).args(["--parallel", "1"]).env("OSS_ENDPOINT", relay.endpoint());
    let ended = upload.run();
    let log = || (relay.log(), scene.log().of_key(&key).in_short());
    assert_eq!(ended.code(), Some(0), "{ended:#?} {:#?}", log());
    assert!(ended.stdout.contains("proved by CRC-64"), "{ended:#?}");
    scene.expect_object(&key, bytes);
    assert_eq!(scene.uploads_of(&key), Vec::<String>::new(), "{ended:#?} {:#?}", log());
    relay.log().len()
}

// Rows: 6, 7, 15
#[test]
fn a_reset_at_every_byte_of_every_request_head_costs_a_retry() {
    check(head_of_request);
}

// Rows: 8, 46, 47, 48, 49, 50, 51
#[test]
fn a_reset_at_every_byte_of_every_answer_costs_a_question() {
    check(answer);
}

// Rows: 6, 7
#[test]
fn a_reset_at_sixty_four_places_of_a_body_costs_that_body() {
    check(body_of_request);
}
