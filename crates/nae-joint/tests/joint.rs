//! Joining small models of synthetic sources.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod common;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use nae_audio::{Magnitude, Stft};
use nae_joint::sampler::{MixtureSampler, Split};
use nae_joint::{
    BodyKind, Decoders, EncoderNetwork, JointConfig, JointEncoder, LossKind, MaterialRecord,
    TemporalContext, TrainingSource, join,
};
use nae_model::optim::Flow;
use nae_model::random::generator;
use nae_model::{AudioConfig, Model, ModelKind};
use nae_separate::{SeparateConfig, Separator};
use nae_testing::compare::largest_difference;

use common::{AUDIO, RATE, SEED, clips, joined, model, pair, small, sound, source};

fn separator(joint: &JointEncoder) -> Separator {
    let config = SeparateConfig::default();
    joint.separator(config, &Device::flex()).unwrap()
}

fn mixture() -> Vec<f32> {
    let (low, high) = (sound(300.0, 1.0, 7), sound(1100.0, 1.0, 8));
    low.iter().zip(&high).map(|(a, b)| a + b).collect()
}

fn magnitude(samples: &[f32]) -> Magnitude {
    let stft = Stft::new(AUDIO.stft()).unwrap();
    stft.analyze(samples).unwrap().magnitude()
}

fn masks(separator: &Separator, samples: &[f32]) -> Vec<Magnitude> {
    let mixture_magnitude = magnitude(samples);
    let estimate = separator
        .masks(&mixture_magnitude, &mut |_| Flow::Continue)
        .unwrap();
    assert_eq!((estimate.loss, estimate.steps), (0.0, 0));
    estimate.masks
}

fn greatest_difference(a: &[Magnitude], b: &[Magnitude]) -> f32 {
    a.iter()
        .zip(b)
        .map(|(a, b)| largest_difference(a.data(), b.data()))
        .fold(0.0, f32::max)
}

/// Energy of the error of each source's masked magnitudes, relative to the source.
fn errors(separator: &Separator) -> Vec<f32> {
    let truth = [sound(300.0, 1.0, 7), sound(1100.0, 1.0, 8)].map(|s| magnitude(&s));
    let mixture_magnitude = magnitude(&mixture());
    let masks = masks(separator, &mixture());
    let error = |(mask, truth): (&Magnitude, &Magnitude)| {
        let bins = mask
            .data()
            .iter()
            .zip(mixture_magnitude.data())
            .zip(truth.data());
        let wrong: f32 = bins.map(|((m, x), s)| (m * x - s).powi(2)).sum();
        wrong / truth.data().iter().map(|s| s * s).sum::<f32>()
    };
    masks.iter().zip(&truth).map(error).collect()
}

#[test]
fn models_are_joined_from_latent_caches_alone_and_separate_in_one_pass() {
    let sources = pair();
    let joint = joined(
        &sources,
        &JointConfig {
            steps: 150,
            ..small()
        },
        SEED,
    );
    for source in &joint.metadata.sources {
        assert_eq!(source.material, MaterialRecord::LatentCache);
    }
    for error in errors(&separator(&joint)) {
        // equal masks leave about 0.5
        assert!(error < 0.15, "{error}");
    }
}

#[test]
fn models_are_joined_from_clips() {
    let mut sources = pair();
    for (source, hertz) in sources.iter_mut().zip([300.0, 1100.0]) {
        source.model.latent_cache = None;
        let clips = clips(hertz).into_iter();
        source.clips = Some(clips.map(|clip| (clip.record, clip.samples)).collect());
    }
    let joint = joined(
        &sources,
        &JointConfig {
            steps: 150,
            ..small()
        },
        SEED,
    );
    let named = |source: &nae_joint::JointSource| match &source.material {
        MaterialRecord::Clips(clips) => clips.len(),
        MaterialRecord::LatentCache | MaterialRecord::Bank(_) => 0,
    };
    assert_eq!(
        joint.metadata.sources.iter().map(named).collect::<Vec<_>>(),
        [2, 2]
    );
    for error in errors(&separator(&joint)) {
        assert!(error < 0.15, "{error}");
    }
}

#[test]
fn masks_sum_to_one_and_do_not_depend_on_the_mixture_s_level() {
    let joint = joined(&pair(), &small(), SEED);
    let separator = separator(&joint);
    let estimated = masks(&separator, &mixture());
    for i in 0..estimated[0].data().len() {
        let sum: f32 = estimated.iter().map(|mask| mask.data()[i]).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{sum}");
    }
    for gain_db in [-20.0f32, 20.0] {
        let gain = 10f32.powf(gain_db / 20.0);
        let scaled: Vec<f32> = mixture().iter().map(|x| x * gain).collect();
        // the spectra differ by roundings in f32 only
        assert!(greatest_difference(&masks(&separator, &scaled), &estimated) < 1e-3);
    }
}

#[test]
fn gradients_stop_at_the_decoders() {
    let sources = pair();
    let autodiff_device = Device::flex().autodiff();
    let layers = sources.iter().map(|source| {
        let model = &source.model;
        let decoder = model.network.without_encoder();
        (model.metadata.architecture.clone(), decoder)
    });
    let decoders = Decoders::new(layers.collect(), 2.0, &autodiff_device);
    for body in [
        BodyKind::None,
        BodyKind::Conv,
        BodyKind::Gru,
        BodyKind::Lstm,
    ] {
        let config = JointConfig { body, ..small() };
        let mut rng = generator(SEED, "weights");
        let bins = AUDIO.stft().bins();
        let network =
            EncoderNetwork::new(&config, bins, decoders.rank(), &mut rng, &autodiff_device);
        let x = Tensor::<2>::ones([bins, 8], &autodiff_device);
        let amplitudes = decoders.amplitudes(network.forward(x, 4, None), 4);
        let gradients = Tensor::stack::<3>(amplitudes, 0).square().sum().backward();
        assert!(!decoders.have_gradient(&gradients));
        // and yet it passes through them
        assert!(network.output.weight.val().grad(&gradients).is_some());
        assert!(network.input.weight.val().grad(&gradients).is_some());
        let trained = GradientsParams::from_grads(gradients, &network);
        assert!(trained.len() >= 6, "{body:?}: {}", trained.len());
    }
}

#[test]
fn a_seed_decides_everything() {
    let sources = pair();
    let file = |seed: u64| {
        let bytes = joined(&sources, &small(), seed).to_bytes().unwrap();
        // behind the header, in which seconds and the order of the entries vary
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap());
        bytes[8 + header as usize..].to_vec()
    };
    assert!(file(1) == file(1), "the same seed gives the same weights");
    assert!(file(1) != file(2));
}

#[test]
fn models_that_see_several_frames_are_joined_with_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.joint.safetensors");
    let mut sources = pair();
    let several = [(ModelKind::Nae, 300.0), (ModelKind::Nmf, 700.0)];
    sources.extend(several.map(|(kind, hertz)| common::several(kind, hertz)));
    sources.remove(0);
    let config = JointConfig {
        steps: 60,
        ..small()
    };
    let joint = joined(&sources, &config, SEED);
    joint.save(&path).unwrap();
    let loaded = JointEncoder::load(&path, &Device::flex()).unwrap();
    assert_eq!(loaded.metadata, joint.metadata);
    let separator = loaded
        .separator(SeparateConfig::default(), &Device::flex())
        .unwrap();
    let sounds = [1100.0, 300.0, 700.0].map(|hertz| sound(hertz, 1.0, 9));
    let mixture = (0..sounds[0].len()).map(|n| sounds.iter().map(|x| x[n]).sum());
    let mixture = nae_audio::Clip::mono(mixture.collect(), RATE);
    let stems = separator.separate(&mixture, &mut |_| Flow::Continue);
    let stems = stems.unwrap().stems;
    for (stem, sound) in stems.iter().zip(&sounds) {
        let distance = |x: &[f32]| -> f32 {
            let pairs = x.iter().zip(sound);
            pairs.map(|(x, s)| (x - s).powi(2)).sum()
        };
        let (before, after) = (
            distance(&mixture.channels()[0]),
            distance(&stem.channels()[0]),
        );
        assert!(after < 0.5 * before, "{after} {before}");
    }
    // each of a batch's mixtures is decoded by itself
    let decoders = joint.frozen_decoders(&Device::flex());
    let h = Tensor::<2>::ones([decoders.rank(), 12], &Device::flex());
    let apart = decoders.amplitudes(h.clone(), 6);
    let alone = decoders.amplitudes(h.narrow(1, 0, 6), 6);
    for (apart, alone) in apart.iter().zip(alone) {
        let error = (apart.clone().narrow(1, 6, 6) - alone).abs().max();
        // products of other widths sum in another order
        assert!(error.into_scalar::<f32>() < 1e-5);
    }
}

#[test]
fn a_file_contains_all_that_separation_needs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.joint.safetensors");
    let mut sources = pair();
    sources[1].model = model("high", 1100.0, ModelKind::Nmf, AUDIO);
    for body in [BodyKind::Conv, BodyKind::Gru, BodyKind::Lstm] {
        let config = JointConfig {
            body,
            steps: 4,
            window: 2,
            ensemble_size: 2,
            ..small()
        };
        let joint = joined(&sources, &config, SEED);
        joint.save(&path).unwrap();
        let loaded = JointEncoder::load(&path, &Device::flex()).unwrap();
        assert_eq!(loaded.metadata, joint.metadata);
        let (before, after) = (separator(&joint), separator(&loaded));
        assert_eq!(after.names(), ["low", "high"]);
        let difference =
            greatest_difference(&masks(&before, &mixture()), &masks(&after, &mixture()));
        assert!(difference < 1e-6, "{body:?} {difference}");
        loaded.check_model("low", &sources[0].model).unwrap();
        loaded.check_model("high", &sources[1].model).unwrap();
    }
}

#[test]
fn three_sources_are_separated() {
    let mut sources = pair();
    sources.push(source("higher", 2100.0));
    let joint = joined(&sources, &small(), SEED);
    let estimated = masks(&separator(&joint), &mixture());
    assert_eq!(estimated.len(), 3);
    for i in 0..estimated[0].data().len() {
        let sum: f32 = estimated.iter().map(|mask| mask.data()[i]).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{sum}");
    }
}

#[test]
fn the_divergence_trains_too() {
    let config = JointConfig {
        loss: LossKind::Kl,
        steps: 150,
        ..small()
    };
    let joint = joined(&pair(), &config, SEED);
    for error in errors(&separator(&joint)) {
        assert!(error < 0.2, "{error}");
    }
}

#[test]
fn causal_models_do_not_depend_on_later_frames() {
    let device = Device::flex();
    for body in [BodyKind::Conv, BodyKind::Gru, BodyKind::Lstm] {
        for context in [TemporalContext::Causal, TemporalContext::Bidirectional] {
            let config = JointConfig {
                body,
                context,
                ..small()
            };
            let mut rng = generator(SEED, "weights");
            let network = EncoderNetwork::new(&config, 9, 3, &mut rng, &device);
            let output = |last: f32| -> Vec<f32> {
                let mut x = vec![0.5f32; 9 * 20];
                for row in x.chunks_exact_mut(20) {
                    row[19] = last;
                }
                let x = nae_model::init::from_host(x, [9, 20], &device);
                let h = network.forward(x, 20, None).narrow(1, 0, 19);
                nae_model::spectra::read(h).unwrap()
            };
            let is_same = output(0.0) == output(3.0);
            assert_eq!(is_same, context == TemporalContext::Causal, "{body:?}");
        }
    }
}

#[test]
fn mixtures_are_the_same_however_they_are_divided_among_draws() {
    let sounds = [("low", 300.0), ("high", 1100.0)].map(|(name, hertz)| {
        let clips = clips(hertz).into_iter().map(|clip| clip.samples);
        (name.to_owned(), clips.collect())
    });
    let config = small();
    let sampler = MixtureSampler::new(&sounds, &AUDIO, &config, SEED).unwrap();
    let device = Device::flex();
    let draw = |range| sampler.draw(3, range, Split::Train, &device);
    let (whole, first, rest) = (draw(0..4), draw(0..1), draw(1..4));
    let read = |x: Tensor<2>| nae_model::spectra::read(x).unwrap();
    let joined = Tensor::cat(vec![first.mixture, rest.mixture], 1);
    assert_eq!(read(joined), read(whole.mixture.clone()));
    let joined = Tensor::cat(vec![first.input, rest.input], 1);
    assert_eq!(read(joined), read(whole.input));
    let other = sampler.draw(4, 0..4, Split::Train, &device);
    assert_ne!(read(other.mixture), read(whole.mixture.clone()));
    // what is in phase of two sources adds up to no more than twice the mixture, and is none of it below
    let targets = whole.targets.clone();
    assert!(targets.clone().min().into_scalar::<f32>() >= 0.0);
    let excess = targets - whole.mixture.unsqueeze_dim(0);
    assert!(excess.max().into_scalar::<f32>() <= 1e-5);
}

#[test]
fn models_that_cannot_be_joined_are_refused_with_the_reason() {
    let device = Device::flex();
    let config = JointConfig {
        steps: 2,
        ..small()
    };
    let refuse = |sources: &[TrainingSource]| {
        let error = join(sources, &config, SEED, &device, &mut |_| Flow::Continue);
        error.unwrap_err().to_string()
    };
    let mut sources = pair();
    assert!(refuse(&sources[..1]).contains("2 to 6"));
    let joint = joined(&sources, &config, SEED);
    let other = model("other", 500.0, ModelKind::Nae, AUDIO);
    let message = joint.check_model("other", &other).unwrap_err().to_string();
    for word in [
        "made for other models",
        "`low`",
        "`high`",
        "`other`",
        "nae join",
    ] {
        assert!(message.contains(word), "{message}");
    }

    let audio = AudioConfig { hop: 64, ..AUDIO };
    let coarse = TrainingSource {
        name: "coarse".into(),
        model: model("coarse", 500.0, ModelKind::Nae, audio),
        clips: None,
    };
    let message = refuse(&[sources[0].clone(), coarse]);
    for word in ["`coarse`", "`low`", "every 64", "every 32", "[audio]"] {
        assert!(message.contains(word), "{message}");
    }

    let same = [sources[0].clone(), sources[0].clone()];
    assert!(refuse(&same).contains("NAME") || refuse(&same).contains("OTHER=FILE"));

    sources[1].model.latent_cache = None;
    let message = refuse(&sources);
    for word in ["`high`", "--no-memory", "--clips high="] {
        assert!(message.contains(word), "{message}");
    }

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("low.safetensors");
    sources[0].model.save(&path).unwrap();
    let message = JointEncoder::load(&path, &device).unwrap_err().to_string();
    assert!(message.contains("--model"), "{message}");
    let path = folder.path().join("joint.safetensors");
    joint.save(&path).unwrap();
    let message = Model::load(&path, &device).unwrap_err().to_string();
    assert!(message.contains("--joint"), "{message}");
}

#[test]
fn networks_keep_their_number_of_weights() {
    // a change here makes older files unreadable
    let count = |body| {
        let config = JointConfig { body, ..small() };
        let mut rng = generator(SEED, "weights");
        EncoderNetwork::new(&config, 9, 3, &mut rng, &Device::flex()).num_params()
    };
    let ends = 2 + 9 * 16 + 16;
    assert_eq!(count(BodyKind::None), ends + 16 * 16 + 16 + 16 * 3 + 3);
    assert_eq!(
        count(BodyKind::Conv),
        ends + 2 * (16 * 3 + 16 * 16 + 16) + 16 * 3 + 3
    );
}

#[test]
fn a_share_held_back_of_any_material_leaves_something_on_both_sides() {
    let tone = |n: usize| (0.3 * n as f32).sin();
    let long: Vec<f32> = (0..RATE as usize).map(tone).collect();
    // shorter than a hop: nothing is left of them at later shifts
    let short: Vec<Vec<f32>> = (0..100).map(|_| (0..8).map(tone).collect()).collect();
    for held_back in [0.0, 0.01, 0.5] {
        for speeds in [vec![1.0], vec![0.5, 2.0]] {
            let config = JointConfig {
                held_back,
                speed_perturbation: speeds,
                ..small()
            };
            config.validate().unwrap();
            let clips = [
                ("long".to_owned(), vec![long.clone()]),
                ("short".to_owned(), short.clone()),
            ];
            let sampler = MixtureSampler::new(&clips, &AUDIO, &config, SEED).unwrap();
            let splits = match held_back > 0.0 {
                true => vec![Split::Train, Split::Validation],
                false => vec![Split::Train],
            };
            for split in splits {
                let batch = sampler.draw(0, 0..20, split, &Device::flex());
                assert_eq!(batch.input.dims(), [65, 20 * config.frames]);
            }
        }
    }
    let message = JointConfig {
        held_back: 0.0001,
        ..small()
    };
    let message = message.validate().unwrap_err().to_string();
    for word in ["joint.held_back", "0.01", "0.5"] {
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn rates_that_tear_the_weights_apart_write_nothing() {
    let sources = pair();
    for (learning_rate, weight_decay, steps) in [(1.0, 1000.0, 14), (1.0, 1000.0, 1), (1.0, 0.0, 6)]
    {
        let config = JointConfig {
            learning_rate,
            weight_decay,
            steps,
            window: 1,
            ..small()
        };
        match join(&sources, &config, SEED, &Device::flex(), &mut |_| {
            Flow::Continue
        }) {
            Ok(joint) => {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("joint.safetensors");
                joint.save(&path).unwrap();
                JointEncoder::load(&path, &Device::flex()).unwrap();
            }
            Err(error) => assert!(error.to_string().contains("learning"), "{error}"),
        }
    }
}
