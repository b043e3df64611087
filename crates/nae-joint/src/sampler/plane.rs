//! A source's complex spectrogram, bin by bin.

use nae_audio::Spectrogram;
use nae_model::spectra::level_of;

use crate::error::JointError;
use crate::settings::JointConfig;

/// Frames that are not silent, which a source needs at least.
pub const MIN_FRAMES: usize = 64;

/// Complex spectra of all clips, one after the other: a row a bin, real and imaginary parts
/// separately.
pub(super) struct SpectrogramPlane {
    pub frames: usize,
    pub re: Vec<f32>,
    pub im: Vec<f32>,
}

impl SpectrogramPlane {
    /// Transposes the clips' spectra.
    pub fn new(spectra: &[Spectrogram], bins: usize) -> Self {
        let frames = spectra.iter().map(Spectrogram::frames).sum();
        let (mut re, mut im) = (vec![0.0; bins * frames], vec![0.0; bins * frames]);
        let all = spectra
            .iter()
            .flat_map(|clip| (0..clip.frames()).map(|t| clip.frame(t)));
        for (t, frame) in all.enumerate() {
            for (f, z) in frame.iter().enumerate() {
                re[f * frames + t] = z.re;
                im[f * frames + t] = z.im;
            }
        }
        Self { frames, re, im }
    }

    /// Linear gain that brings the sound to unit level.
    ///
    /// # Errors
    /// [`JointError::TooShort`] for fewer than [`MIN_FRAMES`] frames that are not silent.
    pub fn gain(&self, name: &str, bins: usize, config: &JointConfig) -> Result<f32, JointError> {
        let mut energies = vec![0.0f64; self.frames];
        let rows = self.re.chunks_exact(self.frames.max(1));
        for (re, im) in rows.zip(self.im.chunks_exact(self.frames.max(1))) {
            for ((energy, re), im) in energies.iter_mut().zip(re).zip(im) {
                *energy += f64::from(re * re + im * im);
            }
        }
        let loudest = energies.iter().copied().fold(0.0, f64::max);
        let floor = loudest * 10f64.powf(config.silence_db / 10.0);
        let active = energies.iter().filter(|&&e| e > 0.0 && e >= floor).count();
        if active < MIN_FRAMES {
            return Err(JointError::TooShort {
                name: name.into(),
                frames: active,
                needed: MIN_FRAMES,
            });
        }
        Ok((1.0 / level_of(&energies, bins, config.silence_db as f32)) as f32)
    }
}
