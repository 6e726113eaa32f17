//! Every role in one binary, all-in-one mode and the operator's command line.

fn main() {}
