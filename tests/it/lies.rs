//! A server that lies: answers that no honest one gives. Nothing of them is taken for the truth, nothing they name is visited, and
//! no run hangs, panics or grows with them.

mod answers;
mod redirects;
