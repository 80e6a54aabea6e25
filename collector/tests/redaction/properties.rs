//! What holds for any text, not only for the corpus.

use std::borrow::Cow;

use proptest::prelude::*;
use telemetry::redact::{REDACTED, redact, redact_args, without_home};

use crate::texts::text;
use crate::{leaks, shapes};

proptest! {
    // The same cases in every run: a new one is found by changing the number, not by a build that fails
    // by chance.
    #![proptest_config(ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(20_261_122), failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_accepted_and_what_was_redacted_stays_as_it_is(text in text()) {
        let once = redact(&text).into_owned();
        let twice = redact(&once);
        prop_assert!(matches!(twice, Cow::Borrowed(_)), "{text:?} became {once:?} and then {twice:?}");
    }

    #[test]
    fn a_text_is_copied_only_if_something_was_taken_out(text in text()) {
        match redact(&text) {
            Cow::Borrowed(clean) => prop_assert_eq!(clean, text.as_str()),
            Cow::Owned(clean) => {
                prop_assert!(clean.contains(REDACTED));
                prop_assert_ne!(clean, text);
            }
        }
    }

    #[test]
    fn what_stays_stood_in_the_text_in_the_same_order(text in text()) {
        let clean = redact(&text);
        let mut rest = text.as_str();
        for part in clean.split(REDACTED) {
            let at = rest.find(part);
            prop_assert!(at.is_some(), "{part:?} of {clean:?} is not in {text:?}");
            rest = &rest[at.unwrap_or_default() + part.len()..];
        }
    }

    #[test]
    fn a_planted_secret_survives_no_surrounding(
        shape in prop::sample::select(shapes::all()),
        before in text(),
        gap in prop::sample::select(&[" ", "\n", "\t", "(", ", ", "| "]),
        end in prop::sample::select(&[" ", "\n", "\t"]),
        after in text(),
    ) {
        let planted = format!("{before}{gap}{}{end}{after}", shape.text);
        let clean = redact(&planted);
        let around = format!("{before}{gap}{end}{after}{}", shape.text.replace(&shape.secret, " "));
        prop_assert!(!leaks(&clean, &shape.secret, &around), "{}: {planted:?} became {clean:?}", shape.rule);
    }

    #[test]
    fn a_secret_in_an_argument_survives_no_neighbours(
        shape in prop::sample::select(shapes::all()),
        before in prop::collection::vec(text(), 0..3),
        after in prop::collection::vec(text(), 0..3),
    ) {
        let args: Vec<&str> = before.iter().chain([&shape.text]).chain(&after).map(String::as_str).collect();
        let clean: Vec<_> = redact_args(args.iter().copied()).collect();
        prop_assert_eq!(clean.len(), args.len());
        let around = shape.text.replace(&shape.secret, " ");
        prop_assert!(!leaks(&clean[before.len()], &shape.secret, &around), "{}: {clean:?}", shape.rule);
        let again: Vec<_> = redact_args(clean.iter().map(AsRef::as_ref)).collect();
        prop_assert_eq!(&again, &clean);
    }

    #[test]
    fn long_random_characters_are_hidden(token in "[A-Za-z0-9]{40,90}", base64 in "[A-Za-z0-9+/]{64,200}={0,2}") {
        for secret in [token, base64] {
            let clean = redact(&secret);
            prop_assert_eq!(clean, REDACTED, "{}", secret);
        }
    }

    #[test]
    fn a_home_is_taken_out_wherever_it_is_a_whole_directory(before in text(), after in text()) {
        let text = format!("{before}/home/bob/{after}");
        prop_assert!(!without_home(&text, "/home/bob").contains("/home/bob/"));
    }
}
