//! What would ship: the author's configuration beside the component. Whoever has the tool can read
//! what stands in it.

use telemetry::tool::{Endpoint, shipping};
use telemetry_host::types::Description;
use telemetry_host::{Grant, GrantSpec, Inspection};

use super::report::{Report, Said};
use crate::configuration::Configuration;

pub(crate) fn check(
    report: &mut Report,
    description: &Description,
    inspection: &Inspection,
    configuration: &Configuration,
) {
    report.group("configuration");
    let config = &configuration.config;
    report.check("grants", "what the component needs is granted, and nothing else", |said| {
        for endpoint in &description.endpoints {
            match config.endpoints.get(&endpoint.name) {
                None if endpoint.required => said.fail(format!(
                    "the endpoint `{}` is not granted: add [endpoints.{}] with its url",
                    endpoint.name, endpoint.name
                )),
                Some(granted) if granted.credential.is_none() => {
                    if let Some(wanted) = endpoint.credential.as_ref().filter(|it| it.required) {
                        said.warn(format!(
                            "[endpoints.{}] has no credential: {}",
                            endpoint.name, wanted.summary
                        ));
                    }
                }
                _ => {}
            }
        }
        for (name, granted) in &config.endpoints {
            if description.endpoints.iter().all(|it| it.name != *name) {
                said.warn(format!("[endpoints.{name}] is granted, and the component does not ask for it"));
            }
            parses(said, name, granted);
        }
    });
    report.check("credentials", "no credential is where the tool's users can read it", |said| {
        for (name, granted) in &config.endpoints {
            literal(said, name, granted);
        }
        headers(said, &config.backend.settings);
    });
    if let Some(pin) = &config.backend.sha256 {
        report.check("pin", "the pin is this file's", |said| {
            if !pin.eq_ignore_ascii_case(&inspection.sha256) {
                said.fail(format!(
                    "[backend] sha256 is {pin} and this file's is {}: no tool with this configuration loads it",
                    inspection.sha256
                ));
            }
        });
    }
}

fn parses(said: &mut Said, name: &str, granted: &Endpoint) {
    let parsed = Grant::parse(GrantSpec {
        endpoint: name.to_owned(),
        url: granted.url.clone(),
        allow: granted.allow.clone(),
        ..GrantSpec::default()
    });
    if let Err(error) = parsed {
        said.fail(error.to_string());
    }
}

fn literal(said: &mut Said, name: &str, granted: &Endpoint) {
    if !shipping::has_a_secret(granted) {
        return;
    }
    said.warn(format!(
        "[endpoints.{name}] credential has a `value`: whoever has the tool can read it. Ship only what can do no \
         harm (a client token, a project's write key); otherwise use `env` or `file`, or a relay of your own that \
         adds it"
    ));
}

/// A header among plain settings that looks like a credential.
fn headers(said: &mut Said, settings: &serde_json::Map<String, serde_json::Value>) {
    for name in shipping::secret_headers(settings) {
        said.warn(format!(
            "the header `{name}` in [backend.settings] looks like a credential, in plain text: give it under the \
             endpoint as credential = {{ header = \"{name}\", env = \"...\" }}"
        ));
    }
}
