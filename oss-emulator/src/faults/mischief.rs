//! Which rules fire at a request, and what they ask for together.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::action::Action;
use super::script::{Occurrence, Per, Rule, Script, Target};
use crate::route::Operation;

/// A script with its counts.
#[derive(Debug)]
pub(crate) struct Rules {
    rules: Vec<(Rule, Mutex<Counts>)>,
}

/// How many requests a rule has looked at.
type Counts = HashMap<Counted, u64>;

/// What is counted together: all requests of a rule, or those for one part of one key.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Counted {
    All,
    Part { key: String, number: u16 },
}

impl Rules {
    pub(crate) fn new(script: Script) -> Self {
        Self { rules: script.rules.into_iter().map(|rule| (rule, Mutex::default())).collect() }
    }

    /// Counts the request at every rule that looks at it, and gathers what fires, in the order of the script.
    pub(crate) fn fire(&self, operation: Operation, key: Option<&str>, part: Option<u16>) -> Mischief {
        let mut mischief = Mischief::default();
        for (rule, counts) in &self.rules {
            if !rule.target.covers(operation, key, part) {
                continue;
            }
            let counted = match (rule.per, key, part) {
                (Per::Part, Some(key), Some(number)) => Counted::Part { key: key.to_owned(), number },
                _ => Counted::All,
            };
            let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(counted).or_default();
            *count += 1;
            if rule.occurrence.is_now(*count) {
                mischief.names.push(rule.name.clone());
                mischief.actions.push(rule.action.clone());
            }
        }
        mischief
    }
}

impl Target {
    fn covers(&self, operation: Operation, key: Option<&str>, part: Option<u16>) -> bool {
        self.operation.is_none_or(|wanted| wanted == operation)
            && self.part.is_none_or(|wanted| part == Some(wanted))
            && self.key.as_deref().is_none_or(|wanted| key == Some(wanted))
    }
}

impl Occurrence {
    /// `count` is 1 at the first request that the rule looks at.
    fn is_now(&self, count: u64) -> bool {
        match self {
            Self::Always => true,
            Self::Nth(range) => range.contains(&count),
            Self::Every(every) => count.is_multiple_of(*every),
            Self::Chance { probability, seed } => {
                share(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ count) < *probability
            }
        }
    }
}

/// A number in 0 to 1 that depends on `seed` alone, evenly spread over consecutive seeds (SplitMix64).
fn share(seed: u64) -> f64 {
    let mut mixed = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    let high = u32::try_from((mixed ^ mixed >> 31) >> 32).expect("32 bits are left");
    f64::from(high) / (f64::from(u32::MAX) + 1.0)
}

/// What the rules that fired at one request ask for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mischief {
    pub(crate) names: Vec<String>,
    pub(crate) actions: Vec<Action>,
}

impl Mischief {
    /// The first action that `choose` takes.
    pub(crate) fn find<'a, T>(&'a self, choose: impl FnMut(&'a Action) -> Option<T>) -> Option<T> {
        self.actions.iter().find_map(choose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firing(rule: &str, requests: u64) -> Vec<u64> {
        let script = Script::parse(&format!("[[fault]]\nat = 'upload_part'\ndo = 'no-act'\n{rule}")).unwrap();
        let rules = Rules::new(script);
        (1..=requests)
            .filter(|_| !rules.fire(Operation::UploadPart, Some("k"), Some(3)).actions.is_empty())
            .collect()
    }

    #[test]
    fn a_rule_fires_when_it_says_so() {
        assert_eq!(firing("", 3), [1, 2, 3]);
        assert_eq!(firing("nth = 2", 4), [2]);
        assert_eq!(firing("nth = '2..3'", 4), [2, 3]);
        assert_eq!(firing("nth = '3..'", 4), [3, 4]);
        assert_eq!(firing("every = 2", 5), [2, 4]);
        assert_eq!(firing("part = 3\nkey = 'k'", 1), [1]);
        assert_eq!(firing("part = 4", 1), [0_u64; 0]);
        assert_eq!(firing("key = 'other'", 1), [0_u64; 0]);
        assert_eq!(firing("probability = 0.0", 9), [0_u64; 0]);
        assert_eq!(firing("probability = 1.0", 2), [1, 2]);
    }

    #[test]
    fn a_rule_can_count_for_each_part() {
        let script =
            Script::parse("[[fault]]\nat = 'upload_part'\ndo = 'no-act'\nper = 'part'\nnth = 1").unwrap();
        let rules = Rules::new(script);
        let is_hurt =
            |key, part| !rules.fire(Operation::UploadPart, Some(key), Some(part)).actions.is_empty();
        let fired = [("k", 1), ("k", 2), ("k", 1), ("l", 1), ("k", 2), ("l", 1)]
            .map(|(key, part)| is_hurt(key, part));
        assert_eq!(fired, [true, true, false, true, false, false]);
    }

    #[test]
    fn chance_can_be_told_again_and_keeps_its_share() {
        let fired = firing("probability = 0.1\nseed = 9", 10_000);
        assert_eq!(fired, firing("probability = 0.1\nseed = 9", 10_000));
        assert_ne!(fired, firing("probability = 0.1\nseed = 10", 10_000));
        assert!((800..1200).contains(&fired.len()), "{}", fired.len());
    }
}
