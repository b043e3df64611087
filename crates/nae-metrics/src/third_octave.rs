//! The fifteen third-octave bands of STOI as ranges of transform bins.
//!
//! Band `k` is centred at `150 · 2^(k/3)` Hz and reaches a sixth of an octave to either side. Both
//! edges are moved to the nearest bin, and a bin belongs to the band whose lower edge it is.

use std::ops::Range;

/// Bands.
pub(crate) const BANDS: usize = 15;

/// The centre of the lowest band.
const LOWEST_HZ: f64 = 150.0;

/// The bins of each band, of a transform with `n_fft` points at `sample_rate` Hz.
pub(crate) fn bands(sample_rate: u32, n_fft: usize) -> [Range<usize>; BANDS] {
    let bin_hz = f64::from(sample_rate) / n_fft as f64;
    let nearest = |sixths_of_an_octave: f64| {
        let hz = LOWEST_HZ * (sixths_of_an_octave / 6.0).exp2();
        ((hz / bin_hz).round() as usize).min(n_fft / 2)
    };
    std::array::from_fn(|band| {
        let centre = 2.0 * band as f64;
        nearest(centre - 1.0)..nearest(centre + 1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bands_are_those_of_pystoi() {
        // First and last bin + 1 of each row of pystoi.utils.thirdoct(10000, 512, 15, 150).
        let edges = [
            7, 9, 11, 14, 17, 22, 27, 34, 43, 55, 69, 87, 109, 138, 174, 219,
        ];
        for (band, range) in bands(10_000, 512).into_iter().enumerate() {
            assert_eq!(range, edges[band]..edges[band + 1]);
        }
    }
}
