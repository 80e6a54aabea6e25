//! Descriptions that read as sentences.

use crate::{Credential, Description, Endpoint, Limits, Placement, Problem, Setting, Site};

impl Limits {
    /// For vendors that name none: 1,000 events, 1 MiB, 256 KiB an event.
    pub const MODEST: Self = Self { events: 1_000, bytes: 1 << 20, event_bytes: 256 << 10 };
}

impl Description {
    /// A backend with no settings, no endpoints and [`Limits::MODEST`].
    ///
    /// `version` is the component's own: `env!("CARGO_PKG_VERSION")`.
    #[must_use]
    pub fn new(name: &str, version: &str, summary: &str) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            summary: summary.into(),
            settings: Vec::new(),
            endpoints: Vec::new(),
            limits: Limits::MODEST,
            erases: false,
        }
    }

    /// Adds a setting.
    #[must_use]
    pub fn setting(mut self, setting: Setting) -> Self {
        self.settings.push(setting);
        self
    }

    /// Adds an endpoint.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// What one batch may hold.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Says that `erase` can do more than answer `unsupported`.
    #[must_use]
    pub fn erases(mut self) -> Self {
        self.erases = true;
        self
    }
}

impl Setting {
    /// A setting without which the backend does not start.
    #[must_use]
    pub fn required(key: &str, summary: &str) -> Self {
        Self { key: key.into(), summary: summary.into(), required: true, default: None }
    }

    /// A setting that may be left out: its field is an `Option`.
    #[must_use]
    pub fn optional(key: &str, summary: &str) -> Self {
        Self { key: key.into(), summary: summary.into(), required: false, default: None }
    }

    /// A setting with a value for authors who give none, as JSON text: `"\"gzip\""`, `"true"`, `"3"`.
    #[must_use]
    pub fn with_default(key: &str, summary: &str, json: &str) -> Self {
        Self { default: Some(json.into()), ..Self::optional(key, summary) }
    }
}

impl Endpoint {
    /// A place that the backend cannot do without. `name` is what its requests say.
    #[must_use]
    pub fn new(name: &str, summary: &str) -> Self {
        Self {
            name: name.into(),
            summary: summary.into(),
            required: true,
            credential: None,
            sites: Vec::new(),
        }
    }

    /// A place that the author may leave out.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// Adds one of the vendor's public addresses, by the vendor's own short name.
    #[must_use]
    pub fn site(mut self, name: &str, url: &str) -> Self {
        self.sites.push(Site { name: name.into(), url: url.into() });
        self
    }

    /// Asks for a credential. The host adds it; the component never sees it.
    #[must_use]
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credential = Some(credential);
        self
    }
}

impl Credential {
    /// A credential that the vendor insists on.
    #[must_use]
    pub fn required(placement: Placement, summary: &str) -> Self {
        Self { placement, summary: summary.into(), required: true }
    }

    /// A credential that some installations want.
    #[must_use]
    pub fn optional(placement: Placement, summary: &str) -> Self {
        Self { placement, summary: summary.into(), required: false }
    }
}

impl Problem {
    /// What is wrong with the setting of this key, and what would be right.
    #[must_use]
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), message: message.into() }
    }
}
