use super::*;
use crate::data::{Sex, SourceFiles};
use crate::repeat::Repeat;
use crate::unknown_sources::UnknownSources;
use nae_audio::{BitDepth, Clip};

/// A folder of speakers, each with this many seconds to train on and to test with.
fn folder(speakers: &[(&str, usize, usize)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, train_s, test_s) in speakers {
        for (part, seconds) in [("train", train_s), ("test", test_s)] {
            let place = folder.path().join(name).join(part);
            std::fs::create_dir_all(&place).unwrap();
            let clip = Clip::mono(vec![0.1; seconds * 8000], 8000);
            nae_audio::write(&place.join("0.wav"), &clip, BitDepth::Int16).unwrap();
        }
    }
    folder
}

fn data(folder: &tempfile::TempDir, pairs: Pairs) -> Data {
    Data {
        speakers: Some(folder.path().into()),
        pairs,
        ..Data::default()
    }
}

/// What is found for mixtures of this length.
fn find(data: &Data, mixture_s: f64) -> Result<Dataset, SweepError> {
    let mix = MixSpec {
        mixture_s,
        ..data.mix()
    };
    find_for(data, &[(&mix, Some(&UnknownModel::Free))])
}

fn find_for(
    data: &Data,
    uses: &[(&MixSpec, Option<&UnknownModel>)],
) -> Result<Dataset, SweepError> {
    let join = Join::No;
    let uses = uses
        .iter()
        .map(|&(mix, unknown)| Use { mix, unknown, join });
    let wanted = Wanted {
        pairs: &data.pairs,
        uses: uses.collect(),
    };
    Dataset::find(data, &[wanted])
}

fn names(dataset: &Dataset) -> Vec<String> {
    let pair = |pair: &Vec<usize>| {
        pair.iter()
            .map(|&i| dataset.speakers[i].name.as_str())
            .collect::<Vec<_>>()
            .join("+")
    };
    dataset.pairs.iter().map(pair).collect()
}

#[test]
fn rules_make_pairs_and_sex_comes_from_the_name_or_the_file() {
    let folder = folder(&[("a_f", 12, 6), ("b_m", 12, 6), ("c", 12, 6)]);
    let error = find(&data(&folder, Pairs::MixedSex), 5.0).unwrap_err();
    assert!(matches!(error, SweepError::NoSex { .. }), "{error}");
    let mut listed = data(&folder, Pairs::MixedSex);
    listed.sources.insert(
        "c".into(),
        SourceFiles {
            sex: Some(Sex::Male),
            ..Default::default()
        },
    );
    assert_eq!(names(&find(&listed, 5.0).unwrap()), ["a_f+b_m", "a_f+c"]);
    assert_eq!(
        names(&find(&data(&folder, Pairs::All), 5.0).unwrap()),
        ["a_f+b_m", "a_f+c", "b_m+c"]
    );
}

#[test]
fn only_those_who_take_part_are_asked_for_sound() {
    let folder = folder(&[("a_f", 12, 6), ("b_m", 12, 6), ("short_m", 2, 6)]);
    let list = |pair: &str| {
        data(
            &folder,
            Pairs::List(vec![pair.split('+').map(str::to_owned).collect()]),
        )
    };
    assert_eq!(find(&list("a_f+b_m"), 5.0).unwrap().speakers.len(), 2);
    let error = find(&list("a_f+short_m"), 5.0).unwrap_err().to_string();
    assert!(
        error.contains("short_m has 2.0 s of train sound") && error.contains("min_train_s"),
        "{error}"
    );
    let error = find(&list("a_f+b_m"), 7.0).unwrap_err().to_string();
    assert!(
        error.contains("6.0 s of test sound") && error.contains("data.mixture_s"),
        "{error}"
    );
    let error = find(&list("a_f+bm"), 5.0).unwrap_err().to_string();
    assert!(error.contains("Did you mean `b_m`?"), "{error}");
    assert!(matches!(
        find(&list("a_f+a_f"), 5.0),
        Err(SweepError::BadPair { .. })
    ));
}

#[test]
fn without_pairs_everybody_trains_and_nobody_needs_test_sound() {
    let folder = folder(&[("a", 12, 0)]);
    std::fs::remove_dir_all(folder.path().join("a/test")).unwrap();
    let dataset = find(&data(&folder, Pairs::None), 5.0).unwrap();
    assert_eq!((dataset.speakers.len(), dataset.pairs.len()), (1, 0));
}

#[test]
fn a_missing_folder_and_one_without_speakers_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let empty = find(&data(&folder, Pairs::All), 5.0).unwrap_err();
    assert!(matches!(empty, SweepError::NoSpeaker { .. }), "{empty}");
    let gone = Data {
        speakers: Some("no/such/folder".into()),
        ..Data::default()
    };
    let error = find(&gone, 5.0).unwrap_err().to_string();
    assert!(
        error.contains("no/such/folder") && error.contains("data.speakers"),
        "{error}"
    );
}

/// Speakers `a_f` and `b_m`, and noises: a long one, a short one, and one without training sound.
fn open_world() -> (tempfile::TempDir, Data) {
    let folder = folder(&[("a_f", 12, 6), ("b_m", 12, 6)]);
    let noises = folder.path().join("noises");
    for (name, part, seconds) in [
        ("long", "train", 12.0),
        ("long", "test", 6.0),
        ("short", "train", 1.0),
        ("short", "test", 0.5),
    ] {
        let place = noises.join(name);
        std::fs::create_dir_all(&place).unwrap();
        let clip = Clip::mono(vec![0.1; (seconds * 8000.0) as usize], 8000);
        nae_audio::write(&place.join(format!("{part}.wav")), &clip, BitDepth::Int16).unwrap();
    }
    let clip = Clip::mono(vec![0.1; 6 * 8000], 8000);
    nae_audio::write(&noises.join("loose.wav"), &clip, BitDepth::Int16).unwrap();
    let mut data = data(&folder, rule("each = 'noises'"));
    data.noises = Some(noises);
    data.unknown = UnknownSources(vec![UnknownSource::Pool(Pool::Noises)]);
    (folder, data)
}

fn rule(rest: &str) -> Pairs {
    let text = format!("of = ['speakers', 'noises']\n{rest}");
    Pairs::Rule(toml::from_str(&text).unwrap())
}

#[test]
fn a_noise_without_a_model_needs_no_training_sound_and_one_with_a_model_does() {
    let (_folder, mut data) = open_world();
    let found = find(&data, 5.0).unwrap();
    assert_eq!(names(&found), ["a_f+long", "b_m+loose", "a_f+short"]);
    let trained: Vec<&str> = found
        .speakers
        .iter()
        .filter(|source| !source.train.is_empty())
        .map(|source| source.name.as_str())
        .collect();
    assert_eq!(trained, ["a_f", "b_m"]);
    let mix = data.mix();
    let error = find_for(&data, &[(&mix, Some(&UnknownModel::Known))]).unwrap_err();
    assert!(
        error.to_string().contains("loose has no train sound"),
        "{error}"
    );
    // stems that exist already need no model at all
    let found = find_for(&data, &[(&mix, None)]).unwrap();
    assert!(found.speakers.iter().all(|source| source.train.is_empty()));
    // a universal model takes what there is
    let found = find_for(&data, &[(&mix, Some(&UnknownModel::Universal))]).unwrap();
    let of = |name: &str| found.speakers.iter().find(|own| own.name == name).unwrap();
    assert!(!of("long").train.is_empty() && of("short").train.is_empty());
    assert_eq!(found.notes.len(), 2, "{:?}", found.notes);
    // every combination
    data.pairs = rule("");
    assert_eq!(find(&data, 5.0).unwrap().pairs.len(), 6);
    // and rules about speakers leave noises alone
    data.pairs = Pairs::All;
    data.unknown = UnknownSources::default();
    assert_eq!(names(&find(&data, 5.0).unwrap()), ["a_f+b_m"]);
}

#[test]
fn mixtures_of_a_rule_may_be_too_short_and_listed_ones_may_not() {
    let (_folder, mut data) = open_world();
    assert!(find(&data, 5.0).is_ok());
    let error = find(&data, 7.0).unwrap_err().to_string();
    assert!(error.contains("data.mixture_s"), "{error}");
    data.pairs = Pairs::List(vec![vec!["a_f".into(), "short".into()]]);
    let error = find(&data, 5.0).unwrap_err().to_string();
    assert!(error.contains("short has 0.5 s of test sound"), "{error}");
    data.repeat = Repeat::Yes;
    assert!(find(&data, 5.0).is_ok());
    data.repeat = Repeat::No;
    data.min_mixture_s = 0.4;
    assert!(find(&data, 5.0).is_ok());
    data.min_mixture_s = 1.0;
    let error = find(&data, 5.0).unwrap_err().to_string();
    assert!(error.contains("data.min_mixture_s"), "{error}");
}

#[test]
fn unknown_sources_and_levels_that_fit_no_mixture_are_refused() {
    let (_folder, data) = open_world();
    let refused = |change: &dyn Fn(&mut Data), word: &str| {
        let mut data = data.clone();
        change(&mut data);
        let error = find(&data, 5.0).unwrap_err().to_string();
        assert!(error.contains(word), "{word}: {error}");
    };
    let unknown = |value: serde_json::Value| UnknownSources::try_from(value).unwrap();
    refused(
        &|d| d.unknown = unknown("lonng".into()),
        "Did you mean `long`?",
    );
    refused(&|d| d.unknown = unknown(3.into()), "data.unknown");
    refused(
        &|d| d.unknown = unknown(serde_json::json!(["speakers", "noises"])),
        "nothing of `a_f+long` is known",
    );
    refused(
        &|d| {
            d.pairs = Pairs::All;
        },
        "\"noises\"",
    );
    refused(&|d| d.levels_db = vec![0.0, 0.0, -5.0], "data.levels_db");
    refused(&|d| d.noises = Some("no/such/folder".into()), "data.noises");
    refused(&|d| d.noises = None, "data.noises");
    refused(
        &|d| {
            d.noises = d.speakers.as_ref().map(|folder| folder.join("noises/long"));
            d.sources.insert(
                "a_f".into(),
                SourceFiles {
                    pool: Some(Pool::Noises),
                    ..Default::default()
                },
            );
            d.sources.insert(
                "b_m".into(),
                SourceFiles {
                    pool: Some(Pool::Noises),
                    ..Default::default()
                },
            );
        },
        "data.speakers",
    );
    let clash = data.speakers.clone().unwrap().join("noises/a_f.wav");
    nae_audio::write(&clash, &Clip::mono(vec![0.1; 800], 8000), BitDepth::Int16).unwrap();
    refused(&|_| {}, "`a_f`");
}
