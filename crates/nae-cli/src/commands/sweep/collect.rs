//! `nae sweep collect`

use anyhow::Result;
use nae_sweep::Store;
use nae_sweep::status::status;

use crate::arguments::{SweepFolder, Terminal};
use crate::console::log_line;

pub fn run(command: &SweepFolder, terminal: &Terminal) -> Result<()> {
    let store = Store::open(&command.run)?;
    let manifest = store.manifest()?;
    let table = nae_sweep::collect::table(&store)?;
    let status = status(&store, &manifest)?;
    let rows = table.rows().len();
    for (name, bytes) in [
        ("results.csv", table.to_csv()?),
        ("results.parquet", table.to_parquet()?),
    ] {
        let path = command.run.join(name);
        nae_audio::write_atomically(&path, &bytes)?;
        log_line(terminal, format_args!("{}: {rows} rows", path.display()));
    }
    let missing = status.open();
    if missing > 0 {
        log_line(
            terminal,
            format_args!(
                "the rows leave out {missing} unfinished cells, of which {} failed",
                status.failures.len()
            ),
        );
    }
    Ok(())
}
