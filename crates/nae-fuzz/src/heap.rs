//! The memory that reading a file takes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes that any file may take, however short it is: buffers, tables of decoders, spectra.
const FIXED: usize = 64 << 20;

/// Bytes that every byte of a file may take besides.
const PER_BYTE: usize = 64;

#[global_allocator]
static HEAP: Heap = Heap {
    held: AtomicUsize::new(0),
    most: AtomicUsize::new(0),
};

/// The system's allocator, with the bytes that are held and the most that were at a time.
struct Heap {
    held: AtomicUsize,
    most: AtomicUsize,
}

impl Heap {
    fn took(&self, bytes: usize) {
        let held = self.held.fetch_add(bytes, Relaxed).saturating_add(bytes);
        self.most.fetch_max(held, Relaxed);
    }

    fn gave(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Relaxed);
    }
}

// SAFETY: every call is passed on to `System` with its arguments unchanged; the counters are atomic and
// allocate nothing.
#[allow(unsafe_code, reason = "an allocator's trait is unsafe to implement")]
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.took(layout.size());
        // SAFETY: the caller's promise is the one that `System` needs
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.took(layout.size());
        // SAFETY: as above
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.took(size);
        self.gave(layout.size());
        // SAFETY: as above
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        self.gave(layout.size());
        // SAFETY: as above
        unsafe { System.dealloc(old, layout) }
    }
}

/// Runs something that reads a file of `length` bytes.
///
/// # Panics
/// If it took more memory than such a file may.
pub(crate) fn bounded(length: usize, read: impl FnOnce()) {
    let before = HEAP.held.load(Relaxed);
    HEAP.most.store(before, Relaxed);
    read();
    let taken = HEAP.most.load(Relaxed).saturating_sub(before);
    let limit = FIXED + PER_BYTE * length;
    assert!(
        taken <= limit,
        "reading {length} bytes took {taken} bytes of memory; at most {limit} are expected"
    );
}
