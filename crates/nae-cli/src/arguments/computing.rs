//! Options for the device and the seed.

use clap::Args;

use super::heading::COMPUTE;
use crate::device::DeviceChoice;

/// The device and the seed.
#[derive(Clone, Debug, Args)]
pub struct Computing {
    /// Device to compute on
    #[arg(long, value_enum, default_value_t = DeviceChoice::Auto, help_heading = COMPUTE)]
    pub device: DeviceChoice,
    /// Seed of the random number generator; the same seed on the same device gives the same result
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = COMPUTE)]
    pub seed: u64,
}
