//! The bank of sounds that `nae join --against` trains with.

mod known;
mod places;
mod read;

pub use places::find;
pub use read::BankReport;
