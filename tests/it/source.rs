//! Sources of every kind, length and name: what can be uploaded is, and what cannot is refused in words.

mod edges;
mod kinds;
mod largest;
mod names;
mod reread;
mod unreadable;
mod young;
