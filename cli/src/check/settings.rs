//! Settings for a backend whose author gives none: what it describes, and for what it requires the
//! first value that it takes.

use serde_json::{Map, Value as Json, json};
use telemetry_host::types::Setting;

use super::bench::{Bench, Refused};

/// Settings with everything that is required, as JSON text, found by trying.
pub(crate) fn guess(bench: &Bench) -> Result<String, Refused> {
    let mut settings = Map::new();
    loop {
        let text = Json::Object(settings.clone()).to_string();
        let problems = match bench.configure(&text) {
            Ok(()) => return Ok(text),
            Err(Refused::Problems(problems)) => problems,
            Err(other) => return Err(other),
        };
        let named = |key: &str| problems.iter().any(|problem| problem.key == key);
        let next = bench
            .description
            .settings
            .iter()
            .find(|it| it.required && named(&it.key) && !settings.contains_key(&it.key));
        let Some(setting) = next else { return Err(Refused::Problems(problems)) };
        let still = |value: &Json| {
            let mut with = settings.clone();
            with.insert(setting.key.clone(), value.clone());
            let answer = bench.configure(&Json::Object(with).to_string());
            matches!(answer, Err(Refused::Problems(problems)) if problems.iter().any(|it| it.key == setting.key))
        };
        let Some(value) = candidates(setting).into_iter().find(|value| !still(value)) else {
            return Err(Refused::Problems(problems));
        };
        settings.insert(setting.key.clone(), value);
    }
}

/// Values to try for a required setting. The summary is the best hint: `(phc_...)`, `` `eu` ``.
fn candidates(setting: &Setting) -> Vec<Json> {
    let mut all = Vec::new();
    for word in setting.summary.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '`' | ',' | '"'))
    {
        if let Some(prefix) =
            word.trim_end_matches('.').get(..).filter(|it| word.ends_with("...") && !it.is_empty())
        {
            all.push(json!(format!("{prefix}kit")));
        }
    }
    for (at, word) in setting.summary.split('`').enumerate() {
        if at % 2 == 1 && !word.is_empty() {
            all.push(json!(word));
        }
    }
    all.extend([
        json!("kit"),
        json!("1"),
        json!(1),
        json!(true),
        json!("https://kit.example"),
        json!([]),
        json!({}),
    ]);
    all
}

/// A value of another type than the one that is right, or none if what is right is not known.
pub(crate) fn wrong(setting: &Setting, given: &Map<String, Json>) -> Option<Json> {
    let default = || setting.default.as_deref().and_then(|text| serde_json::from_str(text).ok());
    Some(match given.get(&setting.key).cloned().or_else(default)? {
        Json::Object(_) | Json::Array(_) => json!(42),
        _ => json!({"kit": [1]}),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(summary: &str, default: Option<&str>) -> Setting {
        Setting {
            key: "key".into(),
            summary: summary.into(),
            required: default.is_none(),
            default: default.map(str::to_owned),
        }
    }

    #[test]
    fn a_summary_hints_at_a_value() {
        assert_eq!(
            candidates(&setting("The project's key (phc_...). It can only write.", None))[0],
            "phc_kit"
        );
        assert_eq!(candidates(&setting("`flat` or `round`.", None))[..2], [json!("flat"), json!("round")]);
    }

    #[test]
    fn a_wrong_value_is_of_another_type() {
        assert_eq!(wrong(&setting("x", Some("{}")), &Map::new()), Some(json!(42)));
        assert_eq!(wrong(&setting("x", Some("\"gzip\"")), &Map::new()), Some(json!({"kit": [1]})));
        assert_eq!(wrong(&setting("x", None), &Map::new()), None);
    }
}
