//! Running the same command again sends only what is missing.
