//! A run's systems as its report sorts them and compares them.

use std::collections::BTreeMap;

use anyhow::Result;
use nae_report::comparison::{Baseline, Observation};
use nae_sweep::Manifest;
use nae_sweep::system::Variant;
use nae_sweep::system_config::Join;
use nae_sweep::unknown_model::UnknownModel;

/// The kind that everything is compared with.
const NMF: &str = "NMF";

/// What a label says of mixtures begins with these.
const MIXTURES: [&str; 6] = [
    "scenario ",
    "level_db ",
    "levels_db ",
    "loop ",
    "mixture_s ",
    "min_mixture_s ",
];

/// A variant as the report sorts them.
pub struct Described {
    /// Kind of its models, or that they are joined.
    pub kind: String,
    /// Their layers.
    pub layers: usize,
    /// Their rank; 0 where another program made the stems.
    pub rank: usize,
    /// What else its label says of the system.
    system: String,
    /// What its label says of the mixtures.
    pub mixtures: String,
}

impl Described {
    /// The system's name on the page.
    pub fn name(&self) -> String {
        match self.rank {
            0 => self.system.clone(),
            rank => format!("{}, rank {rank}", self.system),
        }
    }
}

/// Variants by their labels.
pub fn describe(manifest: &Manifest) -> BTreeMap<&str, Described> {
    let describe = |variant: &Variant| {
        let (label, model) = (&variant.label, &variant.config.model);
        let is_mixtures = |part: &&str| MIXTURES.iter().any(|word| part.starts_with(word));
        let rank = format!("rank {}", model.rank);
        let (mixtures, system): (Vec<&str>, Vec<&str>) = label
            .split(", ")
            .filter(|part| *part != rank)
            .partition(is_mixtures);
        if variant.stems.is_some() {
            return Described {
                kind: "another program".into(),
                layers: 0,
                rank: 0,
                system: system.join(", "),
                mixtures: mixtures.join(", "),
            };
        }
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

/// Where sources have no model, everything is compared with the first system that has one of them all the
/// same; else with the factorisation of its rank, where there is one. Joined models are compared with the
/// same models unjoined.
pub fn baselines(manifest: &Manifest, observations: &[Observation]) -> Result<Vec<Baseline>> {
    let described = describe(manifest);
    let is_there = |name: &String| observations.iter().any(|o| o.system == *name);
    let mut baselines = Vec::new();
    let name = |variant: &Variant| described[variant.label.as_str()].name();
    if observations.iter().any(|o| !o.role.is_empty()) {
        let is_known = |variant: &&Variant| {
            variant.stems.is_none()
                && variant.config.unknown == UnknownModel::Known
                && is_there(&name(variant))
        };
        let first = manifest.variants.iter().find(is_known);
        baselines.extend(first.map(|variant| Baseline::System(name(variant))));
    } else if observations.iter().any(|o| o.kind == NMF) {
        baselines.push(Baseline::EqualRank { kind: NMF.into() });
    }
    let mut of = BTreeMap::new();
    let joined = manifest.variants.iter();
    let joined = joined.filter(|v| is_joined(v) && is_there(&name(v)));
    for joined in joined {
        let models = joined.config.of_training()?;
        let others = manifest.variants.iter();
        for other in others.filter(|v| !is_joined(v) && v.stems.is_none()) {
            if other.config.of_training()? == models
                && other.config.unknown == joined.config.unknown
                && is_there(&name(other))
            {
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
