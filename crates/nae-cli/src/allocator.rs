//! The program's memory allocator.

/// Every tensor operation allocates its result. The C library returns large buffers to the system
/// and gets them back page by page, which costs NMF half its time; this allocator keeps them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Configures the allocator never to return pages while the program runs (by itself it does after
/// 10 ms without use): a tenth of the time of training.
#[allow(unsafe_code, reason = "the allocator's options are a C function")]
pub fn keep_pages() {
    /// `mi_option_purge_delay` in `mimalloc.h`, in milliseconds; −1: never.
    const PURGE_DELAY: i32 = 15;
    // SAFETY: sets a number; called before any other thread exists.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
}
