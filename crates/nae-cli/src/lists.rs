//! Long lists in few words.

/// Numbers with neighbours as ranges: `0–399 (400 values)`, `1, 5`; where that is still long, the
/// first ones and the last.
pub fn numbers(numbers: &[u64]) -> String {
    const MOST: usize = 8;
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let word = |&(first, last): &(u64, u64)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first}–{last}"),
    };
    let words: Vec<String> = runs.iter().map(word).collect();
    let listed = match words.as_slice() {
        [first, second, third, .., last] if words.len() > MOST => {
            format!("{first}, {second}, {third} … {last}")
        }
        words => words.join(", "),
    };
    match numbers.len() > 3 {
        true => format!("{listed} ({} values)", numbers.len()),
        false => listed,
    }
}

/// The first words of a list, and how many there are more.
pub fn words(words: &[&str], most: usize) -> String {
    let shown = words.iter().take(most).copied().collect::<Vec<_>>();
    match words.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} … and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_a_range_and_the_rest_is_short() {
        let all = |range: std::ops::Range<u64>| range.collect::<Vec<_>>();
        assert_eq!(numbers(&all(0..400)), "0–399 (400 values)");
        assert_eq!(numbers(&[0]), "0");
        assert_eq!(numbers(&[0, 1]), "0, 1");
        assert_eq!(numbers(&[1, 5]), "1, 5");
        assert_eq!(numbers(&[3, 2, 1]), "3, 2, 1");
        assert_eq!(
            numbers(&[0, 1, 2, 7, u64::MAX]),
            "0–2, 7, 18446744073709551615 (5 values)"
        );
        let odd: Vec<u64> = (0..400).map(|i| 7 * i).collect();
        assert_eq!(numbers(&odd), "0, 7, 14 … 2793 (400 values)");
        assert_eq!(numbers(&[]), "");
    }

    #[test]
    fn long_lists_of_words_end_with_a_count() {
        assert_eq!(words(&["a", "b"], 2), "a, b");
        assert_eq!(words(&["a", "b", "c", "d"], 2), "a, b … and 2 more");
    }
}
