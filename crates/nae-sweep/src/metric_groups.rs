//! `[scores]`: what is worked out.

use nae_metrics::scores::MetricGroup;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `[scores]`: what is worked out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ScoreSettings {
    /// Any of `"bss_eval"` (512 taps, most of the time of scoring), `"scale_invariant"`,
    /// `"intelligibility"`.
    #[serde(with = "keys", rename = "families")]
    pub groups: Vec<MetricGroup>,
}

impl Default for ScoreSettings {
    fn default() -> Self {
        Self {
            groups: MetricGroup::ALL.to_vec(),
        }
    }
}

/// Groups as their keys.
mod keys {
    use super::*;

    pub fn serialize<S: Serializer>(groups: &[MetricGroup], out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(groups.iter().map(|group| group.key()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<MetricGroup>, D::Error> {
        let of_key = |key: String| {
            let mut all = MetricGroup::ALL.into_iter();
            let known = all.find(|group| group.key() == key);
            known.ok_or_else(|| D::Error::unknown_variant(&key, &MetricGroup::KEYS))
        };
        let keys = Vec::<String>::deserialize(from)?;
        keys.into_iter().map(of_key).collect()
    }
}
