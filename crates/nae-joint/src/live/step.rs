//! What passes from layer to layer when a frame has come.

/// Whether a layer has a frame to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Not yet: it waits for later frames.
    Nothing,
    /// The next frame.
    Frame,
    /// The sound is over.
    End,
}
