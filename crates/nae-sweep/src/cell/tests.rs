use super::*;
use crate::repeat::Repeat;
use crate::system_config::Join;

fn speaker(name: &str, sha256: &str, duration_s: f64) -> Speaker {
    let recording = |part: &str| Recording {
        path: format!("/{name}/{part}.wav").into(),
        sha256: format!("{sha256}-{part}"),
        duration_s,
    };
    Speaker {
        name: name.into(),
        train: vec![recording("train")],
        test: vec![recording("test")],
        ..Speaker::default()
    }
}

#[test]
fn a_mixture_is_the_same_however_its_settings_are_written() {
    let long = speaker("a", "1", 6.0);
    let short = speaker("b", "2", 2.0);
    let id = |change: &dyn Fn(&mut SystemConfig), speakers: &[&Speaker]| {
        let mut config = SystemConfig::default();
        change(&mut config);
        mixture(&config, speakers, Place { index: 0, of: 1 }).unwrap()
    };
    let plain = id(&|_| {}, &[&long, &long]);
    assert_eq!(plain, id(&|c| c.data.repeat = Repeat::Yes, &[&long, &long]));
    assert_eq!(plain, id(&|c| c.data.min_mixture_s = 1.0, &[&long, &long]));
    assert_eq!(
        plain,
        id(&|c| c.data.levels_db = vec![0.0, 0.0], &[&long, &long])
    );
    assert_ne!(
        plain,
        id(&|c| c.data.levels_db = vec![0.0, -5.0], &[&long, &long])
    );
    let repeated = id(&|c| c.data.repeat = Repeat::Yes, &[&long, &short]);
    let cut = id(&|c| c.data.min_mixture_s = 1.0, &[&long, &short]);
    let two = id(&|c| c.data.mixture_s = 2.0, &[&long, &short]);
    assert_ne!(repeated, cut);
    assert_eq!(cut, two);
}

fn train(config: &SystemConfig, speaker: &Speaker, seed: u64) -> Id {
    training(config, speaker, seed).unwrap()
}

#[test]
fn names_paths_and_settings_of_separation_do_not_change_a_model() {
    let base = train(&SystemConfig::default(), &speaker("a", "1", 30.0), 0);
    let mut config = SystemConfig::default();
    config.separate.max_steps = 5;
    config.data.mixture_s = 2.0;
    config.data.level_db = 6.0;
    assert_eq!(base, train(&config, &speaker("another", "1", 30.0), 0));
    assert_eq!(base.len(), 64);
}

#[test]
fn sound_settings_seed_and_amount_change_a_model() {
    let base = train(&SystemConfig::default(), &speaker("a", "1", 30.0), 0);
    assert_ne!(
        base,
        train(&SystemConfig::default(), &speaker("a", "2", 30.0), 0)
    );
    assert_ne!(
        base,
        train(&SystemConfig::default(), &speaker("a", "1", 30.0), 1)
    );
    let mut config = SystemConfig::default();
    config.train.learning_rate = 1e-3;
    assert_ne!(base, train(&config, &speaker("a", "1", 30.0), 0));
    let mut config = SystemConfig::default();
    config.data.train_s = 10.0;
    assert_ne!(base, train(&config, &speaker("a", "1", 30.0), 0));
}

#[test]
fn more_sound_than_there_is_changes_nothing() {
    let mut config = SystemConfig::default();
    let base = train(&config, &speaker("a", "1", 18.0), 0);
    config.data.train_s = 60.0;
    assert_eq!(base, train(&config, &speaker("a", "1", 18.0), 0));
}

#[test]
fn material_settings_models_names_and_seed_change_a_joint_encoder() {
    let (a, b) = (speaker("a", "1", 6.0), speaker("b", "2", 6.0));
    let models = ["m".to_owned(), "n".to_owned()];
    let id = |config: &SystemConfig, models: &[Id], speakers: &[&Speaker], seed| {
        joining(config, models, speakers, seed).unwrap()
    };
    let config = SystemConfig {
        join: Join::Memories,
        ..SystemConfig::default()
    };
    let base = id(&config, &models, &[&a, &b], 0);
    let clips = SystemConfig {
        join: Join::Clips,
        ..SystemConfig::default()
    };
    let mut steps = config.clone();
    steps.joint.steps = 7;
    let others = [
        id(&clips, &models, &[&a, &b], 0),
        id(&steps, &models, &[&a, &b], 0),
        id(&config, &models[..1], &[&a, &b], 0),
        id(&config, &models, &[&a, &speaker("c", "2", 6.0)], 0),
        id(&config, &models, &[&a, &b], 1),
    ];
    for other in others {
        assert_ne!(base, other);
    }
    let mut searched = config.clone();
    searched.separate.max_steps = 5;
    assert_eq!(base, id(&searched, &models, &[&a, &b], 0));
}

#[test]
fn models_mixture_scores_and_seed_change_a_separation() {
    let (a, b) = (speaker("a", "1", 6.0), speaker("b", "2", 6.0));
    let place = Place { index: 0, of: 3 };
    let models = ["m".to_owned(), "n".to_owned()];
    let id = |config: &SystemConfig,
              models: &[Id],
              speakers: &[&Speaker],
              place,
              seed,
              groups: &[MetricGroup]| {
        separation(config, models, speakers, place, seed, groups).unwrap()
    };
    let config = SystemConfig::default();
    let base = id(&config, &models, &[&a, &b], place, 0, &MetricGroup::ALL);
    let mut louder = config.clone();
    louder.data.level_db = 3.0;
    let mut steps = config.clone();
    steps.separate.max_steps = 5;
    let others = [
        id(&louder, &models, &[&a, &b], place, 0, &MetricGroup::ALL),
        id(&steps, &models, &[&a, &b], place, 0, &MetricGroup::ALL),
        id(
            &config,
            &models[..1],
            &[&a, &b],
            place,
            0,
            &MetricGroup::ALL,
        ),
        id(&config, &models, &[&b, &a], place, 0, &MetricGroup::ALL),
        id(
            &config,
            &models,
            &[&a, &b],
            Place { index: 1, of: 3 },
            0,
            &MetricGroup::ALL,
        ),
        id(&config, &models, &[&a, &b], place, 1, &MetricGroup::ALL),
        id(
            &config,
            &models,
            &[&a, &b],
            place,
            0,
            &[MetricGroup::BssEval],
        ),
    ];
    for other in others {
        assert_ne!(base, other);
    }
}
