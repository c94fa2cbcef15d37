//! Inputs made of other inputs by chance, the same ones for the same seed.

use fastrand::Rng;

/// Words that readers look for, and numbers at which arithmetic breaks.
const WORDS: &[&str] = &[
    "<Part>",
    "</Part>",
    "<Error>",
    "<Code>",
    "<Upload>",
    "<Key>",
    "<Contents>",
    "<Bucket>",
    "<IsTruncated>true</IsTruncated>",
    "<!DOCTYPE a>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "&#0;",
    "&#x41;",
    "&amp;",
    "&quot;",
    "<?xml version=\"1.0\"?>",
    "\u{feff}",
    "%2e%2e",
    "%00",
    "%2F",
    "%",
    "//",
    "../",
    "\\",
    "?",
    "&",
    "=",
    "+",
    ":",
    "@",
    "[::1]",
    "oss-cn-hangzhou.aliyuncs.com",
    "-internal",
    "https://",
    "oss://",
    "\r\n",
    "\n\n",
    "\0",
    "\u{1b}[2J",
    "\u{202e}",
    "\u{e9}",
    "uploadId",
    "partNumber=",
    "uploads",
    "x-oss-",
    "Content-Length: ",
    "Transfer-Encoding: chunked",
    "Expect: 100-continue",
    "Range: bytes=",
    "OSS4-HMAC-SHA256 ",
    "[[fault]]",
    "at = 'any'",
    "do = 'delay'",
    "nth = ",
    "NoSuchUpload",
    "RequestTimeTooSkewed",
    "OSSJ",
    "0",
    "-1",
    "1",
    "10000",
    "10001",
    "65535",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "1e309",
    "0x10",
    "-9999-12-31T23:59:59Z",
    "9999-12-31T23:59:60Z",
];

/// Edges of integers of each width.
const EDGES: [u64; 8] = [0, 1, 0x7F, 0x80, 0xFFFF, 0x7FFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF, u64::MAX];

/// Makes inputs. Deterministic: seed and corpus are all that it depends on.
#[derive(Debug)]
pub struct Mutator {
    chance: Rng,
    longest: usize,
}

impl Mutator {
    /// Inputs of up to `longest` bytes.
    pub fn new(seed: u64, longest: usize) -> Self {
        Self { chance: Rng::with_seed(seed), longest }
    }

    /// One input, from the others. `corpus` may be empty.
    pub fn next(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.chance.choice(corpus).cloned().unwrap_or_default();
        for _ in 0..self.chance.usize(1..=6) {
            self.mutate(&mut input, corpus);
        }
        input.truncate(self.longest);
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.chance.usize(..=input.len());
        match self.chance.u8(..12) {
            0 => self.one_byte(input, |chance, byte| byte ^ (1 << chance.u8(..8))),
            1 => self.one_byte(input, |chance, _| chance.u8(..)),
            2 => self.one_byte(input, |chance, byte| byte.wrapping_add(chance.u8(..16)).wrapping_sub(8)),
            3 => input.truncate(at),
            4 => drop(input.drain(self.span(input.len()))),
            5 => {
                let piece = input[self.span(input.len())].to_vec();
                insert(input, at, &piece);
            }
            6 => {
                let other = self.chance.choice(corpus).cloned().unwrap_or_default();
                insert(input, at, &other[self.span(other.len())]);
            }
            7 => {
                let other = self.chance.choice(corpus).cloned().unwrap_or_default();
                input.truncate(at);
                input.extend_from_slice(&other[self.chance.usize(..=other.len())..]);
            }
            8 => {
                let word = self.word();
                insert(input, at, word);
            }
            9 => self.edge(input, at),
            10 => self.number(input),
            _ => {
                let noise: Vec<u8> = (0..self.chance.usize(1..9)).map(|_| self.chance.u8(..)).collect();
                insert(input, at, &noise);
            }
        }
    }

    fn word(&mut self) -> &'static [u8] {
        self.chance.choice(WORDS).map_or(&[], |word| word.as_bytes())
    }

    fn one_byte(&mut self, input: &mut [u8], change: impl FnOnce(&mut Rng, u8) -> u8) {
        if !input.is_empty() {
            let at = self.chance.usize(..input.len());
            input[at] = change(&mut self.chance, input[at]);
        }
    }

    /// Short ones more often than long ones.
    fn span(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.chance.usize(..=length);
        let most = (length - start).min(1 << self.chance.usize(1..12));
        start..start + self.chance.usize(..=most)
    }

    /// An integer over what is there.
    fn edge(&mut self, input: &mut [u8], at: usize) {
        let edge = EDGES[self.chance.usize(..EDGES.len())];
        let bytes = if self.chance.bool() { edge.to_le_bytes() } else { edge.to_be_bytes() };
        let width = 1 << self.chance.usize(..4);
        for (place, byte) in input.iter_mut().skip(at).zip(&bytes[..width]) {
            *place = *byte;
        }
    }

    /// Another number in the place of one in decimal digits.
    fn number(&mut self, input: &mut Vec<u8>) {
        let from = self.chance.usize(..=input.len());
        let digit = |byte: &u8| byte.is_ascii_digit();
        let Some(start) = input[from..].iter().position(digit).map(|start| from + start) else { return };
        let length = input[start..].iter().take_while(|byte| digit(byte)).count();
        let numbers = WORDS.iter().filter(|word| word.parse::<u128>().is_ok()).collect::<Vec<_>>();
        let number = numbers[self.chance.usize(..numbers.len())].as_bytes().to_vec();
        input.splice(start..start + length, number);
    }
}

fn insert(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    input.splice(at..at, piece.iter().copied());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_inputs_and_another_gives_others() {
        let corpus = [b"<Part>17</Part>".to_vec(), b"oss://demo/key".to_vec()];
        let inputs = |seed| {
            let mut mutator = Mutator::new(seed, 64);
            (0..500).map(|_| mutator.next(&corpus)).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
        assert!(inputs(1).iter().all(|input| input.len() <= 64));
        let distinct: std::collections::BTreeSet<_> = inputs(1).into_iter().collect();
        assert!(distinct.len() > 400, "{}", distinct.len());
    }

    #[test]
    fn nothing_to_begin_with_is_enough() {
        let mut mutator = Mutator::new(7, 1024);
        assert!((0..100).any(|_| !mutator.next(&[]).is_empty()));
    }
}
