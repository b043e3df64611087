//! A convolution along time, frame by frame.

use nae_model::ModelError;
use nae_model::frame::FrameDense;
use nae_model::spectra::read;

use super::step::Step;
use crate::network::ConvBlock;

/// [`ConvBlock`] with the frames that its taps reach.
#[derive(Clone, Debug)]
pub(super) struct FrameConv {
    /// `[kernel, width]`, of the taps that are used.
    taps: Vec<Vec<f32>>,
    /// How many frames before the latest one each of them lies.
    ages: Vec<usize>,
    mix: FrameDense,
    /// The latest inputs; input `s` lies at `s mod inputs.len()`.
    inputs: Vec<Vec<f32>>,
    /// Frames that it waits for.
    look_ahead: usize,
    /// Inputs so far, and how many of them were frames.
    steps: usize,
    frames: usize,
    filtered: Vec<f32>,
}

/// Frames after its own that a convolution reads.
pub(super) fn reach(block: &ConvBlock) -> usize {
    let [_, kernel] = block.taps.dims();
    (kernel - 1) * block.dilation() - block.left_padding()
}

impl FrameConv {
    /// - `look_ahead`: frames that it waits for; taps on later ones are left out. At most [`reach`]
    pub fn new(block: &ConvBlock, look_ahead: usize) -> Result<Option<Self>, ModelError> {
        let [width, kernel] = block.taps.dims();
        let weight = read(block.taps.val())?;
        let (dilation, left) = (block.dilation(), block.left_padding());
        let used: Vec<usize> = (0..kernel)
            .filter(|k| k * dilation <= left + look_ahead)
            .collect();
        let tap = |&k: &usize| (0..width).map(|unit| weight[unit * kernel + k]).collect();
        let age = |&k: &usize| left + look_ahead - k * dilation;
        let Some(mix) = FrameDense::new(&block.mix)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            taps: used.iter().map(tap).collect(),
            ages: used.iter().map(age).collect(),
            mix,
            inputs: vec![vec![0.0; width]; left + look_ahead + 1],
            look_ahead,
            steps: 0,
            frames: 0,
            filtered: vec![0.0; width],
        }))
    }

    /// Takes the next frame and leaves one in its place, `look_ahead` frames earlier.
    pub fn step(&mut self, step: Step, values: &mut [f32]) -> Step {
        let kept = self.inputs.len();
        let latest = self.steps;
        match step {
            Step::Nothing => return Step::Nothing,
            Step::Frame => {
                self.inputs[latest % kept].copy_from_slice(values);
                self.frames += 1;
            }
            // zeros beyond the end, as in whole sequences
            Step::End => self.inputs[latest % kept].fill(0.0),
        }
        self.steps += 1;
        let Some(frame) = latest.checked_sub(self.look_ahead) else {
            return Step::Nothing;
        };
        if frame >= self.frames {
            return Step::End;
        }
        self.filtered.fill(0.0);
        for (taps, age) in self.taps.iter().zip(&self.ages) {
            // before the first frame there are zeros
            let input = &self.inputs[(latest + kept - age) % kept];
            for ((y, w), x) in self.filtered.iter_mut().zip(taps).zip(input) {
                *y += w * x;
            }
        }
        let mixed = self.mix.step(&self.filtered);
        let own = &self.inputs[frame % kept];
        for ((y, x), mixed) in values.iter_mut().zip(own).zip(mixed) {
            *y = x + mixed;
        }
        Step::Frame
    }
}
