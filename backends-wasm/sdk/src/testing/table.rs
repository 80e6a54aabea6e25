//! Answers and what they mean, as a table; and a host that keeps at it until every event has its
//! verdict.

use super::Script;
use super::sample::context;
use crate::{Backend, Batch, Erasure, Event, Http, HttpError, Outcome, Response, Verdict};
use std::collections::BTreeSet;

/// One row: the rule that it exercises, what the vendor answers, and the outcome as [`outline`]
/// writes it. A rule may have a name and words, as in `redirect: 301 to the right site`.
pub type Row<'a> = (&'a str, Result<Response, HttpError>, &'a str);

/// Sends `batch` once for each row and compares. Gives the number of rules.
///
/// No two rows may exercise the same rule, which is its name where it has one: `redirect: 301` and
/// `redirect: 302` are one rule in other words. Nor may two have the same answer, whatever they are called.
///
/// # Panics
/// With every row that differs; that is how a test fails.
pub fn table(backend: &impl Backend, batch: &Batch, rows: &[Row<'_>]) -> usize {
    let mut wrong = String::new();
    let mut rules = BTreeSet::new();
    for (at, (rule, answer, expected)) in rows.iter().enumerate() {
        let name = rule.split_once(": ").map_or(*rule, |(name, _)| name);
        if !rules.insert(name) {
            wrong.push_str(&format!("two rows exercise: {name}\n"));
        }
        if let Some((other, ..)) = rows.iter().take(at).find(|(_, other, _)| other == answer) {
            wrong.push_str(&format!("{rule}\n  has the answer of {other}\n"));
        }
        let mut vendor = Script::new([answer.clone()]);
        let actual = outline(&backend.send(batch, &context(), &mut vendor));
        if actual != *expected {
            wrong.push_str(&format!("{rule}\n  expected {expected}\n  actual   {actual}\n"));
        }
        if vendor.requests.len() != 1 {
            wrong.push_str(&format!("{rule}\n  made {} requests\n", vendor.requests.len()));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    rules.len()
}

/// An outcome in a line: `delivered`, `retry after 2000 ms: status 429`, `rejected: status 400`,
/// `too large`, `partial: delivered | rejected: why | retry: why`.
#[must_use]
pub fn outline(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Delivered => "delivered".into(),
        Outcome::TooLarge => "too large".into(),
        Outcome::Rejected(reason) => format!("rejected: {reason}"),
        Outcome::Other(what) => format!("other: {what}"),
        Outcome::Retry(advice) => match advice.after_ms {
            Some(after) => format!("retry after {after} ms: {}", advice.reason),
            None => format!("retry: {}", advice.reason),
        },
        Outcome::Partial(verdicts) => {
            let verdicts: Vec<String> = verdicts.iter().map(verdict).collect();
            format!("partial: {}", verdicts.join(" | "))
        }
    }
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Delivered => "delivered".into(),
        Verdict::Retry(reason) => format!("retry: {reason}"),
        Verdict::Rejected(reason) => format!("rejected: {reason}"),
        Verdict::Other(what) => format!("other: {what}"),
    }
}

/// An erasure in a line, as [`outline`] does for an outcome.
#[must_use]
pub fn outline_erasure(erasure: &Erasure) -> String {
    match erasure {
        Erasure::Receipt(proof) => format!("receipt: {proof}"),
        Erasure::Unsupported(instead) => format!("unsupported: {instead}"),
        Erasure::Other(what) => format!("other: {what}"),
        Erasure::Retry(advice) => match advice.after_ms {
            Some(after) => format!("retry after {after} ms: {}", advice.reason),
            None => format!("retry: {}", advice.reason),
        },
    }
}

/// What became of every event of [`deliver`].
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// The ids of those that the vendor has.
    pub delivered: Vec<String>,
    /// The ids of those that were set aside.
    pub rejected: Vec<String>,
}

impl Delivered {
    /// Checks that each of these events was delivered or set aside, and none twice.
    ///
    /// # Panics
    /// Where one was not; that is how a test fails.
    pub fn accounts_for(&self, events: &[Event]) {
        let mut settled: Vec<&String> = self.delivered.iter().chain(&self.rejected).collect();
        let mut all: Vec<&String> = events.iter().map(|it| &it.id).collect();
        settled.sort();
        all.sort();
        assert!(settled == all, "{} of {} events were settled", settled.len(), all.len());
    }
}

/// Delivers any number of events as a host does: cut to the limit on events that `describe` gives,
/// and cut in two where the outcome is `too-large`. Bytes are not counted, so that the backend's own
/// checks are what is tested.
///
/// # Panics
/// Where the backend asks for another attempt, gives the wrong number of verdicts, or cannot make up
/// its mind about a single event.
pub fn deliver<B: Backend>(backend: &B, batch: &Batch, http: &mut dyn Http) -> Delivered {
    let most = usize::try_from(B::describe().limits.events).unwrap_or(usize::MAX).max(1);
    let mut done = Delivered::default();
    let mut waiting: Vec<&[Event]> = batch.events.chunks(most).rev().collect();
    while let Some(events) = waiting.pop() {
        let part = Batch { origin: batch.origin.clone(), events: events.to_vec() };
        let ids = events.iter().map(|it| it.id.clone());
        match backend.send(&part, &context(), http) {
            Outcome::Delivered => done.delivered.extend(ids),
            Outcome::Rejected(_) => done.rejected.extend(ids),
            Outcome::TooLarge if events.len() > 1 => {
                let (front, back) = events.split_at(events.len() / 2);
                waiting.extend([back, front]);
            }
            Outcome::Partial(verdicts) => {
                assert_eq!(verdicts.len(), events.len(), "one verdict for each event");
                for (id, verdict) in ids.zip(verdicts) {
                    match verdict {
                        Verdict::Delivered => done.delivered.push(id),
                        Verdict::Rejected(_) => done.rejected.push(id),
                        other => panic!("{id}: {other:?}"),
                    }
                }
            }
            other => panic!("{} events: {}", events.len(), outline(&other)),
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answer, batch, command};
    use crate::{Description, NoSettings, Problem, Request, Rules, SendContext};

    struct Acme;

    impl Backend for Acme {
        type Settings = NoSettings;

        fn describe() -> Description {
            Description::new("acme", "1.0.0", "Sends.")
        }

        fn configure(_: NoSettings) -> Result<Self, Vec<Problem>> {
            Ok(Self)
        }

        fn send(&self, batch: &Batch, _: &SendContext, http: &mut dyn Http) -> Outcome {
            match batch.events.len() {
                3.. => Outcome::TooLarge,
                _ => Rules::COMMON.send(http, &Request::post("api", "")),
            }
        }
    }

    #[test]
    fn a_table_that_is_right_passes() {
        let rules = table(
            &Acme,
            &batch(vec![command("a")]),
            &[("200", Ok(answer(200)), "delivered"), ("cut: 413", Ok(answer(413)), "too large")],
        );
        assert_eq!(rules, 2);
    }

    #[test]
    #[should_panic(expected = "expected delivered\n  actual   retry: status 500")]
    fn a_row_with_another_outcome_fails_and_says_both() {
        table(&Acme, &batch(vec![command("a")]), &[("500", Ok(answer(500)), "delivered")]);
    }

    #[test]
    #[should_panic(expected = "two rows exercise: redirect")]
    fn two_rows_of_one_rule_fail_whatever_words_they_have() {
        let row = |status, words| (words, Ok(answer(status)), "");
        table(&Acme, &batch(vec![command("a")]), &[row(301, "redirect: moved"), row(302, "redirect: found")]);
    }

    #[test]
    #[should_panic(expected = "201\n  has the answer of 200")]
    fn two_rows_of_one_answer_fail_whatever_rules_they_have() {
        let row = |rule| (rule, Ok(answer(200)), "delivered");
        table(&Acme, &batch(vec![command("a")]), &[row("200"), row("201")]);
    }

    #[test]
    fn a_host_cuts_until_every_event_has_its_verdict() {
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let batch = batch(names.map(command).into());
        let mut asked = 0;
        let done = deliver(&Acme, &batch, &mut |_: &Request| {
            asked += 1;
            Ok(answer(if asked == 2 { 400 } else { 200 }))
        });
        assert_eq!(asked, 4);
        assert_eq!(done.delivered, ["a", "d", "e", "f", "g"].map(|it| command(it).id));
        assert_eq!(done.rejected, ["b", "c"].map(|it| command(it).id));
    }
}
