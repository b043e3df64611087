//! Colours and PNG files of pictures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::ReportError;

/// Colours of the scale, dark to bright; palette entry [`NOT_FINITE`] follows them.
const LEVELS: usize = 255;

/// The palette entry of values that are NaN or infinite: a green that the scale does not have.
const NOT_FINITE: u8 = LEVELS as u8;
const GREEN: [u8; 3] = [0x2C, 0xD0, 0xA0];

/// 300 dots per inch.
const PIXELS: png::PixelDimensions = png::PixelDimensions {
    xppu: 11_811,
    yppu: 11_811,
    unit: png::Unit::Meter,
};

/// The palette entry for a position on the scale, 0 (dark) to 1 (bright); none is green.
pub(crate) fn level(position: Option<f64>) -> u8 {
    match position {
        Some(p) => (p.clamp(0.0, 1.0) * (LEVELS - 1) as f64).round() as u8,
        None => NOT_FINITE,
    }
}

/// A PNG data URI of `width × height` palette entries, the top row first.
pub(crate) fn data_uri(width: usize, height: usize, levels: &[u8]) -> Result<String, ReportError> {
    let file = png_file(width, height, levels)?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(file)))
}

/// The scale itself, one pixel wide, bright at the top.
pub(crate) fn scale_data_uri() -> Result<String, ReportError> {
    let (height, levels) = scale();
    data_uri(1, height, &levels)
}

/// The palette entries of the scale, bright at the top, and their number.
pub(crate) fn scale() -> (usize, Vec<u8>) {
    (LEVELS, (0..LEVELS).rev().map(|l| l as u8).collect())
}

fn png_file(width: usize, height: usize, levels: &[u8]) -> Result<Vec<u8>, ReportError> {
    let mut file = Vec::new();
    // Pictures are at most a few thousand pixels wide: see `MAX_COLS`.
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette());
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(levels)?;
    writer.finish()?;
    Ok(file)
}

/// A PNG file of `width × height` pixels of red, green, blue and an opacity that is left out.
pub(crate) fn rgba_file(width: u32, height: u32, pixels: &[u8]) -> Result<Vec<u8>, ReportError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_pixel_dims(Some(PIXELS));
    let opaque: Vec<u8> = pixels
        .chunks_exact(4)
        .flat_map(|p| [p[0], p[1], p[2]])
        .collect();
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&opaque)?;
    writer.finish()?;
    Ok(file)
}

/// The colour of a palette entry.
pub(crate) fn colour(level: u8) -> [u8; 3] {
    match level {
        NOT_FINITE => GREEN,
        level => colorous::MAGMA
            .eval_rational(level.into(), LEVELS)
            .into_array(),
    }
}

fn palette() -> Vec<u8> {
    (0..=NOT_FINITE).flat_map(colour).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(uri: &str) -> (png::OutputInfo, Vec<u8>) {
        let base64 = uri.strip_prefix("data:image/png;base64,").unwrap();
        let file = STANDARD.decode(base64).unwrap();
        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info, pixels)
    }

    #[test]
    fn a_picture_decodes_to_its_size_and_colours() {
        let levels = [level(Some(0.0)), level(Some(1.0)), level(None), 0, 0, 0];
        let (info, pixels) = decode(&data_uri(3, 2, &levels).unwrap());
        assert_eq!((info.width, info.height), (3, 2));
        assert_eq!(info.color_type, png::ColorType::Rgb);
        assert_eq!(pixels[..3], [0, 0, 4], "magma starts almost black");
        assert_eq!(pixels[3..6], [252, 253, 191], "magma ends pale yellow");
        assert_eq!(pixels[6..9], GREEN);
    }

    #[test]
    fn the_scale_runs_from_bright_to_dark() {
        let (info, pixels) = decode(&scale_data_uri().unwrap());
        assert_eq!((info.width, info.height), (1, LEVELS as u32));
        assert_eq!(pixels[..3], [252, 253, 191]);
        assert_eq!(pixels[pixels.len() - 3..], [0, 0, 4]);
    }

    #[test]
    fn levels_stay_on_the_scale() {
        assert_eq!(level(Some(-3.0)), 0);
        assert_eq!(level(Some(7.0)), 254);
        assert_eq!(level(None), NOT_FINITE);
    }
}
