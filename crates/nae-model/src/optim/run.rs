//! The one loop around steps: windows, the best state so far, stopping.

use burn::tensor::Tensor;
use nae_kernels::LossOutput;

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
    /// Steps at the end of a window whose losses make its mean, by which it is evaluated; at least 1.
    pub evaluated: usize,
    /// Relative improvement from window to window below which the run stops; 0: never.
    pub tolerance: f64,
}

impl Plan {
    /// Step number `number`, from 0.
    fn step(&self, number: usize) -> Step {
        let window = self.window.max(1);
        let end = (number / window * window + window).min(self.max_steps);
        Step {
            number,
            is_evaluated: number + self.evaluated.max(1) >= end,
        }
    }
}

/// One step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number, from 0.
    pub number: usize,
    /// Whether its losses are for the window's mean. Those of other steps are not looked at, and need
    /// not be worked out.
    pub is_evaluated: bool,
}

impl Step {
    /// What of a step's objective is needed: its value, its gradient, or both.
    pub fn loss_output(&self) -> LossOutput {
        if self.is_evaluated {
            LossOutput::ValueAndGradient
        } else {
            LossOutput::GradientOnly
        }
    }
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
    /// Mean loss over the evaluated steps of the last window.
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
pub struct OptimizationRun<S> {
    /// The state with the lowest window loss.
    pub best: S,
    /// That loss.
    pub loss: f64,
    /// Steps taken.
    pub steps: usize,
    /// Whether the observer stopped it.
    pub is_interrupted: bool,
}

impl<S> OptimizationRun<S> {
    /// The same run with something else made of its best state.
    pub fn map<T>(self, make: impl FnOnce(S) -> T) -> OptimizationRun<T> {
        OptimizationRun {
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
pub enum OptimizationError {
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

/// One model of a run that steps several at once.
struct Member<S> {
    /// The whole state at this model's best window, and its loss.
    best: (S, f64),
    /// The last window's loss.
    last: Option<f64>,
    /// Last step known to be good.
    good: usize,
    /// How it ended, if it has.
    outcome: Option<Result<(usize, Ending), OptimizationError>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Done,
    Interrupted,
}

/// Takes steps until the plan, the tolerance or the observer ends it.
///
/// A state may hold several `models` that share nothing but their steps; each has its own best
/// window and its own end, and the result is one run for each, whose `best` is the whole state at
/// that model's best.
///
/// `step` gets the state and which step it is, and returns the new state and every model's loss
/// (`[models]`, outside the autodiff graph), which is looked at where the step is evaluated. The observer gets the mean
/// over models. With 0 steps the state comes back as it was, with a loss of 0.
///
/// # Errors
/// [`OptimizationError::Model`] if the losses cannot be read back; [`OptimizationError::Diverged`] for a model
/// whose window's loss is not finite.
pub fn optimize<S: Clone>(
    plan: Plan,
    models: usize,
    mut state: S,
    mut step: impl FnMut(S, Step) -> (S, Option<Tensor<1>>),
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Vec<Result<OptimizationRun<S>, OptimizationError>>, OptimizationError> {
    let mut window = Window::new(plan.window);
    let mut members: Vec<Member<S>> = (0..models)
        .map(|_| Member {
            best: (state.clone(), 0.0),
            last: None,
            good: 0,
            outcome: None,
        })
        .collect();
    for number in 1..=plan.max_steps {
        let this = plan.step(number - 1);
        let losses;
        (state, losses) = step(state, this);
        let evaluated = losses.filter(|_| this.is_evaluated);
        let Some(losses) = window.push(evaluated, number == plan.max_steps)? else {
            continue;
        };
        let mut running = Vec::with_capacity(models);
        for (member, loss) in members.iter_mut().zip(losses) {
            if member.outcome.is_none() && loss.is_finite() {
                running.push(loss);
            }
            member.evaluate(&plan, number, loss, &state);
        }
        let progress = Progress {
            stage: plan.stage,
            step: number,
            max_steps: plan.max_steps,
            loss: running.iter().sum::<f64>() / running.len().max(1) as f64,
        };
        let is_stopped = !running.is_empty() && observe(&progress) == Flow::Stop;
        if is_stopped && number < plan.max_steps {
            for member in &mut members {
                member
                    .outcome
                    .get_or_insert(Ok((number, Ending::Interrupted)));
            }
        }
        if members.iter().all(|member| member.outcome.is_some()) {
            break;
        }
    }
    Ok(members
        .into_iter()
        .map(|member| member.end(&plan))
        .collect())
}

impl<S: Clone> Member<S> {
    fn evaluate(&mut self, plan: &Plan, step: usize, loss: f64, state: &S) {
        if self.outcome.is_some() {
            return;
        }
        if !loss.is_finite() {
            self.outcome = Some(Err(OptimizationError::Diverged {
                stage: plan.stage,
                from: self.good,
                to: step,
                loss,
            }));
            return;
        }
        self.good = step;
        if self.last.is_none() || loss <= self.best.1 {
            self.best = (state.clone(), loss);
        }
        let is_settled = plan.tolerance > 0.0
            && self
                .last
                .is_some_and(|last| last - loss < plan.tolerance * last.abs());
        self.last = Some(loss);
        if is_settled {
            self.outcome = Some(Ok((step, Ending::Done)));
        }
    }

    fn end(self, plan: &Plan) -> Result<OptimizationRun<S>, OptimizationError> {
        let (steps, ending) = self.outcome.unwrap_or(Ok((plan.max_steps, Ending::Done)))?;
        let (best, loss) = self.best;
        Ok(OptimizationRun {
            best,
            loss,
            steps,
            is_interrupted: ending == Ending::Interrupted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    const PLAN: Plan = Plan {
        stage: "test",
        max_steps: 10,
        window: 2,
        evaluated: 2,
        tolerance: 0.0,
    };

    fn losses<const N: usize>(
        values: [&'static [f32]; N],
    ) -> impl FnMut(usize, Step) -> (usize, Option<Tensor<1>>) {
        move |_, step| {
            let losses = values.map(|values| values[step.number]);
            (
                step.number,
                Some(Tensor::from_data(losses, &Device::flex())),
            )
        }
    }

    fn run(
        plan: Plan,
        values: &'static [f32],
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<OptimizationRun<usize>, OptimizationError> {
        optimize(plan, 1, 99, losses([values]), observe)
            .unwrap()
            .remove(0)
    }

    #[test]
    fn the_best_window_wins() {
        let run = run(PLAN, &[5., 5., 1., 1., 2., 2., 3., 3., 4., 4.], &mut |_| {
            Flow::Continue
        })
        .unwrap();
        assert_eq!(
            (run.best, run.loss, run.steps, run.is_interrupted),
            (3, 1.0, 10, false)
        );
    }

    #[test]
    fn only_the_last_steps_of_a_window_are_evaluated() {
        let plan = Plan {
            max_steps: 7,
            window: 3,
            ..PLAN
        };
        let evaluated =
            |plan: Plan| (0..7).map(move |number| u8::from(plan.step(number).is_evaluated));
        assert_eq!(evaluated(plan).collect::<Vec<_>>(), [0, 1, 1, 0, 1, 1, 1]);
        let last = Plan {
            evaluated: 0,
            ..plan
        };
        assert_eq!(evaluated(last).collect::<Vec<_>>(), [0, 0, 1, 0, 0, 1, 1]);
        let values = &[f32::NAN, 4., 2., f32::NAN, 1., 2., 9.];
        let run = run(plan, values, &mut |_| Flow::Continue).unwrap();
        assert_eq!((run.best, run.loss), (5, 1.5));
    }

    #[test]
    fn models_of_one_run_end_each_in_its_own_way() {
        let plan = Plan {
            tolerance: 0.1,
            ..PLAN
        };
        let values: [&[f32]; 3] = [
            &[5., 5., 4.9, 4.9, 0., 0., 0., 0., 0., 0.],
            &[9., 9., 7., 7., 5., 5., 4., 4., 3., 3.],
            &[5., 5., 4., 4., f32::NAN, 1., 1., 1., 1., 1.],
        ];
        let mut seen = Vec::new();
        let runs = optimize(plan, 3, 99, losses(values), &mut |progress| {
            seen.push(progress.loss);
            Flow::Continue
        });
        let [settled, whole, diverged] = runs.unwrap().try_into().unwrap();
        let settled: OptimizationRun<usize> = settled.unwrap();
        assert_eq!((settled.best, settled.steps), (3, 4));
        let whole = whole.unwrap();
        assert_eq!((whole.best, whole.loss, whole.steps), (9, 3.0, 10));
        assert!(matches!(
            diverged,
            Err(OptimizationError::Diverged { from: 4, to: 6, .. })
        ));
        // once a model has ended, its loss is not running of any more
        assert_eq!(seen[2..], [5.0, 4.0, 3.0]);
    }

    #[test]
    fn the_observer_stops_a_run_and_keeps_the_best() {
        let run = run(PLAN, &[5., 5., 1., 1., 2., 2., 3., 3., 4., 4.], &mut |p| {
            if p.step >= 6 {
                Flow::Stop
            } else {
                Flow::Continue
            }
        })
        .unwrap();
        assert_eq!((run.best, run.steps, run.is_interrupted), (3, 6, true));
    }

    #[test]
    fn a_run_that_no_longer_improves_stops() {
        let plan = Plan {
            tolerance: 0.1,
            ..PLAN
        };
        let run = run(
            plan,
            &[5., 5., 4.9, 4.9, 0., 0., 0., 0., 0., 0.],
            &mut |_| Flow::Continue,
        )
        .unwrap();
        assert_eq!(run.steps, 4);
    }

    #[test]
    fn a_loss_that_is_not_finite_is_an_error_with_advice() {
        let error = run(
            PLAN,
            &[5., 5., f32::NAN, 1., 1., 1., 1., 1., 1., 1.],
            &mut |_| Flow::Continue,
        )
        .unwrap_err();
        assert!(error.to_string().contains("learning rate"), "{error}");
    }
}
