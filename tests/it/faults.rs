//! Each fault of the script, and what the program makes of it.
