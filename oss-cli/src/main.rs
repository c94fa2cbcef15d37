//! The program `oss`.

fn main() {}
