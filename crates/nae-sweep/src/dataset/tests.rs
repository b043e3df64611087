use super::*;
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
    let error = Dataset::find(&data(&folder, Pairs::MixedSex), 5.0).unwrap_err();
    assert!(matches!(error, SweepError::NoSex { .. }), "{error}");
    let mut listed = data(&folder, Pairs::MixedSex);
    listed.sources.insert(
        "c".into(),
        SourceFiles {
            sex: Some(Sex::Male),
            ..Default::default()
        },
    );
    assert_eq!(
        names(&Dataset::find(&listed, 5.0).unwrap()),
        ["a_f+b_m", "a_f+c"]
    );
    assert_eq!(
        names(&Dataset::find(&data(&folder, Pairs::All), 5.0).unwrap()),
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
    assert_eq!(
        Dataset::find(&list("a_f+b_m"), 5.0).unwrap().speakers.len(),
        2
    );
    let error = Dataset::find(&list("a_f+short_m"), 5.0)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("short_m has 2.0 s of train sound") && error.contains("min_train_s"),
        "{error}"
    );
    let error = Dataset::find(&list("a_f+b_m"), 7.0)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("6.0 s of test sound") && error.contains("data.mixture_s"),
        "{error}"
    );
    let error = Dataset::find(&list("a_f+bm"), 5.0).unwrap_err().to_string();
    assert!(error.contains("Did you mean `b_m`?"), "{error}");
    assert!(matches!(
        Dataset::find(&list("a_f+a_f"), 5.0),
        Err(SweepError::BadPair { .. })
    ));
}

#[test]
fn without_pairs_everybody_trains_and_nobody_needs_test_sound() {
    let folder = folder(&[("a", 12, 0)]);
    std::fs::remove_dir_all(folder.path().join("a/test")).unwrap();
    let dataset = Dataset::find(&data(&folder, Pairs::None), 5.0).unwrap();
    assert_eq!((dataset.speakers.len(), dataset.pairs.len()), (1, 0));
}

#[test]
fn a_missing_folder_and_one_without_speakers_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let empty = Dataset::find(&data(&folder, Pairs::All), 5.0).unwrap_err();
    assert!(matches!(empty, SweepError::NoSpeaker { .. }), "{empty}");
    let gone = Data {
        speakers: Some("no/such/folder".into()),
        ..Data::default()
    };
    let error = Dataset::find(&gone, 5.0).unwrap_err().to_string();
    assert!(
        error.contains("no/such/folder") && error.contains("data.speakers"),
        "{error}"
    );
}
