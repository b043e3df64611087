//! `nae sweep collect`

use anyhow::Result;
use nae_sweep::Store;
use nae_sweep::collect::Rows;
use nae_sweep::status::status;

use super::status_lines::say_left_out;
use crate::arguments::{SweepFolder, Terminal};
use crate::console::log_line;
use nae_files::count;

pub fn run(command: &SweepFolder, terminal: &Terminal) -> Result<()> {
    let store = Store::open(&command.run)?;
    let manifest = store.manifest()?;
    let Rows { table, unreadable } = nae_sweep::collect::rows(&store, &manifest)?;
    let status = status(&store, &manifest)?;
    let rows = table.rows().len();
    for (name, bytes) in [
        ("results.csv", table.to_csv()?),
        ("results.parquet", table.to_parquet()?),
    ] {
        let path = command.run.join(name);
        nae_files::write_atomically(&path, &bytes)?;
        let rows = count(rows, "row");
        log_line(terminal, format_args!("{}: {rows}", path.display()));
    }
    say_left_out(&unreadable, &command.run);
    let missing = status.open();
    if missing > 0 {
        log_line(
            terminal,
            format_args!(
                "the rows leave out {}, of which {} failed",
                count(missing, "unfinished cell"),
                status.failures.len()
            ),
        );
    }
    Ok(())
}
