//! Losses in windows of steps, read from the device once a window.

use burn::tensor::Tensor;

use crate::error::ModelError;
use crate::spectra::read;

/// Collects the evaluated steps' losses on the device and reads their means back once a window, so that
/// no step waits for a scalar.
#[derive(Clone, Debug)]
pub(super) struct Window {
    length: usize,
    steps: usize,
    sum: Option<Tensor<1>>,
    losses: usize,
}

impl Window {
    /// Windows of `length` steps (at least 1).
    pub(super) fn new(length: usize) -> Self {
        Self {
            length: length.max(1),
            steps: 0,
            sum: None,
            losses: 0,
        }
    }

    /// Takes one step's losses (`[models]`), if it is evaluated; gives every model's mean over the evaluated
    /// steps at the end of a window, and when `is_last`.
    ///
    /// # Errors
    /// [`ModelError::Device`] if the losses cannot be read back.
    pub(super) fn push(
        &mut self,
        losses: Option<Tensor<1>>,
        is_last: bool,
    ) -> Result<Option<Vec<f64>>, ModelError> {
        if let Some(losses) = losses {
            self.losses += 1;
            self.sum = Some(match self.sum.take() {
                None => losses,
                Some(sum) => sum + losses,
            });
        }
        self.steps += 1;
        if self.steps < self.length && !is_last {
            return Ok(None);
        }
        self.steps = 0;
        let Some(sum) = self.sum.take() else {
            return Ok(None);
        };
        let count = std::mem::take(&mut self.losses) as f64;
        let mean = |&total: &f32| f64::from(total) / count;
        Ok(Some(read(sum)?.iter().map(mean).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn a_window_gives_every_model_s_mean() {
        let mut window = Window::new(2);
        let mut push = |losses: [f32; 2], is_last| {
            let losses = Tensor::from_data(losses, &Device::flex());
            window.push(Some(losses), is_last).unwrap()
        };
        assert_eq!(push([4.0, 1.0], false), None);
        assert_eq!(push([2.0, 1.0], false), Some(vec![3.0, 1.0]));
        assert_eq!(push([7.0, 0.5], true), Some(vec![7.0, 0.5]));
    }

    #[test]
    fn steps_without_a_loss_do_not_count_for_the_mean() {
        let mut window = Window::new(2);
        assert_eq!(window.push(None, false).unwrap(), None);
        let loss = Tensor::from_data([3.0f32], &Device::flex());
        assert_eq!(window.push(Some(loss), false).unwrap(), Some(vec![3.0]));
    }
}
