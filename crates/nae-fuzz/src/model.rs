//! Model files.

use burn::tensor::Device;
use nae_model::{Ensemble, Model};
use nae_separate::{SeparateConfig, Separator, Source};

use crate::{message, scratch, separation};

/// Activations up to which separating takes no time.
const HIGHEST_RANK: usize = 32;

pub(crate) fn check(bytes: &[u8]) {
    let device = Device::flex();
    let path = scratch::file("model", bytes);
    let ensemble = match Ensemble::load(&path, &device) {
        Ok(ensemble) => ensemble,
        Err(error) => return message::check(&error),
    };
    let is_one = ensemble.members().len() == 1;
    match Model::load(&path, &device) {
        Ok(_) => assert!(is_one),
        Err(error) => message::check(&error),
    }
    let fingerprints = |ensemble: &Ensemble| {
        let members = ensemble.members().iter();
        let fingerprints = members.map(|model| model.fingerprint().unwrap());
        fingerprints.collect::<Vec<String>>()
    };
    let known = fingerprints(&ensemble);
    assert!(known.iter().all(|fingerprint| fingerprint.len() == 64));
    let written = ensemble.to_bytes().unwrap();
    let again = scratch::file("model again", &written);
    let again = Ensemble::load(&again, &device).expect("what was written is read");
    let pairs = again.members().iter().zip(ensemble.members());
    for (again, model) in pairs {
        assert_eq!(again.metadata, model.metadata);
    }
    assert_eq!(fingerprints(&again), known);
    assert_eq!(again.to_bytes().unwrap(), written);
    separate(ensemble, again, &device);
}

/// Separates with two sources of the same models.
fn separate(one: Ensemble, other: Ensemble, device: &Device) {
    let audio = one.first().metadata.audio;
    let ranks = one.members().iter();
    let mut ranks = ranks.map(|model| model.metadata.architecture.rank());
    if ranks.any(|rank| rank > HIGHEST_RANK) {
        return;
    }
    let source = |name: &str, ensemble: Ensemble| Source {
        name: name.into(),
        models: ensemble.into_members(),
    };
    let sources = [source("one", one), source("other", other)];
    let config = SeparateConfig {
        max_steps: 3,
        ..SeparateConfig::default()
    };
    separation::check(Separator::new(&sources, config, 0, device), &audio);
}
