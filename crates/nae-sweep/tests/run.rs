//! A run through the library: both ways through a device, and being stopped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::Device;
use common::{options, plan, run};
use nae_sweep::table::{Table, Value};
use nae_sweep::{Parallelism, collect};

fn number(table: &Table, row: &[Value], name: &str) -> f64 {
    table.get(row, name).number().unwrap()
}

#[test]
fn stacks_of_cells_give_the_scores_of_single_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (single, batched) = (
        plan(folder.path(), "single"),
        plan(folder.path(), "batched"),
    );
    let done = run(&single, Parallelism::Cells(2));
    assert_eq!((done.trained, done.joined), (4, 1));
    assert_eq!((done.separated, done.failed), (6, 0));
    assert_eq!(run(&batched, Parallelism::Batched), done);
    let (single, batched) = (
        collect::table(&single).unwrap(),
        collect::table(&batched).unwrap(),
    );
    assert_eq!(single.names(), batched.names());
    assert_eq!(single.rows().len(), 12);
    for (one, other) in single.rows().iter().zip(batched.rows()) {
        for name in ["si_sdr", "sdr", "si_sdr_mixture", "oracle_sdr"] {
            let (one, other) = (number(&single, one, name), number(&batched, other, name));
            // sums in another order, through a short training and a separation
            assert!((one - other).abs() < 0.05, "{name}: {one} and {other}");
        }
        assert_eq!(single.get(one, "cell"), batched.get(other, "cell"));
    }
}

#[test]
fn a_stopped_run_drops_what_it_was_at_and_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let store = plan(folder.path(), "run");
    // asked before every cell and in every window of steps: in the middle of a model at first, later
    // also of the joint encoder, which has ten windows of its own
    let (mut trained, mut joined, mut separated) = (0, 0, 0);
    let mut stops = 0;
    loop {
        let asked = AtomicUsize::new(0);
        let stop = || asked.fetch_add(1, Ordering::SeqCst) >= 6;
        let options = options(Parallelism::Cells(1));
        let device = Device::flex();
        let tally = match stops {
            4 => run(&store, Parallelism::Cells(1)),
            _ => nae_sweep::run(&store, &options, &device, &stop, &|_| {}).unwrap(),
        };
        assert_eq!(tally.failed, 0, "{tally:?}");
        trained += tally.trained;
        joined += tally.joined;
        separated += tally.separated;
        if tally.left == 0 {
            break;
        }
        stops += 1;
    }
    assert!(stops > 1, "it was stopped more than once");
    assert_eq!((trained, joined, separated), (4, 1, 6));
}
