//! Errors of this crate.

use std::io;
use std::path::{Path, PathBuf};

use nae_files::{FileError, count};

/// Errors of sound files and signals; each message says what was expected, what was found and what
/// to try.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// The file cannot be opened, read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The content is in no known audio format.
    #[error(
        "{path}: is not a sound file; expected WAV, FLAC, MP3, Ogg Vorbis, AAC (.m4a, .aac) or AIFF, found {found}; the content decides, not the name, so convert it to WAV first"
    )]
    NotAudio {
        /// The path as given.
        path: PathBuf,
        /// What the content looks like.
        found: String,
    },
    /// The container is known, its content is not.
    #[error(
        "{path}: the sound is coded as {codec}, which cannot be decoded; convert it to WAV or FLAC first"
    )]
    UnsupportedCodec {
        /// The path as given.
        path: PathBuf,
        /// The codec, as well as it is known.
        codec: String,
    },
    /// A sound file without sound.
    #[error(
        "{path}: is a sound file without samples; at least one was expected, so record or export it again"
    )]
    NoSamples {
        /// The path as given.
        path: PathBuf,
    },
    /// The header states more than the file holds.
    #[error(
        "{path}: is cut short: its header states {promised} {unit}, but the file holds only {found}; copy or download it again, or rewrite the file with an audio editor to keep what is left"
    )]
    Truncated {
        /// The path as given.
        path: PathBuf,
        /// What the header states.
        promised: u64,
        /// What is there.
        found: u64,
        /// What the two figures count: "samples per channel" or "bytes of sound".
        unit: &'static str,
    },
    /// The content contradicts itself.
    #[error(
        "{path}: is damaged: {detail}; copy or download it again, or rewrite it with an audio editor"
    )]
    Damaged {
        /// The path as given.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A sample of a file is NaN or infinite.
    #[error(
        "{path}: sample {sample} of channel {channel} (both counted from 0) is {value}, but every sample must be a finite number; export the file again, or repair that place in an audio editor"
    )]
    NonFinite {
        /// The file.
        path: PathBuf,
        /// The first bad channel, from 0.
        channel: usize,
        /// The index of the first bad sample in that channel, from 0.
        sample: u64,
        /// NaN or an infinity.
        value: f32,
    },
    /// A sample in memory is NaN or infinite.
    #[error(
        "sample {sample} (counted from 0) of the {what} is {value}, but every sample must be a finite number; look for a division by zero or an overflow before this point"
    )]
    NonFiniteSample {
        /// What the samples are.
        what: &'static str,
        /// The index of the first bad one, from 0.
        sample: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// Channels that do not form a clip.
    #[error(
        "a clip needs at least one channel, channels of equal length and a sample rate above 0, but got {detail}"
    )]
    BadClip {
        /// What is wrong.
        detail: String,
    },
    /// A WAV file that cannot be made.
    #[error(
        "{path}: a WAV file needs {expected}, but got {found}; change the sound or write several files"
    )]
    BadWav {
        /// The file to be written.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// A sound whose format changes.
    #[error(
        "{path}: changes on the way from {} Hz with {} to {} Hz with {}, as if different files were joined; expected one sample rate and one number of channels, so cut it into its parts or convert them first", rates.0, count(channels.0, "channel"), rates.1, count(channels.1, "channel")
    )]
    Changes {
        /// The path as given.
        path: PathBuf,
        /// Sample rates before and after, Hz.
        rates: (u32, u32),
        /// Channels before and after.
        channels: (usize, usize),
    },
    /// More channels than are read.
    #[error(
        "{path}: its header states {channels} channels, but at most {max} are supported; if it is right, split the file first"
    )]
    TooManyChannels {
        /// The path as given.
        path: PathBuf,
        /// What the header says.
        channels: usize,
        /// The most that are read.
        max: usize,
    },
    /// A sample rate outside the supported range.
    #[error(
        "{path}: its header states a sample rate of {rate} Hz, but {min} Hz to {max} Hz are expected; export the file again, or correct its header in an audio editor"
    )]
    FileRate {
        /// The path as given.
        path: PathBuf,
        /// What the header says, Hz.
        rate: u32,
        /// The lowest rate that is read, Hz.
        min: u32,
        /// The highest, Hz.
        max: u32,
    },
    /// Sample rates that cannot be converted into each other.
    #[error(
        "cannot resample from {from} Hz to {to} Hz: both must be between {min} Hz and {max} Hz; check the file's header and the model's sample rate"
    )]
    SampleRate {
        /// The rate of the input, Hz.
        from: u32,
        /// The rate wanted, Hz.
        to: u32,
        /// The lowest rate allowed, Hz.
        min: u32,
        /// The highest rate allowed, Hz.
        max: u32,
    },
    /// The resampler failed.
    #[error("resampling from {from} Hz to {to} Hz failed: {detail}; please report this")]
    Resampler {
        /// The rate of the input, Hz.
        from: u32,
        /// The rate wanted, Hz.
        to: u32,
        /// What the resampler said.
        detail: String,
    },
    /// A window length that is not allowed.
    #[error(
        "the STFT's n_fft is {n_fft}, but must be between 2 and {max} samples; 1024 is a good choice at 16 kHz"
    )]
    WindowLength {
        /// The length asked for, in samples.
        n_fft: usize,
        /// The longest allowed.
        max: usize,
    },
    /// A hop from which the signal cannot be reconstructed.
    #[error("the STFT with n_fft {n_fft} and hop {hop} cannot be inverted: {reason}; use a hop of at most n_fft/2 = {half}, such as n_fft/4 = {quarter}", half = n_fft / 2, quarter = (n_fft / 4).max(1))]
    Hop {
        /// The window length, in samples.
        n_fft: usize,
        /// The hop asked for, in samples.
        hop: usize,
        /// Why it cannot be inverted.
        reason: String,
    },
    /// The Fourier transform failed.
    #[error("the Fourier transform of length {n_fft} failed: {detail}; please report this")]
    Transform {
        /// The length of the transform.
        n_fft: usize,
        /// What the transform said.
        detail: String,
    },
    /// Two things whose sizes should agree do not.
    #[error(
        "{what}: expected {expected}, but got {found}; both must come from the same sound and the same STFT settings"
    )]
    Shape {
        /// What was compared.
        what: &'static str,
        /// What was expected.
        expected: String,
        /// What came.
        found: String,
    },
    /// A value that cannot be a magnitude.
    #[error(
        "value {index} (bin {bin} of frame {frame}) of a magnitude spectrogram is {value}, but magnitudes are finite and not negative; pass magnitudes, not decibels or logarithms"
    )]
    BadMagnitude {
        /// The index into the data.
        index: usize,
        /// Its bin.
        bin: usize,
        /// Its frame.
        frame: usize,
        /// The value.
        value: f32,
    },
    /// Blocks that cannot be cut.
    #[error(
        "blocks of {} that overlap by {overlap} are not possible: a block needs at least 1 sample and an overlap of at most half its length; lengthen the block or shorten the overlap",
        count(*.block, "sample")
    )]
    BlockSize {
        /// Samples in a block.
        block: usize,
        /// Samples shared with the block before.
        overlap: usize,
    },
    /// A crossfade that is too short.
    #[error(
        "an overlap of {} with a guard of {guard} at either end leaves no samples to fade over: twice the guard must be less than the overlap; lengthen the overlap",
        count(*.overlap, "sample")
    )]
    FadeSize {
        /// Samples shared by two blocks.
        overlap: usize,
        /// Samples at both ends of the overlap that do not fade.
        guard: usize,
    },
    /// Frames that would take too much memory.
    #[error(
        "a stream of these frames would take {gib:.1} GiB, and at most {limit} are taken: frames of {n_fft} samples, {look_ahead} of them ahead, in {}; use smaller frames, less look-ahead or fewer channels", count(*.channels, "channel")
    )]
    StreamSize {
        /// GiB of its spectra.
        gib: f64,
        /// GiB that they may take.
        limit: u64,
        /// Window length, samples.
        n_fft: usize,
        /// Frames of look-ahead.
        look_ahead: usize,
        /// Channels.
        channels: usize,
    },
    /// More samples after the end of a stream.
    #[error(
        "samples came after the end of the stream: it was flushed; start a new one for another sound"
    )]
    StreamEnded,
    /// A block that does not fit the ones before it.
    #[error(
        "a block of {} with {} does not follow the one before: expected {expected}", count(*.channels, "channel"), count(*.samples, "sample")
    )]
    BlockShape {
        /// Its channels.
        channels: usize,
        /// Its samples (of the first channel that disagrees).
        samples: usize,
        /// What was expected.
        expected: String,
    },
}

impl AudioError {
    /// An error of the operating system.
    pub(crate) fn io(path: &Path, action: &'static str, error: io::Error) -> Self {
        Self::File(FileError::io(path, action, error))
    }

    /// An error of the operating system while an output is written.
    pub(crate) fn writing(path: &Path, error: io::Error) -> Self {
        Self::File(FileError::writing(path, "write to it", error))
    }

    pub(crate) fn damaged(path: &Path, detail: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_path_buf(),
            detail: detail.into(),
        }
    }
}
