//! Samples of a WAV file, by hound.

use std::fs::File;
use std::io::{BufReader, Chain, Cursor, Read, Take};
use std::path::Path;

use crate::AudioError;
use crate::wav_header::{Encoding, WavHeader};

/// A clean header, then the samples as they lie in the file.
pub(crate) type CleanWav = BufReader<Chain<Cursor<Vec<u8>>, Take<File>>>;

/// Puts the clean header before the samples; `file` must stand at the first one.
pub(crate) fn clean_stream(header: &WavHeader, file: File) -> CleanWav {
    BufReader::new(Cursor::new(header.clean()).chain(file.take(header.data_len)))
}

/// Streams integer and 32-bit float samples.
pub(crate) struct WavDecoder {
    reader: hound::WavReader<CleanWav>,
    encoding: Encoding,
}

impl WavDecoder {
    pub fn new(path: &Path, header: &WavHeader, stream: CleanWav) -> Result<Self, AudioError> {
        let reader = hound::WavReader::new(stream).map_err(|e| wav_error(path, e))?;
        Ok(Self {
            reader,
            encoding: header.encoding,
        })
    }

    pub fn sample_rate(&self) -> u32 {
        self.reader.spec().sample_rate
    }

    /// Up to `samples` further samples per channel.
    pub fn read(&mut self, path: &Path, samples: usize) -> Result<Vec<Vec<f32>>, AudioError> {
        let channel_count = usize::from(self.reader.spec().channels);
        let mut channels = vec![Vec::new(); channel_count];
        let wanted = samples.saturating_mul(channel_count);
        let mut push = |i: usize, x: f32| channels[i % channel_count].push(x);
        match self.encoding {
            Encoding::Int { bits } => {
                let scale = 1.0 / 2f64.powi(i32::from(bits) - 1);
                for (i, x) in self.reader.samples::<i32>().take(wanted).enumerate() {
                    push(
                        i,
                        (f64::from(x.map_err(|e| wav_error(path, e))?) * scale) as f32,
                    );
                }
            }
            Encoding::Float32 | Encoding::Other => {
                for (i, x) in self.reader.samples::<f32>().take(wanted).enumerate() {
                    push(i, x.map_err(|e| wav_error(path, e))?);
                }
            }
        }
        Ok(channels)
    }
}

fn wav_error(path: &Path, error: hound::Error) -> AudioError {
    match error {
        hound::Error::IoError(e) => AudioError::io(path, "read its samples", e),
        other => AudioError::damaged(path, format!("as WAV it says: {other}")),
    }
}
