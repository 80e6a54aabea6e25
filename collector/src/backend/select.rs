//! Which backend the author chose, and the destination that the user consents to.

use crate::tool::{Config, Endpoint, Tool};

/// The author's choice, by what it takes to open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The author chose none: nothing is recorded.
    None,
    /// The author's own native backend.
    Own,
    Stdout,
    File,
    /// A component that is bundled or embedded, by name.
    Named(String),
    /// A component by path, as the author wrote it.
    Path(String),
}

/// What was chosen, in words.
#[derive(Clone, Debug)]
pub(crate) struct Selected {
    pub(crate) choice: Choice,
    /// As in `otlp`.
    pub(crate) name: String,
    /// What consent is given for, as in `otlp at otel.example.com`. Every segment of the journal
    /// carries it.
    pub(crate) destination: String,
}

/// Reads the choice from the configuration. Touches no file.
pub(crate) fn select(tool: &Tool, config: &Config) -> Selected {
    let with =
        |choice, name: &str, destination: String| Selected { choice, name: name.to_owned(), destination };
    if let Some((destination, _)) = &tool.backend {
        return with(Choice::Own, "own", destination.to_string());
    }
    let table = &config.backend;
    if let Some(path) = &table.path {
        let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let name = file.strip_suffix(".wasm").unwrap_or(file);
        return with(Choice::Path(path.clone()), name, component_destination(name, config));
    }
    match table.name.as_deref() {
        None | Some("noop") => with(Choice::None, "noop", "nowhere".into()),
        Some("stdout") => with(Choice::Stdout, "stdout", "this terminal".into()),
        Some("file") => with(Choice::File, "file", "a file on this machine".into()),
        Some(name) => with(Choice::Named(name.to_owned()), name, component_destination(name, config)),
    }
}

/// The backend's name and every host that it may reach, in the order of the endpoints' names.
fn component_destination(name: &str, config: &Config) -> String {
    let mut hosts: Vec<_> = config.endpoints.values().map(host).collect();
    hosts.dedup();
    if hosts.is_empty() { name.to_owned() } else { format!("{name} at {}", hosts.join(", ")) }
}

/// Host and port of an endpoint's URL, as written. The host package parses it properly before
/// anything is sent; this is for people and for comparison.
pub(crate) fn host(endpoint: &Endpoint) -> &str {
    let url = endpoint.url.split_once("://").map_or(endpoint.url.as_str(), |(_, rest)| rest);
    let authority = url.split(['/', '?', '#', '\\']).next().unwrap_or(url);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(toml: &str) -> Selected {
        let tool = Tool::from_toml("1.0.0", format!("[tool]\nid = \"com.example.greet\"\n{toml}"));
        select(&tool, &tool.config().unwrap())
    }

    #[test]
    fn a_destination_names_the_backend_and_each_host() {
        let both = selected(
            "[backend]\npath = \"backends/acme.wasm\"\n[endpoints.a]\nurl = \"https://a.example.com/x\"\n[endpoints.b]\nurl = \"https://b.example.com:8443\"",
        );
        assert_eq!(both.destination, "acme at a.example.com, b.example.com:8443");
        assert_eq!(both.choice, Choice::Path("backends/acme.wasm".into()));
        assert_eq!(selected("[backend]\nuse = \"otlp\"").destination, "otlp");
    }

    #[test]
    fn noop_is_chosen_only_where_the_author_chose_none() {
        assert_eq!(selected("").choice, Choice::None);
        assert_eq!(selected("[backend]\nuse = \"noop\"").choice, Choice::None);
        assert_eq!(selected("[backend]\nuse = \"otpl\"").choice, Choice::Named("otpl".into()));
    }

    #[test]
    fn a_password_in_a_url_is_not_part_of_a_destination() {
        let it = selected(
            "[backend]\nuse = \"http\"\n[endpoints.receiver]\nurl = \"https://me:secret@h.example.com/\"",
        );
        assert_eq!(it.destination, "http at h.example.com");
    }
}
