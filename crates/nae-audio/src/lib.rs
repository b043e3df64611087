//! Sound files in and out, resampling, the short-time Fourier transform, and long sounds in blocks.
//!
//! Everything here works on plain `f32` samples, without tensors. [`read`] takes WAV, AIFF, FLAC,
//! MP3, Ogg, M4A and AAC, also damaged ones, and reports what is missing ([`Warning`]); [`write()`]
//! makes WAV of any length, which appears whole or not at all.
//!
//! ```text
//! file ─ read ─▶ Clip ─ resample ─▶ Stft::analyze ─▶ Spectrogram ─▶ magnitude, mask
//!                                                        │
//! file ◀─ write ─ Clip ◀─ resample ─ Stft::synthesize ◀──┘
//! ```
//!
//! Long files are never held in memory as a whole: [`AudioReader`] streams, [`Blocks`] cuts the
//! stream into overlapping blocks, [`Crossfade`] joins the processed blocks and [`WavSink`] streams
//! to disk.
//!
//! Sound that is still coming goes through [`stream`]: the same transforms frame by frame.
//!
//! # Conventions
//!
//! - Sound is planar: one `Vec<f32>` a channel, full scale ±1. `samples` counts values per channel.
//! - Integer files of `b` bits read as `value / 2^(b−1)`, hence within `−1 ≤ x < 1`.
//! - Spectra are frame-major: a frame's bins lie together, as the transform makes them.
//! - Invalid input of any kind (paths, files, settings) gives an [`AudioError`], never a panic.
//!
//! # Measured
//!
//! A minute of sound, one core: 0.03 s to analyse and 0.04 s to synthesise at 16 kHz and 1024/256,
//! 0.04 s to resample from 44.1 to 16 kHz, 0.1 s to read as 44.1 kHz stereo WAV. An hour of stereo
//! through [`Blocks`] of 10 s, [`Crossfade`] and [`WavSink`] comes out byte by byte the same, with
//! the same peak memory as a minute (see [`Blocks`]).
//!
//! # Example
//!
//! ```
//! use nae_audio::{BitDepth, Clip, Stft, StftConfig, read, write};
//!
//! # fn main() -> Result<(), nae_audio::AudioError> {
//! # let folder = std::env::temp_dir().join(format!("nae-audio-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder).unwrap();
//! # let path = folder.join("tone.wav");
//! let tone: Vec<f32> = (0..16_000).map(|i| (i as f32 * 0.1).sin() * 0.5).collect();
//! write(&path, &Clip::mono(tone, 16_000), BitDepth::Float32)?;
//!
//! let clip = read(&path)?;
//! let stft = Stft::new(StftConfig::default())?;
//! let spectrogram = stft.analyze(&clip.mixdown())?;
//! let back = stft.synthesize(&spectrogram, clip.samples())?;
//! assert!(back.iter().zip(&clip.channels()[0]).all(|(a, b)| (a - b).abs() < 1e-6));
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok(())
//! # }
//! ```

mod blocks;
mod clip;
mod crossfade;
mod error;
mod folder;
mod magnitude;
mod mono;
mod offset;
mod read;
mod resample;
mod spectrogram;
mod stft;
pub mod stream;
mod warning;
mod write;

pub use blocks::{Block, Blocks};
pub use clip::Clip;
pub use crossfade::Crossfade;
pub use error::AudioError;
pub use folder::{ENDINGS, is_sound, sound_files};
pub use magnitude::Magnitude;
pub use mono::{MonoReader, Piece};
pub use offset::{offset, subtract_offset, without_offset};
pub use read::{AudioReader, read};
pub use realfft::num_complex::Complex32;
pub use resample::{edge_samples, resample, resample_to_len};
pub use spectrogram::Spectrogram;
pub use stft::{Stft, StftConfig};
pub use warning::Warning;
pub use write::{BitDepth, WavSink, write};
