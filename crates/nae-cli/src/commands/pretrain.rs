//! `nae pretrain`: where joint encoders may begin.

use anyhow::Result;
use nae_joint::Start;

use super::join::read_parts;
use super::train::watched;
use super::{make_folder, refuse_existing};
use crate::arguments::{Pretrain, Terminal};
use crate::progress::{catch_interrupt, is_interrupted, say};
use crate::settings::Settings;

pub fn run(command: &Pretrain, terminal: &Terminal) -> Result<()> {
    let settings = Settings::load(&command.configured)?;
    refuse_existing(&command.out, command.force)?;
    let device = command.computing.device.open()?;
    let parts = read_parts(&command.models, &command.clips, &device.device)?;
    if let Some(folder) = command.out.parent() {
        make_folder(folder)?;
    }
    catch_interrupt()?;
    let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
    let text = format!("hearing any two of {} apart on {device}", names.join(", "));
    say(terminal, &text);
    let seed = command.computing.seed;
    let joint = &settings.joint;
    let rounds = usize::from(command.rounds);
    let (start, _) = watched(terminal, |observe| {
        Start::learn(&parts, rounds, joint, seed, &device.device, observe)
    })?;
    start.save(&command.out)?;
    let stopped = if is_interrupted() {
        "stopped by Ctrl-C; the best so far was written to"
    } else {
        "written to"
    };
    say(terminal, &format!("{stopped} {}", command.out.display()));
    Ok(())
}
