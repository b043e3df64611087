//! Joint files.

use burn::tensor::Device;
use nae_joint::{JointEncoder, JointError};
use nae_separate::SeparateConfig;

use crate::{message, scratch, separation};

/// Units of a network up to which separating takes no time.
const WIDEST: usize = 64;

pub(crate) fn check(bytes: &[u8]) {
    let device = Device::flex();
    let path = scratch::file("joint", bytes);
    let joint = match JointEncoder::load(&path, &device) {
        Ok(joint) => joint,
        Err(error) => return message::check(&error),
    };
    for source in &joint.metadata.sources {
        nae_files::check_stem_name(&source.name).expect("names are names of files");
    }
    let written = joint.to_bytes().unwrap();
    let again = scratch::file("joint again", &written);
    let again = JointEncoder::load(&again, &device).expect("what was written is read");
    assert_eq!(again.metadata, joint.metadata);
    assert_eq!(again.to_bytes().unwrap(), written);
    if joint.metadata.config.width > WIDEST {
        return;
    }
    match joint.separator(SeparateConfig::default(), &device) {
        Ok(separator) => separation::check(Ok(separator), &joint.metadata.audio),
        Err(JointError::Separate(error)) => separation::check(Err(error), &joint.metadata.audio),
        Err(error) => message::check(&error),
    }
}
