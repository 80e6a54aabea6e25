//! What a component says of itself: an author reads it, and a host acts on it.

use std::collections::BTreeSet;

use telemetry_host::types::Description;
use telemetry_host::{Grant, GrantSpec, LoadOptions};

use super::report::{Report, Said};

/// The longest text that is still a sentence for an author.
const SENTENCE: usize = 300;
/// More settings, endpoints or sites than this are a mistake.
const ENTRIES: usize = 64;
/// The most events that anybody takes at once.
const EVENTS: u32 = 100_000;

pub(crate) fn check(report: &mut Report, it: &Description, options: &LoadOptions) {
    report.group("description");
    report.check("describe", "it says its name, its version and what it does", |said| names(said, it));
    report.check("describe-size", "it says so in sentences, not in books", |said| size(said, it));
    report.check(
        "describe-settings",
        "each setting has one key, a summary and a default that is JSON",
        |said| {
            settings(said, it);
        },
    );
    report.check(
        "describe-endpoints",
        "each endpoint has a name that can be granted, and real sites",
        |said| {
            endpoints(said, it);
        },
    );
    report.check("describe-limits", "its limits can be kept", |said| limits(said, it, options));
}

fn names(said: &mut Said, it: &Description) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if it.name.is_empty() || !it.name.chars().all(plain) {
        said.fail(format!("`name` is {:?}: write lower-case letters, digits, `-` and `_`", it.name));
    }
    if !it.version.starts_with(|c: char| c.is_ascii_digit()) {
        said.fail(format!("`version` is {:?}: write it as in 1.4.0", it.version));
    }
    if it.summary.trim().is_empty() {
        said.fail("`summary` is empty: say in one sentence what is sent, and to whom");
    }
}

fn size(said: &mut Said, it: &Description) {
    let settings = it.settings.iter().map(|setting| (format!("setting `{}`", setting.key), &setting.summary));
    let endpoints =
        it.endpoints.iter().map(|endpoint| (format!("endpoint `{}`", endpoint.name), &endpoint.summary));
    for (what, summary) in settings.chain(endpoints).chain([("the backend".to_owned(), &it.summary)]) {
        if summary.len() > SENTENCE {
            said.fail(format!(
                "the summary of {what} has {} bytes: an author reads one sentence, {SENTENCE} at most",
                summary.len()
            ));
        }
    }
    for (what, count) in [("settings", it.settings.len()), ("endpoints", it.endpoints.len())] {
        if count > ENTRIES {
            said.fail(format!("it has {count} {what}; {ENTRIES} are more than anybody fills in"));
        }
    }
}

fn settings(said: &mut Said, it: &Description) {
    let mut seen = BTreeSet::new();
    for setting in &it.settings {
        let key = &setting.key;
        if !seen.insert(key) {
            said.fail(format!("two settings are called `{key}`"));
        }
        if key.trim().is_empty() {
            said.fail("a setting has no key");
        }
        if setting.summary.trim().is_empty() {
            said.fail(format!("the setting `{key}` has no summary: say in one sentence what it does"));
        }
        if let Some(default) = &setting.default {
            if serde_json::from_str::<serde_json::Value>(default).is_err() {
                said.fail(format!(
                    "the default of `{key}` is {default:?}, which is no JSON: text is \"\\\"gzip\\\"\""
                ));
            }
            if setting.required {
                said.fail(format!(
                    "the setting `{key}` is required and has a default: it can only be one of them"
                ));
            }
        }
    }
}

fn endpoints(said: &mut Said, it: &Description) {
    if it.endpoints.is_empty() {
        said.fail("it names no endpoint, so that it can never send: name the place that its requests go to");
    }
    let mut seen = BTreeSet::new();
    let grant = |name: &str, url: &str, allow: &[&str]| {
        Grant::parse(GrantSpec {
            endpoint: name.to_owned(),
            url: url.to_owned(),
            allow: allow.iter().map(|&word| word.to_owned()).collect(),
            ..GrantSpec::default()
        })
    };
    for endpoint in &it.endpoints {
        if !seen.insert(&endpoint.name) {
            said.fail(format!("two endpoints are called `{}`", endpoint.name));
        }
        if let Err(error) = grant(&endpoint.name, "https://vendor.example", &[]) {
            said.fail(error.to_string());
            continue;
        }
        if endpoint.summary.trim().is_empty() {
            said.fail(format!("the endpoint `{}` has no summary", endpoint.name));
        }
        for site in &endpoint.sites {
            if let Err(error) = grant(&endpoint.name, &site.url, &["http", "loopback"]) {
                said.fail(format!("the site `{}` cannot be granted: {error}", site.name));
            } else if site.url.starts_with("http:") && !site.url.contains("localhost") {
                said.warn(format!("the site `{}` is {}: in the clear", site.name, site.url));
            }
        }
    }
}

fn limits(said: &mut Said, it: &Description, options: &LoadOptions) {
    let limits = it.limits;
    let most = u32::try_from(options.limits.request_bytes).unwrap_or(u32::MAX);
    if limits.events == 0 || limits.bytes == 0 || limits.event_bytes == 0 {
        said.fail("a limit is 0, so that nothing can ever be sent");
    }
    if limits.events > EVENTS {
        said.fail(format!("{} events in a batch: no vendor takes more than {EVENTS} at once", limits.events));
    }
    if limits.bytes > most {
        said.fail(format!("{} bytes in a batch: the host sends at most {most} in one request", limits.bytes));
    }
    if limits.event_bytes > limits.bytes {
        said.fail(format!(
            "an event may have {} bytes and a batch {}: such an event never fits",
            limits.event_bytes, limits.bytes
        ));
    }
}
