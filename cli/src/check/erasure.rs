//! Erasure: a receipt only for what the vendor accepted, and a way out where there is none.

use telemetry_host::types::Erasure;

use super::bench::{Bench, Called};
use super::report::{Report, Said};
use super::sending::stuck;
use super::vendor::Answer;

const IDS: [&str; 3] = ["00000000kiterase1", "00000000kiterase2", "00000000kiterase3"];

pub(crate) fn check(report: &mut Report, bench: &Bench) {
    report.group("erasure");
    let ids: Vec<String> = IDS.iter().map(|&id| id.to_owned()).collect();
    if !bench.description.erases {
        report.check("unsupported", "it says that it cannot erase, and what to do instead", |said| {
            if stuck(said, bench) {
                return;
            }
            let called = bench.erase(&ids, true, None);
            match &called.result {
                Err(why) => said.fail(why),
                Ok(Erasure::Unsupported(instead)) if instead.trim().is_empty() => {
                    said.fail("it says `unsupported` and not what the user can do instead");
                }
                Ok(Erasure::Unsupported(_)) => {}
                Ok(other) => said.fail(format!(
                    "`describe` says that it does not erase, and `erase` answers {}",
                    name(other)
                )),
            }
            if !called.requests.is_empty() {
                said.warn("it sends a request to erase, though `describe` says that it does not");
            }
        });
        return;
    }
    report.check("erases", "each machine id is named to the vendor, and a receipt is given", |said| {
        if stuck(said, bench) {
            return;
        }
        let called = bench.erase(&ids, true, None);
        match &called.result {
            Err(why) => return said.fail(why),
            Ok(Erasure::Receipt(proof)) if proof.trim().is_empty() => said.fail("the receipt is empty"),
            Ok(Erasure::Receipt(_)) => {}
            Ok(other) => said.fail(format!("the vendor accepted, and `erase` answers {}", name(other))),
        }
        for id in IDS {
            if !named(&called, id) {
                said.fail(format!("the machine id {id} is in no request: what it stands for is not erased"));
            }
        }
    });
    report.check("no-false-receipt", "there is no receipt for what the vendor did not accept", |said| {
        for answer in [400, 401, 403, 404, 413, 429, 500, 503] {
            if stuck(said, bench) {
                return;
            }
            receipt(
                said,
                &format!("the vendor answered {answer}"),
                &bench.erase(&ids, true, Some(Answer::status(answer))),
            );
        }
        receipt(said, "the connection was cut", &bench.erase(&ids, true, Some(Answer::Reset)));
        let optional = bench.description.endpoints.iter().any(|it| !it.required);
        if optional {
            let called = bench.erase(&ids, false, None);
            if let Err(why) = &called.result {
                said.fail(format!("without its optional endpoints: {why}"));
            } else if called.requests.is_empty() {
                receipt(said, "its endpoint was not granted", &called);
            }
        }
    });
    report.check("erase-nothing", "no machine ids are no error", |said| {
        if !stuck(said, bench)
            && let Err(why) = bench.erase(&[], true, None).result
        {
            said.fail(why);
        }
    });
}

fn named(called: &Called<Erasure>, id: &str) -> bool {
    called.requests.iter().any(|request| {
        let body = &request.body_before_coding;
        request.url.contains(id) || body.windows(id.len()).any(|it| it == id.as_bytes())
    })
}

fn receipt(said: &mut Said, what: &str, called: &Called<Erasure>) {
    match &called.result {
        Err(why) => said.fail(format!("{what}: {why}")),
        Ok(Erasure::Receipt(_)) => {
            said.fail(format!("{what}, and `erase` gives a receipt: the user is told what is not so"));
        }
        Ok(_) => {}
    }
}

fn name(erasure: &Erasure) -> String {
    match erasure {
        Erasure::Receipt(proof) => format!("`receipt` ({proof})"),
        Erasure::Unsupported(instead) => format!("`unsupported` ({instead})"),
        Erasure::Retry(advice) => format!("`retry` ({})", advice.reason),
        Erasure::Other(what) => format!("`other` ({what})"),
    }
}
