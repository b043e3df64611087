//! How far the samples of a WAV file reach, where its lengths may be wrong.

use super::chunks::CHUNK_HEADER;

/// What a `data` chunk says, and what surrounds it.
pub(crate) struct Claim {
    pub start: u64,
    pub len: u64,
    pub is_unset: bool,
    pub outer_end: Option<u64>,
    pub file_len: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Stated(u64),
    ToTheEnd,
}

impl Claim {
    /// Uses the stated length unless it was left unset or everything else contradicts it.
    ///
    /// A length of 0 is also what an interrupted or piping writer leaves; it is distinguished from
    /// a truly empty file by the outer length, which such a writer left unset as well or which
    /// counts the samples, and by what follows: nothing, or another chunk.
    pub fn extent(&self, is_followed: bool) -> Extent {
        let end = self.start.saturating_add(self.len);
        let outer_is_unset = self.outer_end.is_none_or(|outer| outer < self.start);
        // a pad byte may be missing, or be left out of the count
        let outer_is = |end: u64| self.outer_end.is_some_and(|outer| outer.abs_diff(end) <= 1);
        let outer_ends_here = outer_is(self.file_len) && self.outer_end <= Some(self.file_len);
        let is_beyond = end > self.file_len;
        let is_unset = self.is_unset && (is_beyond || (outer_is_unset && !is_followed));
        // an empty file has nothing here
        let is_filled = self.len == 0 && self.file_len > self.start;
        let is_unknown = is_unset || (is_filled && (outer_is_unset || !is_followed));
        let ends_here =
            is_followed || outer_is(end) || self.file_len.saturating_sub(end) < CHUNK_HEADER;
        if is_unknown || (outer_ends_here && (is_beyond || !ends_here)) {
            Extent::ToTheEnd
        } else {
            Extent::Stated(self.len)
        }
    }
}

/// Lengths that writers leave behind which could not come back to correct them: the largest number
/// or the largest signed one, less some bytes for the header.
pub(crate) fn is_unset(len: u32) -> bool {
    const ROOM: u32 = 0x1_0000;
    len >= u32::MAX - ROOM || (0x8000_0000 - ROOM..=0x8000_0000 + ROOM).contains(&len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(len: u32, riff_len: u32, start: u64, file_len: u64) -> Extent {
        Claim {
            start,
            len: len.into(),
            is_unset: is_unset(len),
            outer_end: (!is_unset(riff_len)).then(|| u64::from(riff_len) + 8),
            file_len,
        }
        .extent(false)
    }

    #[test]
    fn a_true_length_is_believed_even_if_the_file_is_shorter() {
        assert_eq!(extent(100, 136, 44, 144), Extent::Stated(100));
        assert_eq!(extent(100, 136, 44, 90), Extent::Stated(100));
        assert_eq!(extent(100, 136, 44, 143), Extent::Stated(100));
    }

    #[test]
    fn a_length_left_unset_means_up_to_the_end() {
        for len in [
            u32::MAX,
            0xffff_fff8,
            0x7fff_f000,
            0x7fff_ffff,
            0x7fff_ff00,
            0x8000_0000,
        ] {
            assert_eq!(extent(len, len, 44, 144), Extent::ToTheEnd, "{len:#x}");
            assert_eq!(extent(len, 0, 44, 144), Extent::ToTheEnd, "{len:#x}");
        }
        assert_eq!(
            extent(u32::MAX, u32::MAX, 44, 5_000_000_044),
            Extent::ToTheEnd
        );
        assert_eq!(extent(0, 0, 44, 144), Extent::ToTheEnd);
        assert_eq!(extent(0, u32::MAX, 44, 144), Extent::ToTheEnd);
        assert_eq!(extent(0, 136, 44, 144), Extent::ToTheEnd);
    }

    #[test]
    fn a_length_that_file_and_outer_length_contradict_is_not_believed() {
        assert_eq!(extent(150, 136, 44, 144), Extent::ToTheEnd);
        assert_eq!(extent(50, 136, 44, 144), Extent::ToTheEnd);
        // without such a witness it is
        assert_eq!(extent(50, 86, 44, 144), Extent::Stated(50));
        assert_eq!(extent(50, 70, 44, 144), Extent::Stated(50));
    }

    #[test]
    fn a_zero_length_in_a_finished_header_is_a_sound_without_samples() {
        assert_eq!(extent(0, 36, 44, 44), Extent::Stated(0));
        let claim = Claim {
            start: 44,
            len: 0,
            is_unset: false,
            outer_end: Some(68),
            file_len: 68,
        };
        assert_eq!(claim.extent(true), Extent::Stated(0));
        // unless it was never finished
        assert_eq!(extent(0, 36, 44, 144), Extent::ToTheEnd);
    }
}
