//! The one loop around steps: windows, the best state so far, stopping.

use burn::tensor::Tensor;

use super::window::Window;
use crate::error::ModelError;

/// How long to go on.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What the run is called in progress reports.
    pub stage: &'static str,
    /// Steps at most.
    pub max_steps: usize,
    /// Steps in a window.
    pub window: usize,
    /// Relative improvement from window to window below which the run stops; 0: never.
    pub tolerance: f64,
}

/// How far a run is, reported once a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The plan's name.
    pub stage: &'static str,
    /// Steps taken.
    pub step: usize,
    /// Steps at most.
    pub max_steps: usize,
    /// Mean loss over the last window.
    pub loss: f64,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Stop here and keep the best so far.
    Stop,
}

/// Where a run ended.
#[derive(Clone, Debug)]
pub struct Descent<S> {
    /// The state with the lowest window loss.
    pub best: S,
    /// That loss.
    pub loss: f64,
    /// Steps taken.
    pub steps: usize,
    /// Whether the observer stopped it.
    pub is_interrupted: bool,
}

impl<S> Descent<S> {
    /// The same run with something else made of its best state.
    pub fn map<T>(self, make: impl FnOnce(S) -> T) -> Descent<T> {
        Descent {
            best: make(self.best),
            loss: self.loss,
            steps: self.steps,
            is_interrupted: self.is_interrupted,
        }
    }
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescentError {
    /// Loss became NaN or infinite.
    #[error(
        "the loss became {loss} between steps {from} and {to} of {stage}. The steps are too large for this sound: try a tenth of the learning rate, or `compression = 0.5`."
    )]
    Diverged {
        /// The plan's name.
        stage: &'static str,
        /// Last step known to be good.
        from: usize,
        /// First step known to be bad.
        to: usize,
        /// The loss.
        loss: f64,
    },
    /// Reading the loss failed.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// Takes steps until the plan, the tolerance or the observer ends it.
///
/// `step` gets the state and the step's number and returns the new state and the loss before the
/// step (`[1]`, off the tape), or none where a window's mean need not know it. With 0 steps the state comes back as it was, with a loss of 0.
///
/// # Errors
/// [`DescentError::Diverged`] if a window's loss is not finite.
pub fn descend<S: Clone>(
    plan: Plan,
    mut state: S,
    mut step: impl FnMut(S, usize) -> (S, Option<Tensor<1>>),
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Descent<S>, DescentError> {
    let mut window = Window::new(plan.window, plan.tolerance);
    let mut best = (state.clone(), 0.0);
    let mut good = 0;
    for number in 1..=plan.max_steps {
        let loss;
        (state, loss) = step(state, number - 1);
        let Some(judgement) = window.push(loss, number == plan.max_steps)? else {
            continue;
        };
        if !judgement.loss.is_finite() {
            return Err(DescentError::Diverged {
                stage: plan.stage,
                from: good,
                to: number,
                loss: judgement.loss,
            });
        }
        good = number;
        if judgement.is_best {
            best = (state.clone(), judgement.loss);
        }
        let progress = Progress {
            stage: plan.stage,
            step: number,
            max_steps: plan.max_steps,
            loss: judgement.loss,
        };
        let is_interrupted = observe(&progress) == Flow::Stop && number < plan.max_steps;
        if judgement.is_settled || is_interrupted {
            return Ok(Descent {
                best: best.0,
                loss: best.1,
                steps: number,
                is_interrupted,
            });
        }
    }
    Ok(Descent {
        best: best.0,
        loss: best.1,
        steps: plan.max_steps,
        is_interrupted: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    const PLAN: Plan = Plan {
        stage: "test",
        max_steps: 10,
        window: 2,
        tolerance: 0.0,
    };

    fn losses(values: &'static [f32]) -> impl FnMut(usize, usize) -> (usize, Option<Tensor<1>>) {
        |_, number| {
            (
                number,
                Some(Tensor::from_data([values[number]], &Device::flex())),
            )
        }
    }

    #[test]
    fn the_best_window_wins() {
        let run = descend(
            PLAN,
            99,
            losses(&[5., 5., 1., 1., 2., 2., 3., 3., 4., 4.]),
            &mut |_| Flow::Continue,
        )
        .unwrap();
        assert_eq!(
            (run.best, run.loss, run.steps, run.is_interrupted),
            (3, 1.0, 10, false)
        );
    }

    #[test]
    fn the_observer_stops_a_run_and_keeps_the_best() {
        let run = descend(
            PLAN,
            99,
            losses(&[5., 5., 1., 1., 2., 2., 3., 3., 4., 4.]),
            &mut |p| {
                if p.step >= 6 {
                    Flow::Stop
                } else {
                    Flow::Continue
                }
            },
        )
        .unwrap();
        assert_eq!((run.best, run.steps, run.is_interrupted), (3, 6, true));
    }

    #[test]
    fn a_run_that_no_longer_improves_stops() {
        let plan = Plan {
            tolerance: 0.1,
            ..PLAN
        };
        let run = descend(
            plan,
            99,
            losses(&[5., 5., 4.9, 4.9, 0., 0., 0., 0., 0., 0.]),
            &mut |_| Flow::Continue,
        )
        .unwrap();
        assert_eq!(run.steps, 4);
    }

    #[test]
    fn a_loss_that_is_not_finite_is_an_error_with_advice() {
        let error = descend(
            PLAN,
            99,
            losses(&[5., 5., f32::NAN, 1., 1., 1., 1., 1., 1., 1.]),
            &mut |_| Flow::Continue,
        )
        .unwrap_err();
        assert!(error.to_string().contains("learning rate"), "{error}");
    }
}
