use super::*;

fn tone(rate: f32) -> Vec<f32> {
    (0..2000).map(|n| (rate * (n * n) as f32).sin()).collect()
}

#[test]
fn a_single_reference_has_infinite_sir() {
    let (source, noise) = (tone(1e-4), tone(3e-4));
    let estimate: Vec<f32> = source.iter().zip(&noise).map(|(s, n)| s + n).collect();
    for taps in [1, 20] {
        let evaluation = BssEval::new(&[Reference(&source)], taps).unwrap();
        let ratios = evaluation.score(0, &Estimate(&estimate)).unwrap();
        assert_eq!(ratios.sir, f64::INFINITY);
        assert!((ratios.sdr - ratios.sar).abs() < 1e-12);
    }
}

#[test]
fn what_cannot_be_scored_is_a_typed_error() {
    let (a, b) = (tone(1e-4), tone(3e-4));
    let pair = [Reference(&a), Reference(&b)];
    assert_eq!(
        BssEval::<f32>::new(&[], 1).unwrap_err(),
        MetricsError::NoReference
    );
    assert!(matches!(
        BssEval::new(&pair, 0),
        Err(MetricsError::NoTaps { .. })
    ));
    assert!(matches!(
        BssEval::new(&[pair[0], Reference(&b[1..])], 1),
        Err(MetricsError::LengthMismatch {
            signal: Signal::Reference(1),
            expected: 2000,
            found: 1999
        })
    ));
    assert!(matches!(
        BssEval::new(&pair, 1999),
        Err(MetricsError::TooShort {
            expected: 2001,
            found: 2000,
            ..
        })
    ));
    let zeros = vec![0.0; 2000];
    assert!(matches!(
        BssEval::new(&[pair[0], Reference(&zeros)], 1),
        Err(MetricsError::Silent {
            signal: Signal::Reference(1),
            ..
        })
    ));
    // a folder of mixtures taken for one of a thousand sources
    assert!(matches!(
        BssEval::new(&vec![pair[0]; 1000], 512),
        Err(MetricsError::TooManyReferences {
            expected: 32,
            found: 1000
        })
    ));
    let evaluation = BssEval::new(&pair, 4).unwrap();
    assert!(matches!(
        evaluation.score_against_each(&Estimate(&zeros)),
        Err(MetricsError::Silent {
            signal: Signal::Mixture,
            ..
        })
    ));
    assert!(matches!(
        evaluation.score(2, &Estimate(&a)),
        Err(MetricsError::NoSuchReference {
            expected: 2,
            found: 2
        })
    ));
    assert!(matches!(
        evaluation.score(1, &Estimate(&zeros)),
        Err(MetricsError::Silent {
            signal: Signal::Estimate(1),
            ..
        })
    ));
    assert!(matches!(
        evaluation.score_all(&[Estimate(&a)]),
        Err(MetricsError::CountMismatch {
            expected: 2,
            found: 1
        })
    ));
    let mut broken = a.clone();
    broken[7] = f32::NEG_INFINITY;
    assert!(matches!(
        evaluation.best_permutation(&[Estimate(&a), Estimate(&broken)]),
        Err(MetricsError::NonFinite {
            signal: Signal::Estimate(1),
            sample: 7,
            ..
        })
    ));
}

#[test]
fn a_reference_given_twice_projects_as_if_given_once() {
    let (source, noise) = (tone(1e-4), tone(3e-4));
    let estimate: Vec<f32> = source
        .iter()
        .zip(&noise)
        .map(|(s, n)| s + 0.3 * n)
        .collect();
    for taps in [1, 64] {
        let once = BssEval::new(&[Reference(&source)], taps).unwrap();
        let twice = BssEval::new(&[Reference(&source), Reference(&source)], taps).unwrap();
        let expected = once.score(0, &Estimate(&estimate)).unwrap();
        let got = twice.score(0, &Estimate(&estimate)).unwrap();
        // The loading costs directions that sound its square.
        assert!(
            (got.sdr - expected.sdr).abs() < 1e-9,
            "{got:?} {expected:?}"
        );
        assert!(
            (got.sar - expected.sar).abs() < 1e-9,
            "{got:?} {expected:?}"
        );
        assert!(got.sir > 150.0, "{got:?}");
    }
}

#[test]
fn the_same_values_score_the_same_in_either_precision() {
    let (source, noise) = (tone(1e-4), tone(3e-4));
    let estimate: Vec<f32> = source.iter().zip(&noise).map(|(s, n)| s + n).collect();
    let wide = |samples: &[f32]| -> Vec<f64> { samples.iter().map(|&v| v.into()).collect() };
    let (source64, noise64, estimate64) = (wide(&source), wide(&noise), wide(&estimate));
    let narrow = BssEval::new(&[Reference(&source), Reference(&noise)], 20).unwrap();
    let wide = BssEval::new(&[Reference(&source64), Reference(&noise64)], 20).unwrap();
    assert_eq!(
        narrow.score(0, &Estimate(&estimate)).unwrap(),
        wide.score(0, &Estimate(&estimate64)).unwrap()
    );
}
