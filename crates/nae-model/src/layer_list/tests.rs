use nae_config::{Canonical, Setting, canonical};

use super::*;
use crate::architecture::ArchitectureKind;
use crate::kinds::Architecture;
use crate::kinds::stack::StackArchitecture;
use crate::layers::Recurrence;
use crate::{ModelConfig, ModelKind};

/// Settings out of TOML, as `[model]` has them.
fn model(text: &str) -> ModelConfig {
    toml::from_str(text).unwrap()
}

/// The error that settings are refused with, when they are read or when they are checked.
fn refused(text: &str) -> String {
    let read: Result<ModelConfig, _> = toml::from_str(text);
    match read {
        Err(error) => error.message().to_owned(),
        Ok(config) => config.validate().unwrap_err().to_string(),
    }
}

fn architecture(text: &str) -> Architecture {
    let config = model(text);
    config.validate().unwrap();
    let architecture = config.architecture();
    architecture.validate().unwrap();
    architecture
}

#[test]
fn lists_are_written_as_they_are_read() {
    let list = r#"[{ dense = 60 }, { gru = 60 }, { rnn = "rank" }, { conv = "bins", span = 4 }]"#;
    let config = model(&format!("rank = 60\ndecoder = {list}"));
    config.validate().unwrap();
    assert_eq!(config.decoder.to_string(), list);
    let text = serde_json::to_string(&Canonical(&config)).unwrap();
    assert!(
        text.ends_with(
            r#""decoder":[{"dense":60},{"gru":60},{"rnn":"rank"},{"conv":"bins","span":4}]}"#
        ),
        "{text}"
    );
    assert_eq!(canonical::from_json::<ModelConfig>(&text).unwrap(), config);
    let written = toml::to_string(&config).unwrap();
    assert_eq!(model(&written), config, "{written}");
    let document = nae_config::document(&nae_config::Settings::fields(&config));
    assert_eq!(model(&document), config, "{document}");
    let auto = model("decoder = \"auto\"\nencoder = \"auto\"");
    assert_eq!(auto, ModelConfig::default());
    let rule = nae_config::Rule::default();
    assert!(LayerList::allowed(&rule).starts_with("\"auto\", or a list of 1 to 63 layers"));
}

/// Short forms and what they are short for are one model, with one file.
#[test]
fn short_forms_are_those_lists() {
    for (short, list) in [
        ("", r#"decoder = [{ dense = "rank" }, { dense = "bins" }]"#),
        ("", r#"decoder = [{ dense = 100 }, { dense = 513 }]"#),
        ("layers = 2", r#"decoder = [{ dense = "bins" }]"#),
        (
            "layers = 5\nwidths = [30, 100, 20, 40]",
            r#"decoder = [{ dense = 20 }, { dense = 40 }, { conv = "bins", span = 1 }]
            encoder = [{ dense = 30 }, { dense = "rank" }]"#,
        ),
        (
            "layers = 4\nspan = 4",
            r#"decoder = [{ dense = "rank" }, { conv = "bins", span = 4 }]"#,
        ),
        (
            "layers = 2\nspan = 8",
            r#"decoder = [{ conv = "bins", span = 8 }]"#,
        ),
        (
            "cell = \"rnn\"",
            r#"decoder = [{ rnn = 100 }, { dense = "bins" }]"#,
        ),
        (
            "cell = \"gru\"\nspan = 3",
            r#"decoder = [{ gru = "rank" }, { conv = "bins", span = 3 }]
            cell = "gru"
            span = 3
            layers = 4"#,
        ),
        (
            "layers = 6\nwidths = [70, 60, 100, 60, 70]\ncell = \"rnn\"",
            r#"decoder = [{ dense = 60 }, { rnn = 70 }, { dense = "bins" }]"#,
        ),
    ] {
        let (short, list) = (architecture(short), architecture(list));
        assert_eq!(list.canonical().unwrap(), short.canonical().unwrap());
        assert_eq!(list.format_version(), short.format_version());
    }
}

#[test]
fn the_encoder_mirrors_the_decoder_unless_it_is_given() {
    let stack = |text: &str| {
        let config = model(text);
        config.validate().unwrap();
        StackArchitecture::from_settings(&config)
    };
    let own = stack(
        r#"rank = 20
        decoder = [{ conv = 30, span = 2 }, { gru = 30 }, { conv = "bins", span = 4 }]"#,
    );
    let layers = |layers: &[crate::stack_layer::StackLayer]| -> Vec<_> {
        let parts = layers.iter().map(|l| (l.units, l.span, l.cell));
        parts.collect()
    };
    let encoder = [(30, 4, None), (30, 1, None), (20, 2, None)];
    assert_eq!(layers(&own.encoder), encoder);
    let decoder = [(30, 2, None), (30, 1, Some(Recurrence::Gru)), (0, 4, None)];
    assert_eq!(layers(&own.decoder), decoder);
    let given = stack(
        r#"rank = 20
        encoder = [{ dense = 64 }, { conv = "rank", span = 3 }]
        decoder = [{ dense = "bins" }]"#,
    );
    assert_eq!(layers(&given.encoder), [(64, 1, None), (20, 3, None)]);
    // dense, but not of the dense kind's form
    let deep = architecture(
        r#"encoder = [{ dense = 64 }, { dense = 64 }, { dense = "rank" }]
        decoder = [{ dense = "bins" }]"#,
    );
    assert_eq!((deep.name(), deep.format_version()), ("NAE", 2));
}

/// Each names its key, what is allowed, what came and what to try.
#[test]
fn lists_that_are_none_and_layers_that_do_not_fit_are_refused() {
    let many = format!(
        "decoder = [{}{{ dense = \"bins\" }}]",
        "{ dense = 4 }, ".repeat(63)
    );
    let half = format!(
        "decoder = [{}{{ dense = \"bins\" }}]",
        "{ dense = 4 }, ".repeat(32)
    );
    for (text, words) in [
        // words
        (
            "decoder = [{ dnse = 60 }]",
            &["model.decoder", "`dnse`", "`dense`, `conv`", "Try"][..],
        ),
        (
            "decoder = [{ dense = 60, gru = 60 }]",
            &["model.decoder", "both `dense` and `gru`", "Try"],
        ),
        (
            "decoder = [{ gru = 60, span = 4 }]",
            &["model.decoder", "`span` beside `gru`", "Try"],
        ),
        (
            "decoder = [{ dense = 60, span = 4 }]",
            &["`span` beside `dense`", "{ conv = 60, span = 4 }"],
        ),
        (
            "decoder = [{ conv = 60 }]",
            &["model.decoder", "without `span`", "span = 4"],
        ),
        (
            "decoder = [{ span = 4 }]",
            &["model.decoder", "none of `dense`", "Try"],
        ),
        (
            "decoder = [{}]",
            &["model.decoder", "none of `dense`", "Try"],
        ),
        (
            "decoder = [{ dense = \"many\" }]",
            &["model.decoder", "\"many\"", "\"rank\" or \"bins\"", "Try"],
        ),
        (
            "decoder = [{ dense = -3 }]",
            &["model.decoder", "-3", "number of outputs", "Try"],
        ),
        ("decoder = [{ dense = 6.5 }]", &["model.decoder", "6.5"]),
        (
            "decoder = [{ conv = 60, span = \"rank\" }]",
            &["`span`", "\"rank\"", "1 to 64", "Try"],
        ),
        (
            "decoder = [60, 60]",
            &["model.decoder", "60", "{ dense = 60 }"],
        ),
        (
            "decoder = \"deep\"",
            &["model.decoder", "\"deep\"", "\"auto\"", "Try"],
        ),
        ("encoder = 3", &["model.encoder", "\"auto\""]),
        // numbers
        (
            "decoder = []",
            &["`model.decoder` is an empty list", "1 to 63 layers", "Try"],
        ),
        (
            &many,
            &["`model.decoder` is a list of 64 layers", "1 to 63", "Try"],
        ),
        (
            &half,
            &["`model.decoder` is 33 layers", "at most 64", "Try"],
        ),
        (
            "decoder = [{ dense = 0 }, { dense = \"bins\" }]",
            &["`model.decoder`", "layer 1", "1 to 16384", "Try"],
        ),
        (
            "decoder = [{ dense = 20000 }, { dense = \"bins\" }]",
            &["`model.decoder`", "20000", "1 to 16384"],
        ),
        (
            "decoder = [{ conv = \"bins\", span = 0 }]",
            &["`model.decoder`", "span = 0", "1 to 64 frames", "Try"],
        ),
        (
            "decoder = [{ conv = \"bins\", span = 65 }]",
            &["`model.decoder`", "span = 65", "1 to 64 frames"],
        ),
        // layers that do not fit
        (
            "decoder = [{ dense = \"bins\" }, { dense = \"bins\" }]",
            &["`model.decoder`", "layer 1", "last layer", "Try"],
        ),
        (
            "decoder = [{ dense = 60 }, { gru = 60 }]",
            &[
                "`model.decoder`",
                "{ gru = 60 } in layer 2",
                "\"bins\"",
                "Try",
            ],
        ),
        (
            "decoder = [{ dense = \"rank\" }]",
            &["`model.decoder`", "layer 1", "\"bins\"", "Try"],
        ),
        (
            "decoder = [{ dense = 60 }, { gru = 50 }, { dense = \"bins\" }]",
            &["`model.decoder`", "layer 2", "60", "Try"],
        ),
        (
            "decoder = [{ lstm = 60 }, { dense = \"bins\" }]",
            &["`model.decoder`", "layer 1", "100", "Try"],
        ),
        (
            "encoder = [{ gru = 100 }]\ndecoder = [{ dense = \"bins\" }]",
            &["`model.encoder`", "layer 1", "after another layer", "Try"],
        ),
        (
            "encoder = [{ dense = 60 }]\ndecoder = [{ dense = \"bins\" }]",
            &["`model.encoder`", "layer 1", "`model.rank` is 100", "Try"],
        ),
        (
            "encoder = [{ dense = \"rank\" }]",
            &["`model.decoder` is \"auto\"", "`model.encoder`", "Try"],
        ),
        (
            "decoder = [{ conv = 9, span = 64 }, { conv = 9, span = 64 }, { conv = 9, span = 64 }, { conv = 9, span = 64 }, { conv = \"bins\", span = 64 }]",
            &["`model.decoder`", "316", "at most 256 frames", "Try"],
        ),
        // settings that are short for lists
        (
            "layers = 3\ndecoder = [{ dense = \"bins\" }]",
            &["`model.layers` is 3", "left out or 2", "Try"],
        ),
        (
            "widths = [60]\ndecoder = [{ dense = \"bins\" }]",
            &["`model.widths` is [60]", "left out or [100]"],
        ),
        (
            "span = 4\ndecoder = [{ dense = \"bins\" }]",
            &["`model.span` is 4", "left out or 1"],
        ),
        (
            "cell = \"gru\"\ndecoder = [{ rnn = 9 }, { dense = \"bins\" }]",
            &["`model.cell` is gru", "\"rnn\""],
        ),
        // a factorisation has no layers
        (
            "kind = \"nmf\"\ndecoder = [{ dense = \"bins\" }]",
            &["`model.decoder`", "nmf", "Try"],
        ),
        (
            "kind = \"nmf\"\nencoder = [{ dense = 4 }]",
            &["`model.encoder`", "nmf", "Try"],
        ),
    ] {
        let error = refused(text);
        for word in words {
            assert!(error.contains(word), "{text}: `{word}` is not in: {error}");
        }
    }
}

#[test]
fn the_last_layer_s_number_of_outputs_is_checked_against_the_bins() {
    let config = model("decoder = [{ dense = 60 }, { conv = 500, span = 4 }]");
    config.validate().unwrap();
    config.check_bins(500).unwrap();
    let error = config.check_bins(513).unwrap_err().to_string();
    for word in [
        "`model.decoder`",
        "conv = 500",
        "layer 2",
        "513",
        "Try \"bins\"",
    ] {
        assert!(error.contains(word), "{error}");
    }
    ModelConfig::default().check_bins(513).unwrap();
    assert_eq!(ModelConfig::default().kind, ModelKind::Nae);
}
