//! How a stream keeps up.

use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use nae_files::count;
use nae_separate::Live;
use serde::Serialize;

use super::outputs::{StemOutputs, values};
use crate::arguments::Terminal;
use crate::console::log_line;
use crate::progress::draw_target;

/// How often figures are shown, and late blocks told.
const INTERVAL: Duration = Duration::from_secs(1);

/// Figures of a stream so far.
pub struct Figures {
    latency: usize,
    rate: u32,
    /// Samples that the separator works on at once: a block of them is late that takes longer than they
    /// last.
    step: usize,
    samples: u64,
    work: Duration,
    worst: Duration,
    late: u64,
    /// Late blocks that were told.
    told: u64,
    silenced: u64,
    clipped: u64,
    shown: Instant,
    bar: ProgressBar,
}

/// What `--report` writes.
#[derive(Serialize)]
struct Report {
    latency_samples: usize,
    latency_ms: f64,
    real_time_factor: f64,
    late_blocks: u64,
    worst_block_ms: f64,
    samples: u64,
    sample_rate: u32,
    silenced_values: u64,
    clipped_values: u64,
}

impl Figures {
    pub fn new(latency: usize, rate: u32, step: usize, terminal: &Terminal) -> Result<Self> {
        let bar = ProgressBar::with_draw_target(None, draw_target(terminal.quiet));
        bar.set_style(ProgressStyle::with_template("{msg}")?);
        Ok(Self {
            latency,
            rate,
            step,
            samples: 0,
            work: Duration::ZERO,
            worst: Duration::ZERO,
            late: 0,
            told: 0,
            silenced: 0,
            clipped: 0,
            shown: Instant::now(),
            bar,
        })
    }

    /// Takes the time of a block.
    pub fn block(&mut self, samples: usize, work: Duration) {
        self.samples += samples as u64;
        self.work += work;
        self.worst = self.worst.max(work);
        // less than a frame's worth may be what completes it
        let allowed = self.seconds(samples.max(self.step) as u64);
        self.late += u64::from(work.as_secs_f64() > allowed);
    }

    /// Shows the figures, at most once a second, and says how many blocks were late.
    pub fn show(&mut self) {
        if self.shown.elapsed() < INTERVAL {
            return;
        }
        self.shown = Instant::now();
        self.tell_late();
        self.bar.set_message(format!(
            "{:.1} s: real-time factor {:.3}, worst block {:.1} ms, latency {:.1} ms, {} late",
            self.seconds(self.samples),
            self.real_time_factor(),
            1e3 * self.worst.as_secs_f64(),
            1e3 * self.seconds(self.latency as u64),
            count(self.late, "block")
        ));
        self.bar.tick();
    }

    /// Says what is to be said at the end.
    pub fn end(&mut self, separator: &Live, outputs: &StemOutputs, terminal: &Terminal) {
        self.tell_late();
        self.bar.finish_and_clear();
        (self.silenced, self.clipped) = (separator.silenced(), outputs.clipped());
        if self.silenced > 0 {
            log::warn!(
                "{} of the input were not finite, or beyond ±10¹², and were taken as silence",
                values(self.silenced)
            );
        }
        if self.clipped > 0 {
            log::warn!(
                "{} of the stems were beyond full scale and clipped; use float samples, or a softer input",
                values(self.clipped)
            );
        }
        log_line(
            terminal,
            format_args!(
                "separated {:.2} s live: real-time factor {:.4}, worst block {:.2} ms of {:.2} ms, {} late",
                self.seconds(self.samples),
                self.real_time_factor(),
                1e3 * self.worst.as_secs_f64(),
                1e3 * self.seconds(self.step as u64),
                count(self.late, "block")
            ),
        );
    }

    /// What `--report` writes.
    pub fn json(&self) -> Result<String> {
        let report = Report {
            latency_samples: self.latency,
            latency_ms: 1e3 * self.seconds(self.latency as u64),
            real_time_factor: self.real_time_factor(),
            late_blocks: self.late,
            worst_block_ms: 1e3 * self.worst.as_secs_f64(),
            samples: self.samples,
            sample_rate: self.rate,
            silenced_values: self.silenced,
            clipped_values: self.clipped,
        };
        Ok(serde_json::to_string(&report)? + "\n")
    }

    fn tell_late(&mut self) {
        let new = self.late - self.told;
        self.told = self.late;
        if new > 0 {
            let allowed = 1e3 * self.seconds(self.step as u64);
            log::warn!(
                "{} took longer than the {allowed:.1} ms of sound in it (worst so far {:.1} ms): the stems come late. Use a smaller model, or leave other work",
                count(new, "block"),
                1e3 * self.worst.as_secs_f64()
            );
        }
    }

    /// Time of work over time of sound.
    fn real_time_factor(&self) -> f64 {
        self.work.as_secs_f64() / self.seconds(self.samples.max(1))
    }

    fn seconds(&self, samples: u64) -> f64 {
        samples as f64 / f64::from(self.rate.max(1))
    }
}
