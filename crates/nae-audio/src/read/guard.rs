//! A boundary around symphonia: where a damaged file makes it panic, the file is damaged and no more.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::Path;
use std::sync::Once;

use crate::AudioError;

thread_local! {
    /// Whether a panic of this thread ends at the boundary.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Calls symphonia. What panicked must not be used again.
///
/// # Errors
/// [`AudioError::Damaged`] where it panics, of which nothing is printed.
pub(crate) fn guarded<T>(path: &Path, call: impl FnOnce() -> T) -> Result<T, AudioError> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_GUARDED.get() {
                others(panic);
            }
        }));
    });
    let before = IS_GUARDED.replace(true);
    let came = catch_unwind(AssertUnwindSafe(call));
    IS_GUARDED.set(before);
    came.map_err(|_| AudioError::damaged(path, "its decoder cannot make sense of it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_inside_is_an_error_and_one_outside_stays_a_panic() {
        let path = Path::new("x.m4a");
        assert_eq!(guarded(path, || 1).unwrap(), 1);
        let error = guarded(path, || -> u32 { panic!("inside") }).unwrap_err();
        assert!(error.to_string().contains("x.m4a"), "{error}");
        assert!(!IS_GUARDED.get());
        assert!(catch_unwind(|| panic!("outside")).is_err());
    }
}
