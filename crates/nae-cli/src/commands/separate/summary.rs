//! What `nae separate` reports at its end.

use std::path::PathBuf;

use anyhow::Result;
use nae_separate::SeparationSummary;
use serde::Serialize;

use super::stem_files::Written;
use crate::arguments::Terminal;
use crate::console::{log_line, print_json};

/// A finished separation.
pub struct Run<'a> {
    /// Files of the stems.
    pub stems: &'a [PathBuf],
    /// What the separator reports.
    pub separation: &'a SeparationSummary,
    /// What the files hold.
    pub written: &'a Written,
    /// Seconds of separation and writing.
    pub seconds: f64,
    /// Of mixture and stems, in Hz.
    pub sample_rate: u32,
    /// Name of the device.
    pub device: &'a str,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    stems: &'a [PathBuf],
    /// `null` where the residual is zero.
    null_db: Option<f64>,
    gain_db: f64,
    loss: f64,
    steps: usize,
    seconds: f64,
    device: &'a str,
}

/// Writes log lines, and with `json` a summary to standard output.
pub fn report(run: &Run, json: bool, terminal: &Terminal) -> Result<()> {
    let (separation, seconds) = (run.separation, run.seconds);
    let gain_db = 20.0 * f64::from(run.written.gain).log10();
    if run.written.gain != 1.0 {
        let peak = separation.peaks.iter().fold(0.0f32, |a, &b| a.max(b));
        log_line(
            terminal,
            format_args!(
                "the loudest stem peaks at {peak:.3}: all stems were attenuated by {:.2} dB so that none clips",
                -gain_db
            ),
        );
    }
    for stem in run.stems {
        log_line(terminal, stem.display());
    }
    let duration_s = separation.samples as f64 / f64::from(run.sample_rate);
    let residual_db = run.written.residual.db();
    log_line(
        terminal,
        format_args!(
            "residual (mixture − sum of stems): {residual_db:.1} dB; separated {duration_s:.2} s of audio in {seconds:.2} s ({:.1}× real time)",
            duration_s / seconds
        ),
    );
    if json {
        print_json(&serde_json::to_string(&Report {
            stems: run.stems,
            null_db: Some(residual_db).filter(|db| db.is_finite()),
            gain_db,
            loss: separation.loss,
            steps: separation.steps,
            seconds,
            device: run.device,
        })?)?;
    }
    Ok(())
}
