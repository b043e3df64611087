//! Mixing excerpts: the mixture's magnitudes and what a mask can recover of each source.

use nae_model::spectra::level_of;

use super::excerpt::ExcerptSpectra;

/// Magnitudes of several mixtures, bin-major on the host.
pub(super) struct Magnitudes {
    pub bins: usize,
    /// Frames of all mixtures together.
    pub columns: usize,
    /// `[bins, columns]`.
    pub mixture: Vec<f32>,
    /// `[sources, bins, columns]`: of every source the part in phase with the mixture.
    pub targets: Vec<f32>,
}

impl Magnitudes {
    /// All silent.
    pub fn new(sources: usize, bins: usize, columns: usize) -> Self {
        Self {
            bins,
            columns,
            mixture: vec![0.0; bins * columns],
            targets: vec![0.0; sources * bins * columns],
        }
    }

    /// Mixes one excerpt a source into columns `first..first + frames`, and brings the mixture to the
    /// level at which mixtures are separated.
    ///
    /// - `silence_db`: frames this far below the loudest are ignored when the level is measured, in dB
    ///   (negative)
    pub fn mix(
        &mut self,
        excerpts: &[ExcerptSpectra],
        first: usize,
        frames: usize,
        silence_db: f32,
    ) {
        let (bins, columns) = (self.bins, self.columns);
        let (mut re, mut im) = (vec![0.0f32; frames], vec![0.0f32; frames]);
        let mut energies = vec![0.0f64; frames];
        for bin in 0..bins {
            re.fill(0.0);
            im.fill(0.0);
            let rows = bin * frames..(bin + 1) * frames;
            for excerpt in excerpts {
                add(&mut re, &excerpt.re[rows.clone()]);
                add(&mut im, &excerpt.im[rows.clone()]);
            }
            let row = &mut self.mixture[bin * columns + first..][..frames];
            for ((x, re), im) in row.iter_mut().zip(&re).zip(&im) {
                *x = (re * re + im * im).sqrt();
            }
            for (energy, x) in energies.iter_mut().zip(&*row) {
                *energy += f64::from(x * x);
            }
            // from here on `re` and `im` are the mixture's phase, as a unit vector
            for ((re, im), x) in re.iter_mut().zip(&mut im).zip(&*row) {
                let inverse = 1.0 / x.max(1e-20);
                *re *= inverse;
                *im *= inverse;
            }
            for (source, excerpt) in excerpts.iter().enumerate() {
                let (of_re, of_im) = (&excerpt.re[rows.clone()], &excerpt.im[rows.clone()]);
                let target = &mut self.targets[(source * bins + bin) * columns + first..][..frames];
                let mixture = row.iter().zip(re.iter().zip(&im));
                let source = of_re.iter().zip(of_im);
                for ((target, (x, (re, im))), (of_re, of_im)) in
                    target.iter_mut().zip(mixture).zip(source)
                {
                    *target = (of_re * re + of_im * im).max(0.0).min(*x);
                }
            }
        }
        let level = level_of(&energies, bins, silence_db);
        if level > 0.0 {
            let gain = ((excerpts.len() as f64).sqrt() / level) as f32;
            let rows = self.mixture.chunks_exact_mut(columns);
            for row in rows.chain(self.targets.chunks_exact_mut(columns)) {
                scale(&mut row[first..first + frames], gain);
            }
        }
    }
}

fn add(sum: &mut [f32], values: &[f32]) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += value;
    }
}

fn scale(values: &mut [f32], gain: f32) {
    for value in values {
        *value *= gain;
    }
}
