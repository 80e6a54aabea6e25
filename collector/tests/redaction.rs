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

#[test]
fn a_placeholder_in_a_usage_error_is_no_secret_and_takes_nothing_with_it() {
    for text in [
        "error: the following required arguments were not provided:\n  --api-key <API_KEY>\n  <PATH>\n\n\
         Usage: tool --api-key <API_KEY> <PATH>\n\nFor more information, try '--help'.\n",
        "error: a value is required for '--api-key <API_KEY>' but none was supplied",
        "error: invalid value 'x' for '--token <TOKEN>': too short",
        "Usage: tool [OPTIONS] --password=<PASSWORD> [--session-token <TOKEN-2>]... <SECRET>",
        "Usage: tool login <TOKEN>",
        "      --api-key <API_KEY>  The key",
        // What is not set has no value, and what may be left out has none either.
        "      --api-key <API_KEY>  The key [env: API_KEY=]",
        "      --api-key <API_KEY>\n          The key\n          \n          [env: GREET_API_KEY=]\n          [default: none]\n",
        "  -t, --token [<TOKEN>]  The token [env: GREET_TOKEN=] [default: none]\r\n",
        "Usage: tool [--password [<PASSWORD>]] [--secret[=<SECRET>]]",
    ] {
        assert!(matches!(redact(text), Cow::Borrowed(_)), "{text} became {}", redact(text));
    }
}

#[test]
fn what_only_looks_like_a_placeholder_is_a_secret() {
    for (text, clean) in [
        ("--api-key <API_KEY>hunter2 x", "--api-key [redacted]"),
        ("--api-key <hunter2> x", "--api-key [redacted] x"),
        ("--api-key <API_KEY x", "--api-key [redacted] x"),
        ("--api-key [<API_KEY>]hunter2 x", "--api-key [redacted]"),
        ("--api-key [<API_KEY>hunter2] x", "--api-key [redacted]"),
        ("--api-key [hunter2] x", "--api-key [redacted] x"),
        ("[env: API_KEY=hunter2]", "[env: API_KEY=[redacted]"),
        ("[env: API_KEY=]hunter2]", "[env: API_KEY=[redacted]"),
        ("[env: API_KEY=]\thunter2", "[env: API_KEY=[redacted]\thunter2"),
        ("API_KEY=] x", "API_KEY=[redacted] x"),
        ("[with: API_KEY=] x", "[with: API_KEY=[redacted] x"),
        ("[env: API_KEY= hunter2]", "[env: API_KEY= [redacted]"),
        ("<PASSWORD>hunter2</PASSWORD>", "<PASSWORD>[redacted]</PASSWORD>"),
        ("<PASSWORD> hunter2 </PASSWORD>", "<PASSWORD>[redacted]</PASSWORD>"),
        ("<PASSWORD>hunter2", "<PASSWORD>[redacted]"),
        (
            "error: unexpected argument '--x'\n\nUsage: tool --api-key <API_KEY>\ncalled with --api-key=hunter2",
            "error: unexpected argument '--x'\n\nUsage: tool --api-key <API_KEY>\ncalled with --api-key=[redacted]",
        ),
    ] {
        assert_eq!(redact(text), clean);
    }
}
