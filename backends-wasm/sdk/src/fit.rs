//! Keeping a vendor's limits where the host's estimate cannot: in the vendor's own form.
//!
//! The host cuts batches by an estimate. A vendor counts the bytes that it receives, and some
//! truncate or drop what is too big without a word. So a backend encodes each event by itself,
//! [`each`] sets aside those that cannot fit, and the others are delivered without them.

use crate::{Event, Outcome, Verdict};

/// The events that fit, encoded, and a reason for each that does not.
#[derive(Debug)]
pub struct Fitted<T> {
    /// What fits, in the batch's order.
    pub kept: Vec<T>,
    refused: Vec<Option<String>>,
}

/// Encodes each event. `encode` answers why one cannot be sent at all.
pub fn each<T>(events: &[Event], mut encode: impl FnMut(&Event) -> Result<T, String>) -> Fitted<T> {
    let mut fitted =
        Fitted { kept: Vec::with_capacity(events.len()), refused: Vec::with_capacity(events.len()) };
    for event in events {
        fitted.refused.push(match encode(event) {
            Ok(encoded) => {
                fitted.kept.push(encoded);
                None
            }
            Err(reason) => Some(reason),
        });
    }
    fitted
}

impl<T> Fitted<T> {
    /// What became of the whole batch, from what became of the events that were kept.
    #[must_use]
    pub fn outcome(&self, of_kept: Outcome) -> Outcome {
        if self.refused.iter().all(Option::is_none) {
            return of_kept;
        }
        let mut verdicts = match of_kept {
            Outcome::Delivered => vec![Verdict::Delivered; self.kept.len()],
            Outcome::Rejected(reason) => vec![Verdict::Rejected(reason); self.kept.len()],
            Outcome::Partial(verdicts) if verdicts.len() == self.kept.len() => verdicts,
            // What was refused will be refused again when the others are tried again.
            other => return other,
        }
        .into_iter();
        let merged = self.refused.iter().map(|refused| match refused {
            Some(reason) => Verdict::Rejected(reason.clone()),
            None => verdicts.next().unwrap_or(Verdict::Delivered),
        });
        Outcome::Partial(merged.collect())
    }
}

/// What became of a batch of this many events: one that is too large and has one event cannot be cut, so
/// that event is set aside.
#[must_use]
pub fn cut(outcome: Outcome, events: usize) -> Outcome {
    match outcome {
        Outcome::TooLarge if events <= 1 => Outcome::Rejected("the event is too large for a request".into()),
        outcome => outcome,
    }
}

/// One JSON array of elements that are JSON already, between what goes before and after it.
#[must_use]
pub fn json_array(before: &str, elements: &[String], after: &str) -> String {
    let length: usize = elements.iter().map(|it| it.len() + 1).sum();
    let mut text = String::with_capacity(before.len() + length + after.len() + 2);
    text.push_str(before);
    text.push('[');
    for (at, element) in elements.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(element);
    }
    text.push(']');
    text.push_str(after);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::command;

    fn fitted() -> Fitted<u32> {
        let events = [command("a"), command("too big"), command("b")];
        let mut next = 0;
        each(&events, |event| {
            next += 1;
            if event.name == "too big" { Err("is too big".into()) } else { Ok(next) }
        })
    }

    #[test]
    fn an_event_that_cannot_fit_is_set_aside_and_the_others_are_delivered() {
        let fitted = fitted();
        assert_eq!(fitted.kept, [1, 3]);
        assert_eq!(
            fitted.outcome(Outcome::Delivered),
            Outcome::Partial(vec![
                Verdict::Delivered,
                Verdict::Rejected("is too big".into()),
                Verdict::Delivered
            ])
        );
    }

    #[test]
    fn each_event_keeps_its_own_verdict() {
        let verdicts = vec![Verdict::Retry("later".into()), Verdict::Rejected("never".into())];
        assert_eq!(
            fitted().outcome(Outcome::Partial(verdicts)),
            Outcome::Partial(vec![
                Verdict::Retry("later".into()),
                Verdict::Rejected("is too big".into()),
                Verdict::Rejected("never".into())
            ])
        );
    }

    #[test]
    fn a_batch_to_be_tried_again_stays_whole() {
        assert_eq!(fitted().outcome(Outcome::retry("later")), Outcome::retry("later"));
        assert_eq!(fitted().outcome(Outcome::TooLarge), Outcome::TooLarge);
    }

    #[test]
    fn where_everything_fits_nothing_is_changed() {
        let fitted = each(&[command("a")], |_| Ok(()));
        for outcome in [Outcome::Delivered, Outcome::TooLarge, Outcome::Rejected("no".into())] {
            assert_eq!(fitted.outcome(outcome.clone()), outcome);
        }
    }

    #[test]
    fn one_event_is_not_cut() {
        assert_eq!(cut(Outcome::TooLarge, 2), Outcome::TooLarge);
        let set_aside = Outcome::Rejected("the event is too large for a request".into());
        assert_eq!(cut(Outcome::TooLarge, 1), set_aside);
        assert_eq!(cut(Outcome::Delivered, 1), Outcome::Delivered);
    }

    #[test]
    fn elements_are_joined_to_one_array() {
        assert_eq!(json_array("", &[], ""), "[]");
        assert_eq!(json_array("{\"a\":", &["1".into(), "{}".into()], "}"), "{\"a\":[1,{}]}");
    }
}
