//! Times every hand-written kernel of `nae-kernels` against the same composed of Burn's own
//! operations, at the sizes that nae uses: `cargo run --release --example kernels [-- KERNEL …]`.
//!
//! Prints a Markdown table: median milliseconds of both sides, and the median over their turns of
//! Burn's time over the kernel's. `RAYON_NUM_THREADS` sets the threads. Only the ratios mean
//! something on a machine that does other work as well.
#![allow(clippy::print_stdout, reason = "an example talks to its caller")]
#![recursion_limit = "256"]

mod cases;
#[allow(dead_code, reason = "shared with examples that run on graphics cards")]
#[path = "../common/mod.rs"]
mod common;
mod turns;

/// The allocator of the command `nae`, which says why.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    common::keep_pages();
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(name) = wanted
        .iter()
        .find(|name| cases::ALL.iter().all(|(known, _)| known != name))
    {
        let known: Vec<&str> = cases::ALL.iter().map(|(name, _)| *name).collect();
        return Err(format!("no kernel `{name}`; there are {}", known.join(", ")).into());
    }
    println!(
        "{} threads, {:?} instructions; a mini-batch is 128 frames, 25 s of sound are 1563\n",
        rayon::current_num_threads(),
        pulp::Arch::new()
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
