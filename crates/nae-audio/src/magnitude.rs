//! The magnitude spectrogram.

use nae_files::count;

use crate::AudioError;

/// Absolute values of a spectrogram — magnitude, not power — in frame-major layout: a frame's bins
/// lie together. Finite and not negative. Masks take this shape too.
#[derive(Debug, Clone, PartialEq)]
pub struct Magnitude {
    bins: usize,
    frames: usize,
    data: Vec<f32>,
}

impl Magnitude {
    /// Wraps `frames · bins` values, a frame's bins together.
    ///
    /// # Errors
    ///
    /// [`AudioError::Shape`] without bins or with another number of values,
    /// [`AudioError::BadMagnitude`] for a value that is negative, NaN or infinite.
    pub fn new(bins: usize, frames: usize, data: Vec<f32>) -> Result<Self, AudioError> {
        check_len("magnitude spectrogram", bins, frames, data.len())?;
        if let Some(index) = data.iter().position(|x| !x.is_finite() || *x < 0.0) {
            return Err(AudioError::BadMagnitude {
                index,
                bin: index % bins,
                frame: index / bins,
                value: data[index],
            });
        }
        Ok(Self { bins, frames, data })
    }

    /// For values that are magnitudes by construction.
    pub(crate) fn from_parts(bins: usize, frames: usize, data: Vec<f32>) -> Self {
        Self { bins, frames, data }
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
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// Gives the values away.
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }

    /// The bins of frame `index`; empty past the last frame.
    pub fn frame(&self, index: usize) -> &[f32] {
        frame(&self.data, self.bins, index)
    }

    /// The mean, element by element: the channels of one sound, seen as one.
    ///
    /// # Errors
    ///
    /// [`AudioError::Shape`] for no item or items of unequal size.
    pub fn mean(items: &[Magnitude]) -> Result<Magnitude, AudioError> {
        let Some(first) = items.first() else {
            return Err(AudioError::Shape {
                what: "mean of magnitude spectrograms",
                expected: "at least one".into(),
                found: "none".into(),
            });
        };
        let mut sums = vec![0.0f64; first.data.len()];
        for item in items {
            if (item.bins, item.frames) != (first.bins, first.frames) {
                return Err(AudioError::Shape {
                    what: "mean of magnitude spectrograms",
                    expected: size(first.bins, first.frames),
                    found: size(item.bins, item.frames),
                });
            }
            for (sum, x) in sums.iter_mut().zip(&item.data) {
                *sum += f64::from(*x);
            }
        }
        let share = 1.0 / items.len() as f64;
        let data = sums.into_iter().map(|x| (x * share) as f32).collect();
        Ok(Self::from_parts(first.bins, first.frames, data))
    }

    /// The frames with these indices, in this order; an index past the last frame is left out.
    pub fn select(&self, frames: &[usize]) -> Magnitude {
        let mut data = Vec::with_capacity(frames.len() * self.bins);
        for &i in frames.iter().filter(|&&i| i < self.frames) {
            data.extend_from_slice(self.frame(i));
        }
        Self::from_parts(self.bins, data.len() / self.bins, data)
    }

    /// The frames that are not silent: those whose energy `Σ m²` lies no more than `−floor_db`
    /// below the loudest frame's, in ascending order. −50 keeps what is within 50 dB.
    ///
    /// A frame of zeros is never active, so that silence gives an empty list.
    pub fn active_frames(&self, floor_db: f32) -> Vec<usize> {
        let energy = |frame: &[f32]| frame.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
        let energies: Vec<f64> = self.data.chunks_exact(self.bins).map(energy).collect();
        let loudest = energies.iter().copied().fold(0.0, f64::max);
        let floor = loudest * 10f64.powf(f64::from(floor_db) / 10.0);
        (0..energies.len())
            .filter(|&i| energies[i] > 0.0 && energies[i] >= floor)
            .collect()
    }
}

/// The part of frame-major `data` that is frame `index`, empty past the end.
pub(crate) fn frame<T>(data: &[T], bins: usize, index: usize) -> &[T] {
    let start = index.saturating_mul(bins);
    data.get(start..start.saturating_add(bins)).unwrap_or(&[])
}

/// The size of a spectrogram in a message.
pub(crate) fn size(bins: usize, frames: usize) -> String {
    format!("{} and {}", count(bins, "bin"), count(frames, "frame"))
}

/// Checks that `len` values are `bins · frames`.
pub(crate) fn check_len(
    what: &'static str,
    bins: usize,
    frames: usize,
    len: usize,
) -> Result<(), AudioError> {
    if bins > 0 && bins.checked_mul(frames) == Some(len) {
        return Ok(());
    }
    Err(AudioError::Shape {
        what,
        expected: format!("at least 1 bin and {bins} bins × {frames} frames of values"),
        found: count(len, "value"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[f32]) -> Magnitude {
        Magnitude::new(1, values.len(), values.to_vec()).unwrap()
    }

    #[test]
    fn values_that_are_no_magnitudes_are_refused_with_their_place() {
        let error = Magnitude::new(2, 2, vec![0.0, 1.0, 2.0, -3.0]).unwrap_err();
        assert!(error.to_string().contains("bin 1 of frame 1"), "{error}");
        assert!(Magnitude::new(1, 1, vec![f32::NAN]).is_err());
        assert!(Magnitude::new(1, 1, vec![f32::INFINITY]).is_err());
        assert!(Magnitude::new(2, 1, vec![0.0]).is_err());
    }

    #[test]
    fn frames_below_the_floor_are_silent() {
        // 1, 1/100 (−40 dB) and 1/1000 (−60 dB).
        let m = column(&[0.01, 1.0, 0.001, 0.0]);
        assert_eq!(m.active_frames(-50.0), [0, 1]);
        assert_eq!(m.active_frames(-70.0), [0, 1, 2]);
        assert_eq!(m.active_frames(0.0), [1]);
    }

    #[test]
    fn silence_has_no_active_frames() {
        assert!(column(&[0.0, 0.0]).active_frames(-50.0).is_empty());
        assert!(
            Magnitude::new(3, 0, vec![])
                .unwrap()
                .active_frames(-50.0)
                .is_empty()
        );
    }

    #[test]
    fn selecting_keeps_order_and_leaves_out_what_is_not_there() {
        let m = Magnitude::new(2, 3, vec![1., 2., 3., 4., 5., 6.]).unwrap();
        let picked = m.select(&[2, 0, 7]);
        assert_eq!((picked.frames(), picked.data()), (2, &[5., 6., 1., 2.][..]));
    }

    #[test]
    fn the_mean_is_taken_element_by_element() {
        let mean = Magnitude::mean(&[column(&[1.0, 0.0]), column(&[3.0, 1.0])]).unwrap();
        assert_eq!(mean.data(), [2.0, 0.5]);
        assert!(Magnitude::mean(&[]).is_err());
        assert!(Magnitude::mean(&[column(&[1.0]), column(&[1.0, 2.0])]).is_err());
    }
}
