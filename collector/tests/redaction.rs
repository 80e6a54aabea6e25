//! What `redact` promises about text.

#[path = "redaction/look_alikes.rs"]
mod look_alikes;
#[path = "redaction/oracle.rs"]
mod oracle;
#[path = "redaction/properties.rs"]
mod properties;
#[path = "redaction/shapes.rs"]
mod shapes;
#[path = "redaction/texts.rs"]
mod texts;

use std::borrow::Cow;
use std::collections::HashSet;

use telemetry::redact::redact;

#[test]
fn every_shape_loses_its_secret_and_nothing_of_it_stays() {
    let mut failures = Vec::new();
    for shape in shapes::all() {
        let clean = redact(&shape.text);
        let around = shape.text.replace(&shape.secret, " ");
        if !clean.contains("[redacted]")
            || clean.contains(&shape.secret)
            || leaks(&clean, &shape.secret, &around)
        {
            failures.push(format!("{}: {} became {clean}", shape.rule, shape.text));
        }
    }
    assert!(failures.is_empty(), "{} shapes survive:\n{}", failures.len(), failures.join("\n"));
}

/// Whether four or more characters of the secret are in the text that are not beside it anyway.
fn leaks(clean: &str, secret: &str, around: &str) -> bool {
    let secret: Vec<char> = secret.chars().collect();
    let length = secret.len().min(4);
    secret.windows(length).any(|part| {
        let part: String = part.iter().collect();
        clean.contains(&part) && !around.contains(&part)
    })
}

#[test]
fn the_shapes_are_at_least_sixty_and_each_has_a_rule_of_its_own() {
    let shapes = shapes::all();
    let rules: HashSet<_> = shapes.iter().map(|shape| shape.rule).collect();
    assert!(rules.len() >= 60, "{}", rules.len());
    assert_eq!(rules.len(), shapes.len());
}

#[test]
fn every_look_alike_stays_as_it_is_and_is_not_even_copied() {
    assert!(look_alikes::ALL.len() >= 40);
    let changed: Vec<_> = look_alikes::ALL
        .iter()
        .map(|text| (text, redact(text)))
        .filter(|(_, clean)| !matches!(clean, Cow::Borrowed(_)))
        .map(|(text, clean)| format!("{text} became {clean}"))
        .collect();
    assert!(changed.is_empty(), "{} look-alikes changed:\n{}", changed.len(), changed.join("\n"));
}
