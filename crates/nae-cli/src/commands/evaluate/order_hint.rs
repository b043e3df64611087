//! Whether estimates seem to be in another order than the references.

use nae_metrics::{Estimate, Reference, best_assignment, si_sdr};

use super::example::Example;

/// How much better another order must score to be worth a word, in dB of mean SI-SDR. Estimates that
/// were separated badly differ by less whatever their order.
const WORTH_DB: f64 = 3.0;

/// Beyond this a score is perfect or worthless, and further decibels say nothing.
const LIMIT_DB: f64 = 60.0;

/// A sentence, if the estimates would score much better in another order. They are never reordered
/// without being asked.
pub fn order_hint(example: &Example) -> Option<String> {
    let (references, estimates) = (&example.references, &example.estimates);
    let count = references.len();
    if count < 2 {
        return None;
    }
    let score = |reference: usize, estimate: usize| {
        let (s, e) = (&references[reference], &estimates[estimate]);
        let db = si_sdr(&Reference(&s.samples), &Estimate(&e.samples));
        db.map_or(-LIMIT_DB, |db| db.clamp(-LIMIT_DB, LIMIT_DB))
    };
    let scores: Vec<Vec<f64>> = (0..count)
        .map(|reference| {
            (0..count)
                .map(|estimate| score(reference, estimate))
                .collect()
        })
        .collect();
    let best = best_assignment(count, |reference, estimate| scores[reference][estimate]);
    let gain = (0..count).map(|i| scores[i][best[i]] - scores[i][i]);
    let gain = gain.sum::<f64>() / count as f64;
    if gain < WORTH_DB {
        return None;
    }
    let moved = (0..count).filter(|&i| best[i] != i).map(|i| {
        format!(
            "estimate {} ({}) fits reference {} ({}) better",
            best[i] + 1,
            estimates[best[i]].name,
            i + 1,
            references[i].name
        )
    });
    let moved: Vec<String> = moved.collect();
    Some(format!(
        "are the estimates in another order than the references? {}: SI-SDR would be {gain:.1} dB higher in the mean. The scores are of the order given; --permute assigns estimates to references.",
        moved.join(", ")
    ))
}
