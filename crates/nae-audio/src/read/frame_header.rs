//! Headers of MPEG audio (ISO 11172-3, 13818-3 and the 2.5 extension) and of AAC in ADTS (13818-7).

use super::spec::Spec;

/// Bytes needed to read any header.
pub(crate) const HEADER_BYTES: usize = 7;

const MPEG1_L1: [u32; 15] = [
    0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
];
const MPEG1_L2: [u32; 15] = [
    0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
];
const MPEG1_L3: [u32; 15] = [
    0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
];
const MPEG2_L1: [u32; 15] = [
    0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256,
];
const MPEG2_L23: [u32; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const AAC_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000,
    7350,
];

/// How the frames are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// MPEG audio of layer 1, 2 or 3.
    Mpeg { layer: u8 },
    /// AAC in ADTS frames.
    Aac,
}

/// What a frame says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub coding: Coding,
    pub spec: Spec,
    /// Bytes of the frame, header and all.
    pub len: usize,
    /// Bytes in front that its decoder does not want.
    pub stripped: usize,
    /// Samples per channel.
    pub samples: u64,
    /// Bytes of header and side information, after which an MP3 tag would stand.
    pub tag_at: usize,
}

impl FrameHeader {
    /// Reads the header at the start of `bytes`, if there is one.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        match *bytes.get(..4)? {
            [0xff, b, ..] if b & 0xf6 == 0xf0 => Self::parse_adts(bytes),
            [0xff, b, c, d] if b & 0xe0 == 0xe0 => Self::parse_mpeg(b, c, d),
            _ => None,
        }
    }

    /// Whether both belong to one stream.
    pub fn follows(&self, other: &Self) -> bool {
        (self.coding, self.spec) == (other.coding, other.spec)
    }

    fn parse_mpeg(b: u8, c: u8, d: u8) -> Option<Self> {
        // how often the first version's rates are halved
        let halved = match b >> 3 & 3 {
            3 => 0,
            2 => 1,
            0 => 2,
            _ => return None,
        };
        let layer = match b >> 1 & 3 {
            1 => 3,
            2 => 2,
            3 => 1,
            _ => return None,
        };
        let table = match (halved, layer) {
            (0, 1) => MPEG1_L1,
            (0, 2) => MPEG1_L2,
            (0, _) => MPEG1_L3,
            (_, 1) => MPEG2_L1,
            _ => MPEG2_L23,
        };
        // 0 is the free format, whose frames do not state their length
        let bits_per_s = 1000 * table.get(usize::from(c >> 4)).filter(|&&kbit| kbit > 0)?;
        let sample_rate = [44_100, 48_000, 32_000].get(usize::from(c >> 2 & 3))? >> halved;
        let padding = usize::from(c >> 1 & 1);
        let channels = if d >> 6 == 3 { 1 } else { 2 };
        let (samples, len) = match layer {
            1 => (
                384,
                ((12 * bits_per_s / sample_rate) as usize + padding) * 4,
            ),
            3 if halved > 0 => (576, (72 * bits_per_s / sample_rate) as usize + padding),
            _ => (1152, (144 * bits_per_s / sample_rate) as usize + padding),
        };
        let side_info = match (halved > 0, channels) {
            (false, 1) | (true, 2) => 17,
            (false, _) => 32,
            (true, _) => 9,
        };
        Some(Self {
            coding: Coding::Mpeg { layer },
            spec: Spec {
                sample_rate,
                channels,
            },
            len,
            stripped: 0,
            samples,
            tag_at: 4 + side_info,
        })
    }

    fn parse_adts(bytes: &[u8]) -> Option<Self> {
        let [_, b, c, d, e, f, g] = *bytes.first_chunk::<HEADER_BYTES>()?;
        let header = if b & 1 == 0 { 9 } else { 7 };
        let sample_rate = *AAC_RATES.get(usize::from(c >> 2 & 0x0f))?;
        let channels = match (c & 1) << 2 | d >> 6 {
            // stated in the first packet only
            0 => return None,
            7 => 8,
            channels => usize::from(channels),
        };
        let len = usize::from(d & 3) << 11 | usize::from(e) << 3 | usize::from(f >> 5);
        if len <= header {
            return None;
        }
        Some(Self {
            coding: Coding::Aac,
            spec: Spec {
                sample_rate,
                channels,
            },
            len,
            stripped: header,
            samples: 1024 * u64::from((g & 3) + 1),
            tag_at: header,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_every_version_tell_length_and_rate() {
        for (bytes, layer, rate, channels, len, samples) in [
            ([0xff, 0xfb, 0x90, 0x44], 3, 44_100, 2, 417, 1152),
            ([0xff, 0xfb, 0x92, 0xc4], 3, 44_100, 1, 418, 1152),
            ([0xff, 0xf3, 0x88, 0xc4], 3, 16_000, 1, 288, 576),
            ([0xff, 0xe3, 0x88, 0xc4], 3, 8000, 1, 576, 576),
            ([0xff, 0xfd, 0x84, 0x04], 2, 48_000, 2, 384, 1152),
            ([0xff, 0xff, 0x44, 0x04], 1, 48_000, 2, 128, 384),
        ] {
            let header = FrameHeader::parse(&bytes).unwrap();
            assert_eq!(header.coding, Coding::Mpeg { layer }, "{bytes:x?}");
            let spec = Spec {
                sample_rate: rate,
                channels,
            };
            assert_eq!(
                (header.spec, header.len, header.samples),
                (spec, len, samples)
            );
        }
    }

    #[test]
    fn adts_headers_tell_length_and_rate() {
        let header = FrameHeader::parse(&[0xff, 0xf1, 0x60, 0x40, 0x20, 0x1f, 0xfc]).unwrap();
        assert_eq!(header.coding, Coding::Aac);
        assert_eq!((header.spec.sample_rate, header.spec.channels), (16_000, 1));
        assert_eq!(
            (header.len, header.stripped, header.samples),
            (256, 7, 1024)
        );
    }

    #[test]
    fn what_is_no_header_is_none() {
        for bytes in [
            [0xff, 0xfb, 0x00, 0x44], // free format
            [0xff, 0xfb, 0xf0, 0x44], // no bit rate
            [0xff, 0xfb, 0x9c, 0x44], // no sample rate
            [0xff, 0xeb, 0x90, 0x44], // no version
            [0xfe, 0xfb, 0x90, 0x44],
        ] {
            assert_eq!(FrameHeader::parse(&bytes), None, "{bytes:x?}");
        }
        assert_eq!(FrameHeader::parse(&[0xff]), None);
    }
}
