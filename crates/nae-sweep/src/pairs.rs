//! Which sources are mixed with each other, by `data.pairs`.

use std::collections::BTreeMap;

use crate::data::{Sex, SourceFiles};
use crate::error::SweepError;
use crate::lists::Pairs;
use crate::pool::Pool;

/// Names of the sources of every mixture; none when models are only trained.
///
/// - `files`: all sources; rules without a noise in them pair speakers only
///
/// # Errors
/// [`SweepError`] for names and rules that give no mixture.
pub(crate) fn groups(
    pairs: &Pairs,
    files: &BTreeMap<String, SourceFiles>,
) -> Result<Vec<Vec<String>>, SweepError> {
    let members = |pool: Pool| -> Vec<String> {
        let own = files.iter().filter(|(_, files)| files.pool() == pool);
        own.map(|(name, _)| name.clone()).collect()
    };
    let names = members(Pool::Speakers);
    let rule = |rule: &str, pairs: Vec<Vec<String>>| match pairs.is_empty() {
        true => Err(SweepError::NoPair {
            rule: rule.into(),
            known: known(names.iter()),
        }),
        false => Ok(pairs),
    };
    match pairs {
        Pairs::None => Ok(Vec::new()),
        Pairs::All => {
            let others = |i: usize| names[i + 1..].iter().map(move |b| (i, b));
            let pairs = (0..names.len()).flat_map(others);
            rule(
                "all",
                pairs
                    .map(|(i, b)| vec![names[i].clone(), b.clone()])
                    .collect(),
            )
        }
        Pairs::MixedSex => {
            let mut sides: [Vec<&String>; 2] = Default::default();
            for name in &names {
                match files[name].sex.or_else(|| sex_of_name(name)) {
                    Some(Sex::Female) => sides[0].push(name),
                    Some(Sex::Male) => sides[1].push(name),
                    None => {
                        return Err(SweepError::NoSex {
                            speaker: name.clone(),
                        });
                    }
                }
            }
            let [women, men] = sides;
            let pairs = women
                .iter()
                .flat_map(|woman| men.iter().map(|man| vec![(*woman).clone(), (*man).clone()]));
            rule("mixed-sex", pairs.collect())
        }
        Pairs::List(groups) => {
            groups.iter().try_for_each(|group| check(group, files))?;
            Ok(groups.clone())
        }
        Pairs::Rule(rule) => rule.groups(&members),
    }
}

/// A listed mixture must be of two or more sources that there are.
fn check(group: &[String], files: &BTreeMap<String, SourceFiles>) -> Result<(), SweepError> {
    let mut sorted = group.to_vec();
    sorted.sort();
    sorted.dedup();
    if group.len() < 2 || sorted.len() < group.len() {
        return Err(SweepError::BadPair {
            pair: group.join("+"),
        });
    }
    match group.iter().find(|name| !files.contains_key(*name)) {
        None => Ok(()),
        Some(name) => Err(SweepError::UnknownSpeaker {
            name: name.clone(),
            nearest: nearest(name, files.keys()),
            known: known(files.keys()),
        }),
    }
}

/// A sentence with the name that is nearest to one, to follow another.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a String>) -> String {
    let nearness = |known: &&String| strsim::jaro_winkler(name, known);
    let nearest = names.max_by(|a, b| nearness(a).total_cmp(&nearness(b)));
    nearest.map_or_else(String::new, |nearest| format!(" Did you mean `{nearest}`?"))
}

/// Names in a message, as far as they are few.
pub(crate) fn known<'a>(names: impl Iterator<Item = &'a String>) -> String {
    const MOST: usize = 40;
    let names: Vec<&str> = names.map(String::as_str).collect();
    let shown = names[..names.len().min(MOST)].join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} … and {more} more"),
    }
}

/// By the end of the name: `…_f` or `…_m`.
fn sex_of_name(name: &str) -> Option<Sex> {
    match name.rsplit_once('_')?.1 {
        "f" => Some(Sex::Female),
        "m" => Some(Sex::Male),
        _ => None,
    }
}
