//! A journal that is cut, flipped, foreign, empty or cannot be written.
