//! Lists, shorthand ranges, and every combination of them.

use toml::{Table, Value};

use crate::error::ConfigError;

/// Most numbers that a range may stand for.
const LONGEST: usize = 10_000;

/// One key and the values it takes in turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Full key, such as `model.rank`.
    pub key: String,
    /// At least one value.
    pub values: Vec<Value>,
}

/// One combination: a value for every axis, in the axes' order.
pub type Point = Vec<(String, Value)>;

/// The axes of a `[sweep.grid]` table, in the order of their keys.
///
/// # Errors
/// [`ConfigError::Range`] for a range that makes no list.
pub fn axes(table: &Table, known: &Table) -> Result<Vec<Axis>, ConfigError> {
    let mut found = Vec::new();
    collect(table, known, "", &mut found)?;
    Ok(found)
}

fn collect(
    table: &Table,
    known: &Table,
    prefix: &str,
    found: &mut Vec<Axis>,
) -> Result<(), ConfigError> {
    for (key, value) in table {
        let full = format!("{prefix}{key}");
        let default = known.get(key);
        match (value, default) {
            (Value::Table(inner), Some(Value::Table(known))) => {
                collect(inner, known, &format!("{full}."), found)?;
            }
            _ => found.push(Axis {
                values: values(value, default)?,
                key: full,
            }),
        }
    }
    Ok(())
}

/// What a value of the grid stands for: a list its items, a range its numbers, anything else itself.
/// For a key that holds a list (`model.widths`) only a list of lists is several values, and a list of
/// tables (`model.decoder`) is one.
///
/// # Errors
/// [`ConfigError::Range`] for a range that makes no list.
pub fn values(value: &Value, default: Option<&Value>) -> Result<Vec<Value>, ConfigError> {
    let is_list = default.is_some_and(Value::is_array);
    match value {
        Value::Array(items) if items.iter().any(Value::is_table) => Ok(vec![value.clone()]),
        Value::Array(items)
            if !is_list || items.iter().all(Value::is_array) && !items.is_empty() =>
        {
            let mut all = Vec::new();
            for item in items {
                match item {
                    Value::String(text) => all.extend(of_text(text)?),
                    _ => all.push(item.clone()),
                }
            }
            Ok(all)
        }
        Value::String(text) => of_text(text),
        _ => Ok(vec![value.clone()]),
    }
}

/// A range's numbers, or the text itself.
fn of_text(text: &str) -> Result<Vec<Value>, ConfigError> {
    if !text.contains("..") {
        return Ok(vec![Value::String(text.into())]);
    }
    range(text).ok_or_else(|| ConfigError::Range {
        text: text.into(),
        most: LONGEST,
    })
}

/// `FROM..=TO` or `FROM..=TO step BY`; integers stay integers.
fn range(text: &str) -> Option<Vec<Value>> {
    let (from, rest) = text.split_once("..=")?;
    let (to, by) = rest.split_once("step").unwrap_or((rest, "1"));
    let (from, to, by) = (from.trim(), to.trim(), by.trim());
    if let (Ok(from), Ok(to), Ok(by)) = (from.parse::<i64>(), to.parse::<i64>(), by.parse::<i64>())
    {
        let by = usize::try_from(by).ok().filter(|by| *by > 0)?;
        let count = usize::try_from(to.checked_sub(from)?).ok()? / by + 1;
        return (count <= LONGEST).then(|| (from..=to).step_by(by).map(Value::Integer).collect());
    }
    let number = |text: &str| text.parse::<f64>().ok().filter(|x| x.is_finite());
    let (from, to, by) = (number(from)?, number(to)?, number(by)?);
    // a last value that misses the end by rounding belongs to it
    let count = ((to - from) / by + 1e-9).floor() + 1.0;
    if !(by > 0.0 && from <= to && count <= LONGEST as f64) {
        return None;
    }
    let at = |i: usize| {
        // to the digits a user would write
        let value = from + i as f64 * by;
        format!("{value:.12}")
            .parse()
            .map_or(value, |rounded| rounded)
    };
    Some((0..count as usize).map(|i| Value::Float(at(i))).collect())
}

/// How many combinations of the axes' values there are; as many as can be counted if there are more.
pub fn count(axes: &[Axis]) -> usize {
    let counts = axes.iter().map(|axis| axis.values.len());
    counts.fold(1, usize::saturating_mul)
}

/// Every combination of the axes' values, the last axis fastest; one empty point without axes. All of
/// them take memory at once: compare their [`count`] with what is expected first.
pub fn points(axes: &[Axis]) -> Vec<Point> {
    axes.iter().fold(vec![Point::new()], |points, axis| {
        let extend = |point: &Point| {
            let values = axis.values.iter();
            let longer = |value: &Value| {
                let mut longer = point.clone();
                longer.push((axis.key.clone(), value.clone()));
                longer
            };
            values.map(longer).collect::<Vec<_>>()
        };
        points.iter().flat_map(extend).collect()
    })
}

/// Replaces the axis of the same key, or adds one.
pub fn replace(axes: &mut Vec<Axis>, axis: Axis) {
    match axes.iter_mut().find(|old| old.key == axis.key) {
        Some(old) => *old = axis,
        None => axes.push(axis),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(text: &str) -> Vec<Axis> {
        let known = "[model]\nrank = 1\nwidths = []\ndecoder = 'auto'\n[train]\nlearning_rate = 1.0\n[train.refine]\npasses = 1";
        axes(&text.parse().unwrap(), &known.parse().unwrap()).unwrap()
    }

    fn integers(values: &[i64]) -> Vec<Value> {
        values.iter().copied().map(Value::Integer).collect()
    }

    #[test]
    fn ranges_and_lists_become_their_values() {
        assert_eq!(
            expand("model.rank = '10..=40 step 10'")[0].values,
            integers(&[10, 20, 30, 40])
        );
        assert_eq!(
            expand("model.rank = '3..=5'")[0].values,
            integers(&[3, 4, 5])
        );
        assert_eq!(
            expand("model.rank = [1, '10..=25 step 10', 7]")[0].values,
            integers(&[1, 10, 20, 7])
        );
        assert_eq!(expand("model.rank = 5")[0].values, integers(&[5]));
        let rates = &expand("train.learning_rate = '0.1..=0.3 step 0.1'")[0].values;
        assert_eq!(*rates, [0.1, 0.2, 0.3].map(Value::Float));
    }

    #[test]
    fn a_list_for_a_key_that_holds_a_list_is_one_value() {
        assert_eq!(expand("model.widths = [4, 2, 4]")[0].values.len(), 1);
        assert_eq!(
            expand("model.widths = [[4, 2, 4], [8, 2, 8]]")[0]
                .values
                .len(),
            2
        );
    }

    #[test]
    fn a_list_of_tables_is_one_value_and_a_list_of_such_lists_several() {
        let values = |text: &str| expand(text)[0].values.len();
        assert_eq!(values("model.decoder = [{ dense = 4 }, { gru = 4 }]"), 1);
        let several = "model.decoder = ['auto', [{ dense = 4 }, { gru = 4 }], [{ dense = 4 }]]";
        assert_eq!(values(several), 3);
        assert_eq!(values("model.decoder = [[{ dense = 4 }, { gru = 4 }]]"), 1);
    }

    #[test]
    fn every_combination_comes_once_the_last_axis_fastest() {
        let axes = expand("model.rank = [1, 2]\ntrain.refine.passes = [0, 5, 9]");
        let points = points(&axes);
        assert_eq!((points.len(), count(&axes)), (6, 6));
        let seen: Vec<(i64, i64)> = points
            .iter()
            .map(|point| {
                (
                    point[0].1.as_integer().unwrap(),
                    point[1].1.as_integer().unwrap(),
                )
            })
            .collect();
        assert_eq!(seen, [(1, 0), (1, 5), (1, 9), (2, 0), (2, 5), (2, 9)]);
        assert_eq!(points[0][1].0, "train.refine.passes");
        assert_eq!(super::points(&[]), [Point::new()]);
        assert_eq!(count(&[]), 1);
    }

    #[test]
    fn combinations_beyond_all_numbers_are_counted() {
        let axis = expand("model.rank = '0..=9999'").remove(0);
        assert_eq!(count(&vec![axis; 6]), usize::MAX);
    }

    #[test]
    fn ranges_that_make_no_list_are_refused() {
        for text in [
            "10..5",
            "10..=5",
            "1..=5 step 0",
            "1..=5 step -1",
            "1..=inf",
            "a..=b",
            "0..=1000000000000",
        ] {
            let error = values(&Value::String(text.into()), None).unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
