//! Where stems go.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, IsTerminal, Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use nae_audio::stream::{SampleCoding, StreamFormat, wav_stream_header};
use nae_audio::{BitDepth, WavSink};
use nae_files::{PendingFile, count};

/// Which stems are wanted, and where.
pub enum Destination {
    /// To standard output, one after the other as channels; all of them if there are no names.
    Stdout(Vec<String>),
    /// Each to a path of its own.
    Paths(Vec<(String, PathBuf)>),
}

/// What becomes of the latency.
#[derive(Clone, Copy)]
pub enum Delay {
    /// Stems begin with as many zeros, and end as much before the end of the sound.
    Kept,
    /// So many samples are left out at the beginning.
    LeftOut(u64),
}

impl Destination {
    /// - `stems`: names; `to`: `NAME=PATH`
    pub fn parse(stems: &[String], to: &[String]) -> Result<Self> {
        if to.is_empty() {
            return Ok(Self::Stdout(stems.to_vec()));
        }
        let mut paths: Vec<(String, PathBuf)> = Vec::new();
        for text in to {
            let parts = text
                .split_once('=')
                .filter(|(name, path)| !name.is_empty() && !path.is_empty());
            let Some((name, path)) = parts else {
                bail!("`--to {text}` is not NAME=PATH, such as voice=voice.wav");
            };
            if paths.iter().any(|(_, other)| other == Path::new(path)) {
                bail!("two stems go to {path}; give each a path of its own");
            }
            paths.push((name.into(), path.into()));
        }
        Ok(Self::Paths(paths))
    }

    /// Names of the stems; none if all of them are wanted.
    pub fn stems(&self) -> Vec<String> {
        match self {
            Self::Stdout(stems) => stems.clone(),
            Self::Paths(paths) => paths.iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    /// Paths of files that are made; not those of FIFOs and devices, which are there.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> {
        let paths = match self {
            Self::Stdout(_) => &[],
            Self::Paths(paths) => paths.as_slice(),
        };
        paths
            .iter()
            .map(|(_, path)| path)
            .filter(|path| !is_special(path))
            .cloned()
    }
}

/// Whether a path is there and no file: a FIFO or a device.
fn is_special(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// All places that stems go to.
pub struct StemOutputs {
    outputs: Vec<StemOutput>,
    delay: Delay,
    /// Samples of every channel that have come out of the separator.
    produced: u64,
    /// Samples of every channel that are written in all, once that is known.
    end: Option<u64>,
    /// Values beyond what integers hold.
    clipped: u64,
}

/// One of them.
struct StemOutput {
    name: String,
    target: Option<Target>,
    /// Numbers of the stems that go there.
    stems: std::ops::Range<usize>,
    coding: SampleCoding,
    bytes: Vec<u8>,
}

enum Target {
    /// A pipe or a device.
    Stream(Box<dyn Write>),
    /// Raw samples in a file, which appears at the end.
    Raw(PendingFile),
    /// A WAV file, which appears at the end.
    Wav(WavSink),
}

impl StemOutputs {
    /// Opens them; a FIFO once somebody reads from it.
    ///
    /// - `names`: of the stems, in order
    /// - `is_raw`: whether the input has no header
    pub fn open(
        destination: &Destination,
        names: &[String],
        format: &StreamFormat,
        is_raw: bool,
        delay: Delay,
    ) -> Result<Self> {
        let outputs = match destination {
            Destination::Stdout(_) => {
                vec![StemOutput::stdout(names.len(), format, is_raw)?]
            }
            Destination::Paths(paths) => {
                let paths = paths.iter().enumerate();
                let open = |(i, (_, path)): (usize, &(String, PathBuf))| {
                    StemOutput::open(i, path, format, is_raw)
                };
                paths.map(open).collect::<Result<_>>()?
            }
        };
        Ok(Self {
            outputs,
            delay,
            produced: 0,
            end: None,
            clipped: 0,
        })
    }

    /// Values that were clipped.
    pub fn clipped(&self) -> u64 {
        self.clipped
    }

    /// What is written in all: as many samples as came in.
    pub fn end_at(&mut self, samples: u64) {
        let left_out = match self.delay {
            Delay::Kept => 0,
            Delay::LeftOut(samples) => samples,
        };
        self.end = Some(samples + left_out);
    }

    /// Writes stems, `[stem][channel]`, and empties them.
    pub fn write(&mut self, stems: &mut [Vec<Vec<f32>>]) -> Result<()> {
        let new = stems.iter().flatten().map(Vec::len).next().unwrap_or(0);
        let left_out = match self.delay {
            Delay::Kept => 0,
            Delay::LeftOut(samples) => samples,
        };
        let place = |sample: u64| (sample.saturating_sub(self.produced) as usize).min(new);
        let part = place(left_out)..self.end.map_or(new, place).max(place(left_out));
        for stem in stems.iter_mut().flatten() {
            stem.truncate(part.end);
            stem.drain(..part.start);
        }
        self.produced += new as u64;
        // whatever happens to one of them, the others get theirs
        let mut outcome = Ok(());
        for output in &mut self.outputs {
            let written = output.write(&stems[output.stems.clone()], &mut self.clipped);
            if written.is_err() && outcome.is_ok() {
                outcome = written;
            }
        }
        stems.iter_mut().flatten().for_each(Vec::clear);
        outcome
    }

    /// Completes all of them.
    pub fn finish(&mut self) -> Result<()> {
        let finished = self.outputs.iter_mut().map(StemOutput::finish);
        let finished: Vec<Result<()>> = finished.collect();
        finished.into_iter().collect()
    }
}

impl StemOutput {
    fn stdout(stems: usize, format: &StreamFormat, is_raw: bool) -> Result<Self> {
        if stdout().is_terminal() {
            bail!(
                "standard output is a terminal, and stems are samples; put a pipe or a file behind it (`| aplay`, `> voice.wav`), or give each stem a path: --to NAME=PATH"
            );
        }
        let mut output = Self {
            name: "standard output".into(),
            target: Some(Target::Stream(Box::new(stdout()))),
            stems: 0..stems,
            coding: format.coding(),
            bytes: Vec::new(),
        };
        output.begin(format, is_raw)?;
        Ok(output)
    }

    fn open(index: usize, path: &Path, format: &StreamFormat, is_raw: bool) -> Result<Self> {
        let is_wav = !is_raw
            || path
                .extension()
                .is_some_and(|end| end.eq_ignore_ascii_case(OsStr::new("wav")));
        let target = if is_special(path) {
            let file = File::options().write(true).open(path);
            let file = file.with_context(|| format!("cannot write to {}", path.display()))?;
            Target::Stream(Box::new(file))
        } else if is_wav {
            let depth = match format.coding() {
                SampleCoding::S16 => BitDepth::Int16,
                SampleCoding::S24 => BitDepth::Int24,
                // what holds all others
                _ => BitDepth::Float32,
            };
            let channels = format.channels();
            Target::Wav(WavSink::create(path, channels, format.rate(), depth)?)
        } else {
            Target::Raw(PendingFile::create(path)?)
        };
        let mut output = Self {
            name: path.display().to_string(),
            target: Some(target),
            stems: index..index + 1,
            coding: format.coding(),
            bytes: Vec::new(),
        };
        output.begin(format, !is_wav)?;
        Ok(output)
    }

    /// Writes a stream's header.
    fn begin(&mut self, format: &StreamFormat, is_raw: bool) -> Result<()> {
        let Some(Target::Stream(stream)) = &mut self.target else {
            return Ok(());
        };
        if is_raw {
            return Ok(());
        }
        let channels = self.stems.len() * format.channels();
        let header = wav_stream_header(self.coding, format.rate(), channels);
        let written = stream.write_all(&header).and_then(|()| stream.flush());
        self.checked(written)
    }

    /// Writes some stems' samples.
    fn write(&mut self, stems: &[Vec<Vec<f32>>], clipped: &mut u64) -> Result<()> {
        let samples = stems.iter().flatten().map(Vec::len).next().unwrap_or(0);
        if samples == 0 {
            return Ok(());
        }
        if let Some(Target::Wav(sink)) = &mut self.target {
            let Some(stem) = stems.first() else {
                return Ok(());
            };
            if !self.coding.is_float() {
                let beyond = |x: &&f32| !(-1.0..1.0).contains(*x);
                *clipped += stem.iter().flatten().filter(beyond).count() as u64;
            }
            return Ok(sink.write(stem)?);
        }
        self.bytes.clear();
        for n in 0..samples {
            for channel in stems.iter().flatten() {
                *clipped += u64::from(self.coding.encode(channel[n], &mut self.bytes));
            }
        }
        let written = match &mut self.target {
            Some(Target::Stream(stream)) => {
                stream.write_all(&self.bytes).and_then(|()| stream.flush())
            }
            Some(Target::Raw(file)) => file.file().write_all(&self.bytes),
            Some(Target::Wav(_)) | None => Ok(()),
        };
        self.checked(written)
    }

    fn finish(&mut self) -> Result<()> {
        match self.target.take() {
            Some(Target::Wav(sink)) => Ok(sink.finish()?),
            Some(Target::Raw(file)) => Ok(file.commit()?),
            Some(Target::Stream(mut stream)) => {
                let flushed = stream.flush();
                self.checked(flushed)
            }
            None => Ok(()),
        }
    }

    /// The error of writing; nothing more is written then.
    fn checked(&mut self, written: io::Result<()>) -> Result<()> {
        let Err(error) = written else {
            return Ok(());
        };
        self.target = None;
        Err(match error.kind() {
            io::ErrorKind::BrokenPipe => anyhow!(
                "whoever reads {} went away; what was written before is complete",
                self.name
            ),
            _ => anyhow!("cannot write to {}: {error}", self.name),
        })
    }
}

/// A number of values, in words.
pub fn values(number: u64) -> String {
    count(number, "value")
}
