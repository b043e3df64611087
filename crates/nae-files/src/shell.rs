//! Paths in commands that are shown to be copied.

use std::borrow::Cow;
use std::path::Path;

/// A path as one word of a POSIX shell, for an argument of `nae`: as it is where that is safe, else
/// in quotes; one that would be taken for an option gets `./` before it.
///
/// ```
/// use nae_files::shell_word;
/// assert_eq!(shell_word("runs/a-1".as_ref()), "runs/a-1");
/// assert_eq!(shell_word("Zoë's run".as_ref()), r"'Zoë'\''s run'");
/// assert_eq!(shell_word("--out".as_ref()), "./--out");
/// ```
pub fn shell_word(path: &Path) -> Cow<'_, str> {
    let text = path.to_string_lossy();
    let text = match text.starts_with('-') {
        true => Cow::Owned(format!("./{text}")),
        false => text,
    };
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,:@=%".contains(c);
    // some shells read =word and ~word as something else
    let is_safe = |text: &str| !text.is_empty() && !text.starts_with(['=', '~']);
    match is_safe(&text) && text.chars().all(is_plain) {
        true => text,
        false => Cow::Owned(quoted(&text)),
    }
}

/// Text in single quotes, which a POSIX shell takes as one word whatever it holds.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A command line of `nae` to copy.
///
/// ```
/// let line = nae_files::command("sweep run", "my run".as_ref(), "--retry-failed");
/// assert_eq!(line, "nae sweep run 'my run' --retry-failed");
/// ```
///
/// - `name`: of the command
/// - `path`: its argument
/// - `more`: what follows, already as a shell takes it
pub fn command(name: &str, path: &Path, more: &str) -> String {
    let space = if more.is_empty() { "" } else { " " };
    format!("nae {name} {}{space}{more}", shell_word(path))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_shell_reads_the_very_path() {
        for path in [
            "run", "my run", "it's", "100%", "$HOME", "`id`", "$(id)", "a\"b", "a\\b", "Zoë 鳥",
            "*", "a;b", "a&b|c>d", "~", "=x", "#x", "!x", "{a,b}", "", "a\tb", "a\nb",
        ] {
            let script = format!("printf '%s.' {}", shell_word(Path::new(path)));
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(
                String::from_utf8(output.stdout).unwrap(),
                format!("{path}.")
            );
        }
        assert_eq!(shell_word(Path::new("-x")), "./-x");
        assert_eq!(shell_word(Path::new("- x")), "'./- x'");
    }
}
