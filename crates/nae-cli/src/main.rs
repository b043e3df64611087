//! The command `nae`.
fn main() {}
