//! A source that changes never becomes a mixed object.
