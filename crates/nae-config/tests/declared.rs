//! What a declaration of settings gives.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use nae_config::{Canonical, Choice, CrossCheck, Keys, OutOfRange, Range, Settings};
use nae_config::{canonical, document, known};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Shape {
    Low,
    High,
    Band,
}
impl Choice for Shape {}

nae_config::settings! {
    /// A filter.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Filter {
        /// Which frequencies
        /// pass.
        pub shape: Shape = Shape::Low;
        /// Cut-off frequency.
        pub cutoff: f64 = 1000.0, in 1.0..20_000.0, unit "Hz", try "440";
        /// Order.
        pub order: usize = 4, in 1..=16;
        /// Gains of the taps.
        pub taps: Vec<f64> = vec![0.5, 1.0], in -1.0..=1.0;
        /// Share of the old output.
        pub feedback: f64 = 0.0, in Range::from(0.1..=0.9).or_zero();
        /// Shapes that are tried first; a later version added it.
        pub tried: Vec<Shape> = vec![Shape::High], was Vec::new();
        /// Where the ripple may be.
        pub ripple: Ripple = Ripple::default();
    }
}

nae_config::settings! {
    /// Ripple of a filter.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Ripple {
        /// Ripple in the passband.
        pub pass_db: f64 = 0.1, in 1e-6..=10.0, unit "dB";
        /// Added later: filters had no ripple in the stopband before.
        pub stopband_db: f64 as "stop_db" = 60.0, in 0.0..=200.0, unit "dB", was 0.0;
    }
}

impl CrossCheck for Filter {
    fn cross_check(&self, section: &str) -> Result<(), OutOfRange> {
        match self.taps.len() > self.order {
            true => Err(OutOfRange::new(section, "taps", "short", "long", "fewer")),
            false => Ok(()),
        }
    }
}
impl CrossCheck for Ripple {}

fn refusal(change: impl FnOnce(&mut Filter)) -> String {
    let mut filter = Filter::default();
    change(&mut filter);
    filter.check("filter").unwrap_err().to_string()
}

#[test]
fn numbers_outside_their_range_are_refused_with_key_range_and_advice() {
    Filter::default().check("filter").unwrap();
    assert_eq!(
        refusal(|f| f.cutoff = 20_000.0),
        "`filter.cutoff` is 20000, but it must be at least 1 and below 20000 Hz. Try 440."
    );
    assert_eq!(
        refusal(|f| f.order = usize::MAX),
        "`filter.order` is 18446744073709551615, but it must be at least 1 and at most 16. Try 4, the default."
    );
    assert_eq!(
        refusal(|f| f.taps.push(1e300)),
        "`filter.taps` is a list with 1e300 in it, but it must be a list of numbers, each at least -1 and at most 1. Try [0.5, 1.0], the default."
    );
    assert!(refusal(|f| f.cutoff = f64::NAN).contains("`filter.cutoff` is NaN"));
    assert!(refusal(|f| f.feedback = 1e-9).contains("must be 0, or at least 0.1 and at most 0.9"));
    assert!(refusal(|f| f.ripple.pass_db = 0.0).contains("`filter.ripple.pass_db` is 0"));
    assert!(refusal(|f| f.order = 1).contains("`filter.taps` is long"));
}

#[test]
fn fields_say_what_they_are() {
    let fields = Filter::default().fields();
    assert_eq!(fields[0].description, "Which frequencies pass.");
    assert_eq!(fields[0].allowed, "\"low\", \"high\" or \"band\"");
    assert_eq!(fields[1].allowed, "at least 1 and below 20000 Hz");
    assert_eq!(fields[1].unit, "Hz");
    assert_eq!(
        fields[5].allowed,
        "a list of words, each \"low\", \"high\" or \"band\""
    );
}

#[test]
fn the_commented_document_gives_the_same_settings_again() {
    let filter = Filter {
        order: 7,
        tried: vec![Shape::Band, Shape::Low],
        ripple: Ripple {
            stopband_db: 0.0,
            ..Ripple::default()
        },
        ..Filter::default()
    };
    let text = document(&filter.fields());
    assert_eq!(toml::from_str::<Filter>(&text).unwrap(), filter);
    assert!(
        text.contains("# Cut-off frequency.\n# At least 1 and below 20000 Hz.\ncutoff = 1000.0\n"),
        "{text}"
    );
    assert!(
        text.contains("# Where the ripple may be.\n[ripple]\n"),
        "{text}"
    );
}

#[test]
fn every_field_is_a_known_key_also_one_that_canonical_texts_leave_out() {
    let keys = Keys {
        known: known(&Filter::default().fields()),
        hint: "",
    };
    assert!(keys.get("ripple.stop_db").is_some());
    assert_eq!(
        keys.unknown("ripple.stopdb").nearest.as_deref(),
        Some("ripple.stop_db")
    );
}

#[test]
fn a_field_added_later_leaves_canonical_texts_as_they_were() {
    // as it was written before the field was there
    let old = r#"{"shape":"high","cutoff":20.0,"order":2,"taps":[],"feedback":0.0,"ripple":{"pass_db":1.0}}"#;
    let filter: Filter = canonical::from_json(old).unwrap();
    assert_eq!(filter.ripple.stopband_db, 0.0, "not today's default");
    assert_eq!(serde_json::to_string(&Canonical(&filter)).unwrap(), old);

    let new = Filter::default();
    let text = serde_json::to_string(&Canonical(&new)).unwrap();
    assert!(text.contains("\"stop_db\":60.0"), "{text}");
    assert_eq!(canonical::from_json::<Filter>(&text).unwrap(), new);
    // a configuration file says all, and gives what it leaves out its default
    let written = toml::to_string(&filter).unwrap();
    assert!(written.contains("stop_db = 0.0"), "{written}");
    assert_eq!(toml::from_str::<Filter>(&written).unwrap(), filter);
    assert_eq!(toml::from_str::<Filter>("").unwrap(), new);
}

#[test]
fn unknown_fields_of_canonical_texts_are_refused() {
    let error = canonical::from_json::<Filter>(r#"{"ordre":2}"#).unwrap_err();
    assert!(error.to_string().contains("ordre"), "{error}");
}
