//! `nae sweep report`

use anyhow::{Result, bail};
use nae_sweep::Store;

use crate::arguments::{SweepFolder, Terminal};

pub fn run(command: &SweepFolder, _: &Terminal) -> Result<()> {
    let store = Store::open(&command.run)?;
    let table = nae_sweep::collect::table(&store)?;
    if table.rows().is_empty() {
        bail!(
            "nothing is finished in {}; run it first",
            command.run.display()
        );
    }
    bail!("not built in yet")
}
