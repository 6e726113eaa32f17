//! Colours that everybody can read. WCAG 2.2 1.4.3 and 1.4.11, level AA.

use std::collections::HashMap;

const STYLE: &str = include_str!("../../templates/style.css");

/// Foreground, background, least contrast.
const PAIRS: &[(&str, &str, f64)] = &[
    ("ink", "ground", 4.5),
    ("ink", "surface", 4.5),
    ("ink", "tint", 4.5),
    ("quiet", "ground", 4.5),
    ("quiet", "surface", 4.5),
    ("accent", "ground", 4.5),
    ("accent", "surface", 4.5),
    ("on-accent", "accent", 4.5),
    ("alert", "alert-ground", 4.5),
    ("field", "surface", 3.0),
    ("field", "ground", 3.0),
    ("accent", "tint", 3.0),
];

#[test]
fn text_and_fields_stand_out_in_light_and_dark() {
    let blocks: Vec<_> = STYLE
        .split(":root {")
        .skip(1)
        .map(|rest| colours(rest.split('}').next().unwrap()))
        .collect();
    assert_eq!(blocks.len(), 2, "light and dark");
    for (mode, colours) in ["light", "dark"].iter().zip(&blocks) {
        for (front, back, least) in PAIRS {
            let contrast = contrast(colours[*front], colours[*back]);
            assert!(
                contrast >= *least,
                "{mode}: {front} on {back} has {contrast:.2}"
            );
        }
    }
}

fn colours(block: &str) -> HashMap<&str, [f64; 3]> {
    let declarations = block.lines().filter_map(|line| {
        line.trim()
            .strip_prefix("--")?
            .strip_suffix(';')?
            .split_once(": #")
    });
    declarations
        .map(|(name, hex)| {
            (
                name,
                [0, 2, 4].map(|at| linear(u8::from_str_radix(&hex[at..at + 2], 16).unwrap())),
            )
        })
        .collect()
}

fn linear(channel: u8) -> f64 {
    let value = f64::from(channel) / 255.0;
    if value <= 0.04045 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}

fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let luminance = |[r, g, b]: [f64; 3]| 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    let (a, b) = (luminance(a), luminance(b));
    a.max(b) / a.min(b)
}
