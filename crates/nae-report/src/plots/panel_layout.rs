//! What all panels of a figure share, so that their frames line up.

use super::axes::Margins;
use crate::ReportError;
use crate::canvas::{Anchor, Area, FONT, Frame, text};
use crate::drawing::Raster;
use crate::heat_map::{HeatMap, palette};

/// Width of the scale of a heat map.
const SCALE: i32 = 26;

/// Height of a panel.
pub(super) const HEIGHT: u32 = 640;

/// Room above a panel for its title, and right of it, of which heat maps use some for their scale.
pub(super) const MARGINS: Margins = Margins {
    top: FONT * 2,
    right: FONT * 11 / 2,
};

/// Draws the scale of a heat map right of its frame.
pub(super) fn draw_scale(
    area: &Area,
    frame: Frame,
    heat_map: &HeatMap,
    rasters: &mut Vec<Raster>,
) -> Result<(), ReportError> {
    let scale = Frame {
        left: frame.right + 20,
        right: frame.right + 20 + SCALE,
        ..frame
    };
    let (height, levels) = palette::scale();
    rasters.push(Raster {
        frame: scale,
        width: 1,
        height,
        levels,
    });
    for (label, share) in heat_map.scale_labels()? {
        let y = scale.bottom - (share * f64::from(scale.bottom - scale.top)).round() as i32;
        text(area, &label, (scale.right + 12, y), Anchor::Left)?;
    }
    Ok(())
}
