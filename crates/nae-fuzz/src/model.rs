//! Model files.

use burn::tensor::Device;
use nae_model::Model;
use nae_separate::{SeparateConfig, Separator, Source};

use crate::{message, scratch, separation};

/// Activations up to which separating takes no time.
const HIGHEST_RANK: usize = 32;

pub(crate) fn check(bytes: &[u8]) {
    let device = Device::flex();
    let path = scratch::file("model", bytes);
    let model = match Model::load(&path, &device) {
        Ok(model) => model,
        Err(error) => return message::check(&error),
    };
    let fingerprint = model.fingerprint().unwrap();
    assert_eq!(fingerprint.len(), 64);
    let written = model.to_bytes().unwrap();
    let again = scratch::file("model again", &written);
    let again = Model::load(&again, &device).expect("what was written is read");
    assert_eq!(again.metadata, model.metadata);
    assert_eq!(again.fingerprint().unwrap(), fingerprint);
    assert_eq!(again.to_bytes().unwrap(), written);
    separate(model, again, &device);
}

/// Separates with two models of one kind.
fn separate(one: Model, other: Model, device: &Device) {
    let audio = one.metadata.audio;
    if one.metadata.architecture.rank() > HIGHEST_RANK {
        return;
    }
    let source = |name: &str, model| Source {
        name: name.into(),
        models: vec![model],
    };
    let sources = [source("one", one), source("other", other)];
    let config = SeparateConfig {
        max_steps: 3,
        ..SeparateConfig::default()
    };
    separation::check(Separator::new(&sources, config, 0, device), &audio);
}
