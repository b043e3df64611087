//! Every score of a set of estimates, with lower and upper bounds.

use crate::counts::count;
use anyhow::{Result, anyhow, bail};
use nae_audio::Clip;
use nae_metrics::scores::{Evaluation, MetricGroup, Scores};
use nae_metrics::{
    BSS_EVAL_TAPS, BssEval, Estimate, MetricsError, Ratios, Reference, SCALE_INVARIANT_TAPS, si_sdr,
};
use nae_separate::ideal_ratio_mask;

/// Signals that belong together: references, their estimates, and the mixture.
#[derive(Debug)]
pub struct Example {
    sample_rate: u32,
    /// Name and samples of every reference.
    references: Vec<(String, Vec<f32>)>,
    /// Name and samples of every estimate, in the order of the references.
    estimates: Vec<(String, Vec<f32>)>,
    mixture: Option<Vec<f32>>,
}

/// One source's row in the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// Name of the reference.
    pub reference: String,
    /// Name of the estimate.
    pub estimate: String,
    /// Scores of the estimate.
    pub scores: Scores,
    /// With a mixture: scores of the mixture as the estimate (lower bound) and of the ideal
    /// ratio mask (upper bound).
    pub bounds: Option<(Scores, Scores)>,
}

impl Example {
    /// Takes named clips of one sample rate; channels are mixed down.
    pub fn new(
        references: Vec<(String, Clip)>,
        estimates: Vec<(String, Clip)>,
        mixture: Option<(String, Clip)>,
    ) -> Result<Self> {
        let (first, sample_rate) = references
            .first()
            .map(|(name, clip)| (name.clone(), clip.sample_rate()))
            .ok_or_else(|| {
                anyhow!("no reference given; scores compare each estimate with a reference")
            })?;
        for (name, clip) in references.iter().chain(&estimates).chain(&mixture) {
            if clip.sample_rate() != sample_rate {
                bail!(
                    "{first} has a sample rate of {sample_rate} Hz and {name} of {} Hz; expected the same rate, so resample one of them",
                    clip.sample_rate()
                );
            }
        }
        if references.len() != estimates.len() {
            bail!(
                "there are {} and {}; give one estimate for every reference, in the same order",
                count(references.len(), "reference"),
                count(estimates.len(), "estimate")
            );
        }
        let mono = |sounds: Vec<(String, Clip)>| {
            sounds
                .into_iter()
                .map(|(name, clip)| (name, clip.mixdown()))
                .collect()
        };
        Ok(Self {
            sample_rate,
            references: mono(references),
            estimates: mono(estimates),
            mixture: mixture.map(|(_, clip)| clip.mixdown()),
        })
    }

    /// Scores every estimate against its reference.
    ///
    /// With `permute` estimates are first brought into the order of highest mean SIR (512 taps), as
    /// the reference implementation of BSS_eval does.
    pub fn score(&mut self, order: Order) -> Result<Vec<Row>> {
        let references: Vec<Reference<'_>> = self
            .references
            .iter()
            .map(|(_, samples)| Reference(samples))
            .collect();
        if order == Order::Best {
            let estimates: Vec<Estimate<'_>> = self
                .estimates
                .iter()
                .map(|(_, samples)| Estimate(samples))
                .collect();
            let (best, _) = BssEval::new(&references, BSS_EVAL_TAPS)
                .and_then(|projection| projection.best_permutation(&estimates))
                .map_err(|error| self.named(error))?;
            self.estimates = best.iter().map(|&i| self.estimates[i].clone()).collect();
        }
        let evaluation = Evaluation::new(&references, self.sample_rate, &MetricGroup::ALL)
            .map_err(|error| self.named(error))?;
        let all = |signals: Vec<&[f32]>| {
            let signals: Vec<Estimate<'_>> = signals.into_iter().map(Estimate).collect();
            evaluation
                .score_all(&signals)
                .map_err(|error| self.named(error))
        };
        let estimates = self.estimates.iter().map(|(_, samples)| samples.as_slice());
        let found = all(estimates.collect())?;
        let bounds = match &self.mixture {
            None => vec![None; found.len()],
            Some(mixture) => {
                let floor = evaluation.score_against_each(&Estimate(mixture));
                let floor = floor.map_err(|error| self.named(error))?;
                let truth: Vec<&[f32]> = references.iter().map(|r| r.0).collect();
                let ideal = ideal_ratio_mask(&truth, mixture, self.sample_rate)?;
                let ceiling = all(ideal.iter().map(Vec::as_slice).collect())?;
                floor.into_iter().zip(ceiling).map(Some).collect()
            }
        };
        let names = self.references.iter().zip(&self.estimates);
        let rows = names
            .zip(found)
            .zip(bounds)
            .map(|(((reference, estimate), scores), bounds)| Row {
                reference: reference.0.clone(),
                estimate: estimate.0.clone(),
                scores,
                bounds,
            });
        Ok(rows.collect())
    }

    /// Adds the files that the error's numbers stand for.
    fn named(&self, error: MetricsError) -> anyhow::Error {
        let list = |sounds: &[(String, Vec<f32>)]| {
            sounds
                .iter()
                .map(|(name, _)| name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        anyhow!(
            "{error} (references in order: {}; estimates: {})",
            list(&self.references),
            list(&self.estimates)
        )
    }

    /// One estimate with every definition of SDR, and how they differ.
    pub fn explain(&self, index: usize) -> Result<String> {
        let references: Vec<Reference<'_>> = self
            .references
            .iter()
            .map(|(_, samples)| Reference(samples))
            .collect();
        let (reference, estimate) = (&self.references[index], &self.estimates[index]);
        let found = Estimate(&estimate.1);
        let score = |taps| {
            BssEval::new(&references, taps)
                .and_then(|projection| projection.score(index, &found))
                .map_err(|error| self.named(error))
        };
        let full = score(BSS_EVAL_TAPS)?;
        let one = score(SCALE_INVARIANT_TAPS)?;
        let own = si_sdr(&references[index], &found)?;
        let power = |samples: &mut dyn Iterator<Item = f64>| samples.map(|x| x * x).sum::<f64>();
        let truth = power(&mut reference.1.iter().map(|&x| f64::from(x)));
        let rest = power(
            &mut reference
                .1
                .iter()
                .zip(&estimate.1)
                .map(|(&s, &e)| f64::from(s) - f64::from(e)),
        );
        let plain = 10.0 * (truth / rest).log10();
        let mut lines = vec![format!(
            "{} as an estimate of {}, {} references",
            estimate.0,
            reference.0,
            references.len()
        )];
        let mut line = |name: &str, value: f64, words: &str| {
            lines.push(format!("{name:<34} {value:>8.2} dB  {words}"))
        };
        line(
            "SNR (plain SDR)",
            plain,
            "the estimate must match the reference in level, delay and spectrum",
        );
        line("SI-SDR", own, "any gain is allowed");
        let ratios = |group: MetricGroup, found: Ratios| {
            group.scores().zip([found.sdr, found.sir, found.sar])
        };
        let pairs = ratios(MetricGroup::ScaleInvariant, one);
        for (one_tap, many_taps) in pairs.zip(ratios(MetricGroup::BssEval, full)) {
            for (spec, value) in [one_tap, many_taps] {
                if let Some(explanation) = spec.explanation {
                    line(explanation.name, value, explanation.words);
                }
            }
        }
        let gain = own - plain;
        let filter = full.sdr - own;
        lines.push(format!(
            "SI-SDR is {gain:.2} dB above the plain SNR: {}.",
            if gain < 0.1 {
                "the level of the estimate is right"
            } else {
                "this part of the error is a wrong level (or sign), which a gain corrects"
            }
        ));
        lines.push(format!(
            "512 taps are {filter:.2} dB above one: {}. Values of the two forms must not be compared with each other.",
            if filter < 1.0 { "little of the error is a linear filter" } else { "this part of the error is a linear filter on the true source (colouring, short echoes, a delay), which 512-tap SDR does not count" }
        ));
        Ok(lines.join("\n"))
    }
}

/// How estimates are assigned to references.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As given.
    Given,
    /// By the highest mean SIR.
    Best,
}
