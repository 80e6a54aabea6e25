//! What is sent: all of it, once, the same every time, whatever is in it.

use telemetry_host::Outgoing;
use telemetry_host::types::{Attribute, Batch, Event, Outcome, Value};

use super::bench::{Bench, Called};
use super::report::{Report, Said};
use super::sample::{self, Found};

/// A batch that is big enough for a mistake and small enough for every vendor.
const SOME: usize = 50;

pub(crate) fn check(report: &mut Report, bench: &Bench) {
    report.group("sending");
    let mut alone = Found::default();
    report.check("success", "an event is sent, and delivered where the vendor says so", |said| {
        let called = bench.send(&sample::first(1));
        delivered(said, &called, "one event");
        alone = sample::found(&called.requests).get(&0).copied().unwrap_or_default();
        if !called.requests.is_empty() && !alone.anything() {
            said.fail(
                "neither the event's name nor its id nor its attribute is in the request: the event is lost",
            );
        } else if !called.requests.is_empty() && alone.id == 0 {
            said.warn("the event's id is not in the request: a vendor cannot drop what arrives twice");
        }
    });
    report.check("every-event", "each event of a batch is sent, and sent once", |said| {
        if stuck(said, bench) || !alone.anything() {
            return;
        }
        let count = SOME.min(usize::try_from(bench.description.limits.events).unwrap_or(SOME)).max(1);
        let called = bench.send(&sample::first(count));
        delivered(said, &called, &format!("{count} events"));
        let found = sample::found(&called.requests);
        let of = |at: usize| found.get(&at).copied().unwrap_or_default();
        let lost = (0..count).filter(|at| of(*at).less_than(alone)).count();
        let twice = (0..count).filter(|at| of(*at).repeated).count();
        if lost > 0 {
            said.fail(format!(
                "{lost} of {count} events are not in the requests, and it says that they are delivered"
            ));
        }
        if twice > 0 {
            said.fail(format!("{twice} of {count} events are in the requests more than once"));
        }
    });
    report.check("empty-batch", "an empty batch is nothing, and not an error", |said| {
        if stuck(said, bench) {
            return;
        }
        match bench.send(&sample::first(0)).result {
            Ok(Outcome::Delivered) => {}
            Ok(Outcome::Partial(verdicts)) if verdicts.is_empty() => {}
            Ok(outcome) => said.fail(format!("an empty batch is {}: it would never be done", name(&outcome))),
            Err(why) => said.fail(format!("an empty batch: {why}")),
        }
    });
    report.check("unicode", "names and values may hold any text", |said| unicode(said, bench));
    report
        .check("odd-values", "what is absent, empty, huge or negative is sent too", |said| odd(said, bench));
    report.check("same-bytes", "the same batch makes the same requests", |said| same(said, bench));
    report.check("json", "what it calls JSON is JSON", |said| {
        if stuck(said, bench) {
            return;
        }
        for batch in [sample::first(3), sample::batch(vec![strange(0)])] {
            for request in bench.send(&batch).requests {
                if let Some(why) = no_json(&request) {
                    said.fail(why);
                    return;
                }
            }
        }
    });
}

/// Says that a check was not made, where the component hung before.
pub(crate) fn stuck(said: &mut Said, bench: &Bench) -> bool {
    if bench.stuck() {
        said.warn("not checked: it took too long before and is not called again");
    }
    bench.stuck()
}

/// Wants a delivery. That it was really made is the host's own check.
pub(crate) fn delivered(said: &mut Said, called: &Called<Outcome>, what: &str) {
    if let Some(why) = &called.refused {
        said.fail(format!("the host refused a request: {why}"));
    }
    match &called.result {
        Err(why) => said.fail(format!("{what}: {why}")),
        Ok(Outcome::Delivered) => {}
        Ok(Outcome::Partial(verdicts))
            if verdicts.iter().all(|it| *it == telemetry_host::types::Verdict::Delivered) => {}
        Ok(outcome) => {
            let hint = "if this vendor says success otherwise, see --success-status and --success-body";
            said.fail(format!("the vendor took {what}, and the outcome is {}; {hint}", name(outcome)));
        }
    }
}

/// An outcome in a few words.
pub(crate) fn name(outcome: &Outcome) -> String {
    use telemetry_host::types::Verdict;
    match outcome {
        Outcome::Delivered => "`delivered`".into(),
        Outcome::TooLarge => "`too-large`".into(),
        Outcome::Rejected(why) => format!("`rejected` ({why})"),
        Outcome::Retry(advice) => format!("`retry` ({})", advice.reason),
        Outcome::Other(what) => format!("`other` ({what})"),
        Outcome::Partial(verdicts) => {
            let count = |is: fn(&Verdict) -> bool| verdicts.iter().filter(|it| is(it)).count();
            format!(
                "`partial` ({} delivered, {} to be tried again, {} rejected)",
                count(|it| *it == Verdict::Delivered),
                count(|it| matches!(it, Verdict::Retry(_) | Verdict::Other(_))),
                count(|it| matches!(it, Verdict::Rejected(_))),
            )
        }
    }
}

fn unicode(said: &mut Said, bench: &Bench) {
    if stuck(said, bench) {
        return;
    }
    let called = bench.send(&sample::batch(vec![strange(0), sample::event(1)]));
    match &called.result {
        Err(why) => said.fail(format!("text beyond ASCII breaks it: {why}")),
        Ok(Outcome::Delivered) => {}
        Ok(outcome) => said.warn(format!("an event with unusual text: {}", name(outcome))),
    }
    if let Some(why) = &called.refused {
        said.fail(format!("with unusual text the host refused a request: {why}"));
    }
}

/// An event with text of every sort.
fn strange(number: usize) -> Event {
    let text =
        "Zoë 😀 日本語 עברית e\u{301} \u{202e}abc\u{0} \"quoted\" \\back\\ \r\n\t\u{7f}\u{fffd}\u{10ffff}";
    let mut event = sample::event(number);
    event.name = format!("{text} {}", event.name);
    event.error_kind = Some(text.into());
    event.error = Some(text.into());
    event.args = vec![text.into(), String::new()];
    event.attributes.push(Attribute { key: text.into(), value: Value::Text(text.into()) });
    event.attributes.push(Attribute { key: "json".into(), value: Value::Other("{\"a\":[1,null]}".into()) });
    event.attributes.push(Attribute { key: "no json".into(), value: Value::Other("{".into()) });
    event
}

fn odd(said: &mut Said, bench: &Bench) {
    let bare =
        Event { duration_ms: None, exit_code: None, ended: None, attributes: Vec::new(), ..sample::event(0) };
    let numbers = [f64::MAX, f64::MIN_POSITIVE, -0.0, 9_007_199_254_740_993.0, -1.5e-7];
    let numbers = Event {
        duration_ms: Some(1e18),
        exit_code: Some(i32::MIN),
        attributes: numbers
            .iter()
            .enumerate()
            .map(|(at, number)| Attribute { key: format!("n{at}"), value: Value::Number(*number) })
            .collect(),
        ..sample::event(1)
    };
    let many = Event {
        attributes: (0..200)
            .map(|at| Attribute { key: format!("key{at}"), value: Value::Boolean(at % 2 == 0) })
            .collect(),
        ..sample::event(2)
    };
    let nobody = Batch { events: vec![sample::event(3)], ..Batch::default() };
    let cases = [
        ("an event with nothing but a name", sample::batch(vec![bare])),
        ("extreme numbers", sample::batch(vec![numbers])),
        ("200 attributes", sample::batch(vec![many])),
        ("an origin without a machine id and with empty texts", nobody),
    ];
    for (what, batch) in cases {
        if stuck(said, bench) {
            return;
        }
        let called = bench.send(&batch);
        match &called.result {
            Err(why) => said.fail(format!("{what}: {why}")),
            Ok(Outcome::Delivered) => {}
            Ok(outcome) => said.warn(format!("{what}: {}", name(outcome))),
        }
        if let Some(why) = called.requests.iter().find_map(no_json) {
            said.fail(format!("{what}: {why}"));
        }
    }
}

fn same(said: &mut Said, bench: &Bench) {
    if stuck(said, bench) {
        return;
    }
    let batch = sample::batch(vec![strange(0), sample::event(1), sample::event(2)]);
    let (first, second) = (bench.send(&batch), bench.send(&batch));
    if let Some(why) = difference(&first.requests, &second.requests) {
        said.fail(format!(
            "two fresh instances make different requests of the same batch ({why}): use the time and the ids that \
             `send` is given, no clock, no randomness, and maps with an order"
        ));
        return;
    }
    let twice = bench.send_again(&batch);
    if let Err(why) = &twice.result {
        said.fail(format!("the second call of one instance: {why}"));
        return;
    }
    let half = twice.requests.len() / 2;
    if let Some(why) = difference(&twice.requests[..half], &twice.requests[half..]) {
        said.fail(format!(
            "one instance makes another request of the same batch the second time ({why}): keep nothing between calls"
        ));
    }
}

/// In what the requests differ.
fn difference(a: &[Outgoing], b: &[Outgoing]) -> Option<String> {
    if a.len() != b.len() {
        return Some(format!("{} requests and {}", a.len(), b.len()));
    }
    a.iter().zip(b).find_map(|(a, b)| {
        if (&a.endpoint, &a.method, &a.url) != (&b.endpoint, &b.method, &b.url) {
            return Some(format!("{} {} and {} {}", a.method, a.url, b.method, b.url));
        }
        // The length follows from the body.
        let plain = |it: &&(String, String)| it.0 != "content-length";
        let headers = a.headers.iter().filter(plain).zip(b.headers.iter().filter(plain));
        if let Some((a, b)) = headers.into_iter().find(|(a, b)| a != b) {
            return Some(format!("the headers {}: {} and {}: {}", a.0, a.1, b.0, b.1));
        }
        let (a, b) = (&a.body_before_coding, &b.body_before_coding);
        if a == b {
            return None;
        }
        let at = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
        let around = |body: &[u8]| {
            let part = body.get(at.saturating_sub(20)..(at + 20).min(body.len())).unwrap_or_default();
            String::from_utf8_lossy(part).escape_debug().to_string()
        };
        Some(format!("at byte {at} of the body: `{}` and `{}`", around(a), around(b)))
    })
}

/// Why a body is not the JSON that its header says, if so.
fn no_json(request: &Outgoing) -> Option<String> {
    let media_type =
        request.headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str())?;
    let body = &request.body_before_coding;
    let valid = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).err();
    let error = if media_type.contains("ndjson") || media_type.contains("jsonl") {
        body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).find_map(valid)?
    } else if media_type.contains("json") {
        valid(body)?
    } else {
        return None;
    };
    Some(format!("the body of {media_type} is not JSON: {error}"))
}
