//! The complex spectrogram.

use realfft::num_complex::Complex32;

use crate::AudioError;
use crate::magnitude::{Magnitude, check_len, frame, size};

/// A complex STFT in frame-major layout: a frame's bins lie together.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrogram {
    bins: usize,
    frames: usize,
    data: Vec<Complex32>,
}

impl Spectrogram {
    /// Wraps `frames · bins` values, a frame's bins together.
    ///
    /// # Errors
    ///
    /// [`AudioError::Shape`] without bins or with another number of values.
    pub fn new(bins: usize, frames: usize, data: Vec<Complex32>) -> Result<Self, AudioError> {
        check_len("spectrogram", bins, frames, data.len())?;
        Ok(Self { bins, frames, data })
    }

    /// Frequencies in a frame.
    pub fn bins(&self) -> usize {
        self.bins
    }

    /// Points in time.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// All values, frame-major: bin `k` of frame `m` lies at `m · bins + k`.
    pub fn data(&self) -> &[Complex32] {
        &self.data
    }

    /// The bins of frame `index`; empty past the last frame.
    pub fn frame(&self, index: usize) -> &[Complex32] {
        frame(&self.data, self.bins, index)
    }

    /// The absolute values: magnitude, not power.
    pub fn magnitude(&self) -> Magnitude {
        Magnitude::from_parts(
            self.bins,
            self.frames,
            self.data.iter().map(|z| z.norm()).collect(),
        )
    }

    /// The product with a real mask, element by element; phases stay.
    ///
    /// # Errors
    ///
    /// [`AudioError::Shape`] for a mask of another size.
    pub fn masked(&self, mask: &Magnitude) -> Result<Spectrogram, AudioError> {
        if (mask.bins(), mask.frames()) != (self.bins, self.frames) {
            return Err(AudioError::Shape {
                what: "mask",
                expected: size(self.bins, self.frames),
                found: size(mask.bins(), mask.frames()),
            });
        }
        let data = self.data.iter().zip(mask.data()).map(|(z, m)| z * m);
        Ok(Self {
            data: data.collect(),
            ..*self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn z(re: f32, im: f32) -> Complex32 {
        Complex32::new(re, im)
    }

    #[test]
    fn a_frame_is_its_bins_together() {
        let s = Spectrogram::new(2, 2, vec![z(1., 0.), z(2., 0.), z(3., 0.), z(4., 0.)]).unwrap();
        assert_eq!(s.frame(1), [z(3., 0.), z(4., 0.)]);
        assert!(s.frame(2).is_empty() && s.frame(usize::MAX).is_empty());
    }

    #[test]
    fn magnitude_is_not_power() {
        let s = Spectrogram::new(1, 1, vec![z(3., -4.)]).unwrap();
        assert_eq!(s.magnitude().data(), [5.0]);
    }

    #[test]
    fn a_mask_scales_and_keeps_the_phase() {
        let s = Spectrogram::new(2, 1, vec![z(3., -4.), z(1., 1.)]).unwrap();
        let mask = Magnitude::new(2, 1, vec![0.5, 0.0]).unwrap();
        assert_eq!(s.masked(&mask).unwrap().data(), [z(1.5, -2.), z(0., 0.)]);
    }

    #[test]
    fn sizes_that_disagree_are_refused() {
        assert!(Spectrogram::new(2, 2, vec![z(0., 0.); 3]).is_err());
        assert!(Spectrogram::new(0, 0, vec![]).is_err());
        let s = Spectrogram::new(2, 1, vec![z(0., 0.); 2]).unwrap();
        let mask = Magnitude::new(1, 2, vec![0.0; 2]).unwrap();
        let error = s.masked(&mask).unwrap_err().to_string();
        assert!(error.contains("2 bins and 1 frame") && error.contains("1 bin and 2 frames"));
    }
}
