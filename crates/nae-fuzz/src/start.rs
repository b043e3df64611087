//! Pretrained weights.

use burn::tensor::Device;
use nae_joint::PretrainedWeights;

use crate::{message, scratch};

pub(crate) fn check(bytes: &[u8]) {
    let device = Device::flex();
    let path = scratch::file("start", bytes);
    let weights = match PretrainedWeights::load(&path, &device) {
        Ok(weights) => weights,
        Err(error) => return message::check(&error),
    };
    let written = weights.to_bytes().unwrap();
    let again = scratch::file("start again", &written);
    let again = PretrainedWeights::load(&again, &device).expect("what was written is read");
    assert_eq!(again.to_bytes().unwrap(), written);
}
