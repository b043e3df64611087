//! Where a stream comes from.

use std::fs::File;
use std::io::{self, IsTerminal, Read, stdin};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, sleep};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nae_audio::stream::StreamFormat;

use crate::arguments::Live;
use crate::interrupt::is_interrupted;

/// Bytes that are read at once at most.
const AT_ONCE: usize = 1 << 15;
/// Pieces that wait for the separator: whoever writes faster has to wait too.
const WAITING: usize = 4;
/// How often a file is looked at that may have grown.
const GROWS: Duration = Duration::from_millis(20);

/// What has come.
pub enum Piece {
    /// Some bytes.
    Bytes(Vec<u8>),
    /// Nothing for as long as was waited.
    Nothing,
    /// The end.
    End,
    /// It cannot be read.
    Failed(io::Error),
}

/// A stream's bytes, which a thread of their own reads: reading waits, and signals must be seen.
pub struct Input {
    name: String,
    pieces: Receiver<io::Result<Vec<u8>>>,
}

impl Input {
    /// Opens standard input or a file, and reads its header.
    pub fn open(command: &Live) -> Result<(Self, StreamFormat)> {
        let is_stdin = command.input == Path::new("-");
        let (name, mut source): (String, Box<dyn Read + Send>) = match is_stdin {
            true if stdin().is_terminal() => bail!(
                "standard input is a terminal, not a stream of samples; put what records before it: `arecord … | nae live - …`, or name a file"
            ),
            true => ("standard input".into(), Box::new(stdin())),
            false => {
                let file = File::open(&command.input)
                    .with_context(|| format!("cannot open {}", command.input.display()))?;
                (command.input.display().to_string(), Box::new(file))
            }
        };
        let path = Path::new(&name);
        let format = match (command.raw, command.rate) {
            (Some(coding), Some(rate)) => StreamFormat::raw(path, coding, rate, command.channels)?,
            _ => StreamFormat::wav(path, &mut source)?,
        };
        // of a file that still grows, the header is of before
        if let Some(length) = format.length().filter(|_| !command.follow) {
            source = Box::new(source.take(length));
        }
        let (sender, pieces) = sync_channel(WAITING);
        let follows = command.follow;
        Builder::new()
            .name("input".into())
            .spawn(move || read(source, follows, &sender))
            .context("cannot start a thread")?;
        Ok((Self { name, pieces }, format))
    }

    /// For messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What comes next, within `patience`.
    pub fn next(&self, patience: Duration) -> Piece {
        match self.pieces.recv_timeout(patience) {
            Ok(Ok(bytes)) => Piece::Bytes(bytes),
            Ok(Err(error)) => Piece::Failed(error),
            Err(RecvTimeoutError::Timeout) => Piece::Nothing,
            Err(RecvTimeoutError::Disconnected) => Piece::End,
        }
    }
}

/// Sends all that comes, until the end or until nobody wants more.
fn read(mut source: Box<dyn Read + Send>, follows: bool, sender: &SyncSender<io::Result<Vec<u8>>>) {
    let mut buffer = vec![0; AT_ONCE];
    loop {
        let piece = match source.read(&mut buffer) {
            Ok(0) if follows && !is_interrupted() => {
                sleep(GROWS);
                continue;
            }
            Ok(0) => return,
            Ok(read) => Ok(buffer[..read].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let is_last = piece.is_err();
        if sender.send(piece).is_err() || is_last {
            return;
        }
    }
}
