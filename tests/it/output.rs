//! What the program says, and where.
