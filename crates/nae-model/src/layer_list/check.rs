//! What lists of layers ask of each other and of the settings that are short for them.

use nae_config::OutOfRange;
use nae_files::count;

use super::layer::{LayerConfig, LayerKind, Units};
use super::resolve::resolve;
use super::{EXAMPLE, LayerList, place, refusal};
use crate::layers::Recurrence;
use crate::stack_layer::{MOST_FRAMES, StackLayer, frames_seen};

/// Layers of encoder and decoder together at most.
const MOST: usize = 64;

/// Settings that are short for lists of layers; at their defaults they say nothing.
pub struct ShortForms<'a> {
    /// Layers of encoder and decoder together, and the default.
    pub layers: (usize, usize),
    /// Units of the bottleneck, which lists do not say.
    pub rank: usize,
    /// Units of the hidden layers; empty by default.
    pub widths: &'a [usize],
    /// Frames of a basis; 1 by default.
    pub span: usize,
    /// Recurrence of the last hidden layer; none by default.
    pub cell: Option<Recurrence>,
}

/// Checks lists that are each in range by themselves.
///
/// # Errors
/// [`OutOfRange`] naming the key that is best changed.
pub fn check(
    section: &str,
    decoder: &LayerList,
    encoder: &LayerList,
    short: &ShortForms<'_>,
) -> Result<(), OutOfRange> {
    let keys = ["decoder", "encoder"].map(|name| format!("{section}.{name}"));
    let [decoder_key, encoder_key] = keys.each_ref().map(String::as_str);
    let Some(decoder) = decoder.layers() else {
        return match encoder {
            LayerList::Auto => Ok(()),
            LayerList::Layers(_) => Err(refusal(
                decoder_key,
                &format!("a list of layers where `{encoder_key}` is one"),
                "\"auto\"".into(),
                &format!("{EXAMPLE}, or leaving `{encoder_key}` out"),
            )),
        };
    };
    check_last(decoder_key, decoder)?;
    if let Some(encoder) = encoder.layers() {
        check_bottleneck(encoder_key, encoder, &format!("{section}.rank"), short.rank)?;
    }
    let (encoder_layers, decoder_layers) = resolve(decoder, encoder.layers(), short.rank);
    let depth = encoder_layers.len() + decoder_layers.len();
    if depth > MOST {
        return Err(refusal(
            decoder_key,
            &format!("so short that encoder and decoder together have at most {MOST} layers"),
            format!("{}, which makes {depth}", count(decoder.len(), "layer")),
            "a shorter list, or a short encoder of its own with `model.encoder`",
        ));
    }
    for (key, layers) in [
        (decoder_key, &decoder_layers),
        (encoder_key, &encoder_layers),
    ] {
        let frames = frames_seen(layers);
        if frames > MOST_FRAMES {
            let expected = format!("of spans that see at most {MOST_FRAMES} frames together");
            let came = format!("layers that see {frames}");
            return Err(refusal(
                key,
                &expected,
                came,
                "shorter spans, or fewer `conv` layers",
            ));
        }
    }
    let before = encoder_layers.last().map_or(0, |last| last.units);
    check_gates(decoder_key, decoder, &decoder_layers, before)?;
    if let Some(encoder) = encoder.layers() {
        check_gates(encoder_key, encoder, &encoder_layers, 0)?;
    }
    check_short_forms(section, short, &encoder_layers, &decoder_layers)
}

/// The decoder's last layer has the spectrum's bins as its outputs.
fn check_last(key: &str, decoder: &[LayerConfig]) -> Result<(), OutOfRange> {
    let Some((last, hidden)) = decoder.split_last() else {
        return Ok(());
    };
    let advice = match last.kind {
        LayerKind::Conv => format!("{{ conv = \"bins\", span = {} }}", last.span),
        LayerKind::Dense => "{ dense = \"bins\" }".into(),
        LayerKind::Cell(_) => format!("{{ dense = \"bins\" }} after {last}"),
    };
    let is_recurrent = matches!(last.kind, LayerKind::Cell(_));
    if is_recurrent || last.units == Units::Rank {
        return Err(refusal(
            key,
            "`dense` or `conv` of \"bins\" outputs in its last layer, which gives the spectrum",
            place(last, hidden.len()),
            &advice,
        ));
    }
    Ok(())
}

/// Checks the number of outputs of the decoder's last layer, where it is a number.
///
/// # Errors
/// [`OutOfRange`] if it is not the number of bins.
pub fn check_bins(section: &str, decoder: &LayerList, bins: usize) -> Result<(), OutOfRange> {
    let Some((last, hidden)) = decoder.layers().and_then(<[_]>::split_last) else {
        return Ok(());
    };
    match last.units {
        Units::Count(units) if units != bins => Err(refusal(
            &format!("{section}.decoder"),
            &format!(
                "of \"bins\" or {bins} outputs in its last layer, as many as a spectrum has frequency bins (`audio.n_fft` / 2 + 1)"
            ),
            place(last, hidden.len()),
            "\"bins\"",
        )),
        _ => Ok(()),
    }
}

/// The encoder's last layer is the bottleneck.
fn check_bottleneck(
    key: &str,
    encoder: &[LayerConfig],
    rank_key: &str,
    rank: usize,
) -> Result<(), OutOfRange> {
    let Some((last, hidden)) = encoder.split_last() else {
        return Ok(());
    };
    match last.units {
        Units::Rank => Ok(()),
        Units::Count(units) if units == rank => Ok(()),
        _ => Err(refusal(
            key,
            &format!(
                "of \"rank\" outputs in its last layer, the bottleneck: `{rank_key}` is {rank}"
            ),
            place(last, hidden.len()),
            &format!("\"rank\", or setting `{rank_key}` to the same number"),
        )),
    }
}

/// A gate multiplies its input, of which it therefore has as many as outputs.
///
/// - `before`: outputs of the layer before the first one; 0 for the spectrum, whose number of bins
///   decides
fn check_gates(
    key: &str,
    list: &[LayerConfig],
    layers: &[StackLayer],
    before: usize,
) -> Result<(), OutOfRange> {
    let inputs = std::iter::once(before).chain(layers.iter().map(|layer| layer.units));
    for (i, (layer, inputs)) in layers.iter().zip(inputs).enumerate() {
        if layer.cell.is_some_and(Recurrence::is_gate) && layer.units != inputs {
            let (expected, advice) = match inputs {
                0 => (
                    "after another layer: a `gru` or `lstm` gates its inputs, and the spectrum has too many"
                        .to_owned(),
                    format!("{{ dense = {} }} before it", layer.units),
                ),
                inputs => (
                    format!(
                        "of as many outputs as the layer before it, {inputs}: a `gru` or `lstm` gates its inputs"
                    ),
                    format!(
                        "{{ {} = {inputs} }}, or {{ dense = {} }} before it",
                        list[i].kind.word(),
                        layer.units
                    ),
                ),
            };
            return Err(refusal(key, &expected, place(&list[i], i), &advice));
        }
    }
    Ok(())
}

/// The keys that are short for lists agree with them, or are left out.
fn check_short_forms(
    section: &str,
    short: &ShortForms<'_>,
    encoder: &[StackLayer],
    decoder: &[StackLayer],
) -> Result<(), OutOfRange> {
    let refuse = |name: &str, own: String, came: String| {
        let expected = format!("left out or {own}, as `{section}.decoder` has it");
        let advice = format!("leaving it out: `{section}.decoder` says all of it");
        Err(refusal(
            &format!("{section}.{name}"),
            &expected,
            came,
            &advice,
        ))
    };
    let depth = encoder.len() + decoder.len();
    let (layers, default) = short.layers;
    if layers != default && layers != depth {
        return refuse("layers", depth.to_string(), layers.to_string());
    }
    let widths: Vec<usize> = encoder.iter().chain(decoder).map(|l| l.units).collect();
    let hidden = &widths[..depth.saturating_sub(1)];
    if !short.widths.is_empty() && short.widths != hidden {
        return refuse(
            "widths",
            format!("{hidden:?}"),
            format!("{:?}", short.widths),
        );
    }
    let span = decoder.last().map_or(1, |last| last.span);
    if short.span != 1 && short.span != span {
        return refuse("span", span.to_string(), short.span.to_string());
    }
    let word = |cell: Option<Recurrence>| cell.map_or("none", Recurrence::word);
    let cell = decoder.iter().rev().nth(1).and_then(|layer| layer.cell);
    if short.cell.is_some() && short.cell != cell {
        return refuse(
            "cell",
            format!("\"{}\"", word(cell)),
            word(short.cell).to_owned(),
        );
    }
    Ok(())
}
