use super::*;
use crate::{Estimate, Reference};

const RATE: u32 = 16_000;

fn noise(seed: u32) -> Vec<f32> {
    nae_testing::noise::swinging(RATE as usize, seed)
}

#[test]
fn what_is_not_asked_for_is_left_out_and_the_rest_stays_the_same() {
    let (a, b) = (noise(1), noise(2));
    let references = [Reference(&a), Reference(&b)];
    let estimates = [Estimate(&b), Estimate(&a)];
    let score = |groups: &[MetricGroup]| {
        let evaluation = Evaluation::new(&references, RATE, groups).unwrap();
        evaluation.score_all(&estimates).unwrap()
    };
    let all = score(&MetricGroup::ALL);
    assert!(all.iter().flatten().all(Option::is_some));
    let some = score(&[MetricGroup::ScaleInvariant]);
    for (all, some) in all.iter().zip(&some) {
        assert_eq!(some[3..6], all[3..6]);
        assert!(some[..3].iter().chain(&some[6..]).all(Option::is_none));
    }
}

#[test]
fn one_signal_for_all_is_as_many_estimates_of_it() {
    let (a, b) = (noise(1), noise(2));
    let references = [Reference(&a), Reference(&b)];
    let mixture: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
    let evaluation = Evaluation::new(&references, RATE, &MetricGroup::ALL).unwrap();
    let each = evaluation.score_against_each(&Estimate(&mixture)).unwrap();
    let all = evaluation.score_all(&[Estimate(&mixture); 2]).unwrap();
    for (each, all) in each.iter().flatten().zip(all.iter().flatten()) {
        // two ways through the same projection
        assert!((each.unwrap() - all.unwrap()).abs() < 1e-6);
    }
}

#[test]
fn groups_follow_one_another_and_keys_are_unique() {
    let groups: Vec<MetricGroup> = TABLE.iter().map(|spec| spec.group).collect();
    let listed: Vec<MetricGroup> = MetricGroup::ALL
        .into_iter()
        .flat_map(|group| group.scores().map(|spec| spec.group))
        .collect();
    assert_eq!(groups, listed);
    for (i, spec) in TABLE.iter().enumerate() {
        assert!(TABLE[..i].iter().all(|other| other.key != spec.key));
        assert!(!spec.meaning.is_empty() && !spec.label.is_empty());
    }
}

#[test]
fn identities_of_groups_never_change() {
    // part of every separation's identity in sweeps
    let ids = MetricGroup::ALL.map(MetricGroup::id);
    assert_eq!(ids, ["BssEval", "ScaleInvariant", "Intelligibility"]);
    let keys = MetricGroup::ALL.map(MetricGroup::key);
    assert_eq!(keys, ["bss_eval", "scale_invariant", "intelligibility"]);
}

#[test]
fn the_four_forms_have_their_keys() {
    let scores: Scores = std::array::from_fn(|i| Some(i as f64));
    let floor: Scores = std::array::from_fn(|i| Some(if i == 2 { 250.0 } else { 0.5 }));
    let all = named(&scores, Some(&(floor, scores)));
    let value = |key: &str| all.iter().find(|(known, _)| known == key).unwrap().1;
    assert_eq!(all.len(), 4 * COUNT);
    assert_eq!(value("sir"), Some(1.0));
    assert_eq!(value("sir_mixture"), Some(0.5));
    assert_eq!(value("sir_improvement"), Some(0.5));
    assert_eq!(value("oracle_sir"), Some(1.0));
    assert_eq!(value("sar_improvement"), None, "no gain over rounding");
}
