//! Who may not, what is not there, and what cannot be reached: an exit code, the service's words with code, EC and request id, one
//! line of advice, nothing left on the server, and no secret in any of it.

mod by_the_service;
mod unreachable;
