//! A signal pauses, and says how to go on.
