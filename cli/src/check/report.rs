//! What was found: for a person, and as JSON for a program.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value as Json, json};
use telemetry_host::Inspection;

use crate::show;

/// What became of one promise.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Kept,
    Warned,
    Broken,
}

/// One promise and what was seen of it.
struct Entry {
    id: &'static str,
    group: &'static str,
    promise: &'static str,
    verdict: Verdict,
    said: Vec<String>,
    ms: u128,
}

/// What a check says while it runs.
#[derive(Default)]
pub(crate) struct Said {
    failures: Vec<String>,
    warnings: Vec<String>,
    notes: Vec<String>,
}

impl Said {
    /// The promise is broken, in this way.
    pub(crate) fn fail(&mut self, sentence: impl AsRef<str>) {
        self.failures.push(sentence.as_ref().to_owned());
    }

    /// It may be right, and probably is not.
    pub(crate) fn warn(&mut self, sentence: impl AsRef<str>) {
        self.warnings.push(sentence.as_ref().to_owned());
    }

    /// Worth knowing.
    pub(crate) fn note(&mut self, sentence: impl AsRef<str>) {
        self.notes.push(sentence.as_ref().to_owned());
    }
}

/// All that was found.
pub(crate) struct Report {
    file: String,
    sha256: String,
    backend: Json,
    title: String,
    group: &'static str,
    allowed: Vec<String>,
    entries: Vec<Entry>,
}

impl Report {
    pub(crate) fn new(file: &Path, inspection: &Inspection, allowed: &[String]) -> Self {
        let described = inspection.description.as_ref().and_then(|it| it.as_ref().ok());
        Self {
            file: file.display().to_string(),
            sha256: inspection.sha256.clone(),
            backend: described.map_or(Json::Null, |it| json!({"name": it.name, "version": it.version})),
            title: described
                .map_or_else(|| file.display().to_string(), |it| format!("{} {}", it.name, it.version)),
            group: "",
            allowed: allowed.to_vec(),
            entries: Vec::new(),
        }
    }

    /// What the following checks are about.
    pub(crate) fn group(&mut self, group: &'static str) {
        self.group = group;
    }

    /// Checks one promise.
    pub(crate) fn check(&mut self, id: &'static str, promise: &'static str, check: impl FnOnce(&mut Said)) {
        let _progress = show::progress(&format!("{}: {promise}", self.group));
        let (mut said, started) = (Said::default(), Instant::now());
        check(&mut said);
        let Said { failures, warnings, notes } = said;
        let allowed = self.allowed.iter().any(|it| it == id);
        let verdict = match (failures.is_empty(), warnings.is_empty()) {
            (false, _) if !allowed => Verdict::Broken,
            (true, true) => Verdict::Kept,
            _ => Verdict::Warned,
        };
        self.entries.push(Entry {
            id,
            group: self.group,
            promise,
            verdict,
            said: failures.into_iter().chain(warnings).chain(notes).collect(),
            ms: started.elapsed().as_millis(),
        });
    }

    /// An allowance that allowed nothing is a mistake.
    pub(crate) fn finish(&self) -> Result<(), String> {
        match self.allowed.iter().find(|id| self.entries.iter().all(|entry| entry.id != id.as_str())) {
            None => Ok(()),
            Some(id) => {
                let ids: Vec<_> = self.entries.iter().map(|entry| entry.id).collect();
                Err(format!("--allow {id}: no promise has this id; there are {}", ids.join(", ")))
            }
        }
    }

    pub(crate) fn passed(&self) -> bool {
        self.count(Verdict::Broken) == 0
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.entries.iter().filter(|entry| entry.verdict == verdict).count()
    }

    pub(crate) fn print(&self) {
        show::title(&self.title);
        let mut group = "";
        for entry in &self.entries {
            if entry.group != group {
                group = entry.group;
                show::title(group);
            }
            let line = format!("{} [{}]", entry.promise, entry.id);
            match entry.verdict {
                Verdict::Kept => show::good(&line),
                Verdict::Warned => show::warn(&line),
                Verdict::Broken => show::broken(&line),
            }
            for sentence in &entry.said {
                show::detail(sentence);
            }
        }
        let (kept, warned, broken) =
            (self.count(Verdict::Kept), self.count(Verdict::Warned), self.count(Verdict::Broken));
        show::title(&format!("{kept} promises kept, {warned} with a warning, {broken} broken"));
    }

    pub(crate) fn json(&self) -> Json {
        let checks: Vec<Json> = self
            .entries
            .iter()
            .map(|entry| {
                let result = match entry.verdict {
                    Verdict::Kept => "kept",
                    Verdict::Warned => "warned",
                    Verdict::Broken => "broken",
                };
                json!({
                    "id": entry.id,
                    "group": entry.group,
                    "promise": entry.promise,
                    "result": result,
                    "said": entry.said,
                    "ms": u64::try_from(entry.ms).unwrap_or(u64::MAX),
                })
            })
            .collect();
        json!({
            "file": self.file,
            "sha256": self.sha256,
            "backend": self.backend,
            "passed": self.passed(),
            "kept": self.count(Verdict::Kept),
            "warned": self.count(Verdict::Warned),
            "broken": self.count(Verdict::Broken),
            "checks": checks,
        })
    }
}
