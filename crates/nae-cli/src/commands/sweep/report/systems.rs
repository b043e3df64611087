//! A run's systems as its report sorts them and compares them.

use std::collections::BTreeMap;

use anyhow::Result;
use nae_report::comparison::{Baseline, Observation};
use nae_sweep::Manifest;
use nae_sweep::system::Variant;
use nae_sweep::system_config::Join;

/// The kind that everything is compared with.
const NMF: &str = "NMF";

/// A variant as the report sorts them.
pub struct Described {
    /// Kind of its models, or that they are joined.
    pub kind: String,
    /// Their layers.
    pub layers: usize,
    /// Their rank.
    pub rank: usize,
    /// What else its label says of the system.
    system: String,
    /// What its label says of the mixtures.
    pub mixtures: String,
}

impl Described {
    /// The system's name on the page.
    pub fn name(&self) -> String {
        format!("{}, rank {}", self.system, self.rank)
    }
}

/// Variants by their labels.
pub fn describe(manifest: &Manifest) -> BTreeMap<&str, Described> {
    let describe = |variant: &Variant| {
        let (label, model) = (&variant.label, &variant.config.model);
        let is_mixtures =
            |part: &&str| part.starts_with("level_db ") || part.starts_with("mixture_s ");
        let rank = format!("rank {}", model.rank);
        let (mixtures, system): (Vec<&str>, Vec<&str>) = label
            .split(", ")
            .filter(|part| *part != rank)
            .partition(is_mixtures);
        let architecture = model.architecture();
        let kind = architecture.name().to_owned();
        Described {
            kind: match is_joined(variant) {
                true => format!("joint {kind}"),
                false => kind,
            },
            layers: architecture.depth(),
            rank: model.rank,
            system: system.join(", "),
            mixtures: mixtures.join(", "),
        }
    };
    let variants = manifest.variants.iter();
    variants
        .map(|variant| (variant.label.as_str(), describe(variant)))
        .collect()
}

/// What distinguishes the systems of one kind and depth: nothing where there is only one, else
/// their names without what they have in common.
pub fn variant_of(one: &Described, all: &BTreeMap<&str, Described>) -> String {
    let parts = |system: &'_ str| system.split(", ").map(str::to_owned).collect::<Vec<_>>();
    let own = parts(&one.system);
    let alike = |other: &&Described| (&other.kind, other.layers) == (&one.kind, one.layers);
    let mut shared = own.len();
    for other in all.values().filter(alike) {
        let others = parts(&other.system);
        let same = own.iter().zip(&others).take_while(|(a, b)| a == b);
        shared = shared.min(same.count());
    }
    own[shared..].join(", ")
}

/// Everything is compared with the factorisation of its rank, where there is one, and joined models
/// with the same models unjoined.
pub fn baselines(manifest: &Manifest, observations: &[Observation]) -> Result<Vec<Baseline>> {
    let described = describe(manifest);
    let is_there = |name: &String| observations.iter().any(|o| o.system == *name);
    let mut baselines = Vec::new();
    if observations.iter().any(|o| o.kind == NMF) {
        baselines.push(Baseline::EqualRank { kind: NMF.into() });
    }
    let name = |variant: &Variant| described[variant.label.as_str()].name();
    let mut of = BTreeMap::new();
    let joined = manifest.variants.iter().filter(|v| is_joined(v));
    for joined in joined {
        let models = joined.config.of_training()?;
        for other in manifest.variants.iter().filter(|v| !is_joined(v)) {
            if other.config.of_training()? == models && is_there(&name(other)) {
                of.entry(name(joined)).or_insert_with(|| name(other));
            }
        }
    }
    if !of.is_empty() {
        let name = "the same models unjoined".into();
        baselines.push(Baseline::Own { name, of });
    }
    Ok(baselines)
}

fn is_joined(variant: &Variant) -> bool {
    variant.config.join != Join::No
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variants(systems: &[&str]) -> Vec<String> {
        let describe = |system: &str| Described {
            kind: "NAE".into(),
            layers: 4,
            rank: 20,
            system: system.to_owned(),
            mixtures: String::new(),
        };
        let all: BTreeMap<&str, Described> = systems.iter().map(|s| (*s, describe(s))).collect();
        systems
            .iter()
            .map(|system| variant_of(&all[system], &all))
            .collect()
    }

    #[test]
    fn a_variant_says_what_tells_it_apart() {
        assert_eq!(variants(&["NAE 4 layers"]), [""]);
        assert_eq!(
            variants(&["NAE 4 layers, best", "NAE 4 layers, published"]),
            ["best", "published"]
        );
        assert_eq!(variants(&["deep", "dense"]), ["deep", "dense"]);
        assert_eq!(variants(&["NAE", "NAE, sparse"]), ["", "sparse"]);
    }
}
