//! Memory does not grow with the size of parts.
