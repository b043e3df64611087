//! Symmetric positive definite block-Toeplitz matrices: product, Cholesky factor, solution.
//!
//! The Gram matrix of `p` references delayed by `0 … m − 1` samples has `m × m` blocks of `p × p`
//! entries that depend only on the difference of the delays:
//!
//! ```text
//! T = | R₀    R₁    R₂  … |        R_l[i, j] = Σₙ sᵢ[n] sⱼ[n − l],   R₋ₗ = R_lᵀ
//!     | R₁ᵀ   R₀    R₁  … |
//!     | R₂ᵀ   R₁ᵀ   R₀  … |        index of reference i at delay k: k p + i
//! ```
//!
//! **Product.** A block-Toeplitz matrix is the corner of a block-circulant one, so `T x` takes `p`
//! transforms of at least `2m − 1` points each way.
//!
//! **Factor.** `T` shifted down by one block differs from `T` by a matrix of rank `2p`,
//! `T − Z T Zᵀ = AᵀA − BᵀB` with `A = R₀^(−½) [R₀ R₁ …]` and `B` the same without its first block.
//! The generalised Schur algorithm \[1, 2\] reads the rows of the Cholesky factor `T = UᵀU` off `A`:
//! each step shifts `A` right by one block and clears the leading block of `B` with rotations that
//! keep `AᵀA − BᵀB`. That takes about `p n²` multiplications for `n = m p` unknowns where Cholesky
//! takes `n³ / 6`: sixty times fewer at four references with 512 taps.
//! Each column is cleared by a Householder reflection among the rows of `B`, then one hyperbolic
//! rotation in its mixed form, for which the algorithm is as stable as Cholesky \[2, 3\].
//!
//! A matrix that is not positive definite in double precision shows as a hyperbolic rotation that
//! does not exist or a pivot no larger than rounding, and the factor is refused: see [`projection`](crate::projection) for what then.
//!
//! 1. T. Kailath, A. H. Sayed, "Displacement structure: theory and applications", SIAM Review 37(3),
//!    1995.
//! 2. S. Chandrasekaran, A. H. Sayed, "Stabilizing the generalized Schur algorithm", SIAM J. Matrix
//!    Anal. Appl. 17(4), 1996.
//! 3. M. Stewart, P. Van Dooren, "Stability issues in the factorization of structured matrices",
//!    SIAM J. Matrix Anal. Appl. 18(1), 1997.

mod factor;
mod matrix;
mod product;

pub(crate) use factor::ToeplitzFactor;
pub(crate) use matrix::BlockToeplitz;
pub(crate) use product::ToeplitzProduct;

#[cfg(test)]
mod tests;
