//! What symphonia's MP4 reader does not handle: edit lists, and boxes whose lengths are wrong.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// Boxes that stand at the top.
const TOP: [&[u8; 4]; 16] = [
    b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"udta", b"uuid", b"meta", b"moof",
    b"mfra", b"sidx", b"styp", b"pdin", b"emsg", b"prft",
];
/// More index than days of sound need.
const MAX_INDEX_BYTES: u64 = 1 << 28;
const STEP: usize = 1 << 16;

/// The boxes at the top of a file.
#[derive(Debug, Default)]
pub(crate) struct TopBoxes {
    /// What to read in place of wrong lengths.
    pub patches: Vec<(u64, [u8; 4])>,
    /// How many lengths are wrong; others were only left unset.
    pub wrong: usize,
    /// The content of the index.
    pub index: Option<Vec<u8>>,
}

/// A box at the top, as far as its header goes.
struct Header {
    name: [u8; 4],
    /// Bytes of length and name.
    header: u64,
    len: u64,
    /// Whether it reaches to the end of the file, whatever that is.
    is_unset: bool,
}

impl TopBoxes {
    /// Walks the boxes; one whose length leads to nothing known is taken to end where the next known
    /// one begins, or with the file.
    pub fn read(file: &mut File) -> io::Result<Self> {
        let file_len = file.metadata()?.len();
        let mut this = Self::default();
        let mut position = 0;
        while let Some(found) = header_at(file, position, file_len)? {
            let end = position.saturating_add(found.len);
            // a length left unset reaches over an index that came later
            let hides_index = found.is_unset && this.index.is_none();
            let is_right = end == file_len || (end < file_len && is_top(file, end, file_len)?);
            let next = match is_right && !hides_index {
                true => None,
                false => next_top(file, position + found.header, file_len)?,
            };
            let end = if is_right && next.is_none() && !found.is_unset {
                end
            } else {
                let end = next.unwrap_or(file_len);
                this.wrong += usize::from(!(is_right && next.is_none()));
                match u32::try_from(end - position) {
                    Ok(len) if found.header == 8 => {
                        this.patches.push((position, len.to_be_bytes()))
                    }
                    // its length has 64 bits, or should have
                    _ => this.patches.push((position, [0; 4])),
                }
                end
            };
            if &found.name == b"moov" && end - position <= MAX_INDEX_BYTES {
                let mut index = vec![0; (end - position - found.header) as usize];
                file.seek(SeekFrom::Start(position + found.header))?;
                file.read_exact(&mut index)?;
                this.index = Some(index);
            }
            position = end;
        }
        file.rewind()?;
        Ok(this)
    }
}

fn header_at(file: &mut File, position: u64, file_len: u64) -> io::Result<Option<Header>> {
    if position + 8 > file_len {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(position))?;
    let mut bytes = [0; 8];
    file.read_exact(&mut bytes)?;
    let [a, b, c, d, name @ ..] = bytes;
    let stated = u32::from_be_bytes([a, b, c, d]);
    let (header, len) = match stated {
        0 => (8, file_len - position),
        1 if position + 16 <= file_len => {
            let mut long = [0; 8];
            file.read_exact(&mut long)?;
            (16, u64::from_be_bytes(long))
        }
        len => (8, u64::from(len)),
    };
    Ok(Some(Header {
        name,
        header,
        len: len.max(header),
        is_unset: stated == 0,
    }))
}

fn is_top(file: &mut File, position: u64, file_len: u64) -> io::Result<bool> {
    let header = header_at(file, position, file_len)?;
    Ok(header.is_some_and(|header| TOP.contains(&&header.name)))
}

/// Where the next box begins that is known and leads to another or to the end.
fn next_top(file: &mut File, from: u64, file_len: u64) -> io::Result<Option<u64>> {
    let (mut position, mut bytes) = (from, vec![0; STEP]);
    while position + 8 <= file_len {
        let count = (file_len - position).min(STEP as u64) as usize;
        file.seek(SeekFrom::Start(position))?;
        file.read_exact(&mut bytes[..count])?;
        for (i, name) in bytes[..count].windows(4).enumerate() {
            let at = position + i as u64;
            if !TOP.iter().any(|top| *top == name) || at < from + 4 {
                continue;
            }
            if let Some(header) = header_at(file, at - 4, file_len)? {
                let end = (at - 4).saturating_add(header.len);
                if end == file_len || (end < file_len && is_top(file, end, file_len)?) {
                    return Ok(Some(at - 4));
                }
            }
        }
        if count < STEP {
            break;
        }
        position += (STEP - 3) as u64;
    }
    Ok(None)
}

/// What an edit list makes of a track, in samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Edit {
    /// Where the sound begins, in units of the track's clock.
    pub start: u64,
    /// How long it is at most, in the same units, if that is said to less than a tick of the file's
    /// own clock.
    pub duration: Option<u64>,
    /// What a tick of the file's clock is in those units, rounded up.
    pub tick: u64,
}

/// What the index says about the sound's beginning and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EditList {
    /// Nothing.
    None,
    /// One piece of the track.
    One(Edit),
    /// So many pieces put together, which is not followed.
    Several(usize),
}

impl EditList {
    /// Reads the edit list of the track with number `track` from the content of an index; without one,
    /// the note `iTunSMPB` that iTunes leaves instead.
    ///
    /// Empty edits, which only delay, are left out.
    pub fn read(index: &[u8], track: u32) -> Self {
        Self::of_track(index, track)
            .or_else(|| itunes_note(index).map(Self::One))
            .unwrap_or(Self::None)
    }

    fn of_track(index: &[u8], track: u32) -> Option<Self> {
        let movie_clock = u64::from(clock(find(index, b"mvhd")?)?).max(1);
        let trak = boxes(index).find(|(name, content)| {
            name == b"trak" && find(content, b"tkhd").and_then(track_number) == Some(track)
        })?;
        let track_clock = u64::from(clock(find(find(trak.1, b"mdia")?, b"mdhd")?)?).max(1);
        let list = find(find(trak.1, b"edts")?, b"elst")?;
        let is_long = *list.first()? == 1;
        let count = u32::from_be_bytes(*list.get(4..8)?.first_chunk()?) as usize;
        let width = if is_long { 20 } else { 12 };
        let mut edits = list
            .get(8..)?
            .chunks_exact(width)
            .take(count)
            .filter_map(|edit| {
                let (duration, start) = if is_long {
                    (
                        u64::from_be_bytes(*edit.first_chunk()?),
                        i64::from_be_bytes(*edit[8..].first_chunk()?),
                    )
                } else {
                    (
                        u64::from(u32::from_be_bytes(*edit.first_chunk()?)),
                        i64::from(i32::from_be_bytes(*edit[4..].first_chunk()?)),
                    )
                };
                (start >= 0).then_some((duration, start as u64))
            });
        let (duration, start) = edits.next()?;
        let further = edits.count();
        if further > 0 {
            return Some(Self::Several(1 + further));
        }
        let in_track = |ticks: u64| {
            u64::try_from(u128::from(ticks) * u128::from(track_clock) / u128::from(movie_clock))
                .ok()
        };
        Some(Self::One(Edit {
            start,
            duration: (duration > 0).then(|| in_track(duration)).flatten(),
            tick: track_clock.div_ceil(movie_clock),
        }))
    }
}

/// The most that an encoder delays; a note of more is damaged.
const MAX_DELAY: u64 = 1 << 16;

/// What iTunes writes about a track of AAC: ` 00000000 DELAY PADDING LENGTH …` in hexadecimal samples.
fn itunes_note(index: &[u8]) -> Option<Edit> {
    let name = b"iTunSMPB";
    let at = index.windows(name.len()).position(|found| found == name)?;
    let rest = index.get(at + name.len()..)?;
    // the box `data`: length, name, type, locale, text
    let rest = &rest[..rest.len().min(256)];
    let text = rest.windows(4).position(|found| found == b"data")? + 12;
    let text = String::from_utf8_lossy(rest.get(text..)?);
    let mut numbers = text.split([' ', '\0']).filter(|word| !word.is_empty());
    let mut next = || u64::from_str_radix(numbers.next()?, 16).ok();
    let (_, delay, _, length) = (next()?, next()?, next()?, next()?);
    (delay <= MAX_DELAY && length > 0).then_some(Edit {
        start: delay,
        duration: Some(length),
        tick: 0,
    })
}

/// The boxes in `content`, as far as their lengths make sense.
fn boxes(content: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = content;
    std::iter::from_fn(move || {
        let header: &[u8; 8] = rest.first_chunk()?;
        let [a, b, c, d, name @ ..] = *header;
        let len = u32::from_be_bytes([a, b, c, d]) as usize;
        let found = rest.get(8..len)?;
        rest = &rest[len..];
        Some((name, found))
    })
}

fn find<'a>(content: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(content)
        .find(|found| &found.0 == name)
        .map(|found| found.1)
}

/// Ticks a second, from `mvhd` or `mdhd`.
fn clock(header: &[u8]) -> Option<u32> {
    let at = if *header.first()? == 1 { 20 } else { 12 };
    Some(u32::from_be_bytes(*header.get(at..)?.first_chunk()?))
}

/// The number of a track, from its `tkhd`.
fn track_number(header: &[u8]) -> Option<u32> {
    let at = if *header.first()? == 1 { 20 } else { 12 };
    Some(u32::from_be_bytes(*header.get(at..)?.first_chunk()?))
}

/// A file in which some bytes read differently.
pub(crate) struct Patched {
    file: File,
    position: u64,
    len: u64,
    patches: Vec<(u64, [u8; 4])>,
}

impl Patched {
    pub fn new(mut file: File, patches: Vec<(u64, [u8; 4])>) -> io::Result<Self> {
        file.rewind()?;
        let len = file.metadata()?.len();
        Ok(Self {
            file,
            position: 0,
            len,
            patches,
        })
    }
}

impl Read for Patched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        for (place, bytes) in &self.patches {
            for (at, byte) in (*place..).zip(bytes) {
                if let Some(i) = at.checked_sub(self.position)
                    && i < count as u64
                {
                    buffer[i as usize] = *byte;
                }
            }
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Patched {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.file.seek(to)?;
        Ok(self.position)
    }
}

impl MediaSource for Patched {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let mut bytes = (content.len() as u32 + 8).to_be_bytes().to_vec();
        bytes.extend(name);
        bytes.extend(content);
        bytes
    }

    fn header(version: u8, number: u32) -> Vec<u8> {
        let mut bytes = vec![version, 0, 0, 0];
        bytes.resize(if version == 1 { 20 } else { 12 }, 0);
        bytes.extend(number.to_be_bytes());
        bytes.resize(80, 0);
        bytes
    }

    fn index(edits: &[(u32, i32)]) -> Vec<u8> {
        let mut list = vec![0; 4];
        list.extend((edits.len() as u32).to_be_bytes());
        for (duration, start) in edits {
            list.extend(duration.to_be_bytes());
            list.extend(start.to_be_bytes());
            list.extend([0, 1, 0, 0]);
        }
        let trak = [
            boxed(b"tkhd", &header(0, 7)),
            boxed(b"edts", &boxed(b"elst", &list)),
            boxed(b"mdia", &boxed(b"mdhd", &header(1, 44_100))),
        ];
        [
            boxed(b"mvhd", &header(0, 1000)),
            boxed(b"trak", &trak.concat()),
        ]
        .concat()
    }

    #[test]
    fn an_edit_list_says_where_the_sound_begins_and_how_long_it_is() {
        let edit = EditList::read(&index(&[(200, -1), (3000, 1024)]), 7);
        let expected = Edit {
            start: 1024,
            duration: Some(132_300),
            tick: 45,
        };
        assert_eq!(edit, EditList::One(expected));
        let EditList::One(edit) = EditList::read(&index(&[(0, 1024)]), 7) else {
            panic!("one piece");
        };
        assert_eq!(edit.duration, None);
        let several = index(&[(10, 0), (9, -1), (10, 500), (10, 900)]);
        assert_eq!(EditList::read(&several, 7), EditList::Several(3));
        assert_eq!(EditList::read(&index(&[(10, 0)]), 8), EditList::None);
    }

    #[test]
    fn the_note_of_itunes_stands_in_for_an_edit_list() {
        let text = b" 00000000 00000840 000001C0 0000000000020500 00000000 00000000";
        let note = |text: &[u8]| {
            let data = [&[0, 0, 0, 1, 0, 0, 0, 0], text].concat();
            let parts = [
                boxed(b"mean", b"\0\0\0\0com.apple.iTunes"),
                boxed(b"name", b"\0\0\0\0iTunSMPB"),
                boxed(b"data", &data),
            ];
            boxed(b"udta", &boxed(b"----", &parts.concat()))
        };
        let expected = Edit {
            start: 0x840,
            duration: Some(0x2_0500),
            tick: 0,
        };
        assert_eq!(EditList::read(&note(text), 7), EditList::One(expected));
        // the edit list itself counts for more
        let both = [index(&[(10, 0), (10, 500)]), note(text)].concat();
        assert_eq!(EditList::read(&both, 7), EditList::Several(2));
        for damaged in [&text[..20], b" 0 FFFFFFFF 0 10", b"\xff\xfe", b""] {
            assert_eq!(EditList::read(&note(damaged), 7), EditList::None);
        }
    }

    fn top(bytes: &[u8]) -> TopBoxes {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        TopBoxes::read(&mut file).unwrap()
    }

    #[test]
    fn wrong_lengths_at_the_top_are_put_right() {
        let parts = [
            boxed(b"ftyp", b"M4A "),
            boxed(b"mdat", &[7; 100]),
            boxed(b"moov", b"index"),
        ];
        let right = parts.concat();
        assert!(top(&right).patches.is_empty());
        assert_eq!(top(&right).index.unwrap(), b"index");
        for wrong in [0u32, 50, 107, 109, 5000] {
            let mut bytes = right.clone();
            bytes[12..16].copy_from_slice(&wrong.to_be_bytes());
            let found = top(&bytes);
            assert_eq!(found.patches, [(12, 108u32.to_be_bytes())], "{wrong}");
            assert_eq!(found.index.unwrap(), b"index");
        }
        // cut short within the sound
        assert_eq!(top(&right[..60]).patches, [(12, 48u32.to_be_bytes())]);
        assert!(top(&right[..60]).index.is_none());
    }

    #[test]
    fn patches_show_wherever_reading_begins() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[0; 16]).unwrap();
        let mut patched = Patched::new(file, vec![(6, [1, 2, 3, 4])]).unwrap();
        patched.seek(SeekFrom::Start(7)).unwrap();
        let mut bytes = [0; 4];
        patched.read_exact(&mut bytes).unwrap();
        assert_eq!(bytes, [2, 3, 4, 0]);
    }
}
