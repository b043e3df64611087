//! `nae devices`

use anyhow::Result;

use crate::console::print;
use crate::device::{self, DeviceChoice};

pub fn run() -> Result<()> {
    for (choice, name) in device::list() {
        print(&format!("{choice:<8} {name}"))?;
    }
    print(&format!("auto     picks {}", DeviceChoice::Auto.open()?))
}
