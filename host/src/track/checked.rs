//! What a component answered, judged and tidied, whichever track it came in: nothing that a component says
//! is shown or believed as it stands.

use crate::egress::headers;
use crate::text::{REASON_BYTES, reason, tidy};
use crate::types::{
    Credential, Description, Endpoint, Erasure, LimitsAsked, Outcome, Placement, Problem, RetryAdvice,
    Setting, Site, Verdict,
};

/// The most settings, endpoints, sites of one, or problems.
const MOST: usize = 100;

/// The longest name of a query parameter.
const QUERY_BYTES: usize = 128;

fn advice(from: RetryAdvice) -> RetryAdvice {
    let after_ms = from.after_ms.filter(|ms| ms.is_finite() && *ms >= 0.0);
    RetryAdvice { reason: reason(&from.reason), after_ms }
}

/// An outcome, checked against the number of events: the error says how the component broke the contract.
pub(crate) fn outcome(from: Outcome, events: usize) -> Result<Outcome, String> {
    Ok(match from {
        Outcome::Delivered => Outcome::Delivered,
        Outcome::Partial(verdicts) if verdicts.len() != events => {
            return Err(format!("`send` gave {} verdicts for {events} events", verdicts.len()));
        }
        Outcome::Partial(verdicts) => Outcome::Partial(
            verdicts
                .into_iter()
                .map(|verdict| match verdict {
                    Verdict::Delivered => Verdict::Delivered,
                    Verdict::Retry(why) => Verdict::Retry(reason(&why)),
                    Verdict::Rejected(why) => Verdict::Rejected(reason(&why)),
                    Verdict::Other(why) => Verdict::Other(reason(&why)),
                })
                .collect(),
        ),
        Outcome::Retry(why) => Outcome::Retry(advice(why)),
        Outcome::TooLarge => Outcome::TooLarge,
        Outcome::Rejected(why) => Outcome::Rejected(reason(&why)),
        Outcome::Other(why) => Outcome::Other(reason(&why)),
    })
}

/// An erasure's answer.
pub(crate) fn erasure(from: Erasure) -> Erasure {
    match from {
        Erasure::Receipt(text) => Erasure::Receipt(reason(&text)),
        Erasure::Unsupported(text) => Erasure::Unsupported(reason(&text)),
        Erasure::Retry(why) => Erasure::Retry(advice(why)),
        Erasure::Other(text) => Erasure::Other(reason(&text)),
    }
}

/// The problems of `configure`.
pub(crate) fn problems(from: Vec<Problem>) -> Vec<Problem> {
    from.into_iter()
        .take(MOST)
        .map(|p| Problem { key: reason(&p.key), message: reason(&p.message) })
        .collect()
}

/// A description; the error says what in it cannot be.
pub(crate) fn description(from: Description) -> Result<Description, String> {
    if from.settings.len() > MOST || from.endpoints.len() > MOST {
        return Err(format!("`describe` lists more than {MOST} settings or endpoints"));
    }
    if let Some(bad) = from.endpoints.iter().find(|e| !crate::egress::grant::valid_endpoint_name(&e.name)) {
        return Err(format!("`describe` names an endpoint `{}`, which is not a name", reason(&bad.name)));
    }
    let mut names: Vec<&str> = from.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("`describe` names the endpoint `{}` twice", pair[0]));
    }
    let settings = from.settings.into_iter().map(setting).collect::<Result<_, _>>()?;
    let endpoints = from.endpoints.into_iter().map(endpoint).collect::<Result<_, _>>()?;
    Ok(Description {
        name: reason(&from.name),
        version: reason(&from.version),
        summary: reason(&from.summary),
        settings,
        endpoints,
        limits: LimitsAsked {
            events: from.limits.events.max(1),
            bytes: from.limits.bytes.max(1),
            event_bytes: from.limits.event_bytes.max(1),
        },
        erases: from.erases,
    })
}

// Taken apart by name, so that a text which the contract gets later cannot pass by as it stands.
fn setting(from: Setting) -> Result<Setting, String> {
    let Setting { key, summary, required, default } = from;
    let (key, summary) = (reason(&key), reason(&summary));
    // It is used as it is, so it cannot be tidied. As JSON it can say every character in plain ones.
    let is_plain = |default: &String| {
        // With room for the mark of a cut, which is none here.
        default.len() <= REASON_BYTES && tidy(default, REASON_BYTES + '…'.len_utf8()) == *default
    };
    if !default.as_ref().is_none_or(is_plain) {
        return Err(format!(
            "`describe` gives the setting `{key}` a default that is longer than {REASON_BYTES} bytes or holds \
             a character that is not shown; JSON writes one as in `\\u001b`"
        ));
    }
    Ok(Setting { key, summary, required, default })
}

fn endpoint(from: Endpoint) -> Result<Endpoint, String> {
    let Endpoint { name, summary, required, credential, sites } = from;
    let site = |Site { name, url }: Site| Site { name: reason(&name), url: reason(&url) };
    let credential = credential
        .map(|Credential { placement, summary, required }| {
            let placement = self::placement(placement).map_err(|why| {
                format!("`describe` asks for a credential of the endpoint `{name}` where none can be: {why}")
            })?;
            Ok::<_, String>(Credential { placement, summary: reason(&summary), required })
        })
        .transpose()?;
    Ok(Endpoint {
        summary: reason(&summary),
        required,
        credential,
        sites: sites.into_iter().take(MOST).map(site).collect(),
        name,
    })
}

/// Names in it go into a line that the author is told to copy, between quotes.
fn placement(from: Placement) -> Result<Placement, String> {
    Ok(match from {
        Placement::Header(name) => {
            headers::check_credential_name(&name)?;
            Placement::Header(name)
        }
        Placement::Bearer => Placement::Bearer,
        Placement::Basic => Placement::Basic,
        Placement::Query(name) => {
            let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
            if !(1..=QUERY_BYTES).contains(&name.len()) || !name.bytes().all(plain) {
                return Err(format!("`{}` is not the name of a query parameter", tidy(&name, 60)));
            }
            Placement::Query(name)
        }
        Placement::Other(text) => Placement::Other(reason(&text)),
    })
}

/// A description of nothing, until there is one.
pub(crate) fn nothing() -> Description {
    Description {
        name: String::new(),
        version: String::new(),
        summary: String::new(),
        settings: Vec::new(),
        endpoints: Vec::new(),
        limits: LimitsAsked { events: 1, bytes: 1, event_bytes: 1 },
        erases: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With one of everything that a text can be in.
    fn whole() -> Description {
        let text = || "text".to_owned();
        Description {
            name: text(),
            version: text(),
            summary: text(),
            settings: vec![Setting { key: text(), summary: text(), required: false, default: None }],
            endpoints: vec![Endpoint {
                name: text(),
                summary: text(),
                required: true,
                credential: Some(Credential {
                    placement: Placement::Bearer,
                    summary: text(),
                    required: true,
                }),
                sites: vec![Site { name: text(), url: text() }],
            }],
            ..nothing()
        }
    }

    fn placed(it: &mut Description, placement: Placement) {
        if let Some(credential) = &mut it.endpoints[0].credential {
            credential.placement = placement;
        }
    }

    #[test]
    fn no_text_of_a_description_speaks_to_the_terminal_or_never_ends() {
        type Put = fn(&mut Description, String);
        let tidied: [Put; 10] = [
            |it, text| it.name = text,
            |it, text| it.version = text,
            |it, text| it.summary = text,
            |it, text| it.settings[0].key = text,
            |it, text| it.settings[0].summary = text,
            |it, text| it.endpoints[0].summary = text,
            |it, text| it.endpoints[0].sites[0].name = text,
            |it, text| it.endpoints[0].sites[0].url = text,
            |it, text| it.endpoints[0].credential.as_mut().unwrap().summary = text,
            |it, text| placed(it, Placement::Other(text)),
        ];
        // Used as they are, so there is none without them.
        let refused: [Put; 4] = [
            |it, text| it.settings[0].default = Some(text),
            |it, text| it.endpoints[0].name = text,
            |it, text| placed(it, Placement::Header(text)),
            |it, text| placed(it, Placement::Query(text)),
        ];
        for evil in
            ["\u{1b}[2J\n\u{9b}31m\u{202e}".to_owned(), "\u{1b}x".repeat(100_000), "x".repeat(100_000)]
        {
            for put in tidied {
                let mut it = whole();
                put(&mut it, evil.clone());
                // As it is printed for debugging, every such character is `\u{…}`.
                let shown = format!("{:?}", description(it).unwrap());
                assert!(!shown.contains("\\u{") && !shown.contains("\\n") && shown.len() < 3_000, "{shown}");
            }
            for put in refused {
                let mut it = whole();
                put(&mut it, evil.clone());
                let why = description(it).unwrap_err();
                assert!(!why.contains(char::is_control) && !why.contains('\u{202e}'), "{why:?}");
                assert!(why.len() < 1_500, "{why}");
            }
        }
        assert_eq!(description(whole()), Ok(whole()), "what is plain stays as it is");
    }

    #[test]
    fn a_default_is_left_as_it_is_or_refused() {
        let with = |default: &str| {
            let mut it = whole();
            it.settings[0].default = Some(default.to_owned());
            description(it).map(|it| it.settings[0].default.clone().unwrap())
        };
        let longest = format!("\"{}\"", "x".repeat(1_022));
        for plain in ["\"gzip\"", "[1, {\"ä\": null}]", "\"\\u001b\"", longest.as_str()] {
            assert_eq!(with(plain).as_deref(), Ok(plain));
        }
        let why = with("\"\u{1b}[2J\"").unwrap_err();
        assert_eq!(
            why,
            "`describe` gives the setting `text` a default that is longer than 1024 bytes or holds a \
             character that is not shown; JSON writes one as in `\\u001b`"
        );
    }

    #[test]
    fn a_credential_goes_only_where_one_can_be() {
        let why = |placement: Placement| {
            let mut it = whole();
            placed(&mut it, placement);
            description(it).unwrap_err()
        };
        let broken = |why: &str| {
            format!("`describe` asks for a credential of the endpoint `text` where none can be: {why}")
        };
        for name in ["", "x y", "x\" = 1, \"", "ä"] {
            let no_header = broken(&format!("`{name}` is not the name of a header"));
            assert_eq!(why(Placement::Header(name.to_owned())), no_header);
        }
        assert_eq!(why(Placement::Header("Host".into())), broken("the header `host` is the host's to set"));
        for name in ["", "a b", "a\"", "a\\", "ä"] {
            let no_parameter = broken(&format!("`{name}` is not the name of a query parameter"));
            assert_eq!(why(Placement::Query(name.to_owned())), no_parameter);
        }
        for good in [Placement::Header("DD-API-KEY".into()), Placement::Query("dd-api-key".into())] {
            let mut it = whole();
            placed(&mut it, good);
            assert_eq!(description(it.clone()), Ok(it));
        }
    }
}
