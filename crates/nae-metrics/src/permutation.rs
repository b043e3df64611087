//! Which estimate belongs to which reference: the assignment with the greatest sum, by the Hungarian
//! algorithm \[1\] instead of a trial of all orders.
//!
//! 1. H. W. Kuhn, "The Hungarian method for the assignment problem", Naval Research Logistics
//!    Quarterly 2, 1955.

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

/// Steps of one dB that two assignments can differ by: the algorithm needs a total order, which
/// integers have.
const STEPS_PER_DB: f64 = 1e9;

/// The score that stands for an infinite one: louder than anything finite in double precision.
const INFINITE_DB: f64 = 1e6;

/// For each reference the index of its estimate, such that the sum of `score_db(reference,
/// estimate)` is greatest. Of sums that are equal (to 10⁻⁹ dB) any may come.
///
/// - `count`: of references, and of estimates
/// - `score_db`: in dB; beyond ±10⁶ dB, infinities among them, all count the same
///
/// ```
/// let scores = [[1.0, 9.0], [8.0, 2.0]];
/// let order = nae_metrics::best_assignment(2, |reference, estimate| scores[reference][estimate]);
/// assert_eq!(order, [1, 0]);
/// ```
#[must_use]
pub fn best_assignment(count: usize, score_db: impl Fn(usize, usize) -> f64) -> Vec<usize> {
    let weights = Matrix::from_fn(count, count, |(reference, estimate)| {
        let db = score_db(reference, estimate).clamp(-INFINITE_DB, INFINITE_DB);
        (db * STEPS_PER_DB).round() as i64
    });
    kuhn_munkres(&weights).1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every order of `items`.
    fn orders(items: &[usize]) -> Vec<Vec<usize>> {
        if items.is_empty() {
            return vec![Vec::new()];
        }
        items
            .iter()
            .flat_map(|&first| {
                let rest: Vec<usize> = items.iter().copied().filter(|&i| i != first).collect();
                orders(&rest).into_iter().map(move |mut order| {
                    order.insert(0, first);
                    order
                })
            })
            .collect()
    }

    #[test]
    fn the_assignment_equals_a_trial_of_all_orders() {
        for count in 1..=5 {
            let score = |r: usize, e: usize| ((r * 7 + e * 13 + r * e * 5) % 17) as f64 - 6.25;
            let best = best_assignment(count, score);
            let sum = |order: &[usize]| -> f64 {
                order.iter().enumerate().map(|(r, &e)| score(r, e)).sum()
            };
            let all: Vec<usize> = (0..count).collect();
            let most = orders(&all)
                .iter()
                .map(|order| sum(order))
                .fold(f64::NEG_INFINITY, f64::max);
            assert_eq!(sum(&best), most);
        }
    }

    #[test]
    fn infinite_scores_are_assigned_first() {
        let score = |r: usize, e: usize| if r != e { f64::INFINITY } else { 10.0 };
        assert_eq!(best_assignment(2, score), vec![1, 0]);
    }
}
