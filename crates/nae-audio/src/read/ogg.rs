//! Ogg Vorbis and Ogg FLAC, with damaged pages and several streams one after another (chained).
//!
//! symphonia's reader skips damaged pages without a warning and stops at a second stream; hence
//! this reader. The position that every page states shows what is missing: it is replaced by
//! silence, so that what follows keeps its time.

use std::fs::File;
use std::path::Path;

use super::ogg_link::{AudioPage, Link};
use super::ogg_page::{Page, Pages};
use super::packets::Packets;
use super::spec::Spec;
use super::timeline::Timeline;
use super::window::Window;
use crate::AudioError;
use crate::warning::Warning;

/// Decodes an Ogg file.
pub(crate) struct Ogg {
    streams: Streams,
    spec: Spec,
    samples: Option<u64>,
}

/// The audio stream of each link of the chain, one after another.
struct Streams {
    pages: Pages,
    link: Option<Link>,
    /// A stream that cannot be decoded.
    unsupported: Option<&'static str>,
    /// Whether all links had their end marked.
    is_whole: bool,
    left_over: u64,
}

impl Ogg {
    /// Walks through the whole file.
    pub fn open(path: &Path, file: File) -> Result<Self, AudioError> {
        let io = |e| AudioError::io(path, "read it", e);
        let mut streams = Streams::new(Pages::new(Window::new(file).map_err(io)?));
        let (mut spec, mut samples, mut last) = (None, 0u64, None);
        while let Some(page) = streams.next(path)? {
            let Some(link) = &streams.link else { continue };
            let first = *spec.get_or_insert(link.spec);
            if link.spec != first {
                return Err(AudioError::Changes {
                    path: path.into(),
                    rates: (first.sample_rate, link.spec.sample_rate),
                    channels: (first.channels, link.spec.channels),
                });
            }
            last = page.granule.or(last);
            if page.is_last {
                samples = samples.saturating_add_signed(last.take().unwrap_or(0).max(0));
            }
        }
        samples = samples.saturating_add_signed(last.unwrap_or(0).max(0));
        let Some(spec) = spec else {
            return Err(match streams.unsupported {
                Some(codec) => AudioError::UnsupportedCodec {
                    path: path.into(),
                    codec: codec.into(),
                },
                None => {
                    AudioError::damaged(path, "its headers, or all of its sound, cannot be read")
                }
            });
        };
        let mut pages = streams.pages;
        pages.rewind().map_err(io)?;
        Ok(Self {
            streams: Streams::new(pages),
            spec,
            samples: Some(samples).filter(|&samples| samples > 0),
        })
    }
}

impl Packets for Ogg {
    fn spec(&self) -> Spec {
        self.spec
    }

    fn samples(&self) -> Option<u64> {
        self.samples
    }

    fn step(&mut self, path: &Path, timeline: &mut Timeline) -> Result<bool, AudioError> {
        let Some(page) = self.streams.next(path)? else {
            return Ok(false);
        };
        if let Some(link) = &mut self.streams.link {
            link.decode(path, page, timeline)?;
        }
        Ok(true)
    }

    fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if !self.streams.is_whole {
            warnings.push(Warning::Unfinished);
        } else if self.streams.left_over > 0 {
            warnings.push(Warning::LeftOver {
                bytes: self.streams.left_over,
            });
        }
        warnings
    }
}

impl Streams {
    fn new(pages: Pages) -> Self {
        Self {
            pages,
            link: None,
            unsupported: None,
            is_whole: true,
            left_over: 0,
        }
    }

    /// The next page with packets of sound.
    fn next(&mut self, path: &Path) -> Result<Option<AudioPage>, AudioError> {
        loop {
            let page = self.pages.next();
            let Some(page) = page.map_err(|e| AudioError::io(path, "read it", e))? else {
                self.finish();
                self.left_over += self.pages.left_over;
                return Ok(None);
            };
            if page.is_first {
                self.begin(path, page)?;
            } else if let Some(link) = &mut self.link
                && link.serial == page.serial
                && let Some(audio) = link.take(path, page)?
            {
                return Ok(Some(audio));
            }
        }
    }

    /// Takes the first page of a stream. Streams that lie side by side all begin before any goes on:
    /// the first one of sound counts.
    fn begin(&mut self, path: &Path, page: Page) -> Result<(), AudioError> {
        if self.link.as_ref().is_some_and(|link| link.has_begun) {
            self.finish();
            self.left_over += page.lost_before;
        }
        if self.link.is_some() {
            return Ok(());
        }
        match page.packets.into_iter().next() {
            Some(packet) => match Link::new(page.serial, page.sequence, &packet) {
                Ok(link) => self.link = link,
                Err(codec) => self.unsupported = Some(codec),
            },
            None => {
                return Err(AudioError::damaged(
                    path,
                    "a stream begins with an empty page",
                ));
            }
        }
        Ok(())
    }

    fn finish(&mut self) {
        if let Some(link) = self.link.take() {
            self.is_whole &= link.is_ended;
        }
    }
}
