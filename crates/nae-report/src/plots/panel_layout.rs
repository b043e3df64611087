//! What all panels of a figure share, so that their frames line up.

use super::axes::Margins;
use crate::canvas::FONT;

/// Height of a panel.
pub(super) const HEIGHT: u32 = 640;

/// Room above a panel for its title, and right of it, of which heat maps use some for their scale.
pub(super) const MARGINS: Margins = Margins {
    top: FONT * 2,
    right: FONT * 11 / 2,
};
