//! Settings: the right ones are taken, and what is wrong is named by its key.

use serde_json::{Map, Value as Json, json};
use telemetry_host::types::Problem;

use super::bench::{self, Bench, Refused};
use super::report::{Report, Said};
use super::settings;

const UNKNOWN: &str = "kit_unknown_setting";

/// Checks the settings and finds those to go on with. None where there are none.
pub(crate) fn check(report: &mut Report, mut bench: Bench, given: bool) -> Option<Bench> {
    report.group("settings");
    let mut taken = false;
    report.check("configure", "it takes settings that are right", |said| {
        let found = if given {
            bench.configure(&bench.settings).map(|()| None)
        } else {
            settings::guess(&bench).map(Some)
        };
        match found {
            Ok(found) => {
                taken = true;
                if let Some(found) = found {
                    if found != "{}" {
                        said.note(format!(
                            "it is checked with {found}; give others with --config telemetry.toml"
                        ));
                    }
                    bench.settings = found;
                }
            }
            Err(why) => said.fail(why.sentence(given)),
        }
    });
    if !taken {
        return None;
    }
    let now: Map<String, Json> = serde_json::from_str(&bench.settings).unwrap_or_default();
    report.check("unknown-setting", "a setting that it does not know is refused by its name", |said| {
        let mut more = now.clone();
        more.insert(UNKNOWN.into(), json!(1));
        refused(said, &bench, &more, UNKNOWN, "the unknown setting");
    });
    report.check("missing-setting", "a required setting that is missing is named", |said| {
        for setting in bench.description.settings.iter().filter(|it| it.required) {
            let mut less = now.clone();
            less.remove(&setting.key);
            refused(said, &bench, &less, &setting.key, "the missing setting");
        }
    });
    report.check("wrong-setting", "a setting of the wrong type is named", |said| {
        for setting in &bench.description.settings {
            let Some(wrong) = settings::wrong(setting, &now) else { continue };
            let mut other = now.clone();
            other.insert(setting.key.clone(), wrong.clone());
            refused(said, &bench, &other, &setting.key, &format!("the value {wrong} for"));
        }
    });
    report.check("no-object", "settings that are no JSON object are refused, and nothing breaks", |said| {
        for text in ["[]", "null", "", "{", "\"\""] {
            match bench.configure(text) {
                Ok(()) => said.warn(format!("it takes the text {text:?} for settings")),
                Err(Refused::Problems(_)) => {}
                Err(Refused::Host(why)) => said.fail(format!("with the text {text:?} for settings: {why}")),
            }
        }
    });
    Some(bench)
}

/// Wants these settings refused with a problem that names the key.
fn refused(said: &mut Said, bench: &Bench, settings: &Map<String, Json>, key: &str, what: &str) {
    match bench.configure(&Json::Object(settings.clone()).to_string()) {
        Ok(()) => said.fail(format!(
            "{what} `{key}` is taken without a word: a typing error in telemetry.toml would go unseen"
        )),
        Err(Refused::Host(why)) => said.fail(format!("with {what} `{key}`: {why}")),
        Err(Refused::Problems(problems)) => {
            let names = |it: &Problem| it.key == key || it.message.contains(key);
            match problems.iter().find(|it| names(it)) {
                None => {
                    let all: Vec<_> = problems.iter().map(bench::said_of).collect();
                    said.fail(format!(
                        "{what} `{key}` is refused, but no problem names it: {}",
                        all.join("; ")
                    ));
                }
                Some(problem) if problem.message.trim().is_empty() => {
                    said.fail(format!("{what} `{key}` is refused without a message"));
                }
                Some(_) => {}
            }
        }
    }
}
