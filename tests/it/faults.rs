//! Each fault of the script, and what the program makes of it: the object byte for byte, nothing left over, and no more sent again
//! than the fault explains.

mod case;
mod lost_answers;
mod many_parts;
mod meddling;
mod one_request;
mod stalls;
mod throttling;
