//! An encoder network, frame by frame.

use nae_model::frame::FrameDense;
use nae_model::spectra::read;

use super::conv::{FrameConv, reach};
use super::recurrent::FrameGates;
use super::step::Step;
use crate::error::JointError;
use crate::network::{EncoderNetwork, TemporalModel};

/// [`EncoderNetwork`] with the states of its layers.
#[derive(Clone, Debug)]
pub(super) struct FrameNetwork {
    mean: f32,
    scale: f32,
    input: FrameDense,
    body: FrameBody,
    output: FrameDense,
    /// Frames that activations are estimated later than their frame, and those that are still to be
    /// left out for it.
    delay: usize,
    left_out: usize,
    /// The frame between two layers.
    normalised: Vec<f32>,
    values: Vec<f32>,
}

/// A temporal model that takes one frame at a time.
#[derive(Clone, Debug)]
enum FrameBody {
    None(FrameDense),
    Conv(Vec<FrameConv>),
    Gates(FrameGates),
}

/// Later frames that a network reads in a whole sequence; `None` if all of them.
pub(super) fn full_look_ahead(network: &EncoderNetwork) -> Option<usize> {
    let of_body = match &network.body {
        TemporalModel::None(_) | TemporalModel::Gru(_) | TemporalModel::Lstm(_) => Some(0),
        TemporalModel::Conv(blocks) => Some(blocks.iter().map(reach).sum()),
        TemporalModel::BiGru(_) | TemporalModel::BiLstm(_) => None,
    };
    Some(of_body? + network.look_ahead())
}

/// Shares a look-ahead out among convolutions, in order: later frames of the first ones are nearest.
fn shared_out(look_ahead: usize, blocks: &[crate::network::ConvBlock]) -> Vec<usize> {
    let mut left = look_ahead;
    let share = |block| {
        let own: usize = reach(block).min(left);
        left -= own;
        own
    };
    blocks.iter().map(share).collect()
}

impl FrameNetwork {
    /// - `look_ahead`: later frames that are waited for; at most [`full_look_ahead`], which gives the
    ///   numbers of the whole sequence. Less is possible for convolutions in both directions only: what
    ///   was trained to come later comes later
    ///
    /// # Errors
    /// [`JointError::NotLive`] for a temporal model that reads the sound backwards.
    pub fn new(network: &EncoderNetwork, look_ahead: usize) -> Result<Self, JointError> {
        let (input, output) = (dense(&network.input)?, dense(&network.output)?);
        let body = match &network.body {
            TemporalModel::None(layer) => FrameBody::None(dense(layer)?),
            TemporalModel::Conv(blocks) => {
                let shares = shared_out(look_ahead, blocks);
                let blocks = blocks
                    .iter()
                    .zip(shares)
                    .map(|(block, share)| FrameConv::new(block, share)?.ok_or_else(unusual));
                FrameBody::Conv(blocks.collect::<Result<_, JointError>>()?)
            }
            TemporalModel::Gru(gru) => FrameBody::Gates(FrameGates::gru(gru)?),
            TemporalModel::Lstm(lstm) => {
                FrameBody::Gates(FrameGates::lstm(lstm)?.ok_or_else(unusual)?)
            }
            TemporalModel::BiGru(_) | TemporalModel::BiLstm(_) => {
                let reason = "its recurrent layer also runs from the end of the recording to the beginning (`joint.hearing = \"both\"`)";
                return Err(JointError::NotLive {
                    reason: reason.into(),
                });
            }
        };
        Ok(Self {
            mean: number(read(network.mean.val())?),
            scale: number(read(network.scale.val())?),
            delay: network.look_ahead(),
            left_out: network.look_ahead(),
            normalised: vec![0.0; input.inputs()],
            values: vec![0.0; input.outputs()],
            input,
            body,
            output,
        })
    }

    /// Takes the next frame of the input, or none after the last one, and gives all sources' activations
    /// of the frame `look_ahead` frames earlier, if there is one.
    ///
    /// # Shapes
    /// - `x`: `bins`; output: `Σ rank`, non-negative
    pub fn step(&mut self, x: Option<&[f32]>) -> Option<&[f32]> {
        let mut step = Step::End;
        if x.is_none() && self.delay > 0 {
            // zeros follow the last frame, as in whole sequences
            self.values.fill(0.0);
            step = Step::Frame;
        }
        if let Some(x) = x {
            for (y, x) in self.normalised.iter_mut().zip(x) {
                *y = (x - self.mean) * self.scale;
            }
            self.values
                .copy_from_slice(self.input.step(&self.normalised));
            step = Step::Frame;
        }
        match &mut self.body {
            FrameBody::Conv(blocks) => {
                for block in blocks {
                    step = block.step(step, &mut self.values);
                }
            }
            FrameBody::None(layer) if step == Step::Frame => {
                let values = layer.step(&self.values);
                self.values.copy_from_slice(values);
            }
            FrameBody::Gates(gates) if step == Step::Frame => gates.step(&mut self.values),
            FrameBody::None(_) | FrameBody::Gates(_) => {}
        }
        if step == Step::Frame && self.left_out > 0 {
            self.left_out -= 1;
            step = Step::Nothing;
        }
        (step == Step::Frame).then(|| self.output.step(&self.values))
    }
}

fn dense(layer: &nae_model::layers::Dense) -> Result<FrameDense, JointError> {
    FrameDense::new(layer)?.ok_or_else(unusual)
}

/// This never happens with networks that this crate makes.
fn unusual() -> JointError {
    let reason = "its network has layers of an unusual form";
    JointError::NotLive {
        reason: reason.into(),
    }
}

fn number(values: Vec<f32>) -> f32 {
    values.first().copied().unwrap_or(0.0)
}
