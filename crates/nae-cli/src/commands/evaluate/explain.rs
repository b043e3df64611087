//! One estimate with every definition of SDR, and how they differ, in words.

use anyhow::Result;
use nae_metrics::scores::{MetricGroup, RELIABLE_DB};
use nae_metrics::{BSS_EVAL_TAPS, BssEval, Estimate, Ratios, SCALE_INVARIANT_TAPS, si_sdr};

use super::example::Example;
use nae_files::count;

/// The explanation of one estimate.
pub fn explain(example: &Example, index: usize) -> Result<String> {
    let references = example.references();
    let (reference, estimate) = (&example.references[index], &example.estimates[index]);
    let found = Estimate(&estimate.samples);
    let score = |taps| {
        BssEval::new(&references, taps)
            .and_then(|projection| projection.score(index, &found))
            .map_err(|error| example.named(error))
    };
    let full = score(BSS_EVAL_TAPS)?;
    let one = score(SCALE_INVARIANT_TAPS)?;
    let own = si_sdr(&references[index], &found)?;
    let pairs = reference.samples.iter().zip(&estimate.samples);
    let level = Level::of(pairs.map(|(&s, &e)| (f64::from(s), f64::from(e))));
    let mut lines = vec![format!(
        "{} as an estimate of {}, {}",
        estimate.name,
        reference.name,
        count(references.len(), "reference")
    )];
    let mut line = |name: &str, value: f64, words: &str| {
        lines.push(format!("{name:<34} {}  {words}", decibels(value)))
    };
    line(
        "SNR (plain SDR)",
        level.snr,
        "the estimate must match the reference in level, delay and spectrum",
    );
    line("SI-SDR", own, "any gain is allowed");
    let ratios =
        |group: MetricGroup, found: Ratios| group.scores().zip([found.sdr, found.sir, found.sar]);
    let pairs = ratios(MetricGroup::ScaleInvariant, one);
    for (one_tap, many_taps) in pairs.zip(ratios(MetricGroup::BssEval, full)) {
        for (spec, value) in [one_tap, many_taps] {
            // with one reference nothing interferes
            let is_defined = references.len() > 1 || !spec.key.ends_with("sir");
            if let Some(explanation) = spec.explanation.filter(|_| is_defined) {
                line(explanation.name, value, explanation.words);
            }
        }
    }
    lines.push(level.sentence(own));
    lines.push(filter_sentence(own, full.sdr));
    Ok(lines.join("\n"))
}

/// A column of decibels; above [`RELIABLE_DB`] they are rounding.
fn decibels(value: f64) -> String {
    match value {
        value if value > RELIABLE_DB => format!("{:>8} dB", ">100"),
        value if value == f64::NEG_INFINITY => format!("{:>8} dB", "−∞"),
        value => format!("{value:>8.2} dB"),
    }
}

/// Less than this is printed as no difference, in dB.
const SHOWN_DB: f64 = 0.005;

/// "2.00 dB above", "2.00 dB below", or "equal to".
fn compared(difference: f64, other: &str) -> String {
    match difference {
        d if d >= SHOWN_DB => format!("{d:.2} dB above {other}"),
        d if d <= -SHOWN_DB => format!("{:.2} dB below {other}", -d),
        _ => format!("equal to {other}"),
    }
}

/// The level of the reference in the estimate.
struct Level {
    /// `⟨ŝ, s⟩ / ⟨s, s⟩`: 1 if the level is right.
    gain: f64,
    /// Plain SNR, in dB.
    snr: f64,
}

impl Level {
    /// - `pairs`: samples of the reference and of the estimate
    fn of(pairs: impl Iterator<Item = (f64, f64)>) -> Self {
        let (mut product, mut energy, mut rest) = (0.0, 0.0, 0.0);
        for (s, e) in pairs {
            product += s * e;
            energy += s * s;
            rest += (s - e) * (s - e);
        }
        Self {
            gain: product / energy,
            snr: 10.0 * (energy / rest).log10(),
        }
    }

    /// How SI-SDR and plain SNR differ, and why.
    fn sentence(&self, si_sdr: f64) -> String {
        if si_sdr == f64::NEG_INFINITY {
            return "SI-SDR is −∞: nothing of the reference is in the estimate.".into();
        }
        let db = 20.0 * self.gain.abs().log10();
        let mut wrong = Vec::new();
        if db >= SHOWN_DB {
            wrong.push(format!("its level is {db:.2} dB too high"));
        } else if db <= -SHOWN_DB {
            wrong.push(format!("its level is {:.2} dB too low", -db));
        }
        if self.gain < 0.0 {
            wrong.push("its sign is inverted".into());
        }
        let wrong = wrong.join(" and ");
        if si_sdr > RELIABLE_DB {
            return match wrong.as_str() {
                "" => "The estimate is the reference.".into(),
                wrong => format!(
                    "The estimate is the reference but for a gain: {wrong}, which the plain SNR counts and SI-SDR does not."
                ),
            };
        }
        let difference = si_sdr - self.snr;
        let relation = compared(difference, "the plain SNR");
        let reason = match wrong.as_str() {
            "" if difference.abs() < SHOWN_DB => "the level of the estimate is right".into(),
            "" => "the level of the estimate is right to 0.01 dB, and what is left of it shows only because the rest of the error is so small".into(),
            wrong if difference >= SHOWN_DB => format!(
                "this part of the error is a wrong level or sign ({wrong}), which a gain corrects"
            ),
            wrong if difference <= -SHOWN_DB => format!(
                "the estimate has a wrong level ({wrong}), and the plain SNR favours quiet estimates, whose errors are quiet too: silence would have 0 dB"
            ),
            wrong => format!(
                "the estimate has a wrong level ({wrong}), but what that costs and what a quiet error gains cancel out"
            ),
        };
        format!("SI-SDR is {relation}: {reason}.")
    }
}

/// How the SDR of 512 taps and of one differ, and why.
fn filter_sentence(one_tap: f64, many_taps: f64) -> String {
    if one_tap > RELIABLE_DB {
        return "No filter can improve on that: SDR with 512 taps is above 100 dB too.".into();
    }
    if one_tap == f64::NEG_INFINITY {
        return match many_taps {
            f64::NEG_INFINITY => "No filter of 512 taps finds it there either.".into(),
            _ => "With 512 taps the estimate does hold something of the reference: delayed, or filtered.".into(),
        };
    }
    let difference = many_taps - one_tap;
    let relation = match difference {
        f64::INFINITY => "far above that with one".into(),
        difference => compared(difference, "that with one"),
    };
    let reason = if many_taps > RELIABLE_DB {
        "all of the error is a linear filter on the true source"
    } else if difference < 1.0 {
        "little of the error is a linear filter"
    } else {
        "this part of the error is a linear filter on the true source (colouring, short echoes, a delay), which 512-tap SDR does not count"
    };
    format!(
        "SDR with 512 taps is {relation}: {reason}. Values of the two forms must not be compared with each other."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sentence about an estimate `gain · s + error`, with `s` and the error orthogonal.
    fn sentence(gain: f64, error: f64) -> (f64, f64, String) {
        let pairs = [(1.0, gain + error), (1.0, gain - error)];
        let level = Level::of(pairs.into_iter());
        let own = 20.0 * (gain.abs() / error).log10();
        (own, level.snr, level.sentence(own))
    }

    #[test]
    fn sentences_about_the_level_are_true_over_a_grid() {
        for gain in [
            -2.0, -1.0, -0.5, 0.1, 0.5, 0.9, 0.999_999, 1.0, 1.1, 2.0, 30.0,
        ] {
            for error in [1e-7, 1e-4, 1e-2, 0.1, 0.5, 1.0, 3.0, 100.0] {
                let (own, snr, text) = sentence(gain, error);
                let what = format!("gain {gain}, error {error}: {text}");
                assert!(!text.contains("NaN") && !text.contains("inf"), "{what}");
                let negative = text.split('-').skip(1);
                let mut negative =
                    negative.filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
                assert!(negative.next().is_none() && !text.contains('−'), "{what}");
                assert_eq!(text.contains("too low"), gain.abs() < 0.9995, "{what}");
                assert_eq!(text.contains("too high"), gain.abs() > 1.0005, "{what}");
                assert_eq!(text.contains("inverted"), gain < 0.0, "{what}");
                let is_right = (gain - 1.0).abs() < 5e-4;
                assert_eq!(
                    text.contains("level of the estimate is right"),
                    is_right && own < 100.0,
                    "{what}"
                );
                if own < 100.0 {
                    assert_eq!(text.contains("dB above"), own - snr >= 0.005, "{what}");
                    assert_eq!(text.contains("dB below"), snr - own >= 0.005, "{what}");
                    assert_eq!(
                        text.contains("equal to"),
                        (own - snr).abs() < 0.005,
                        "{what}"
                    );
                } else {
                    assert!(text.contains("The estimate is the reference"), "{what}");
                }
            }
        }
        let none = Level::of([(1.0, 1.0), (1.0, -1.0)].into_iter());
        assert!(none.sentence(f64::NEG_INFINITY).contains("nothing"));
    }

    #[test]
    fn sentences_about_filters_are_true_over_a_grid() {
        for one in [
            f64::NEG_INFINITY,
            -40.0,
            -3.0,
            0.0,
            12.0,
            99.0,
            250.0,
            f64::INFINITY,
        ] {
            for above in [-0.001, 0.0, 0.5, 1.0, 20.0, 300.0] {
                let text = filter_sentence(one, one + above);
                assert!(!text.contains("inf") && !text.contains("NaN"), "{text}");
                assert!(!text.contains("-0.") && !text.contains("−"), "{text}");
                if one.is_finite() && one < 100.0 && one + above < 100.0 {
                    let is_filter = text.contains("this part of the error is a linear filter");
                    assert_eq!(is_filter, above >= 1.0, "{text}");
                    assert_eq!(text.contains("dB above"), above >= 0.005, "{text}");
                }
            }
        }
    }

    #[test]
    fn columns_have_no_made_up_numbers() {
        assert_eq!(decibels(-2.0), "   -2.00 dB");
        assert_eq!(decibels(f64::INFINITY), "    >100 dB");
        assert_eq!(decibels(f64::NEG_INFINITY), "      −∞ dB");
    }
}
