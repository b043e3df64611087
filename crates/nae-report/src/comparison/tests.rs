use super::*;

/// Six pairs of two mixtures with two sources; NAE lies `gain` above NMF and everything grows by a
/// tenth from pair to pair.
fn observations(gain: f64) -> Vec<Observation> {
    let mut all = Vec::new();
    for pair in 0..6 {
        for mixture in 0..2 {
            for (source, shift) in [("a", 0.0), ("b", 1.0)] {
                for (kind, layers, rank, level) in [
                    ("NAE", 4, 100, 5.0 + gain),
                    ("NMF", 1, 20, 5.0),
                    ("NMF", 1, 100, 5.0),
                ] {
                    let step = 0.1 * f64::from(pair) * if kind == "NAE" { 1.5 } else { 1.0 };
                    let scores = [
                        ("sdr".to_owned(), level + shift + step),
                        ("si_sdr".to_owned(), level + shift + step - 1.0),
                        ("stoi".to_owned(), 0.7),
                    ];
                    all.push(Observation {
                        system: format!("{kind}, rank {rank}"),
                        kind: kind.into(),
                        layers,
                        rank,
                        pair: format!("pair {pair}"),
                        mixture: format!("mixture {mixture}"),
                        source: format!("{source}{pair}"),
                        scores: scores.into(),
                        floor: [("si_sdr".to_owned(), 0.0), ("sdr".to_owned(), 0.2)].into(),
                        ceiling: [("si_sdr".to_owned(), 11.0), ("sdr".to_owned(), 12.0)].into(),
                        train_s: 2.0,
                        separate_s: 0.25,
                        ..Observation::default()
                    });
                }
            }
        }
    }
    all
}

fn comparison() -> Comparison {
    Comparison {
        title: "Six pairs".into(),
        observations: observations(1.0),
        baselines: vec![
            Baseline::EqualRank { kind: "NMF".into() },
            Baseline::System("NMF, rank 20".into()),
        ],
        players: vec![PlayerLink {
            pair: "pair 3".into(),
            mixture: "mixture 1".into(),
            href: "players/3-1.html".into(),
        }],
        ..Comparison::default()
    }
}

#[test]
fn the_page_says_what_was_compared_and_how() {
    let html = comparison().report().unwrap().page.render().unwrap();
    for expected in [
        "3 systems, 6 pairs, 12 mixtures; seed 0",
        "Differences from NMF of equal rank",
        "Differences from NMF, rank 20",
        "the 6 pairs are the units",
        "Wilcoxon",
        "mean difference",
        // 1.0 and half a tenth more for each of six pairs
        "+1.12",
        // all six pairs on one side
        "0.031",
        "ideal ratio mask (ceiling)",
        "512-tap and 1-tap",
        "<a href=\"players/3-1.html\">mixture 1</a>",
        "SI-SDR gain (dB)",
    ] {
        assert!(html.contains(expected), "{expected} is missing");
    }
    assert!(!html.contains("NaN"));
}

#[test]
fn the_same_observations_make_the_same_bytes() {
    let files = |c: &Comparison| c.report().unwrap().files().unwrap();
    assert_eq!(files(&comparison()), files(&comparison()));
}

#[test]
fn every_figure_comes_as_svg_and_png() {
    let files = comparison().report().unwrap().files().unwrap();
    let names: Vec<&str> = files.iter().map(|f| f.name.as_str()).collect();
    for name in [
        "boxes-sdr",
        "boxes-si-sdr-improvement",
        "boxes-stoi",
        "rank-sdr",
        "differences-from-nmf-of-equal-rank",
        "differences-from-nmf-rank-20",
    ] {
        assert!(
            names.contains(&format!("{name}.svg").as_str()),
            "{name} in {names:?}"
        );
        assert!(
            names.contains(&format!("{name}.png").as_str()),
            "{name} in {names:?}"
        );
    }
    assert_eq!(
        names.len(),
        names
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len()
    );
}

#[test]
fn mixtures_are_units_where_pairs_are_too_few() {
    let mut few = comparison();
    few.observations.retain(|o| o.pair < "pair 3".into());
    let html = few.report().unwrap().page.render().unwrap();
    assert!(
        html.contains("the 6 mixtures are the units"),
        "three pairs of two"
    );
    assert!(html.contains("not independent"));
}

#[test]
fn a_cell_that_is_missing_leaves_its_pair_out_of_the_differences() {
    let mut partial = comparison();
    partial
        .observations
        .retain(|o| !(o.kind == "NAE" && o.pair == "pair 5"));
    let html = partial.report().unwrap().page.render().unwrap();
    assert!(html.contains("the 5 to 6 pairs are the units"), "{html}");
}

#[test]
fn observations_that_cannot_be_compared_are_errors_that_say_why() {
    let error = |change: &dyn Fn(&mut Comparison)| {
        let mut comparison = comparison();
        change(&mut comparison);
        comparison.report().unwrap_err().to_string()
    };
    let nothing = error(&|c| c.observations.clear());
    assert!(nothing.contains("no observations"), "{nothing}");
    let unknown = error(&|c| c.baselines = vec![Baseline::System("NMF 21".into())]);
    assert!(
        unknown.contains("NMF 21") && unknown.contains("NMF, rank 20"),
        "{unknown}"
    );
    let two = error(&|c| c.observations[0].rank = 50);
    assert!(two.contains("rank 50") && two.contains("rank 100"), "{two}");
    let same = error(&|c| {
        for o in c
            .observations
            .iter_mut()
            .filter(|o| o.system == "NMF, rank 20")
        {
            o.rank = 100;
        }
    });
    assert!(same.contains("variants"), "{same}");
}

#[test]
fn a_system_can_have_a_baseline_of_its_own_and_be_joined() {
    let mut joined = comparison();
    joined.baselines = vec![Baseline::Own {
        name: "what it was made of".into(),
        of: [("NAE, rank 100".to_owned(), "NMF, rank 20".to_owned())].into(),
    }];
    let html = |comparison: &Comparison| comparison.report().unwrap().page.render().unwrap();
    let plain = html(&joined);
    assert!(plain.contains("Differences from what it was made of"));
    assert!(!plain.contains("join a pair"), "nobody is");
    let table = plain.split("p (Holm)").nth(1).unwrap();
    let table = table.split("</table>").next().unwrap();
    assert!(
        table.contains(">NAE, rank 100<") && table.contains(">NMF, rank 20<"),
        "{table}"
    );
    assert!(!table.contains(">NMF, rank 100<"), "{table}");

    for o in joined.observations.iter_mut().filter(|o| o.kind == "NAE") {
        o.join_s = Some(45.0);
    }
    let page = html(&joined);
    assert!(page.contains("join a pair (s)"), "{page}");
    assert!(
        page.contains(">45.0</td><td class=\"number\">0.25</td>"),
        "{page}"
    );
}

#[test]
fn training_is_counted_once_a_source() {
    let html = comparison().report().unwrap().page.render().unwrap();
    // two sources of six pairs, 2 s each, however many mixtures they are in
    assert!(
        html.contains(">12</td><td class=\"number\">2.00</td><td class=\"number\">24.0</td>"),
        "{html}"
    );
}

/// As [`observations`], of a known and an unknown source in every mixture.
fn with_roles() -> Comparison {
    let mut comparison = comparison();
    for o in &mut comparison.observations {
        o.role = match o.source.starts_with('a') {
            true => "known".into(),
            false => "unknown".into(),
        };
    }
    comparison
}

#[test]
fn known_and_unknown_sources_stand_apart_beside_the_ceiling() {
    let report = with_roles().report().unwrap();
    let html = report.page.render().unwrap();
    // after the list of contents
    let section = html.split("Known and unknown sources").nth(2).unwrap();
    let (tables, kinds) = section.split_once("means: known / unknown").unwrap();
    // 4 and half a tenth more for every pair, and 1 more for what is unknown; the worst is the first pair's
    for cell in [
        "known: median / mean / worst",
        "5.4 / 5.4 / 5.0",
        "6.4 / 6.4 / 6.0",
        "11.0 / 11.0 / 11.0",
    ] {
        assert!(tables.contains(cell), "{cell}: {tables}");
    }
    let first = tables.find("NAE, rank 100").unwrap();
    assert!(
        first < tables.find("NMF, rank 20").unwrap(),
        "as they came: {tables}"
    );
    // what was unknown, not what was known
    let kinds = kinds.split("</table>").next().unwrap();
    for (source, is_there) in [("b0", true), ("b5", true), ("a0", false)] {
        assert_eq!(kinds.contains(source), is_there, "{source}: {kinds}");
    }
    // gains of NMF with the first pair
    assert!(kinds.contains("4.0 / 5.0"), "{kinds}");
    let names: Vec<&str> = report
        .figures
        .iter()
        .map(|figure| figure.name.as_str())
        .collect();
    assert!(names.contains(&"roles-si-sdr-improvement"), "{names:?}");

    let overview = with_roles().overview().unwrap();
    assert_eq!(overview.len(), 3, "one a main score");
    assert_eq!(comparison().overview().unwrap().len(), 1, "the summary");
    let plain = comparison().report().unwrap().page.render().unwrap();
    assert!(!plain.contains("Known and unknown"));
}

#[test]
fn a_source_without_a_model_was_not_trained() {
    let mut some = with_roles();
    for o in some.observations.iter_mut().filter(|o| o.role == "unknown") {
        o.train_s = 0.0;
    }
    let html = some.report().unwrap().page.render().unwrap();
    assert!(
        html.contains(">6</td><td class=\"number\">2.00</td><td class=\"number\">12.0</td>"),
        "{html}"
    );
}
