//! The product of a block-Toeplitz matrix with a vector, by transforms.

use super::matrix::BlockToeplitz;
use crate::fft::{Bin, RealFft, multiply_add};

impl BlockToeplitz {
    /// The product with vectors, ready to be taken many times.
    pub(crate) fn product(&self) -> ToeplitzProduct {
        ToeplitzProduct::new(self)
    }
}

/// The spectra of the block-circulant matrix whose corner is a block-Toeplitz one.
pub(crate) struct ToeplitzProduct {
    width: usize,
    taps: usize,
    fft: RealFft,
    /// `kernels[i p + j]`: what delays of reference `j` add to row `i`.
    kernels: Vec<Vec<Bin>>,
}

impl ToeplitzProduct {
    fn new(matrix: &BlockToeplitz) -> Self {
        let (p, m) = (matrix.width, matrix.taps);
        let mut fft = RealFft::new((2 * m).next_power_of_two());
        let points = fft.len();
        let mut kernel = vec![0.0; points];
        let mut kernels = Vec::with_capacity(p * p);
        for i in 0..p {
            for j in 0..p {
                // (T x)ᵢ[k] = Σⱼ Σₗ h[k − l] xⱼ[l], h[−l] = R_l[i, j], h[l] = R_l[j, i].
                kernel.fill(0.0);
                kernel[0] = matrix.first[i][j];
                for l in 1..m {
                    kernel[l] = matrix.first[j][l * p + i];
                    kernel[points - l] = matrix.first[i][l * p + j];
                }
                let mut spectrum = vec![Bin::default(); fft.bins()];
                fft.forward(&mut kernel, &mut spectrum);
                kernels.push(spectrum);
            }
        }
        Self {
            width: p,
            taps: m,
            fft,
            kernels,
        }
    }

    /// `T vector`.
    pub(crate) fn times(&self, vector: &[f64]) -> Vec<f64> {
        let p = self.width;
        let mut fft = self.fft.clone();
        let mut buffer = vec![0.0; fft.len()];
        let spectra: Vec<Vec<Bin>> = (0..p)
            .map(|j| {
                buffer.fill(0.0);
                for (slot, value) in buffer.iter_mut().zip(vector[j..].iter().step_by(p)) {
                    *slot = *value;
                }
                let mut spectrum = vec![Bin::default(); fft.bins()];
                fft.forward(&mut buffer, &mut spectrum);
                spectrum
            })
            .collect();
        let mut product = vec![0.0; vector.len()];
        for i in 0..p {
            let mut sum = vec![Bin::default(); fft.bins()];
            for (j, spectrum) in spectra.iter().enumerate() {
                multiply_add(&mut sum, &self.kernels[i * p + j], spectrum);
            }
            fft.inverse(&mut sum, &mut buffer);
            for (slot, value) in product[i..].iter_mut().step_by(p).zip(&buffer[..self.taps]) {
                *slot = *value;
            }
        }
        product
    }
}
