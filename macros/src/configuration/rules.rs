//! What each key may have, and what goes together.

use super::Problem;
use super::keys::{Key, PLACES, PREFIX, SOURCES, TABLES, Takes};
use super::read::{Entry, Found, Value};

/// Everything that is wrong with what was read.
pub(super) fn check(entries: &[Entry<'_>]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = entries.iter().filter_map(of_entry).collect();
    together(entries, &mut problems);
    problems
}

/// Whether keys in a table of this name are the author's own.
fn is_free(table: &[&str]) -> bool {
    matches!(table, ["backend", "settings", ..])
}

fn is_sample(table: &[&str]) -> bool {
    matches!(table, ["delivery", "sample"])
}

/// The endpoint whose credential this table is.
fn credential<'a>(table: &[&'a str]) -> Option<&'a str> {
    match table {
        ["endpoints", endpoint, "credential"] => Some(endpoint),
        _ => None,
    }
}

fn of_entry(entry: &Entry<'_>) -> Option<Problem> {
    let mut name = entry.table.clone();
    if is_free(&name) {
        return None;
    }
    // A table by another name: `a = { .. }` is what `[a]` is.
    if matches!(entry.value, Value::Table(_)) {
        name.push(entry.key);
        let known =
            TABLES.iter().any(|it| it.is(&name) || it.name.starts_with(&format!("{}.", name.join("."))))
                || is_free(&name)
                || is_sample(&name)
                || credential(&name).is_some();
        return if known { None } else { Some(unknown_table(entry.line, &name, entry)) };
    }
    let place = || format!("[{}]", name.join("."));
    if is_sample(&name) {
        let what = format!("`{}` in {} is a share from 0 to 1", entry.key, place());
        return (!is_share(entry.value)).then(|| Problem::new(entry.line, what));
    }
    let keys: Vec<&Key> = if credential(&name).is_some() {
        PLACES.iter().chain(&SOURCES).chain([&PREFIX]).collect()
    } else {
        match TABLES.iter().find(|it| it.is(&name)) {
            Some(table) => table.keys.iter().collect(),
            // Its header, or the dotted key, has been told.
            None => return dotted(entry, &name),
        }
    };
    let Some(known) = keys.iter().find(|it| it.name == entry.key) else {
        let names: Vec<&str> = keys.iter().map(|it| it.name).collect();
        let what = if name.is_empty() {
            format!("`{}` stands before any table: the first one is [tool]", entry.key)
        } else {
            format!("unknown key `{}` in {}{}", entry.key, place(), near(entry.key, &names, "`", "`"))
        };
        return Some(Problem::new(entry.line, what));
    };
    takes(known, entry.value)
        .map(|what| Problem::new(entry.line, format!("`{}` in {} {what}", entry.key, place())))
}

/// A key whose table no header named: `deliver.mode = ..`.
fn dotted(entry: &Entry<'_>, name: &[&str]) -> Option<Problem> {
    let known = TABLES.iter().any(|it| it.name.starts_with(&format!("{}.", name.join("."))));
    known.then(|| Problem::new(entry.line, format!("unknown key `{}` in [{}]", entry.key, name.join("."))))
}

fn unknown_table(line: usize, name: &[&str], entry: &Entry<'_>) -> Problem {
    let names: Vec<&str> = TABLES.iter().map(|it| it.name).filter(|it| !it.is_empty()).collect();
    // `[tool]` has a key where there is none for a table.
    if let Some(table) = TABLES.iter().find(|it| it.is(&entry.table))
        && let Some(key) = table.keys.iter().find(|it| it.name == entry.key)
        && let Some(what) = takes(key, entry.value)
    {
        return Problem::new(line, format!("`{}` in [{}] {what}", entry.key, entry.table.join(".")));
    }
    let name = name.join(".");
    Problem::new(line, format!("unknown table [{name}]{}", near(&name, &names, "[", "]")))
}

/// What is wrong with a value.
fn takes(key: &Key, value: &Value) -> Option<String> {
    let not = |expected: &str| Some(format!("is {expected}, not {}", value.what()));
    match (key.takes, value) {
        (Takes::Truth, Value::Truth(_))
        | (Takes::Text, Value::Text(_))
        | (Takes::Credential, Value::Table(_)) => None,
        (Takes::Truth, _) => not("true or false"),
        (Takes::Credential, _) => not("a table such as { bearer = true, env = \"TOKEN\" }"),
        (Takes::Id, Value::Text(text)) => {
            (!is_id(text)).then(|| "is not in reverse-domain form, as in \"com.example.greet\"".to_owned())
        }
        (Takes::Sha256, Value::Text(text)) => {
            let fine = text.len() == 64 && text.bytes().all(|it| it.is_ascii_hexdigit());
            (!fine).then(|| "is 64 hexadecimal digits: what `sha256sum FILE` prints".to_owned())
        }
        (Takes::Duration, Value::Text(text)) => {
            (!is_duration(text)).then(|| format!("is a duration such as \"15m\", not \"{text}\""))
        }
        (Takes::Duration, Value::Whole(0)) => None,
        (Takes::Duration, _) => not("a duration such as \"15m\""),
        (Takes::Word(words), Value::Text(text)) => {
            (!words.contains(&text.as_str())).then(|| format!("is {}, not \"{text}\"", listed(words, "or")))
        }
        (Takes::Word(words), _) => not(&listed(words, "or")),
        (Takes::Words(words), Value::Array(items)) => {
            items.iter().find_map(|Found { value, .. }| match value {
                Value::Text(text) if words.contains(&text.as_str()) => None,
                Value::Text(text) => Some(format!("can have {}, not \"{text}\"", listed(words, "and"))),
                other => Some(format!("can have {}, not {}", listed(words, "and"), other.what())),
            })
        }
        (Takes::Words(words), _) => not(&format!("an array of {}", listed(words, "and"))),
        (Takes::Whole(most), Value::Whole(it)) => match u64::try_from(*it).ok() {
            Some(number) if number <= most => None,
            Some(_) => Some(format!("is at most {most}")),
            None => Some("is a whole number that is not negative".to_owned()),
        },
        (Takes::Whole(_), _) => not("a whole number"),
        (Takes::Count(most), Value::Whole(it)) => match u64::try_from(*it).ok() {
            Some(0) | None => Some("is a whole number from 1".to_owned()),
            Some(number) => (number > most).then(|| format!("is at most {most}")),
        },
        (Takes::Count(_), _) => not("a whole number from 1"),
        (Takes::Share, value) => (!is_share(value)).then(|| "is a share from 0 to 1".to_owned()),
        (Takes::Text | Takes::Id | Takes::Sha256, _) => not("a string"),
    }
}

fn is_share(value: &Value) -> bool {
    match value {
        Value::Number(it) => (0.0..=1.0).contains(it),
        Value::Whole(it) => matches!(it, 0 | 1),
        _ => false,
    }
}

fn listed(words: &[&str], last: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|it| format!("\"{it}\"")).collect();
    match quoted.split_last() {
        Some((end, start)) if !start.is_empty() => format!("{} {last} {end}", start.join(", ")),
        _ => quoted.concat(),
    }
}

fn is_id(text: &str) -> bool {
    let part_fits = |part: &str| {
        part.starts_with(|it: char| it.is_ascii_alphanumeric())
            && part.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_'))
    };
    text.len() <= 128 && text.contains('.') && text.split('.').all(part_fits)
}

fn is_duration(text: &str) -> bool {
    let text = text.trim();
    let (number, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    match (number.parse::<u64>(), unit.trim()) {
        (Ok(number), "") => number == 0,
        (Ok(_), unit) => matches!(unit, "ms" | "s" | "m" | "h" | "d"),
        (Err(_), _) => false,
    }
}

/// What has to be there, and what excludes one another.
fn together(entries: &[Entry<'_>], problems: &mut Vec<Problem>) {
    let in_table =
        |name: &[&str]| -> Vec<&Entry<'_>> { entries.iter().filter(|it| it.table == name).collect() };
    let tool = in_table(&["tool"]);
    match entries.iter().find(|it| it.table.is_empty() && it.key == "tool") {
        None => {
            problems.push(Problem::new(1, "[tool] is missing: `[tool]` and `id = \"com.example.greet\"`"))
        }
        Some(first) if tool.iter().all(|it| it.key != "id") => {
            problems.push(Problem::new(first.line, "[tool] needs `id`: `id = \"com.example.greet\"`"))
        }
        Some(_) => {}
    }
    let backend = in_table(&["backend"]);
    let keyed = |key: &str| backend.iter().find(|it| it.key == key);
    if let (Some(one), Some(other)) = (keyed("use"), keyed("path")) {
        let what = "[backend] has both `use` and `path`: keep the one that names the backend";
        problems.push(Problem::new(one.line.max(other.line), what));
    }
    let mut endpoints: Vec<&str> = Vec::new();
    for entry in entries {
        let ["endpoints"] = entry.table[..] else { continue };
        let name = entry.key;
        endpoints.push(name);
        let table = in_table(&["endpoints", name]);
        let keyed = |key: &str| table.iter().find(|it| it.key == key);
        match (keyed("url"), keyed("site")) {
            (None, None) => {
                let what = format!("[endpoints.{name}] needs `url`: `url = \"https://example.com\"`");
                problems.push(Problem::new(entry.line, what));
            }
            (Some(one), Some(other)) => {
                let what =
                    format!("[endpoints.{name}] has both `url` and `site`: keep the one that is meant");
                problems.push(Problem::new(one.line.max(other.line), what));
            }
            // A site is a bundled backend's.
            (None, Some(site)) if backend.iter().any(|it| it.key == "path") => {
                let what = "`site` goes with a bundled backend, and [backend] has a `path`: write `url`";
                problems.push(Problem::new(site.line, what));
            }
            _ => {}
        }
        of_credential(name, &in_table(&["endpoints", name, "credential"]), problems);
    }
    of_erasure(&in_table(&["erasure"]), &endpoints, problems);
}

fn of_erasure(entries: &[&Entry<'_>], endpoints: &[&str], problems: &mut Vec<Problem>) {
    for entry in entries {
        let Value::Text(text) = entry.value else { continue };
        if entry.key == "endpoint" && !endpoints.contains(&text.as_str()) {
            let what = format!("`endpoint` in [erasure] is not granted: add `[endpoints.{text}]` with `url`");
            problems.push(Problem::new(entry.line, what));
        }
        let fits = || {
            let parts = text.rsplit_once('@');
            text.len() <= 254
                && !text.chars().any(|c| c.is_control() || c.is_whitespace())
                && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        };
        if entry.key == "email" && !fits() {
            let what = "`email` in [erasure] is not one address, as in \"privacy@example.com\"";
            problems.push(Problem::new(entry.line, what));
        }
    }
}

fn of_credential(endpoint: &str, entries: &[&Entry<'_>], problems: &mut Vec<Problem>) {
    let Some(first) = entries.first() else { return };
    let count = |keys: &[Key]| entries.iter().filter(|it| keys.iter().any(|key| key.name == it.key)).count();
    let whose = format!("the credential of [endpoints.{endpoint}]");
    if count(&PLACES) != 1 {
        let what = format!("{whose} needs one place: `header`, `bearer`, `basic_user`, `query` or `path`");
        problems.push(Problem::new(first.line, what));
    }
    if count(&SOURCES) != 1 {
        let what = format!("{whose} needs one source: `env`, `file` or `value`");
        problems.push(Problem::new(first.line, what));
    }
    if entries.iter().any(|it| it.key == PREFIX.name) && !entries.iter().any(|it| it.key == "header") {
        problems.push(Problem::new(first.line, format!("{whose}: `prefix` goes with `header` only")));
    }
}

/// What was probably meant, as the end of a message.
fn near(given: &str, known: &[&str], before: &str, after: &str) -> String {
    let best = known.iter().map(|it| (distance(given, it), it)).min();
    match best {
        Some((far, word)) if far <= 1 + given.len() / 4 => format!(": did you mean {before}{word}{after}?"),
        _ if known.is_empty() => String::new(),
        _ => {
            let all: Vec<String> = known.iter().map(|it| format!("{before}{it}{after}")).collect();
            format!(": there are {}", all.join(", "))
        }
    }
}

/// How many letters have to be put in, taken out or changed.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = at;
        let mut left = at + 1;
        for (above, &there) in row.iter_mut().skip(1).zip(&other) {
            let changed = diagonal + usize::from(letter != there);
            diagonal = *above;
            left = changed.min(*above + 1).min(left + 1);
            *above = left;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
