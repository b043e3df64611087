//! The frames that a layer reads at a time.

use burn::tensor::Tensor;

use crate::context::Context;

/// Which frames beside its own a layer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Those before: what a decoder does, whose bases begin where they are activated.
    Past,
    /// Those after: what an encoder does, which looks for a basis that begins at its frame.
    Future,
}

/// Frames that a layer reads for one of its own: that frame and those next to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Number of frames, its own included; at least 1.
    pub span: usize,
    /// Where the others are.
    pub direction: Direction,
}

impl Window {
    /// The frame by itself.
    pub const FRAME: Self = Self {
        span: 1,
        direction: Direction::Past,
    };

    /// The frame and those before it, `span` in all.
    pub fn past(span: usize) -> Self {
        Self {
            span,
            direction: Direction::Past,
        }
    }

    /// The frame and those after it, `span` in all.
    pub fn future(span: usize) -> Self {
        Self {
            span,
            direction: Direction::Future,
        }
    }

    /// The frames that it reads besides its own.
    pub fn context(self) -> Context {
        let others = self.span.saturating_sub(1);
        let (before, after) = match self.direction {
            Direction::Past => (others, 0),
            Direction::Future => (0, others),
        };
        Context::Frames { before, after }
    }

    /// Every frame's window as one column: `inputs` numbers of the frame itself, then of the nearest
    /// other one, and so on; zeros beyond the ends of a segment.
    ///
    /// - `segment`: frames of a segment, of which the tensor holds a whole number, one after the other
    ///
    /// # Shapes
    /// - `x`: `[models, inputs, frames]`
    /// - output: `[models, span·inputs, frames]`
    pub fn unfold(self, x: Tensor<3>, segment: usize) -> Tensor<3> {
        if self.span == 1 {
            return x;
        }
        let [models, inputs, frames] = x.dims();
        let segment = segment.clamp(1, frames.max(1));
        let count = frames / segment;
        let beyond = self.span - 1;
        let zeros = Tensor::zeros([models, inputs, count, beyond], (&x.device(), x.dtype()));
        let inside = x.reshape([models, inputs, count, segment]);
        let (padded, first): (Tensor<4>, _) = match self.direction {
            Direction::Past => (Tensor::cat(vec![zeros, inside], 3), beyond),
            Direction::Future => (Tensor::cat(vec![inside, zeros], 3), 0),
        };
        let shifted = |shift: usize| {
            let start = match self.direction {
                Direction::Past => first - shift,
                Direction::Future => shift,
            };
            let part = padded.clone().narrow(3, start, segment);
            part.reshape([models, inputs, frames])
        };
        Tensor::cat((0..self.span).map(shifted).collect(), 1)
    }

    /// The adjoint of [`unfold`](Self::unfold): adds every number of a window to the frame that it
    /// is from.
    ///
    /// # Shapes
    /// - `y`: `[models, span·inputs, frames]`
    /// - output: `[models, inputs, frames]`
    pub fn fold(self, y: Tensor<3>, segment: usize) -> Tensor<3> {
        if self.span == 1 {
            return y;
        }
        let [models, rows, frames] = y.dims();
        let inputs = rows / self.span;
        let segment = segment.clamp(1, frames.max(1));
        let count = frames / segment;
        let part = |shift: usize| {
            let own = y.clone().narrow(1, shift * inputs, inputs);
            let own = own.reshape([models, inputs, count, segment]);
            let shift = shift.min(segment);
            if shift == 0 {
                return own;
            }
            let kept = segment - shift;
            let zeros = Tensor::zeros([models, inputs, count, shift], (&y.device(), y.dtype()));
            if kept == 0 {
                // a window longer than the segment: nothing of it lies so far away
                return zeros;
            }
            let moved = match self.direction {
                Direction::Past => vec![own.narrow(3, shift, kept), zeros],
                Direction::Future => vec![zeros, own.narrow(3, 0, kept)],
            };
            Tensor::cat(moved, 3)
        };
        let sum = (1..self.span).fold(part(0), |sum, shift| sum + part(shift));
        sum.reshape([models, inputs, frames])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::from_host;
    use crate::random::generator;
    use burn::tensor::Device;
    use nae_testing::noise::uniform;

    const SEED: u64 = 21;

    fn numbers(shape: [usize; 3], purpose: &str) -> Tensor<3> {
        let count = shape.iter().product();
        let values = uniform(count, -1.0..1.0f32, &mut generator(SEED, purpose));
        from_host(values, shape, &Device::flex())
    }

    fn values(tensor: Tensor<3>) -> Vec<f32> {
        tensor.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn windows_hold_the_neighbouring_frames_and_end_with_their_segment() {
        let x = from_host(
            (1..=6).map(|x| x as f32).collect(),
            [1, 1, 6],
            &Device::flex(),
        );
        let past = values(Window::past(3).unfold(x.clone(), 3));
        let expected = [
            1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0, 1.0, 2.0, 0.0, 4.0, 5.0, 0.0, 0.0, 1.0, 0.0, 0.0,
            4.0,
        ];
        assert_eq!(past, expected);
        let future = values(Window::future(2).unfold(x, 6));
        let expected = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0];
        assert_eq!(future, expected);
    }

    #[test]
    fn folding_is_the_adjoint_of_unfolding() {
        for window in [
            Window::past(4),
            Window::future(3),
            Window::FRAME,
            Window::past(9),
        ] {
            for segment in [12, 6, 4] {
                let x = numbers([2, 3, 12], "x");
                let y = numbers([2, 3 * window.span, 12], "y");
                let left = (window.unfold(x.clone(), segment) * y.clone()).sum();
                let right = (x * window.fold(y, segment)).sum();
                let (left, right) = (left.into_scalar::<f32>(), right.into_scalar::<f32>());
                // sums of some hundred products in single precision
                assert!((left - right).abs() < 1e-4, "{window:?}: {left} {right}");
            }
        }
    }
}
