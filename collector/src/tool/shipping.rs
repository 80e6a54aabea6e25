//! What of a configuration may ship in a tool: whoever has the tool can read it. For `doctor`, and for the
//! author's kit.

use super::grants::{Credential, CredentialSource, Endpoint};

/// Whether a header's name says that its value is a secret.
#[must_use]
pub fn looks_like_a_credential(name: &str) -> bool {
    const WORDS: [&str; 9] =
        ["auth", "token", "secret", "key", "password", "credential", "cookie", "session", "signature"];
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// Whether an endpoint's credential stands in the configuration and is none that is made to be public: a
/// client token of Datadog's (`pub…`) at the address that is made for it.
#[must_use]
pub fn has_a_secret(endpoint: &Endpoint) -> bool {
    match &endpoint.credential {
        Some(Credential { source: CredentialSource::Literal(value), .. }) => {
            !(value.starts_with("pub") && endpoint.url.starts_with("https://browser-intake-"))
        }
        _ => false,
    }
}

/// The headers among a component's plain settings that look like credentials.
#[must_use]
pub fn secret_headers(settings: &serde_json::Map<String, serde_json::Value>) -> Vec<&str> {
    let tables =
        settings.iter().filter(|(key, _)| key.contains("header")).filter_map(|(_, value)| value.as_object());
    tables
        .flat_map(|table| table.keys())
        .map(String::as_str)
        .filter(|it| looks_like_a_credential(it))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::Config;

    fn config(rest: &str) -> Config {
        Config::parse(&format!("[tool]\nid = \"a.b\"\n[backend]\nuse = \"datadog\"\n{rest}"), "t")
            .expect("it is right")
    }

    #[test]
    fn only_a_client_token_at_a_browser_intake_is_no_secret() {
        for (endpoint, value, secret) in [
            ("site = \"eu1-public\"", "pub0123456789abcdef", false),
            ("url = \"https://browser-intake-us3-datadoghq.com\"", "pub0123456789abcdef", false),
            ("site = \"eu1-public\"", "0123456789abcdef", true),
            ("site = \"eu1\"", "pub0123456789abcdef", true),
            ("url = \"https://evil.example/browser-intake-\"", "pub0123456789abcdef", true),
        ] {
            let credential = format!("credential = {{ query = \"dd-api-key\", value = \"{value}\" }}");
            let config = config(&format!("[endpoints.intake]\n{endpoint}\n{credential}"));
            assert_eq!(has_a_secret(&config.endpoints["intake"]), secret, "{endpoint} {value}");
        }
        let config =
            config("[endpoints.intake]\nsite = \"eu1\"\ncredential = { bearer = true, env = \"T\" }");
        assert!(!has_a_secret(&config.endpoints["intake"]));
    }

    #[test]
    fn a_header_among_plain_settings_is_judged_by_its_name() {
        let config = config(
            "[backend.settings]\nheaders = { X-Api-Key = \"s\", X-Team = \"t\" }\ntoken = \"no header\"",
        );
        assert_eq!(secret_headers(&config.backend.settings), ["X-Api-Key"]);
        for name in ["Authorization", "x-auth-token", "Cookie", "Api-Secret", "DD-API-KEY"] {
            assert!(looks_like_a_credential(name), "{name}");
        }
        for name in ["X-Scope-OrgID", "User-Agent", "X-Team"] {
            assert!(!looks_like_a_credential(name), "{name}");
        }
    }
}
