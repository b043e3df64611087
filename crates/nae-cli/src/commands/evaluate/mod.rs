//! `nae evaluate`

mod files;
mod json;
mod scores;
mod table;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use crate::arguments::{Evaluate, Terminal};
use crate::console::{print, print_json};
use crate::progress::draw_target;
use files::ExampleFiles;
use scores::{Order, Row};

pub fn run(command: &Evaluate, terminal: &Terminal) -> Result<()> {
    let examples = files::examples(command)?;
    if command.explain {
        return explain(&examples);
    }
    let order = if command.permute {
        Order::Best
    } else {
        Order::Given
    };
    let bar = ProgressBar::with_draw_target(
        Some(examples.len() as u64),
        draw_target(terminal.quiet || examples.len() < 2),
    );
    bar.set_style(ProgressStyle::with_template(
        "{bar:32} {pos}/{len} mixtures ETA {eta}",
    )?);
    let score = |files: &ExampleFiles| {
        let rows = files.read()?.score(order);
        bar.inc(1);
        rows
    };
    let scored = examples.par_iter().map(score).collect::<Result<Vec<_>>>()?;
    bar.finish_and_clear();
    let rows: Vec<Row> = scored.into_iter().flatten().collect();
    if command.json {
        return print_json(&json::to_json(&rows).to_string());
    }
    print(&table::table(&rows))
}

fn explain(examples: &[ExampleFiles]) -> Result<()> {
    for files in examples {
        let example = files.read()?;
        for i in 0..files.references.len() {
            print(&format!("{}\n", example.explain(i)?))?;
        }
    }
    Ok(())
}
