//! `telemetry-kit demo`: an event of an annotated command on its whole way, with nothing simulated.
//!
//! The demo is the author and the user in one: it writes a `telemetry.toml` for each bundled backend
//! in a temporary home, runs a small tool (this program again) in processes of its own, and shows
//! the requests that a loopback receiver gets from the tool's own sender.

pub(crate) mod tool;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::time::Duration;

use crate::receiver::{Receiver, Request};
use crate::show;

/// A sender that compiles a component on a busy machine takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Stands in for a vendor's secret; it must reach the receiver and not the screen.
const CREDENTIAL: &str = "demo-credential-5f2c";

/// What each bundled backend needs of an author beside its endpoint.
struct Vendor {
    backend: &'static str,
    endpoint: &'static str,
    settings: &'static str,
    credential: Option<&'static str>,
}

const VENDORS: [Vendor; 4] = [
    Vendor {
        backend: "http",
        endpoint: "receiver",
        settings: "",
        credential: Some("{ bearer = true, env = \"DEMO_CREDENTIAL\" }"),
    },
    Vendor { backend: "otlp", endpoint: "collector", settings: "", credential: None },
    Vendor {
        backend: "datadog",
        endpoint: "intake",
        settings: "",
        credential: Some("{ header = \"DD-API-KEY\", env = \"DEMO_CREDENTIAL\" }"),
    },
    Vendor { backend: "posthog", endpoint: "api", settings: "api_key = \"phc_demo\"", credential: None },
];

/// Runs the demo; the exit code is that of the first step that fails.
pub(crate) fn run() -> ExitCode {
    match steps() {
        Ok(()) => {
            show::title("Every step passed.");
            show::note(
                "Next: the example tool in collector/examples/greet.rs shows the code that this takes.",
            );
            ExitCode::SUCCESS
        }
        Err(reason) => {
            show::bad(&reason);
            ExitCode::FAILURE
        }
    }
}

fn steps() -> Result<(), String> {
    let home = tempfile::tempdir().map_err(|error| format!("cannot make a temporary home: {error}"))?;
    let receiver =
        Receiver::start().map_err(|error| format!("cannot listen on the loopback interface: {error}"))?;
    show::title("From an annotated function to a vendor's request");
    show::note(&format!("home      {}\nreceiver  {}", home.path().display(), receiver.url()));

    for (at, vendor) in VENDORS.iter().enumerate() {
        let demo = Demo::prepare(home.path(), &receiver, vendor)?;
        show::title(&format!("── {} ", vendor.backend));
        if at == 0 {
            demo.undecided()?;
        }
        demo.consent(at)?;
        demo.deliver()?;
    }
    let first = Demo::prepare(home.path(), &receiver, &VENDORS[0])?;
    show::title("── no means no");
    first.refuse()
}

/// One tool with one backend.
struct Demo<'a> {
    receiver: &'a Receiver,
    vendor: &'a Vendor,
    /// The tool's home: nothing that it does leaves this directory.
    home: PathBuf,
    config: PathBuf,
}

impl<'a> Demo<'a> {
    /// Writes the component and the configuration that names it by path, as an author would.
    fn prepare(home: &Path, receiver: &'a Receiver, vendor: &'a Vendor) -> Result<Self, String> {
        let home = home.join(vendor.backend);
        let author = home.join("author");
        let written = (|| {
            fs::create_dir_all(&author)?;
            let bundled = telemetry_backends::get(vendor.backend).ok_or_else(|| {
                std::io::Error::other(format!("no bundled backend is called {}", vendor.backend))
            })?;
            let wasm = format!("{}.wasm", vendor.backend);
            fs::write(author.join(&wasm), bundled.wasm)?;
            let config = author.join("telemetry.toml");
            fs::write(&config, configuration(vendor, &wasm, &receiver.url()))?;
            Ok::<_, std::io::Error>(config)
        })();
        let config = written.map_err(|error| format!("cannot write to {}: {error}", author.display()))?;
        Ok(Self { receiver, vendor, home, config })
    }

    fn undecided(&self) -> Result<(), String> {
        show::step("Undecided: the tool works, and nothing is recorded");
        self.greet()?;
        self.shows(&["telemetry", "status"], "undecided")?;
        let state = self.home.join("state");
        if state.exists() {
            return Err(format!("an undecided run created {}", state.display()));
        }
        show::good("nothing was created, nothing was sent");
        Ok(())
    }

    fn consent(&self, at: usize) -> Result<(), String> {
        show::step("The user says yes");
        self.shows(&["telemetry", "enable"], "Telemetry enabled")?;
        if at == 0 {
            show::note("\nThe author's telemetry.toml:");
            let text = fs::read_to_string(&self.config).map_err(|error| error.to_string())?;
            show::note(&text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"));
        }
        Ok(())
    }

    fn deliver(&self) -> Result<(), String> {
        show::step("The annotated command runs; its event leaves through the component");
        self.greet()?;
        let request = self.receiver.next(PATIENCE).ok_or_else(|| {
            let status = self.run(&["telemetry", "status"]).map(|output| text(&output)).unwrap_or_default();
            format!("no request arrived within {} seconds; the tool's status:\n{status}", PATIENCE.as_secs())
        })?;
        show::note("");
        show::request(&request)?;
        self.check(&request)?;
        show::good(&format!(
            "delivered by {}.wasm through the {:?} endpoint",
            self.vendor.backend, self.vendor.endpoint
        ));
        Ok(())
    }

    /// The event's name arrived, and the credential where one was granted.
    fn check(&self, request: &Request) -> Result<(), String> {
        let body = match crate::decode::body(request)? {
            crate::decode::Body::Json(json) => json.to_string(),
            crate::decode::Body::Text(text) => text,
            crate::decode::Body::Bytes(_) => return Err("the request's body is neither JSON nor text".into()),
        };
        if !body.contains("hello") {
            return Err("the request does not name the command `hello`".into());
        }
        let carried = request.headers.iter().any(|(_, value)| value.contains(CREDENTIAL));
        if carried != self.vendor.credential.is_some() {
            return Err(format!(
                "a credential was {}expected in the request",
                if carried { "not " } else { "" }
            ));
        }
        Ok(())
    }

    fn refuse(&self) -> Result<(), String> {
        show::step("The user says no");
        self.shows(&["telemetry", "disable"], "Telemetry disabled")?;
        self.greet()?;
        self.shows(&["telemetry", "status"], "denied")?;
        match self.receiver.next(Duration::from_secs(1)) {
            Some(request) => {
                Err(format!("a request arrived after the no: {} {}", request.method, request.target))
            }
            None => {
                show::good("nothing was kept, nothing was sent");
                Ok(())
            }
        }
    }

    /// Runs the annotated command.
    fn greet(&self) -> Result<(), String> {
        self.shows(&["hello", "Ada"], "Hello, Ada!")
    }

    /// Runs the tool, prints what it printed, and wants this text in it.
    fn shows(&self, arguments: &[&str], expected: &str) -> Result<(), String> {
        show::ran(&format!("greet {}", arguments.join(" ")));
        let output = self.run(arguments)?;
        let text = text(&output);
        show::note(text.trim_end());
        if !output.status.success() {
            return Err(format!("`greet {}` ended with {}", arguments.join(" "), output.status));
        }
        if !text.contains(expected) {
            return Err(format!("`greet {}` did not print {expected:?}", arguments.join(" ")));
        }
        Ok(())
    }

    /// Runs the tool in a clean environment: the demo shows the same whatever the user's own says.
    fn run(&self, arguments: &[&str]) -> Result<Output, String> {
        let me = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
        let mut command = Command::new(me);
        command
            .args(arguments)
            .env_clear()
            .env(tool::CONFIG, &self.config)
            .env("HOME", &self.home)
            .env("XDG_STATE_HOME", self.home.join("state"))
            .env("XDG_CACHE_HOME", self.home.join("cache"))
            .env("LOCALAPPDATA", self.home.join("state"))
            .env("DEMO_CREDENTIAL", CREDENTIAL)
            .stdin(Stdio::null());
        // What programs on Windows cannot start without.
        for name in ["SystemRoot", "PATH", "TEMP"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.output().map_err(|error| format!("cannot start the demo's tool: {error}"))
    }
}

/// Both streams, as a terminal would show them.
fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn configuration(vendor: &Vendor, wasm: &str, url: &str) -> String {
    let Vendor { backend, endpoint, settings, credential } = vendor;
    let path = if *backend == "http" { "/events" } else { "" };
    let settings =
        if settings.is_empty() { String::new() } else { format!("\n[backend.settings]\n{settings}\n") };
    let credential = credential.map(|it| format!("credential = {it}\n")).unwrap_or_default();
    format!(
        "[tool]\nid = \"com.example.greet-{backend}\"\nname = \"greet\"\nsend_from_debug_builds = true\n\n\
         [backend]\npath = \"{wasm}\"\n{settings}\n\
         [endpoints.{endpoint}]\nurl = \"{url}{path}\"\nallow = [\"http\", \"loopback\"]\n{credential}"
    )
}
