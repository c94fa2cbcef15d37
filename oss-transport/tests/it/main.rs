//! What a transport promises, against servers that stall, close, reset and lie. `// Rows:` above a test names the
//! rows of the fault catalogue that it covers.

#![expect(clippy::unwrap_used, reason = "in a test, the panic is the message")]

mod answers;
mod bodies;
mod clocks;
mod contract;
mod exchange;
mod failures;
mod faulty;
mod peer;
mod pool;
mod proxies;
mod request;
mod secure;
