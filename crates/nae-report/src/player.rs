//! Sounds to switch between while they play.

use askama::Template;

use crate::ReportError;
use crate::text::{decibels, slug};
use crate::track::Track;

/// Columns of a waveform.
const WAVEFORM_WIDTH: usize = 800;
/// Peak that a player is turned down to when one of its tracks would clip: rounding to 16 bits
/// stays inside.
const LOUDEST: f32 = 0.999;

/// Tracks that play in sync, one of them audible.
///
/// Their levels are kept. If one would clip, all are turned down by one gain, which the page states.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Player {
    /// What is compared, in a few words.
    pub title: String,
    /// A sentence below the title; may be empty.
    pub caption: String,
    /// The tracks, in the order of their keys 1 to 9.
    pub tracks: Vec<Track>,
}

impl Player {
    /// A player without tracks yet.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// The same player with a sentence below its title.
    pub fn with_caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// The same player with one more track.
    pub fn track(mut self, track: Track) -> Self {
        self.tracks.push(track);
        self
    }

    pub(crate) fn render(&self) -> Result<String, ReportError> {
        if self.tracks.is_empty() {
            return Err(ReportError::NoTracks {
                player: self.title.clone(),
            });
        }
        for track in &self.tracks {
            track.check()?;
        }
        let peak = self.tracks.iter().map(Track::peak).fold(0.0, f32::max);
        let gain = gain_for(peak);
        let span_s = self
            .tracks
            .iter()
            .map(Track::duration_s)
            .fold(0.0, f64::max);
        let view = View {
            title: &self.title,
            caption: &self.caption,
            remark: self.remark(gain),
            has_heat_maps: self.tracks.iter().any(|t| t.heat_map.is_some()),
            span_s,
            tracks: self
                .tracks
                .iter()
                .enumerate()
                .map(|(index, track)| self.view(index, track, gain, span_s, peak))
                .collect::<Result<_, _>>()?,
        };
        Ok(view.render()?)
    }

    fn view<'a>(
        &self,
        index: usize,
        track: &'a Track,
        gain: f32,
        span_s: f64,
        peak: f32,
    ) -> Result<TrackView<'a>, ReportError> {
        Ok(TrackView {
            number: index + 1,
            name: &track.name,
            note: &track.note,
            seconds: track.duration_s(),
            uri: track.data_uri(gain)?,
            file_name: file_name(&self.title, &track.name),
            heat_map: match &track.heat_map {
                Some(heat_map) => heat_map.render_bare()?,
                None => String::new(),
            },
            waveform: match track.heat_map {
                Some(_) => String::new(),
                None => track.waveform(WAVEFORM_WIDTH, span_s, peak),
            },
            waveform_width: WAVEFORM_WIDTH,
        })
    }

    /// What was done to the sound; empty when nothing was.
    fn remark(&self, gain: f32) -> String {
        let mut remarks = Vec::new();
        if gain < 1.0 {
            remarks.push(format!(
                "All tracks here are changed by {} together, because one would clip otherwise.",
                decibels(20.0 * f64::from(gain).log10())
            ));
        }
        for track in &self.tracks {
            match track.not_finite() {
                0 => {}
                n => remarks.push(format!(
                    "Samples of {} that are not finite and played as silence: {n}.",
                    track.name
                )),
            }
        }
        remarks.join(" ")
    }
}

fn gain_for(peak: f32) -> f32 {
    if peak > 1.0 { LOUDEST / peak } else { 1.0 }
}

/// The name of a track's file: letters, digits and hyphens.
fn file_name(player: &str, track: &str) -> String {
    let name = slug(&format!("{player}-{track}"), char::is_alphanumeric);
    match name.is_empty() {
        true => "track.wav".into(),
        false => format!("{name}.wav"),
    }
}

struct TrackView<'a> {
    number: usize,
    name: &'a str,
    note: &'a str,
    seconds: f64,
    uri: String,
    file_name: String,
    heat_map: String,
    waveform: String,
    waveform_width: usize,
}

#[derive(Template)]
#[template(path = "player.html")]
struct View<'a> {
    title: &'a str,
    caption: &'a str,
    remark: String,
    has_heat_maps: bool,
    span_s: f64,
    tracks: Vec<TrackView<'a>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(name: &str, level: f32) -> Track {
        Track::mono(name, vec![level, -level], 8000)
    }

    #[test]
    fn levels_are_kept_while_nothing_clips() {
        let html = Player::new("p").track(track("a", 1.0)).render().unwrap();
        assert!(!html.contains("clip"));
        assert_eq!(gain_for(0.2), 1.0);
    }

    #[test]
    fn one_gain_for_all_is_stated_when_one_would_clip() {
        let html = Player::new("p")
            .track(track("a", 0.1))
            .track(track("b", 1.998))
            .render()
            .unwrap();
        assert!(html.contains("−6.0 dB together"), "{html}");
    }

    #[test]
    fn every_track_has_a_sound_a_button_and_a_download() {
        let html = Player::new("Voices")
            .track(track("Mixture", 0.5))
            .track(track("Stem <1>", 0.5))
            .render()
            .unwrap();
        assert_eq!(html.matches("<audio").count(), 2);
        assert_eq!(html.matches("src=\"data:audio/wav;base64,").count(), 2);
        assert_eq!(html.matches("class=\"choose\"").count(), 2);
        assert!(html.contains("download=\"voices-mixture.wav\""));
        assert!(html.contains("download=\"voices-stem-1.wav\""));
        assert!(html.contains("Stem &#60;1&#62;"));
    }

    #[test]
    fn silence_without_a_number_is_said() {
        let html = Player::new("p")
            .track(Track::mono("a", vec![f32::NAN, 0.5], 8000))
            .render()
            .unwrap();
        assert!(html.contains("played as silence: 1."), "{html}");
    }

    #[test]
    fn a_player_without_tracks_is_an_error() {
        assert!(matches!(
            Player::new("p").render(),
            Err(ReportError::NoTracks { .. })
        ));
    }

    #[test]
    fn file_names_are_plain() {
        assert_eq!(file_name("A/B", "../x y"), "a-b-x-y.wav");
        assert_eq!(file_name("", "…"), "track.wav");
    }
}
