//! Numbers of things in messages.

/// `1 cell`, `2 cells`.
///
/// - `noun`: in the singular, with a regular plural
pub fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_everything_else_plural() {
        assert_eq!(count(0, "cell"), "0 cells");
        assert_eq!(count(1, "joint encoder"), "1 joint encoder");
        assert_eq!(count(21, "row"), "21 rows");
    }
}
