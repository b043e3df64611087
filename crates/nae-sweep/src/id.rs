//! The name of a cell.

/// A cell's identity: 64 hexadecimal digits.
pub type Id = String;
