//! No answer, or none that can be read: the batch is kept and tried again.

use std::io::Write;
use std::time::Duration;

use telemetry_host::Component;
use telemetry_host::types::Outcome;

use super::answers::again;
use super::bench::{Bench, Called};
use super::report::{Report, Said};
use super::sample;
use super::sending::{name, stuck};
use super::vendor::{Answer, Vendor};

/// How long a request may take in the check with a vendor that never answers.
const HURRY: Duration = Duration::from_millis(700);

pub(crate) fn check(report: &mut Report, bench: &Bench) {
    report.group("no answer");
    let batch = sample::first(3);
    let component = bench.component();
    report.check("refused", "where nobody listens, the batch is tried again", |said| {
        if stuck(said, bench) {
            return;
        }
        match Vendor::nobody() {
            Ok(url) => kept(
                said,
                "nobody listened",
                &bench.send_through(component, Some(&url), &batch, Answer::status(200)),
            ),
            Err(error) => said.warn(format!("not checked: {error}")),
        }
    });
    report.check("broken", "where the connection breaks, the batch is tried again", |said| {
        let raw = |text: &str| Answer::Raw(text.as_bytes().to_vec());
        for (what, answer) in [
            ("the connection was cut without an answer", Answer::Reset),
            ("the answer was cut in its head", raw("HTTP/1.1 200 OK\r\ncontent-le")),
            ("the answer was cut in its body", raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}")),
            ("the answer was not HTTP", raw("SSH-2.0-OpenSSH_9.6\r\n")),
        ] {
            if stuck(said, bench) {
                return;
            }
            kept(said, what, &bench.send_to(&batch, answer));
        }
    });
    report.check("hang", "where no answer comes in time, the batch is tried again", |said| {
        if stuck(said, bench) {
            return;
        }
        let hurried: Component = match bench.hurried(HURRY) {
            Ok(hurried) => hurried,
            Err(why) => return said.fail(why),
        };
        kept(said, "the vendor never answered", &bench.send_through(&hurried, None, &batch, Answer::Hang));
    });
    report.check(
        "huge-answer",
        "an answer that is too big is not read, and the batch is tried again",
        |said| {
            let zeros = vec![b' '; 8 << 20];
            let plain = Answer::body(200, "application/json", zeros.clone());
            let bomb = gzip(&zeros)
                .map(|body| Answer::Status(200, vec![("content-encoding".into(), "gzip".into())], body));
            for (what, answer) in
                [("an answer of 8 MiB", Some(plain)), ("an answer that unpacks to 8 MiB", bomb)]
            {
                let Some(answer) = answer else { continue };
                if stuck(said, bench) {
                    return;
                }
                kept(said, what, &bench.send_to(&batch, answer));
            }
        },
    );
}

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

fn kept(said: &mut Said, what: &str, called: &Called<Outcome>) {
    match &called.result {
        Err(why) => said.fail(format!("{what}: {why}")),
        Ok(outcome) if again(outcome) => {}
        Ok(outcome) => said.fail(format!(
            "{what}, and the outcome is {}: without an answer nothing is final, so say `retry`",
            name(outcome)
        )),
    }
}
