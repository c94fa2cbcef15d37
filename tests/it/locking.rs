//! Two runs never do the same work.
