//! Mixtures of sources from pools, by a rule.

use serde::{Deserialize, Serialize};

use crate::error::SweepError;
use crate::pool::Pool;

/// Which sources of which pools are mixed: `{ of = ["speakers", "noises"], each = "noises" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairRule {
    /// The pool of every source of a mixture, in the mixture's order.
    pub of: Vec<Pool>,
    /// The pool whose sources come once each, with those of other pools in turn. Several places of one
    /// pool take sources that follow each other. Without it, every combination is a mixture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Pool>,
    /// Of the pool whose sources come once each only every n-th.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub every: usize,
    /// How many further on those that come in turn begin.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub shift: usize,
}

fn one() -> usize {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_one(number: &usize) -> bool {
    *number == 1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl PairRule {
    /// Names of the sources of every mixture.
    ///
    /// - `members`: names of a pool's sources, in order
    ///
    /// # Errors
    /// [`SweepError::PairRule`] for a rule that cannot be followed.
    pub(crate) fn groups(
        &self,
        members: &dyn Fn(Pool) -> Vec<String>,
    ) -> Result<Vec<Vec<String>>, SweepError> {
        self.check(members)?;
        let Some(each) = self.each else {
            return Ok(self.combinations(members));
        };
        let once = members(each).into_iter().enumerate();
        let group = |(i, number): (usize, usize)| {
            let mut taken: Vec<Pool> = Vec::new();
            let source = |pool: &Pool| {
                // those of one pool that stand further back in the mixture follow the first
                let further = taken.iter().filter(|other| *other == pool).count();
                taken.push(*pool);
                let all = members(*pool);
                let place = match *pool == each {
                    true => number + further,
                    false => i + self.shift + further,
                };
                all[place % all.len()].clone()
            };
            self.of.iter().map(source).collect()
        };
        let numbers = once.map(|(number, _)| number).step_by(self.every);
        Ok(numbers.enumerate().map(group).collect())
    }

    /// Every combination; those of one pool in their order, none with itself.
    fn combinations(&self, members: &dyn Fn(Pool) -> Vec<String>) -> Vec<Vec<String>> {
        let mut groups: Vec<Vec<usize>> = vec![Vec::new()];
        for (place, pool) in self.of.iter().enumerate() {
            let earlier: Vec<usize> = (0..place).filter(|i| self.of[*i] == *pool).collect();
            let longer = |group: &Vec<usize>| {
                let first = earlier.last().map_or(0, |last| group[*last] + 1);
                let next = |source| [group.as_slice(), &[source]].concat();
                (first..members(*pool).len()).map(next).collect::<Vec<_>>()
            };
            groups = groups.iter().flat_map(longer).collect();
        }
        let names = |group: Vec<usize>| {
            let places = group.into_iter().zip(&self.of);
            let name = |(source, pool): (usize, &Pool)| members(*pool)[source].clone();
            places.map(name).collect()
        };
        groups.into_iter().map(names).collect()
    }

    fn check(&self, members: &dyn Fn(Pool) -> Vec<String>) -> Result<(), SweepError> {
        let wrong = |message: String| Err(SweepError::PairRule { message });
        if self.of.len() < 2 {
            return wrong(format!(
                "`of` names {}, and a mixture has two sources or more, such as of = [\"speakers\", \"noises\"]",
                nae_files::count(self.of.len(), "source")
            ));
        }
        if self.every == 0 {
            return wrong(
                "`every` is 0: expected 1 for all sources of `each`, 2 for every other one".into(),
            );
        }
        if self.each.is_none() && (self.every, self.shift) != (1, 0) {
            return wrong("`every` and `shift` are about the sources that come once each, and every combination is mixed. Add each = \"noises\" (or \"speakers\"), or remove them".into());
        }
        if let Some(each) = self.each.filter(|each| !self.of.contains(each)) {
            return wrong(format!(
                "`each` is \"{0}\", which `of` does not have. Add \"{0}\" to `of`",
                each.word()
            ));
        }
        for pool in &self.of {
            let (there, needed) = (
                members(*pool).len(),
                self.of.iter().filter(|other| *other == pool).count(),
            );
            if there < needed {
                let word = pool.word();
                let came = match there {
                    0 => "none".to_owned(),
                    there => format!("only {there}"),
                };
                return wrong(format!(
                    "a mixture takes {needed} of the {word}, and there {} {came}. Check `data.{word}`",
                    if there == 1 { "is" } else { "are" }
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(pool: Pool) -> Vec<String> {
        let (letter, count) = match pool {
            Pool::Speakers => ('v', 4),
            Pool::Noises => ('n', 5),
        };
        (0..count).map(|i| format!("{letter}{i}")).collect()
    }

    fn groups(text: &str) -> Vec<String> {
        let rule: PairRule = toml::from_str(text).unwrap();
        let groups = rule.groups(&members).unwrap();
        groups.iter().map(|group| group.join("+")).collect()
    }

    fn refusal(text: &str) -> String {
        let rule: PairRule = toml::from_str(text).unwrap();
        rule.groups(&members).unwrap_err().to_string()
    }

    #[test]
    fn sources_of_one_pool_come_once_each_and_others_in_turn() {
        assert_eq!(
            groups("of = ['speakers', 'noises']\neach = 'noises'"),
            ["v0+n0", "v1+n1", "v2+n2", "v3+n3", "v0+n4"]
        );
        assert_eq!(
            groups("of = ['noises', 'speakers']\neach = 'noises'\nshift = 3"),
            ["n0+v3", "n1+v0", "n2+v1", "n3+v2", "n4+v3"]
        );
        assert_eq!(
            groups("of = ['speakers', 'speakers']\neach = 'speakers'"),
            ["v0+v1", "v1+v2", "v2+v3", "v3+v0"]
        );
        assert_eq!(
            groups("of = ['speakers', 'speakers', 'noises']\neach = 'noises'\nevery = 2"),
            ["v0+v1+n0", "v1+v2+n2", "v2+v3+n4"]
        );
    }

    #[test]
    fn without_each_every_combination_is_a_mixture_and_none_has_a_source_twice() {
        assert_eq!(groups("of = ['speakers', 'noises']").len(), 20);
        let voices = groups("of = ['speakers', 'speakers']");
        assert_eq!(voices.len(), 6);
        assert!(voices.contains(&"v1+v3".to_owned()) && !voices.contains(&"v3+v1".to_owned()));
        assert_eq!(groups("of = ['speakers', 'noises', 'speakers']").len(), 30);
    }

    #[test]
    fn rules_that_cannot_be_followed_say_why() {
        for (text, word) in [
            ("of = ['noises']", "`of` names 1 source"),
            (
                "of = ['speakers', 'speakers']\neach = 'noises'",
                "Add \"noises\" to `of`",
            ),
            (
                "of = ['speakers', 'noises']\neach = 'noises'\nevery = 0",
                "`every` is 0",
            ),
            ("of = ['speakers', 'noises']\nshift = 1", "Add each ="),
            (
                "of = ['speakers', 'speakers', 'speakers', 'speakers', 'speakers']",
                "only 4",
            ),
        ] {
            let error = refusal(text);
            assert!(error.contains(word), "{error}");
        }
    }
}
