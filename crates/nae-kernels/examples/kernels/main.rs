//! Times every hand-written kernel of `nae-kernels` against the same composed of Burn's own
//! operations, at the sizes that nae uses: `cargo run --release --example kernels [-- KERNEL …]`.
//!
//! Prints a Markdown table: median milliseconds of processor time of both sides, which take turns,
//! and Burn's median over the kernel's. `RAYON_NUM_THREADS=1` gives the steadiest figures.
#![allow(clippy::print_stdout, reason = "an example talks to its caller")]

mod cases;
mod turns;

/// The allocator of the command `nae`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    keep_pages();
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(name) = wanted
        .iter()
        .find(|name| cases::ALL.iter().all(|(known, _)| known != name))
    {
        let known: Vec<&str> = cases::ALL.iter().map(|(name, _)| *name).collect();
        return Err(format!("no kernel `{name}`; there are {}", known.join(", ")).into());
    }
    println!(
        "{} threads; a mini-batch is 128 frames, 25 s of sound are 1563\n",
        rayon::current_num_threads()
    );
    println!("| Kernel | What | Burn ms | kernel ms | gain |\n|---|---|---|---|---|");
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|own| own == name);
    for (name, run) in cases::ALL {
        if chosen(name) {
            // as nae itself does: inside the pool, whose threads then share the work
            rayon::scope(|_| run(&Table { kernel: name }));
        }
    }
    Ok(())
}

/// Memory that was given back is kept for the next buffer, as in the command `nae`.
#[allow(unsafe_code, reason = "the allocator's options are a C function")]
fn keep_pages() {
    // SAFETY: sets a number; called before any other thread exists.
    unsafe { libmimalloc_sys::mi_option_set(15, -1) };
}

/// Where a kernel's comparisons are printed.
pub(crate) struct Table {
    kernel: &'static str,
}

impl Table {
    pub(crate) fn row(
        &self,
        what: &str,
        kernel: impl Fn() -> std::time::Duration,
        composite: impl Fn() -> std::time::Duration,
    ) {
        let turns::Comparison {
            composite_ms,
            kernel_ms,
            gain,
        } = turns::compare(kernel, composite);
        println!(
            "| {} | {what} | {composite_ms:.3} | {kernel_ms:.3} | {gain:.2} |",
            self.kernel
        );
    }
}
