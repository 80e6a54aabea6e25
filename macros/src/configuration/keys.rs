//! Which tables and keys there are, and what each takes.

/// A table, by its name; `*` stands for any one part of it.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) keys: &'static [Key],
}

/// A key and what it takes.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) takes: Takes,
}

/// What a key takes.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    Truth,
    Text,
    /// In reverse-domain form.
    Id,
    /// One of these.
    Word(&'static [&'static str]),
    /// Any of these, in an array.
    Words(&'static [&'static str]),
    /// From 0 to this.
    Whole(u64),
    /// The same, from 1.
    Count(u64),
    /// From 0 to 1, as a fraction too.
    Share,
    Duration,
    /// 64 hexadecimal digits.
    Sha256,
    /// A table of its own, whose keys are in [`CREDENTIAL`].
    Credential,
}

const fn key(name: &'static str, takes: Takes) -> Key {
    Key { name, takes }
}

use Takes::{Count, Credential, Duration, Id, Sha256, Share, Text, Truth, Whole, Word, Words};

/// Any whole number that TOML can write.
const ANY: u64 = i64::MAX.unsigned_abs();

/// Every table but those whose keys are the author's own: `[backend.settings]` and `[delivery.sample]`.
pub(super) const TABLES: &[Table] = &[
    Table { name: "", keys: &[] },
    Table {
        name: "tool",
        keys: &[
            key("id", Id),
            key("name", Text),
            key("enabled", Truth),
            key("force", Truth),
            key("extended", Truth),
            key("send_from_debug_builds", Truth),
            key("send_from_tests", Truth),
        ],
    },
    Table {
        name: "consent",
        keys: &[
            key("policy", Whole(u32::MAX as u64)),
            key("vendor", Text),
            key("question", Text),
            key("support", Text),
        ],
    },
    Table { name: "identity", keys: &[key("kind", Word(&["keyed", "unkeyed", "random", "none"]))] },
    Table {
        name: "backend",
        keys: &[key("use", Text), key("path", Text), key("sha256", Sha256), key("otel_environment", Truth)],
    },
    Table {
        name: "backend.limits",
        keys: &[
            key("file_bytes", Whole(ANY)),
            key("memory_bytes", Whole(ANY)),
            key("table_elements", Whole(ANY)),
            key("instances", Whole(ANY)),
            key("handles", Whole(ANY)),
            key("host_call_bytes", Whole(ANY)),
            key("request_bytes", Whole(ANY)),
            key("head_bytes", Whole(ANY)),
            key("response_bytes", Whole(ANY)),
            key("requests_per_call", Whole(u32::MAX as u64)),
            key("log_bytes", Whole(ANY)),
            key("log_line_bytes", Whole(ANY)),
            key("failures", Whole(u32::MAX as u64)),
            key("compile_time", Duration),
            key("cpu_time", Duration),
            key("call_time", Duration),
            key("request_time", Duration),
        ],
    },
    Table {
        name: "endpoints.*",
        keys: &[
            key("url", Text),
            key("site", Text),
            key("allow", Words(&["http", "loopback", "private", "link-local"])),
            key("credential", Credential),
            key("ca_file", Text),
            key("client_certificate", Text),
            key("client_key", Text),
            key("proxy", Truth),
        ],
    },
    Table {
        name: "delivery",
        keys: &[
            key("mode", Word(&["auto", "detached", "helper", "overlapped", "bounded", "never"])),
            key("semantics", Word(&["at-least-once", "at-most-once"])),
            key("interval", Duration),
            key("jitter", Share),
            key("wait", Duration),
            key("lifetime", Duration),
            key("max_attempts", Count(u32::MAX as u64)),
            key("max_events_per_run", Whole(ANY)),
        ],
    },
    Table {
        name: "journal",
        keys: &[
            key("max_bytes", Whole(ANY)),
            key("max_events", Whole(ANY)),
            key("max_age", Duration),
            key("max_record", Whole(u32::MAX as u64)),
            key("map", Truth),
        ],
    },
    Table {
        name: "erasure",
        keys: &[
            key("endpoint", Text),
            key("backend", Truth),
            key("event", Truth),
            key("email", Text),
            key("give_up", Duration),
        ],
    },
];

/// Where a credential goes. One of them.
pub(super) const PLACES: [Key; 5] = [
    key("header", Text),
    key("bearer", Truth),
    key("basic_user", Text),
    key("query", Text),
    key("path", Truth),
];

/// Where a credential comes from. One of them.
pub(super) const SOURCES: [Key; 3] = [key("env", Text), key("file", Text), key("value", Text)];

/// What else a credential has, beside a header.
pub(super) const PREFIX: Key = key("prefix", Text);

impl Table {
    /// Whether a table of this name is this one.
    pub(super) fn is(&self, name: &[&str]) -> bool {
        let mut parts = self.name.split('.').filter(|it| !it.is_empty());
        name.iter().all(|part| parts.next().is_some_and(|it| it == "*" || it == *part))
            && parts.next().is_none()
    }

    /// A configuration that is right but for this line in this table.
    #[cfg(test)]
    pub(super) fn example(&self, line: &str) -> Option<String> {
        let tool = "[tool]\nid = \"com.example.greet\"\n";
        Some(match self.name {
            "" => format!("{line}\n{tool}"),
            "tool" => format!("{tool}{line}\n"),
            "endpoints.*" => format!("{tool}[endpoints.x]\nurl = \"https://example.com\"\n{line}\n"),
            name => format!("{tool}[{name}]\n{line}\n"),
        })
    }
}
