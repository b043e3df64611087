//! Loss in windows of steps: read from the device once a window, judged by relative improvement.

use burn::tensor::Tensor;

use crate::error::ModelError;
use crate::spectra::read;

/// What a finished window says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Judgement {
    /// Mean loss over the window's steps.
    pub(super) loss: f64,
    /// Whether no window before had a lower loss.
    pub(super) is_best: bool,
    /// Whether the improvement on the window before was below the tolerance.
    pub(super) is_settled: bool,
}

/// Collects losses on the device and reads their mean back once a window, so that no step waits
/// for a scalar.
#[derive(Clone, Debug)]
pub(super) struct Window {
    length: usize,
    tolerance: f64,
    steps: usize,
    sum: Option<Tensor<1>>,
    losses: usize,
    last: Option<f64>,
    best: f64,
}

impl Window {
    /// Windows of `length` steps (at least 1); `tolerance` is the relative improvement from one
    /// window to the next under which a run counts as settled, 0 for never.
    pub(super) fn new(length: usize, tolerance: f64) -> Self {
        Self {
            length: length.max(1),
            tolerance,
            steps: 0,
            sum: None,
            losses: 0,
            last: None,
            best: f64::INFINITY,
        }
    }

    /// Takes one step's loss, if it was worked out; says something at the end of each window, and
    /// when `is_last`.
    ///
    /// # Errors
    /// [`ModelError::Device`] if the loss cannot be read back.
    pub(super) fn push(
        &mut self,
        loss: Option<Tensor<1>>,
        is_last: bool,
    ) -> Result<Option<Judgement>, ModelError> {
        if let Some(loss) = loss {
            self.losses += 1;
            self.sum = Some(match self.sum.take() {
                None => loss,
                Some(sum) => sum + loss,
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
        let total: f64 = read(sum)?.iter().map(|&x| f64::from(x)).sum();
        let loss = total / std::mem::take(&mut self.losses) as f64;
        let is_best = loss <= self.best;
        if is_best {
            self.best = loss;
        }
        let is_settled = self.tolerance > 0.0
            && self
                .last
                .is_some_and(|last| last - loss < self.tolerance * last.abs());
        self.last = Some(loss);
        Ok(Some(Judgement {
            loss,
            is_best,
            is_settled,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn push(window: &mut Window, loss: f32, is_last: bool) -> Option<Judgement> {
        window
            .push(Some(Tensor::from_data([loss], &Device::flex())), is_last)
            .unwrap()
    }

    #[test]
    fn a_window_reports_its_mean_and_whether_the_run_settled() {
        let mut window = Window::new(2, 0.01);
        assert!(push(&mut window, 4.0, false).is_none());
        let first = push(&mut window, 2.0, false).unwrap();
        assert_eq!(
            (first.loss, first.is_best, first.is_settled),
            (3.0, true, false)
        );
        push(&mut window, 2.999, false);
        let second = push(&mut window, 2.999, false).unwrap();
        assert!(second.is_best && second.is_settled);
        let last = push(&mut window, 5.0, true).unwrap();
        assert_eq!((last.loss, last.is_best), (5.0, false));
    }

    #[test]
    fn tolerance_zero_never_settles() {
        let mut window = Window::new(1, 0.0);
        for _ in 0..3 {
            assert!(!push(&mut window, 1.0, false).unwrap().is_settled);
        }
    }
}
