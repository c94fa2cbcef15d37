//! What the program says: results on stdout, all else on stderr, nothing that a terminal would act on, and an upload that goes on
//! whatever becomes of either.

mod closed;
mod escaped;
mod shapes;
