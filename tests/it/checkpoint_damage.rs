//! A journal that is damaged, is no journal, or cannot be written: the object is right all the same, or a refusal names the file
//! and leaves it alone. A damaged record is never believed.

mod bytes;
mod no_room;
mod not_ours;
mod unfinished;
