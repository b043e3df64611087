//! The scores that the demo prints.

use super::system::System;
use super::test_mixture::TestMixture;

/// SI-SDR of mixture and stems, a row a system and voice.
pub fn table(mixture: &TestMixture, systems: &[System]) -> String {
    let mut lines = vec![format!(
        "{:<10} {:<16} {:>11} {:>11} {:>9}",
        "system", "voice", "mixture", "SI-SDR (dB)", "gain"
    )];
    for system in systems {
        for (i, name) in mixture.names.iter().enumerate() {
            lines.push(format!(
                "{:<10} {name:<16} {:>11.2} {:>11.2} {:>+9.2}",
                system.name,
                mixture.si_sdr[i],
                system.si_sdr[i],
                system.si_sdr[i] - mixture.si_sdr[i]
            ));
        }
        lines.push(format!(
            "{:<10} {:<16} {:>11} {:>11} {:>+9.2}",
            system.name,
            "mean",
            "",
            "",
            system.mean_improvement(mixture)
        ));
    }
    lines.join("\n")
}
