//! The built program under strace: killed behind every call that changes anything, every call failing once, reads and flushes that
//! hang. Needs strace; `cargo xtask inject` looks for it and runs this.

#![expect(clippy::unwrap_used, reason = "a scene that cannot be set up fails its test")]

#[expect(dead_code, unused_imports, reason = "the tests without strace need more of it")]
mod support;

#[path = "inject/failing.rs"]
mod failing;
#[path = "inject/hanging.rs"]
mod hanging;
#[path = "inject/killed.rs"]
mod killed;
#[path = "inject/tracer.rs"]
mod tracer;
