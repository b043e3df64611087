//! Progress bars: libraries report numbers, this draws them.

use std::time::Duration;

use anyhow::Result;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use nae_model::optim::{Flow, Progress};

use crate::arguments::Terminal;
use crate::interrupt::{flow, stop_gracefully};
use crate::loss_log::LossRecord;

/// Standard error, or nowhere.
pub fn draw_target(is_hidden: bool) -> ProgressDrawTarget {
    if is_hidden {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    }
}

fn style() -> Result<ProgressStyle> {
    Ok(ProgressStyle::with_template(
        "{prefix:>16} {bar:32} {pos}/{len} {msg} ETA {eta}",
    )?)
}

/// A bar on standard error with stage, steps, loss and the time left; hidden with `-q` or where
/// standard error is no terminal.
pub struct Bar {
    bar: ProgressBar,
    stage: String,
}

impl Bar {
    pub fn new(terminal: &Terminal) -> Result<Self> {
        let target = draw_target(terminal.quiet);
        Ok(Self::styled(
            ProgressBar::with_draw_target(Some(0), target),
            style()?,
        ))
    }

    fn styled(bar: ProgressBar, style: ProgressStyle) -> Self {
        bar.set_style(style);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            bar,
            stage: String::new(),
        }
    }

    /// Shows where a run is; a new stage starts the bar anew.
    pub fn show(&mut self, label: &str, progress: &Progress) {
        let stage = if label.is_empty() {
            progress.stage.to_owned()
        } else {
            format!("{label} {}", progress.stage)
        };
        if stage != self.stage {
            self.bar.reset();
            self.bar.set_prefix(stage.clone());
            self.stage = stage;
        }
        self.bar.set_length(progress.max_steps as u64);
        self.bar.set_position(progress.step as u64);
        self.bar.set_message(format!("loss {:.5}", progress.loss));
    }

    /// Shows how many blocks are done.
    ///
    /// - `blocks`: of all there are, if that is known
    pub fn show_blocks(&mut self, done: u64, blocks: Option<u64>) {
        if self.stage.is_empty() {
            self.stage = "separating".into();
            self.bar.set_prefix(self.stage.clone());
            self.bar.set_message("blocks");
        }
        match blocks {
            Some(blocks) => self.bar.set_length(blocks),
            None => self.bar.unset_length(),
        }
        self.bar.set_position(done);
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Runs a training with a progress bar, until it ends or a signal stops it. Returns its result and
/// its losses.
///
/// - `label`: precedes the stage's name on the bar
pub fn with_progress<T, E: Into<anyhow::Error>>(
    terminal: &Terminal,
    label: &str,
    training: impl FnOnce(&mut dyn FnMut(&Progress) -> Flow) -> Result<T, E>,
) -> Result<(T, Vec<LossRecord>)> {
    with_observer(terminal, |observe| {
        training(&mut |progress| observe(label, LossRecord::from(progress), progress))
    })
}

/// As [`with_progress`], for a training of several members at a time, each with a bar of its own. Bars and
/// losses have their names; one without a name is the only one.
pub fn with_progress_of_members<T, E: Into<anyhow::Error>>(
    terminal: &Terminal,
    training: impl FnOnce(
        &mut (dyn FnMut(Option<&'static str>, &Progress) -> Flow + Send),
    ) -> Result<T, E>,
) -> Result<(T, Vec<LossRecord>)> {
    with_observer(terminal, |observe| {
        training(&mut |member, progress| {
            let record = LossRecord {
                member,
                ..LossRecord::from(progress)
            };
            observe(member.unwrap_or_default(), record, progress)
        })
    })
}

/// Draws a bar for every label and keeps the losses, in the order in which labels came.
fn with_observer<'a, T, E: Into<anyhow::Error>>(
    terminal: &Terminal,
    training: impl FnOnce(
        &mut (dyn FnMut(&'a str, LossRecord, &Progress) -> Flow + Send),
    ) -> Result<T, E>,
) -> Result<(T, Vec<LossRecord>)> {
    let mut shown: Vec<Shown<'a>> = Vec::new();
    let style = style()?;
    let all = MultiProgress::with_draw_target(draw_target(terminal.quiet));
    stop_gracefully();
    let trained = training(&mut |label, record, progress| {
        let place = shown.iter().position(|other| other.label == label);
        let place = place.unwrap_or_else(|| {
            let bar = Bar::styled(all.add(ProgressBar::no_length()), style.clone());
            shown.push(Shown {
                label,
                bar,
                losses: Vec::new(),
            });
            shown.len() - 1
        });
        let shown = &mut shown[place];
        shown.bar.show(label, progress);
        shown.losses.push(record);
        flow()
    });
    let trained = trained.map_err(Into::into)?;
    let mut losses = Vec::new();
    for one in shown {
        one.bar.finish();
        losses.extend(one.losses);
    }
    Ok((trained, losses))
}

/// What is known of one training of several.
struct Shown<'a> {
    label: &'a str,
    bar: Bar,
    losses: Vec<LossRecord>,
}
