//! Mutations: the same ones in every run.

/// Numbers at the ends of ranges, as text.
const TEXTS: [&str; 14] = [
    "0",
    "-1",
    "1",
    "1e999",
    "1e-320",
    "-0.0",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "1e38",
    "null",
    "[]",
    "{}",
    "\"\"",
];

/// Numbers at the ends of ranges, in binary.
const NUMBERS: [u64; 10] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    u64::MAX >> 1,
    u64::MAX,
];

/// Numbers that look random (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// One of `seeds`, changed in one to four places.
pub fn of(seeds: &[Vec<u8>], number: u64) -> Vec<u8> {
    let mut random = Random(number);
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            break;
        }
        // half of them where headers are
        let reach = match random.below(2) {
            0 => bytes.len().min(128),
            _ => bytes.len(),
        };
        let at = random.below(reach);
        change(&mut bytes, at, seeds, &mut random);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, at: usize, seeds: &[Vec<u8>], random: &mut Random) {
    let end = (at + 1 + random.below(64)).min(bytes.len());
    match random.below(8) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.next() as u8,
        2 => {
            let number = NUMBERS[random.below(NUMBERS.len())].to_le_bytes();
            let width = [1, 2, 4, 8][random.below(4)].min(bytes.len() - at);
            bytes[at..at + width].copy_from_slice(&number[..width]);
        }
        3 => bytes.truncate(at),
        4 => {
            bytes.drain(at..end);
        }
        5 => {
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
        6 => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len().max(1)).min(other.len());
            let to = (from + 64).min(other.len());
            bytes.splice(at..end, other[from..to].iter().copied());
        }
        _ => {
            let text = TEXTS[random.below(TEXTS.len())];
            let digits = |byte: &u8| byte.is_ascii_digit();
            // the whole number, where one begins after here
            let from = bytes[at..]
                .iter()
                .position(digits)
                .map_or(at, |first| at + first);
            let to = bytes[from..].iter().position(|byte| !digits(byte));
            let to = to.map_or(bytes.len(), |length| from + length);
            bytes.splice(from..to, text.bytes());
        }
    }
}
