//! What a user holds in hand afterwards: receipts, what proves them, and what is done when nothing can be proved.

mod check;
mod mismatch;
mod receipts;
mod verify;
