//! The public addresses of the vendors whose backends are bundled, by the vendors' own short names: what
//! `site = "eu1"` stands for.
//!
//! Each component describes its sites itself. They are written out here once more, because where a tool sends
//! is part of what its user agrees to, and has to be known in every run, without loading a component; a test
//! holds this list to what the components describe.

use std::collections::BTreeMap;

use super::grants::Endpoint;

/// One endpoint of a bundled backend, and its sites.
struct Sites {
    backend: &'static str,
    endpoint: &'static str,
    urls: &'static [(&'static str, &'static str)],
}

static ALL: [Sites; 3] = [
    Sites {
        backend: "datadog",
        endpoint: "intake",
        urls: &[
            ("us1", "https://http-intake.logs.datadoghq.com"),
            ("us3", "https://http-intake.logs.us3.datadoghq.com"),
            ("us5", "https://http-intake.logs.us5.datadoghq.com"),
            ("eu1", "https://http-intake.logs.datadoghq.eu"),
            ("ap1", "https://http-intake.logs.ap1.datadoghq.com"),
            ("ap2", "https://http-intake.logs.ap2.datadoghq.com"),
            ("uk1", "https://http-intake.logs.uk1.datadoghq.com"),
            ("us1-fed", "https://http-intake.logs.ddog-gov.com"),
            ("us2-fed", "https://http-intake.logs.us2.ddog-gov.com"),
            ("us1-public", "https://browser-intake-datadoghq.com"),
            ("us3-public", "https://browser-intake-us3-datadoghq.com"),
            ("us5-public", "https://browser-intake-us5-datadoghq.com"),
            ("eu1-public", "https://browser-intake-datadoghq.eu"),
            ("ap1-public", "https://browser-intake-ap1-datadoghq.com"),
            ("ap2-public", "https://browser-intake-ap2-datadoghq.com"),
            ("uk1-public", "https://browser-intake-uk1-datadoghq.com"),
            ("us1-fed-public", "https://browser-intake-ddog-gov.com"),
            ("us2-fed-public", "https://browser-intake-us2-ddog-gov.com"),
        ],
    },
    Sites {
        backend: "posthog",
        endpoint: "api",
        urls: &[("us", "https://us.i.posthog.com"), ("eu", "https://eu.i.posthog.com")],
    },
    Sites { backend: "otlp", endpoint: "collector", urls: &[("local", "http://localhost:4318")] },
];

/// Gives each endpoint that names a site that site's address. `backend` is what `[backend] use` says.
///
/// # Errors
/// Which endpoint has neither a `url` nor a `site`, or both, or a site that its vendor does not have; and what
/// would be right.
pub(super) fn resolve(
    backend: Option<&str>,
    endpoints: &mut BTreeMap<String, Endpoint>,
) -> Result<(), String> {
    for (name, endpoint) in endpoints {
        let wrong = |what: String| Err(format!("[endpoints.{name}] {what}"));
        let Some(site) = &endpoint.site else {
            if endpoint.url.is_empty() {
                return wrong("needs `url`: `url = \"https://example.com\"`".into());
            }
            continue;
        };
        let Some(sites) = ALL.iter().find(|it| Some(it.backend) == backend && it.endpoint == name) else {
            let whose = backend.map_or_else(|| "this backend".to_owned(), |it| format!("the backend {it:?}"));
            return wrong(format!(
                "site = {site:?}: {whose} has no sites here; write the address out, as in `url = \"https://example.com\"`"
            ));
        };
        let Some((_, url)) = sites.urls.iter().find(|(known, _)| known == site) else {
            let known: Vec<_> = sites.urls.iter().map(|(known, _)| format!("\"{known}\"")).collect();
            let backend = sites.backend;
            return wrong(format!("site = {site:?} is none of {backend}'s: there are {}", known.join(", ")));
        };
        // What was resolved before stays as it is.
        if !endpoint.url.is_empty() && endpoint.url != *url {
            return wrong("has both `url` and `site`: keep the one that is meant".into());
        }
        (*url).clone_into(&mut endpoint.url);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::tool::Config;

    fn parsed(backend: &str, endpoint: &str) -> Result<String, String> {
        let text = format!("[tool]\nid = \"com.example.greet\"\n[backend]\n{backend}\n[endpoints.{endpoint}");
        let config = Config::parse(&text, "t").map_err(|error| error.to_string())?;
        Ok(config.endpoints.into_values().next().expect("an endpoint").url)
    }

    #[test]
    fn a_site_stands_for_its_vendors_address() {
        for (backend, endpoint, url) in [
            ("datadog", "intake]\nsite = \"eu1\"", "https://http-intake.logs.datadoghq.eu"),
            ("datadog", "intake]\nsite = \"us5-public\"", "https://browser-intake-us5-datadoghq.com"),
            ("posthog", "api]\nsite = \"eu\"", "https://eu.i.posthog.com"),
            ("otlp", "collector]\nsite = \"local\"", "http://localhost:4318"),
        ] {
            assert_eq!(parsed(&format!("use = \"{backend}\""), endpoint), Ok(url.to_owned()));
        }
    }

    #[test]
    fn what_is_no_site_says_what_would_be_one() {
        for (backend, endpoint, says) in [
            ("use = \"posthog\"", "api]\nsite = \"eu1\"", "is none of posthog's: there are \"us\", \"eu\""),
            ("use = \"datadog\"", "inteke]\nsite = \"eu1\"", "has no sites here; write the address out"),
            ("use = \"http\"", "receiver]\nsite = \"eu1\"", "the backend \"http\" has no sites here"),
            ("path = \"datadog.wasm\"", "intake]\nsite = \"eu1\"", "this backend has no sites here"),
            (
                "use = \"posthog\"",
                "api]\nsite = \"eu\"\nurl = \"https://example.com\"",
                "has both `url` and `site`",
            ),
            ("use = \"posthog\"", "api]\nallow = [\"http\"]", "[endpoints.api] needs `url`"),
        ] {
            let message = parsed(backend, endpoint).expect_err("it is wrong");
            assert!(message.contains(says), "{backend} {endpoint}: {message}");
        }
    }

    #[test]
    fn a_configuration_that_was_built_and_resolved_before_stays_as_it_is() {
        let mut config = Config::new("com.example.greet");
        config.backend.name = Some("posthog".into());
        config.endpoints.insert("api".into(), crate::tool::Endpoint::at_site("eu"));
        let once = config.checked("built").expect("it is right");
        assert_eq!(once.endpoints["api"].url, "https://eu.i.posthog.com");
        assert!(once.checked("built").is_ok());
    }

    #[cfg(all(feature = "bundled", feature = "compiler"))]
    #[test]
    fn the_sites_are_those_that_the_components_describe_and_no_others() {
        let mut described = Vec::new();
        for bundled in telemetry_backends::ALL {
            let options = telemetry_host::LoadOptions::default();
            let inspection = telemetry_host::inspect(telemetry_host::Source::Bytes(bundled.wasm), &options);
            let description = inspection.expect("it loads").description.expect("it is run").expect("it says");
            for endpoint in description.endpoints {
                let of = |site: telemetry_host::types::Site| {
                    (bundled.name, endpoint.name.clone(), site.name, site.url)
                };
                described.extend(endpoint.sites.into_iter().map(of));
            }
        }
        let mut here = Vec::new();
        for sites in &super::ALL {
            let of = |(site, url): &(&str, &str)| {
                (sites.backend, sites.endpoint.to_owned(), (*site).to_owned(), (*url).to_owned())
            };
            here.extend(sites.urls.iter().map(of));
        }
        described.sort();
        here.sort();
        assert_eq!(here, described);
    }
}
