//! The groups of options in every command's help, in the order they are listed.

/// What is read.
pub const INPUT: &str = "Input";
/// What is written, and where.
pub const OUTPUT: &str = "Output";
/// Models and the settings of their training and use.
pub const MODEL: &str = "Model";
/// Where and how the work is done.
pub const COMPUTE: &str = "Compute";
/// Help and messages on standard error.
pub const TERMINAL: &str = "Terminal";
