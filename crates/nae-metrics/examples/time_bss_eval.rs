//! Times BSS_eval on signals from a file, once for each line read: run by
//! `scripts/metrics/bench.py`, which also runs the other implementations and warms up.
//!
//! ```text
//! time_bss_eval SIGNALS SOURCES TAPS
//! ```
//!
//! `SIGNALS` holds little-endian f32 samples: the references one after the other, then as many
//! estimates. Each line written has the seconds taken, then SDR, SIR and SAR of each source.

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

use nae_metrics::{BssEval, Estimate, Reference};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, sources, taps] = arguments.as_slice() else {
        return Err("expected three arguments: SIGNALS SOURCES TAPS".into());
    };
    let (sources, taps): (usize, usize) = (sources.parse()?, taps.parse()?);
    let samples: Vec<f32> = std::fs::read(file)?
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    if sources == 0 || !samples.len().is_multiple_of(2 * sources) {
        return Err(format!("{} samples are not {sources} pairs", samples.len()).into());
    }
    let signals: Vec<&[f32]> = samples.chunks(samples.len() / (2 * sources)).collect();
    let references: Vec<Reference<'_>> = signals[..sources].iter().map(|s| Reference(s)).collect();
    let estimates: Vec<Estimate<'_>> = signals[sources..].iter().map(|s| Estimate(s)).collect();

    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        line?;
        let start = Instant::now();
        let scores = BssEval::new(&references, taps)?.score_all(&estimates)?;
        write!(output, "{:e}", start.elapsed().as_secs_f64())?;
        for ratios in scores {
            write!(output, " {} {} {}", ratios.sdr, ratios.sir, ratios.sar)?;
        }
        writeln!(output)?;
        output.flush()?;
    }
    Ok(())
}
