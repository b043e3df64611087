//! Scores of separated sound: BSS_eval, scale-invariant ratios, STOI.
