//! Sounds that belong together, and their scores with lower and upper bounds.

use anyhow::{Result, anyhow, bail};
use nae_metrics::scores::{Evaluation, MetricGroup, Scores};
use nae_metrics::{BSS_EVAL_TAPS, BssEval, Estimate, MetricsError, Reference, Signal};
use nae_separate::ideal_ratio_mask;

use super::sounds::Sound;
use nae_files::count;

/// References, their estimates, and the mixture.
#[derive(Debug)]
pub struct Example {
    pub references: Vec<Sound>,
    /// In the order of the references.
    pub estimates: Vec<Sound>,
    pub mixture: Option<Sound>,
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

/// How estimates are assigned to references.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As given.
    Given,
    /// By the highest mean SIR.
    Best,
}

/// SAR below which a mixture is hardly one of the references, in dB.
const UNRELATED_DB: f64 = 0.0;

impl Example {
    /// Takes sounds that can be compared: none silent, all of one sample rate and length.
    pub fn new(
        references: Vec<Sound>,
        estimates: Vec<Sound>,
        mixture: Option<Sound>,
    ) -> Result<Self> {
        let first = references.first().ok_or_else(|| {
            anyhow!("no reference given; scores compare each estimate with a reference")
        })?;
        if references.len() != estimates.len() {
            bail!(
                "there are {} and {}; give one estimate for every reference, in the same order",
                count(references.len(), "reference"),
                count(estimates.len(), "estimate")
            );
        }
        let roles = [
            ("a reference", &references[..]),
            ("an estimate", &estimates[..]),
            ("the mixture", mixture.as_slice()),
        ];
        for (role, sounds) in roles {
            for sound in sounds {
                check(role, sound, first)?;
            }
        }
        Ok(Self {
            references,
            estimates,
            mixture,
        })
    }

    /// The samples of all references, as metrics take them.
    pub fn references(&self) -> Vec<Reference<'_>> {
        let samples = self.references.iter().map(|sound| &*sound.samples);
        samples.map(Reference).collect()
    }

    /// Scores every estimate against its reference; and what the scores show about the mixture.
    ///
    /// By [`Order::Best`] estimates are first brought into the order of highest mean SIR (512 taps),
    /// as the reference implementation of BSS_eval does.
    pub fn score(mut self, order: Order) -> Result<(Vec<Row>, Option<String>)> {
        if order == Order::Best {
            self.permute()?;
        }
        let references = self.references();
        let sample_rate = self.references.first().map_or(0, |sound| sound.sample_rate);
        let evaluation = Evaluation::new(&references, sample_rate, &MetricGroup::ALL)
            .map_err(|error| self.named(error))?;
        let estimates: Vec<Estimate<'_>> = self
            .estimates
            .iter()
            .map(|sound| Estimate(&sound.samples))
            .collect();
        let found = evaluation
            .score_all(&estimates)
            .map_err(|error| self.named(error))?;
        let bounds = match &self.mixture {
            None => vec![None; found.len()],
            Some(mixture) => {
                let bounds = self.bounds(&evaluation, &references, mixture)?;
                bounds.into_iter().map(Some).collect()
            }
        };
        let names = self.references.iter().zip(&self.estimates);
        let rows = names
            .zip(found)
            .zip(bounds)
            .map(|(((reference, estimate), scores), bounds)| Row {
                reference: reference.name.clone(),
                estimate: estimate.name.clone(),
                scores,
                bounds,
            });
        let rows: Vec<Row> = rows.collect();
        let hint = self
            .mixture
            .as_ref()
            .and_then(|sound| unrelated(sound, &rows));
        Ok((rows, hint))
    }

    fn permute(&mut self) -> Result<()> {
        let references = self.references();
        let estimates: Vec<Estimate<'_>> = self
            .estimates
            .iter()
            .map(|sound| Estimate(&sound.samples))
            .collect();
        let (best, _) = BssEval::new(&references, BSS_EVAL_TAPS)
            .and_then(|projection| projection.best_permutation(&estimates))
            .map_err(|error| self.named(error))?;
        let mut given: Vec<Option<Sound>> = self.estimates.drain(..).map(Some).collect();
        self.estimates = best.iter().filter_map(|&i| given[i].take()).collect();
        Ok(())
    }

    /// Lower and upper bound of every source.
    fn bounds(
        &self,
        evaluation: &Evaluation<'_>,
        references: &[Reference<'_>],
        mixture: &Sound,
    ) -> Result<Vec<(Scores, Scores)>> {
        let floor = evaluation
            .score_against_each(&Estimate(&mixture.samples))
            .map_err(|error| self.named(error))?;
        let truth: Vec<&[f32]> = references.iter().map(|reference| reference.0).collect();
        let ideal = ideal_ratio_mask(&truth, &mixture.samples, mixture.sample_rate)?;
        for (stem, reference) in ideal.iter().zip(&self.references) {
            if stem.iter().all(|x| *x == 0.0) {
                bail!(
                    "{}, the mixture, has no sound where {} has any; give the mixture of these references",
                    mixture.name,
                    reference.name
                );
            }
        }
        let ideal: Vec<Estimate<'_>> = ideal.iter().map(|samples| Estimate(samples)).collect();
        let ceiling = evaluation
            .score_all(&ideal)
            .map_err(|error| anyhow!("the ideal ratio mask of {}: {error}", mixture.name))?;
        Ok(floor.into_iter().zip(ceiling).collect())
    }

    /// Adds the file that the error is about.
    pub fn named(&self, error: MetricsError) -> anyhow::Error {
        let sound = match error.signal() {
            Some(Signal::Reference(i)) => self.references.get(i),
            Some(Signal::Estimate(i)) => self.estimates.get(i),
            Some(Signal::Mixture) => self.mixture.as_ref(),
            None => None,
        };
        match sound {
            Some(sound) => anyhow!("{}: {error}", sound.name),
            None => {
                let names: Vec<&str> = self.references.iter().map(|s| s.name.as_str()).collect();
                anyhow!("{error} (references: {})", names.join(", "))
            }
        }
    }
}

/// Refuses a silent sound, and one that cannot be compared with the first reference sample by sample.
fn check(role: &str, sound: &Sound, first: &Sound) -> Result<()> {
    let name = &sound.name;
    if sound.sample_rate != first.sample_rate {
        bail!(
            "{name}, {role}, has a sample rate of {} Hz and {}, the first reference, of {} Hz; expected the same rate, so resample one of them",
            sound.sample_rate,
            first.name,
            first.sample_rate
        );
    }
    if sound.samples.len() != first.samples.len() {
        bail!(
            "{name}, {role}, has {} and {}, the first reference, {}; expected the same length, so cut or pad one of them",
            count(sound.samples.len(), "sample"),
            first.name,
            first.samples.len()
        );
    }
    if sound.samples.iter().all(|x| *x == 0.0) {
        bail!(
            "{name}, {role}, is silent: every sample is zero, and silence has no scores; leave it out, or give a stretch of the sound in which it is active"
        );
    }
    Ok(())
}

/// A word about a mixture in which the references hardly are.
fn unrelated(mixture: &Sound, rows: &[Row]) -> Option<String> {
    let sar = MetricGroup::BssEval
        .scores()
        .position(|spec| spec.key == "sar")?;
    let floors = rows.iter().filter_map(|row| row.bounds?.0[sar]);
    let highest = floors.fold(f64::NEG_INFINITY, f64::max);
    (highest.is_finite() && highest < UNRELATED_DB).then(|| {
        format!(
            "most of {} comes from none of the references (its SAR is {highest:.1} dB): is it their mixture?",
            mixture.name
        )
    })
}
