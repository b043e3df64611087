//! `nae live`

mod figures;
mod input;
mod outputs;
mod planned;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use nae_audio::stream::StreamFormat;
use nae_files::{Outputs, count};
use nae_separate::Live as Separator;

use crate::arguments::{Live, Terminal};
use crate::console::log_line;
use crate::interrupt::{Interrupted, is_interrupted, stop_gracefully};
use crate::outputs::refuse_existing;
use crate::sources::model_files;
use figures::Figures;
use input::{Input, Piece};
use outputs::{Delay, Destination, StemOutputs};

/// How long nothing comes before that is said.
const STALL: Duration = Duration::from_secs(2);
/// How often signals are looked for while nothing comes.
const PATIENCE: Duration = Duration::from_millis(100);

pub fn run(command: &Live, terminal: &Terminal) -> Result<()> {
    let destination = Destination::parse(&command.stems, &command.to)?;
    let reserved = reserve(command, &destination)?;
    let (input, format) = Input::open(command)?;
    let (separator, hop) = planned::separator(command, &destination, &format)?;
    let latency = separator.latency();
    let delay = match command.aligned {
        true => Delay::LeftOut(latency as u64),
        false => Delay::Kept,
    };
    let outputs = StemOutputs::open(
        &destination,
        separator.names(),
        &format,
        command.raw.is_some(),
        delay,
    )?;
    stop_gracefully();
    log_line(
        terminal,
        format_args!(
            "separating {} live: {} at {} Hz, latency {} ({:.1} ms)",
            input.name(),
            count(format.channels(), "channel"),
            format.rate(),
            count(latency, "sample"),
            1e3 * latency as f64 / f64::from(format.rate())
        ),
    );
    let figures = Figures::new(latency, format.rate(), hop, terminal)?;
    let mut session = Session {
        channels: vec![Vec::new(); format.channels()],
        stems: vec![vec![Vec::new(); format.channels()]; separator.names().len()],
        step: hop,
        separator,
        outputs,
        figures,
        format,
        left_over: Vec::new(),
    };
    let ended = session.run(&input);
    let ended = session.finish(ended, &input, terminal);
    if let Some(path) = &command.report {
        nae_files::write_atomically(path, session.figures.json()?.as_bytes())?;
    }
    drop(reserved);
    ended
}

/// Checks and reserves the files that are written.
fn reserve(command: &Live, destination: &Destination) -> Result<Outputs> {
    let mut inputs = model_files(&command.models);
    inputs.push(command.input.clone());
    inputs.extend(command.joint.clone());
    inputs.extend(command.configured.config.clone());
    let mut reserved = Outputs::new(inputs);
    let files: Vec<PathBuf> = destination.files().chain(command.report.clone()).collect();
    for path in files {
        refuse_existing(&path, command.force)?;
        reserved.add(&path)?;
    }
    Ok(reserved)
}

/// A stream on its way.
struct Session {
    separator: Separator,
    outputs: StemOutputs,
    figures: Figures,
    format: StreamFormat,
    /// Samples that are separated at once at most: what a frame moves on by.
    step: usize,
    /// Samples that came, and stems that are to be written.
    channels: Vec<Vec<f32>>,
    stems: Vec<Vec<Vec<f32>>>,
    /// The first bytes of a sample whose others are still to come.
    left_over: Vec<u8>,
}

impl Session {
    /// Separates until the input ends or a signal comes.
    fn run(&mut self, input: &Input) -> Result<()> {
        let mut last = Instant::now();
        let mut has_stalled = false;
        while !is_interrupted() {
            match input.next(PATIENCE) {
                Piece::Bytes(bytes) => {
                    (last, has_stalled) = (Instant::now(), false);
                    self.take(&bytes)?;
                }
                Piece::Nothing if !has_stalled && last.elapsed() > STALL => {
                    has_stalled = true;
                    log::warn!(
                        "{}: no samples for {} s; still waiting",
                        input.name(),
                        STALL.as_secs()
                    );
                }
                Piece::Nothing => {}
                Piece::End => return Ok(()),
                Piece::Failed(error) => {
                    return Err(anyhow!("{}: cannot read it: {error}", input.name()));
                }
            }
        }
        Ok(())
    }

    /// Separates the samples of some bytes and writes their stems.
    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.left_over.extend_from_slice(bytes);
        let whole = self.left_over.len() / self.format.block() * self.format.block();
        self.channels.iter_mut().for_each(Vec::clear);
        self.format
            .decode(&self.left_over[..whole], &mut self.channels);
        self.left_over.drain(..whole);
        let samples = self.channels[0].len();
        let mut part = Vec::with_capacity(self.channels.len());
        for first in (0..samples).step_by(self.step) {
            let last = (first + self.step).min(samples);
            part.clear();
            part.extend(self.channels.iter().map(|channel| &channel[first..last]));
            let started = Instant::now();
            self.separator.push(&part)?;
            self.separator.pull(&mut self.stems);
            self.figures.block(last - first, started.elapsed());
        }
        self.figures.show();
        self.outputs.write(&mut self.stems)
    }

    /// Ends stems and files, whatever ended the input, and says what is to be said.
    fn finish(&mut self, ended: Result<()>, input: &Input, terminal: &Terminal) -> Result<()> {
        let flushed = self.flush();
        let written = self.outputs.finish();
        self.figures.end(&self.separator, &self.outputs, terminal);
        ended?;
        flushed?;
        written?;
        if is_interrupted() {
            return Err(Interrupted::new("the stems are complete up to there").into());
        }
        if self.separator.received() == 0 {
            bail!(
                "{}: ended before its first sample; expected {} at {} Hz, so check what writes to it",
                input.name(),
                count(self.format.channels(), "channel"),
                self.format.rate()
            );
        }
        if !self.left_over.is_empty() {
            bail!(
                "{}: ended in the middle of a sample: {} of {} were left out, all before is written. Check format and channels",
                input.name(),
                count(self.left_over.len(), "byte"),
                self.format.block()
            );
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        // after an error of its own there is nothing more to expect
        if self.separator.received() > 0 && self.separator.flush().is_ok() {
            self.separator.pull(&mut self.stems);
            self.outputs.end_at(self.separator.received());
            return self.outputs.write(&mut self.stems);
        }
        Ok(())
    }
}
