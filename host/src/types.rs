//! The words of the contract as plain Rust: what the collector hands in and gets back.
//!
//! They mirror `wit/backend.wit` field for field, but belong to no version of it: each track of the
//! contract converts from and to them (see [`crate::track`]), so that a new track changes nothing here.

/// A moment, given twice so that no guest has to convert it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Instant {
    /// RFC 3339 in UTC with nanoseconds.
    pub rfc3339: String,
    /// Milliseconds since the Unix epoch, with a fraction.
    pub unix_ms: f64,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A number; integers up to 2^53 are exact.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// Anything else, as JSON text.
    Other(String),
}

/// A named value.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// Unique within one event and within one origin.
    pub key: String,
    /// The value.
    pub value: Value,
}

/// Who the events of one batch happened to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// 16 hexadecimal digits, or none where the author chose no identity.
    pub machine_id: Option<String>,
    /// The tool's name.
    pub tool: String,
    /// The tool's version.
    pub tool_version: String,
    /// The operating system as Rust names it.
    pub os: String,
    /// The operating system's version; empty where unknown.
    pub os_version: String,
    /// The processor architecture as Rust names it.
    pub arch: String,
    /// What the tool was built with; empty where unknown.
    pub runtime: String,
    /// Marks that hold for every event.
    pub attributes: Vec<Attribute>,
}

/// One thing that happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// A hyphenated UUID, the same on every attempt.
    pub id: String,
    /// What sort of thing.
    pub kind: String,
    /// What exactly.
    pub name: String,
    /// When.
    pub time: Instant,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<f64>,
    /// The exit code, for commands that have one.
    pub exit_code: Option<i32>,
    /// How a command ended.
    pub ended: Option<String>,
    /// The class of an error, without its text.
    pub error_kind: Option<String>,
    /// The redacted text of an error.
    pub error: Option<String>,
    /// Redacted command-line arguments.
    pub args: Vec<String>,
    /// The author's own facts.
    pub attributes: Vec<Attribute>,
}

/// What one call of [`Backend::send`](crate::Backend::send) delivers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Who the events happened to.
    pub origin: Origin,
    /// What happened.
    pub events: Vec<Event>,
}

/// What a component may know about the attempt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SendContext {
    /// 1 for the first attempt at this batch.
    pub attempt: u32,
    /// A UUID that stays the same for every attempt at this batch.
    pub request_id: String,
    /// The time of this attempt.
    pub now: Instant,
}

/// Why to try again, and when.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RetryAdvice {
    /// What the vendor said. Tidied: one line, bounded, no control characters.
    pub reason: String,
    /// Not before this many milliseconds. Finite and not negative; the caller clamps it.
    pub after_ms: Option<f64>,
}

/// What became of one event.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The vendor has it.
    Delivered,
    /// To be sent again, in a later batch.
    Retry(String),
    /// Never to be sent again.
    Rejected(String),
    /// Said in words that this version does not know; to be treated as `Retry`.
    Other(String),
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The vendor has every event.
    Delivered,
    /// One verdict for each event, in the batch's order. The host has checked the number.
    Partial(Vec<Verdict>),
    /// The whole batch is to be sent again.
    Retry(RetryAdvice),
    /// The request was too big for the vendor.
    TooLarge,
    /// The vendor will never take this batch.
    Rejected(String),
    /// Said in words that this version does not know; to be treated as `Retry`.
    Other(String),
}

/// What became of a request to erase.
#[derive(Clone, Debug, PartialEq)]
pub enum Erasure {
    /// The vendor has accepted it; the text is its proof.
    Receipt(String),
    /// The vendor cannot do it from here; the text says what the user can do instead.
    Unsupported(String),
    /// To be tried again.
    Retry(RetryAdvice),
    /// Said in words that this version does not know; to be treated as `Retry`.
    Other(String),
}

/// A key that `configure` understands.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The key.
    pub key: String,
    /// One sentence for the author.
    pub summary: String,
    /// Whether `configure` refuses to go without it.
    pub required: bool,
    /// JSON text of the value that is used where the author gives none.
    pub default: Option<String>,
}

/// Where a credential goes, as the component asks for it.
#[derive(Clone, Debug, PartialEq)]
pub enum Placement {
    /// The value of the header of this name.
    Header(String),
    /// `Authorization: Bearer ...`.
    Bearer,
    /// `Authorization: Basic ...`.
    Basic,
    /// The value of the query parameter of this name.
    Query(String),
    /// Said in words that this version does not know.
    Other(String),
}

/// A credential that the component asks the host to add.
#[derive(Clone, Debug, PartialEq)]
pub struct Credential {
    /// Where it goes.
    pub placement: Placement,
    /// One sentence for the author.
    pub summary: String,
    /// Whether the vendor refuses requests without it.
    pub required: bool,
}

/// A public address of the vendor by the vendor's own short name.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// As in `eu`.
    pub name: String,
    /// The URL to grant.
    pub url: String,
}

/// A place on the network that the component asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// The name that requests use.
    pub name: String,
    /// One sentence for the author.
    pub summary: String,
    /// Whether the component is of no use without it.
    pub required: bool,
    /// The credential that belongs to it.
    pub credential: Option<Credential>,
    /// The vendor's public addresses, for the author to choose from.
    pub sites: Vec<Site>,
}

/// What one batch may hold, as the component asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitsAsked {
    /// Most events in a batch; at least 1.
    pub events: u32,
    /// Most bytes in a batch; at least 1.
    pub bytes: u32,
    /// Most bytes in one event; at least 1.
    pub event_bytes: u32,
}

/// What a component is and what it asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// As in `datadog`.
    pub name: String,
    /// The component's own version.
    pub version: String,
    /// One sentence: what the backend sends, and to whom.
    pub summary: String,
    /// The keys that `configure` understands.
    pub settings: Vec<Setting>,
    /// The places on the network that it asks for.
    pub endpoints: Vec<Endpoint>,
    /// What one batch may hold.
    pub limits: LimitsAsked,
    /// Whether `erase` can do more than answer `Unsupported`.
    pub erases: bool,
}

/// What is wrong with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key; empty if it is the whole of the settings.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}
