use super::*;
use crate::simd::dot;
use nae_testing::tones;

/// Correlations of `width` signals that repeat nothing, and the dense matrix they make.
fn example(width: usize, taps: usize) -> (BlockToeplitz, Vec<Vec<f64>>) {
    let samples = 3 * width * taps + 50;
    let signals: Vec<Vec<f64>> = (0..width)
        .map(|i| {
            let rate = 0.05 + 0.027 * i as f64;
            tones::chirp(samples, rate).collect()
        })
        .collect();
    let delayed = |column: usize, n: usize| {
        let (delay, source) = (column / width, column % width);
        if n >= delay && n - delay < samples {
            signals[source][n - delay]
        } else {
            0.0
        }
    };
    let order = width * taps;
    let dense: Vec<Vec<f64>> = (0..order)
        .map(|r| {
            (0..order)
                .map(|c| {
                    (0..samples + taps)
                        .map(|n| delayed(r, n) * delayed(c, n))
                        .sum()
                })
                .collect()
        })
        .collect();
    let lags: Vec<Vec<f64>> = (0..width * width)
        .map(|ij| {
            (0..taps)
                .map(|l| dense[ij / width][l * width + ij % width])
                .collect()
        })
        .collect();
    let matrix = BlockToeplitz::new(width, taps, |i, j| &lags[i * width + j]);
    (matrix, dense)
}

const SHAPES: [(usize, usize); 6] = [(1, 1), (1, 40), (2, 33), (3, 20), (4, 17), (5, 1)];

#[test]
fn the_factor_multiplies_back_to_the_matrix() {
    for (width, taps) in SHAPES {
        let (matrix, dense) = example(width, taps);
        let factor = matrix.factor(0.0).unwrap();
        let order = width * taps;
        let mut upper = vec![vec![0.0; order]; order];
        let mut entries = factor.rows.iter();
        for (r, row) in upper.iter_mut().enumerate() {
            for slot in &mut row[r..] {
                *slot = *entries.next().unwrap();
            }
        }
        for r in 0..order {
            for c in 0..order {
                let product: f64 = (0..order).map(|k| upper[k][r] * upper[k][c]).sum();
                // A few hundred roundings of entries no larger than the diagonal.
                let tolerance = 1e-13 * dense[0][0];
                let difference = (product - dense[r][c]).abs();
                assert!(
                    difference < tolerance,
                    "{width} {taps} {r} {c}: {difference}"
                );
            }
        }
    }
}

#[test]
fn the_product_equals_the_dense_one() {
    for (width, taps) in SHAPES {
        let (matrix, dense) = example(width, taps);
        let vector: Vec<f64> = (0..width * taps).map(|k| (k as f64 * 0.7).cos()).collect();
        for (row, value) in dense.iter().zip(matrix.product().times(&vector)) {
            let expected = dot(row, &vector);
            let tolerance = 1e-13 * dense[0][0];
            assert!((value - expected).abs() < tolerance, "{value} {expected}");
        }
    }
}

#[test]
fn solving_undoes_the_product() {
    for (width, taps) in SHAPES {
        let (matrix, _) = example(width, taps);
        let vector: Vec<f64> = (0..width * taps).map(|k| (k as f64 * 0.7).cos()).collect();
        let reversed: Vec<f64> = vector.iter().rev().copied().collect();
        let vectors = [vector, reversed];
        let product = matrix.product();
        let mut solutions = vectors.each_ref().map(|vector| product.times(vector));
        let factor = matrix.factor(0.0).unwrap();
        factor.solve_lower(&mut solutions);
        factor.solve_upper(&mut solutions);
        for (value, expected) in solutions.iter().flatten().zip(vectors.iter().flatten()) {
            // Signals that sweep the whole band: matrices with conditions below 1e5.
            assert!((value - expected).abs() < 1e-9, "{value} {expected}");
        }
    }
}

#[test]
fn a_singular_matrix_is_refused_and_loading_mends_it() {
    let lags = [4.0, 1.0, 0.5];
    let twice = BlockToeplitz::new(2, 3, |_, _| &lags);
    assert!(twice.factor(0.0).is_none());
    assert!(twice.factor(1e-9).is_some());
}

#[test]
fn an_indefinite_matrix_is_refused() {
    let lags = [1.0, 2.0];
    assert!(BlockToeplitz::new(1, 2, |_, _| &lags).factor(0.0).is_none());
}
