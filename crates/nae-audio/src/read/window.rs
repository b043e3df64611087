//! A file read forwards with a look ahead.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes read at once.
const STEP: usize = 1 << 16;

/// The bytes of a file from a moving position on.
pub(crate) struct Window {
    file: File,
    buffer: Vec<u8>,
    start: usize,
    /// Where `buffer[start]` lies in the file.
    position: u64,
    is_ended: bool,
}

impl Window {
    /// Begins at the start of `file`.
    pub fn new(mut file: File) -> io::Result<Self> {
        file.rewind()?;
        Ok(Self {
            file,
            buffer: Vec::new(),
            start: 0,
            position: 0,
            is_ended: false,
        })
    }

    /// Goes back to the start.
    pub fn rewind(&mut self) -> io::Result<()> {
        self.file.rewind()?;
        self.buffer.clear();
        (self.start, self.position, self.is_ended) = (0, 0, false);
        Ok(())
    }

    /// Where the window begins.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// At least `count` bytes from the position on; fewer only at the end of the file.
    pub fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.buffer.len() - self.start < count && !self.is_ended {
            self.buffer.drain(..self.start);
            self.start = 0;
            let len = self.buffer.len();
            self.buffer.resize(len + STEP, 0);
            let read = loop {
                match self.file.read(&mut self.buffer[len..]) {
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    read => break read,
                }
            };
            self.buffer.truncate(len + *read.as_ref().unwrap_or(&0));
            self.is_ended = read? == 0;
        }
        Ok(&self.buffer[self.start..])
    }

    /// Moves on by `count` bytes, to the end of the file at most.
    pub fn skip(&mut self, count: u64) -> io::Result<()> {
        let held = (self.buffer.len() - self.start) as u64;
        if count <= held {
            self.start += count as usize;
            self.position += count;
            return Ok(());
        }
        let len = self.file.metadata()?.len();
        let to = (self.position.saturating_add(count)).min(len);
        self.file.seek(SeekFrom::Start(to))?;
        self.buffer.clear();
        (self.start, self.position, self.is_ended) = (0, to, false);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn looking_ahead_and_skipping_lead_through_the_file() {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
        file.write_all(&bytes).unwrap();
        let mut window = Window::new(file).unwrap();
        assert_eq!(window.peek(70_000).unwrap()[..70_000], bytes[..70_000]);
        window.skip(69_999).unwrap();
        assert_eq!(window.peek(3).unwrap()[..3], bytes[69_999..70_002]);
        window.skip(100_000).unwrap();
        assert_eq!(window.peek(1).unwrap()[0], bytes[169_999]);
        assert_eq!(window.peek(90_000).unwrap(), &bytes[169_999..]);
        window.skip(u64::MAX).unwrap();
        assert!(window.peek(1).unwrap().is_empty());
        assert_eq!(window.position(), 200_000);
        window.rewind().unwrap();
        assert_eq!(window.peek(2).unwrap()[..2], bytes[..2]);
    }
}
