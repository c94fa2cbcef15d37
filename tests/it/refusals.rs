//! What the service refuses, and what the program says about it.
