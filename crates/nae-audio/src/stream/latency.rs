//! The delay of a stream, from the sizes of what it is collected in.

use crate::StftConfig;

/// Blocks of samples up to which the delay is found by trying every sample of a period.
const TRIED: u64 = 4_000_000;

/// How far every output sample must lie behind its input sample for it to have come in time, whatever
/// the sizes of the blocks that are pushed; in samples of the mixture.
///
/// - `block`: samples of the resampler's blocks at the mixture's rate and at the transform's; `(0, 0)`
///   between equal rates
/// - `look_ahead`: later frames that a frame's masks depend on
pub fn latency(stft: StftConfig, look_ahead: usize, block: (usize, usize)) -> usize {
    let StftConfig { n_fft, hop } = stft;
    let lead = stft.frames_before() * hop;
    let (own, inner) = (block.0 as u64, block.1 as u64);
    // samples in time that have come out when `received` have come in
    let available = |received: u64| -> u64 {
        let inside = match own {
            0 => received,
            _ => (received / own * inner).saturating_sub(inner / 2),
        };
        let reach = inside + lead as u64;
        let frames = match reach.checked_sub(n_fft as u64) {
            Some(beyond) if inside > 0 => beyond / hop as u64 + 1,
            _ => 0,
        };
        let before = stft.frames_before() + look_ahead;
        let samples = frames.saturating_sub(before as u64) * hop as u64;
        match own {
            0 => samples,
            _ => (samples / inner * own).saturating_sub(own / 2),
        }
    };
    // in units of the mixture's samples
    let outside = |samples: u64| match own {
        0 => samples,
        _ => samples.div_ceil(inner) * own,
    };
    let start = outside((n_fft + look_ahead * hop) as u64) + 4 * own;
    let period = match own {
        0 => hop as u64,
        _ => lcm(inner, hop as u64).saturating_mul(own) / inner,
    };
    let bound = outside((n_fft + (look_ahead + 1) * hop) as u64) + 4 * own;
    if start.saturating_add(2 * period) > TRIED {
        return bound as usize;
    }
    let behind =
        (0..start + 2 * period).map(|received| received.saturating_sub(available(received)));
    behind.max().unwrap_or(0) as usize
}

fn lcm(a: u64, b: u64) -> u64 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x.max(1)).saturating_mul(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STFT: StftConfig = StftConfig {
        n_fft: 512,
        hop: 128,
    };

    #[test]
    fn at_equal_rates_it_is_a_frame_and_the_look_ahead() {
        assert_eq!(latency(STFT, 0, (0, 0)), 511);
        assert_eq!(latency(STFT, 3, (0, 0)), 511 + 3 * 128);
        let odd = StftConfig {
            n_fft: 301,
            hop: 77,
        };
        assert_eq!(latency(odd, 0, (0, 0)), 300);
    }

    #[test]
    fn long_periods_get_a_bound_that_is_never_less() {
        let stft = StftConfig {
            n_fft: 1009,
            hop: 251,
        };
        for block in [(384, 128), (128, 384), (882, 320)] {
            let exact = latency(stft, 2, block) as u64;
            let (own, inner) = (block.0 as u64, block.1 as u64);
            let bound = (1009u64 + 3 * 251).div_ceil(inner) * own + 4 * own;
            assert!(exact <= bound, "{exact} {bound}");
        }
    }
}
