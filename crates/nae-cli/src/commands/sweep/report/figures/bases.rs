//! Bases of a model: columns of one frame over frequency, or spectrograms of several frames.

use anyhow::{Context, Result};
use nae_model::spectra::read;
use nae_model::{AudioConfig, Model};
use nae_report::plots::{Panel, SpectrogramRow};
use nae_report::{Axis, ColourScale, Matrix};

use super::RANGE_DB;
use super::components::{Upwards, components};

/// Frames of all spectrograms together that a panel has room for.
const FRAMES: usize = 80;
/// Spectrograms in a panel: at least, where there are as many, and at most.
const SPECTROGRAMS: (usize, usize) = (4, 20);
/// The bases of a model's last layer.
pub struct Bases {
    /// Frames of a basis.
    span: usize,
    bins: usize,
    /// Exponent of the magnitudes that they are sums of.
    compression: f64,
    /// Every basis, `[span × bins]`, frame after frame.
    values: Vec<Vec<f32>>,
}

impl Bases {
    /// Reads them from a model.
    pub fn of(model: &Model) -> Result<Self> {
        let bases = model.network.bases().context("a model without bases")?;
        let [_, span, bins, count] = bases.dims();
        let all = read(bases.reshape([span * bins, count]))?;
        let column = |k: usize| all.iter().skip(k).step_by(count).copied().collect();
        Ok(Self {
            span,
            bins,
            compression: model.metadata.architecture.compression(),
            values: (0..count).map(column).collect(),
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// Frequency bins of each.
    pub fn bins(&self) -> usize {
        self.bins
    }

    /// Their columns over frequency; of bases of several frames the mean of the frames.
    pub fn columns(&self) -> Vec<Vec<f32>> {
        let mean = |basis: &Vec<f32>| {
            let mut mean = vec![0.0f32; self.bins];
            for frame in basis.chunks(self.bins) {
                for (mean, x) in mean.iter_mut().zip(frame) {
                    *mean += x / self.span as f32;
                }
            }
            mean
        };
        self.values.iter().map(mean).collect()
    }

    /// Indices of bases, those with low peaks first.
    pub fn by_peak(&self) -> Vec<usize> {
        let columns = self.columns();
        let peak = |basis: &Vec<f32>| {
            let strongest = basis.iter().enumerate();
            let strongest = strongest.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
            strongest.map(|(bin, _)| bin)
        };
        let mut order: Vec<usize> = (0..columns.len()).collect();
        order.sort_by_key(|k| peak(&columns[*k]));
        order
    }

    /// What there is to say of bases of several frames, whose colours are dB of uncompressed
    /// magnitudes; nothing of others.
    pub fn caption(&self, audio: &AudioConfig) -> String {
        if self.span == 1 {
            return String::new();
        }
        let ms = |samples: usize| 1000.0 * samples as f64 / f64::from(audio.sample_rate);
        let length = ms((self.span - 1) * audio.hop + audio.n_fft);
        let (shown, count) = (self.shown().len(), self.count());
        let which = match shown == count {
            true => "Each".to_owned(),
            false => format!("Shown are {shown} of {count}, evenly chosen by their peaks; each"),
        };
        format!(
            "Bases are spectrograms of {} frames, one every {:.0} ms, {length:.0} ms in all. {which} is scaled to its own peak.",
            self.span,
            ms(audio.hop),
        )
    }

    /// A panel of all, or of as many spectrograms as it has room for.
    ///
    /// - `hz`: width of a bin
    /// - `top`: bins shown
    pub fn panel(&self, title: &str, hz: f64, top: usize) -> Result<Panel> {
        let order = self.by_peak();
        let frequency = Axis::frequency(hz * top as f64);
        if self.span == 1 {
            let columns = self.columns();
            let sorted = order.iter().map(|k| columns[*k][..top].to_vec()).collect();
            return components(title, sorted, frequency, Upwards::Frequency);
        }
        let spectrogram = |place: usize| {
            let matrix = self.spectrogram(order[place], top)?;
            Ok(((place + 1).to_string(), matrix))
        };
        let shown = self.shown().into_iter().map(spectrogram);
        Ok(Panel::Spectrograms(SpectrogramRow {
            title: title.into(),
            x_label: "component".into(),
            y: frequency,
            spectrograms: shown.collect::<Result<_>>()?,
            scale: ColourScale::Decibels {
                reference: Some(1.0),
                range_db: RANGE_DB,
            },
        }))
    }

    /// Places of the spectrograms that are drawn among all, sorted by their peaks.
    fn shown(&self) -> Vec<usize> {
        let (least, most) = SPECTROGRAMS;
        let room = (FRAMES / self.span).clamp(least, most);
        let count = self.count();
        match count <= room {
            true => (0..count).collect(),
            false => (0..room).map(|i| i * (count - 1) / (room - 1)).collect(),
        }
    }

    /// Magnitudes of a basis over its peak, uncompressed, `[top × span]`.
    fn spectrogram(&self, basis: usize, top: usize) -> Result<Matrix> {
        let values = &self.values[basis];
        let peak = values
            .iter()
            .fold(f32::MIN_POSITIVE, |peak, x| peak.max(x.abs()));
        let cells = (0..top).flat_map(|bin| (0..self.span).map(move |frame| (bin, frame)));
        let exponent = (1.0 / self.compression) as f32;
        let level = |(bin, frame): (usize, usize)| {
            (values[frame * self.bins + bin].abs() / peak).powf(exponent)
        };
        Ok(Matrix::new(top, self.span, cells.map(level).collect())?)
    }
}
