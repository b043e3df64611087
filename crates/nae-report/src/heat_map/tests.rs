use super::map::{MAX_COLS, MAX_ROWS};
use super::*;
use crate::{Axis, ReportError};

fn heat_map(values: Vec<f32>) -> HeatMap {
    let matrix = Matrix::new(2, values.len() / 2, values).unwrap();
    HeatMap::spectrogram("test", matrix, 1.0, 8000.0)
}

fn position(map: &HeatMap, value: f32) -> Option<f64> {
    map.levels().unwrap().position(value)
}

#[test]
fn decibels_are_relative_to_the_largest_value() {
    let map = heat_map(vec![0.0, 0.1, 10.0, 1.0]);
    assert_eq!(position(&map, 10.0), Some(1.0));
    // 40 dB down on an 80 dB scale; rounding of f32 inputs and log10 only.
    assert!((position(&map, 0.1).unwrap() - 0.5).abs() < 1e-6);
    assert_eq!(position(&map, 0.0), Some(0.0));
    assert_eq!(position(&map, -1.0), Some(0.0));
}

#[test]
fn a_shared_reference_keeps_heat_maps_comparable() {
    let map = heat_map(vec![0.0, 0.1, 1.0, 1.0]).with_scale(ColourScale::Decibels {
        reference: Some(10.0),
        range_db: 40.0,
    });
    assert!((position(&map, 1.0).unwrap() - 0.5).abs() < 1e-9);
    assert_eq!(position(&map, 100.0), Some(1.0));
}

#[test]
fn a_linear_scale_starts_at_zero_or_below() {
    let positive = heat_map(vec![1.0, 2.0, 3.0, 4.0]).with_scale(ColourScale::Linear);
    assert_eq!(position(&positive, 1.0), Some(0.25));
    let signed = heat_map(vec![-1.0, 2.0, 3.0, 3.0]).with_scale(ColourScale::Linear);
    assert_eq!(position(&signed, 1.0), Some(0.5));
}

#[test]
fn values_that_are_not_finite_are_green_and_counted() {
    let map = heat_map(vec![f32::NAN, 1.0, f32::INFINITY, f32::NEG_INFINITY]);
    assert_eq!(position(&map, f32::NAN), None);
    assert_eq!(position(&map, f32::INFINITY), None);
    assert!(
        map.render()
            .unwrap()
            .contains("3 values are not finite (green)")
    );
}

#[test]
fn heat_maps_of_nothing_but_nan_or_silence_still_render() {
    for value in [f32::NAN, 0.0, f32::MIN_POSITIVE, f32::MAX, -1.0] {
        let map = heat_map(vec![value; 4]);
        map.render().unwrap();
        map.with_scale(ColourScale::Linear).render().unwrap();
    }
}

#[test]
fn silence_is_dark() {
    let silent = heat_map(vec![0.0; 4]);
    assert_eq!(position(&silent, 0.0), Some(0.0));
    assert_eq!(
        position(&silent.with_scale(ColourScale::Linear), 0.0),
        Some(0.0)
    );
}

#[test]
fn a_long_heat_map_is_no_wider_than_the_limit() {
    let matrix = Matrix::new(700, 5000, vec![1.0; 700 * 5000]).unwrap();
    let pooled = matrix.pooled(MAX_ROWS, MAX_COLS);
    assert_eq!((pooled.rows(), pooled.cols()), (MAX_ROWS, MAX_COLS));
}

#[test]
fn axes_are_labelled_in_their_units() {
    let html = heat_map(vec![0.0, 0.1, 10.0, 1.0]).render().unwrap();
    for expected in ["time (s)", "frequency (kHz)", ">8<", "−80 dB", "0 dB"] {
        assert!(html.contains(expected), "{expected} is missing");
    }
}

#[test]
fn an_axis_of_no_length_is_an_error_that_names_the_heat_map() {
    let mut map = heat_map(vec![0.0; 4]);
    map.x = Axis::time(0.0);
    let error = map.render().unwrap_err().to_string();
    assert!(
        error.contains("\"test\"") && error.contains("time (s)"),
        "{error}"
    );
}

#[test]
fn a_range_of_no_decibels_is_an_error() {
    let map = heat_map(vec![0.0; 4]).with_scale(ColourScale::Decibels {
        reference: None,
        range_db: 0.0,
    });
    assert!(matches!(map.render(), Err(ReportError::Range { .. })));
}
