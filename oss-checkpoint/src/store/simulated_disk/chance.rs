//! What could go either way.

/// Decides it: by numbers that look random and are the same for the same seed, or so that every way is gone once.
pub(in crate::store) struct Chance {
    way: Way,
}

enum Way {
    Seeded {
        state: u64,
    },
    /// What was chosen so far, and from how many. The next way differs from this one as late as it can.
    Every {
        chosen: Vec<(usize, usize)>,
        at: usize,
    },
}

/// Calls this with every way that there is; gives how many there were.
pub(in crate::store) fn every(mut go: impl FnMut(&mut Chance)) -> usize {
    let mut chance = Chance { way: Way::Every { chosen: Vec::new(), at: 0 } };
    for gone in 1.. {
        go(&mut chance);
        if !chance.turn() {
            return gone;
        }
    }
    unreachable!("nobody counts so far")
}

impl Chance {
    pub(in crate::store) fn new(seed: u64) -> Self {
        Self { way: Way::Seeded { state: seed } }
    }

    /// 0 to `limit` - 1.
    pub(in crate::store) fn below(&mut self, limit: usize) -> usize {
        match &mut self.way {
            Way::Seeded { state } => {
                *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                usize::try_from(mixed(*state) % limit as u64).unwrap()
            }
            Way::Every { chosen, at } => {
                if *at == chosen.len() {
                    chosen.push((0, limit));
                }
                *at += 1;
                chosen[*at - 1].0
            }
        }
    }

    /// How many of the first bytes of so many; where every way is gone, the half stands for all.
    pub(super) fn piece(&mut self, len: usize) -> usize {
        match self.way {
            Way::Seeded { .. } => self.below(len + 1),
            Way::Every { .. } => len / 2,
        }
    }

    /// On to the next way; none is left if this is false.
    fn turn(&mut self) -> bool {
        let Way::Every { chosen, at } = &mut self.way else { return false };
        *at = 0;
        while let Some((last, limit)) = chosen.pop() {
            if last + 1 < limit {
                chosen.push((last + 1, limit));
                return true;
            }
        }
        false
    }
}

fn mixed(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

#[test]
fn every_way_is_gone_once() {
    let mut gone = Vec::new();
    let count = every(|chance| {
        let first = chance.below(3);
        let second = if first == 1 { chance.below(2) } else { 9 };
        gone.push((first, second));
    });
    assert_eq!(gone, [(0, 9), (1, 0), (1, 1), (2, 9)]);
    assert_eq!(count, gone.len());
}
