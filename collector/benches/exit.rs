//! What telemetry adds to a tool that records one event and ends, exit included: whole processes, in turns
//! with the same tool with telemetry off, and the median of the differences with its 95 % interval. A new journal is one
//! as a yes leaves it. Between two runs each sender comes as far as it comes.
//!
//! `cargo bench -p cli-telemetry --no-default-features --features commands,config-file,sender --bench exit -- [runs]`
//!
//! That tool records, and a backend in Rust sends. The tool with the WebAssembly runtime and the bundled
//! component linked in is another build, of many minutes:
//!
//! `cargo bench -p cli-telemetry --bench exit -- [runs]`
//!
//! Each median stands beside its target; where one is missed the exit code is 1. It runs itself again as the
//! tool. The sender dials a real address on loopback: one that answers, one that refuses and one that never says
//! anything. A tool of which no sender is due looks at all that it looks at in earnest: its own file, the
//! throttle, what the last sender left and the mark by which that one proved itself.

mod judge;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use judge::Judge;
use telemetry::Tool;
use telemetry::delivery::schedule::Schedule;
use telemetry::delivery::starts::Starts;
use telemetry::event::kind;
use telemetry::journal::Span;

/// Milliseconds that a run may cost in which no sender is due.
const MOST_QUIET: f64 = 0.3;
/// Milliseconds that a run may cost that starts a sender.
const MOST_STARTING: f64 = 2.0;
/// A smaller sample says too little.
const LEAST_RUNS: usize = 200;

const HOME: &str = "TELEMETRY_BENCH_HOME";
const FORCE: &str = "TELEMETRY_BENCH_FORCE";
const DELIVERY: &str = "TELEMETRY_BENCH_DELIVERY";
const VENDOR: &str = "TELEMETRY_BENCH_VENDOR";
/// The tool says how its sender would be started, and records nothing.
const ASKS: &str = "TELEMETRY_BENCH_ASKS";
/// The tool's user says yes, and it records nothing.
const YES: &str = "TELEMETRY_BENCH_YES";

/// With components, the tool's backend is the bundled one for HTTP.
#[cfg(feature = "bundled")]
fn with_backend(toml: String, vendor: Option<SocketAddr>, home: &std::ffi::OsStr) -> Tool {
    let url = vendor.map_or_else(String::new, |vendor| format!("http://{vendor}/events"));
    let toml = toml
        + "[backend]\nuse = \"http\"\n[endpoints.receiver]\nallow = [\"http\", \"loopback\"]\n"
        + &format!("url = \"{url}\"\n");
    Tool::from_toml("1.0.0", toml).data_directory(home).debug_build(false)
}

/// Without, it says what it has to a vendor and waits for the answer.
#[cfg(not(feature = "bundled"))]
fn with_backend(toml: String, vendor: Option<SocketAddr>, home: &std::ffi::OsStr) -> Tool {
    use telemetry::backend::{Backend, Batch, Outcome, SendContext};

    struct Dials(Option<SocketAddr>);

    impl Backend for Dials {
        fn send(&mut self, batch: &Batch, _: &SendContext) -> Outcome {
            let said = || -> std::io::Result<()> {
                let address = self.0.ok_or(std::io::ErrorKind::AddrNotAvailable)?;
                let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
                stream.set_read_timeout(Some(Duration::from_secs(5)))?;
                let body = batch.events.len().to_string();
                let length = body.len();
                write!(stream, "POST /events HTTP/1.1\r\ncontent-length: {length}\r\n\r\n{body}")?;
                stream.read_exact(&mut [0])
            };
            match said() {
                Ok(()) => Outcome::Delivered,
                Err(error) => Outcome::Retry { reason: error.to_string(), after: None },
            }
        }
    }

    let tool = Tool::from_toml("1.0.0", toml).data_directory(home).debug_build(false);
    tool.backend("a vendor on loopback", move || Dials(vendor))
}

/// The tool: one event.
fn tool(home: &std::ffi::OsStr) {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let toml = format!(
        "[tool]\nid = \"com.example.bench\"\nforce = {}\nsend_from_tests = true\n[delivery]\nmode = \"{}\"\n",
        variable(FORCE),
        variable(DELIVERY)
    );
    let telemetry = telemetry::start(with_backend(toml, variable(VENDOR).parse().ok(), home));
    if std::env::var_os(ASKS).is_some() {
        match telemetry::commands::status() {
            Ok(status) => println!("{}", status.sender),
            Err(error) => println!("{error}"),
        }
        return;
    }
    if std::env::var_os(YES).is_some() {
        telemetry::commands::enable(false).expect("a yes can be stored");
        return;
    }
    telemetry.track(kind::FEATURE_USED, "one", &[]);
}

fn command(home: &Path, force: bool, delivery: &str, vendor: SocketAddr) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("it is running"));
    command.env(HOME, home).env(FORCE, force.to_string()).env(DELIVERY, delivery);
    command.env(VENDOR, vendor.to_string()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for variable in ["CI", "DO_NOT_TRACK", "TELEMETRY_ENABLED", "TELEMETRY_LOCAL"] {
        command.env_remove(variable);
    }
    command
}

fn run(home: &Path, force: bool, delivery: &str, vendor: SocketAddr) -> f64 {
    let mut command = command(home, force, delivery, vendor);
    settle_disk();
    let started = Instant::now();
    let status = command.status().expect("it can be run again");
    let took = started.elapsed().as_secs_f64() * 1e3;
    assert!(status.success(), "{status}");
    took
}

/// Waits until the disk is done with what earlier senders had it write down for good. A run that came meanwhile would
/// wait where it makes a file.
fn settle_disk() {
    let settled = std::fs::File::open(std::env::temp_dir()).and_then(|it| Ok(rustix::fs::syncfs(it)?));
    settled.expect("the file system can be synchronised");
}

/// The median, and the 95 % interval that the order of so many differences gives it.
fn median(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let (count, half) = (values.len() as f64, 0.98 * (values.len() as f64).sqrt());
    let at = |place: f64| values.get(place.max(0.0) as usize).copied().unwrap_or(f64::NAN);
    (at(count / 2.0), at(count / 2.0 - half), at((count / 2.0 + half).min(count - 1.0)))
}

/// Whether the last sender that was started left its mark.
fn has_proved_itself(home: &Path) -> bool {
    let read = |name: &str| std::fs::read(home.join(name)).ok();
    let started = read("starts").and_then(|bytes| Starts::read(&bytes).ok()?.detached());
    let proof = read("schedule").and_then(|bytes| Schedule::<Span>::read(&bytes).ok()?.proof());
    started.is_some() && started == proof
}

/// One way of a run: which mode, whom its sender dials, and whether one is due.
struct Case<'a> {
    mode: &'a str,
    vendor: (&'a str, SocketAddr),
    /// Where the vendor is that never says anything: whoever dials it waits here.
    hanging: Option<&'a TcpListener>,
    due: bool,
    fresh: bool,
}

impl Case<'_> {
    fn name(&self) -> String {
        let journal = if self.fresh { "new journal" } else { "reused journal" };
        let sender = if self.due { "a sender is started" } else { "no sender is due" };
        format!("{sender}, the vendor {}, {journal}", self.vendor.0)
    }

    /// Leaves all that it makes in `temporary`: where files were removed a moment ago, ext4 looks at each of them before it
    /// gives a new one their place, and a run that makes a file would pay for what the benchmark did.
    fn compare(&self, runs: usize, judge: &mut Judge, temporary: &Path) {
        let off = temporary.join("off");
        let mut valid = true;
        let mut differences = Vec::new();
        let mut waiting = Vec::new();
        let settled = if self.due { None } else { Some(self.settled(&temporary.join("on"))) };
        let before = settled.as_ref().map(|home| std::fs::read(home.join("starts")).ok());
        for round in 0..runs {
            let on = match &settled {
                Some(home) => home.clone(),
                // Another home for each sender, so that none finds what the one before it leaves, or its lock.
                None => self.recorded(temporary.join(format!("on-{round}"))),
            };
            if self.fresh {
                let _ = std::fs::rename(on.join("journal"), temporary.join(format!("old-{round}")));
                self.agreed(&on);
            }
            let mut with = |force| {
                let took = run(if force { &on } else { &off }, force, self.mode, self.vendor.1);
                if force && self.due {
                    waiting.extend(self.sent(&on));
                }
                took
            };
            let (first, second) = (with(round % 2 == 0), with(round % 2 == 1));
            differences.push(if round % 2 == 0 { first - second } else { second - first });
            let starts = std::fs::read(on.join("starts")).ok();
            valid &= before.as_ref().map_or(starts.is_some(), |before| starts == *before && starts.is_some());
        }
        // Those that hang give up now, and come as far as they come before the next case begins.
        drop(waiting);
        if self.due {
            (0..runs)
                .for_each(|round| drop(self.as_answering().sent(&temporary.join(format!("on-{round}")))));
        }
        let (middle, low, high) = median(differences);
        judge.at_most(&self.name(), middle, if self.due { MOST_STARTING } else { MOST_QUIET }, "ms");
        println!("    95 % of the medians of so many runs lie from {low:+.3} to {high:+.3} ms");
        judge.must(
            if self.due { "each run started one" } else { "none was started, and one could be" },
            valid,
        );
    }

    /// Waits until the sender that was started has come as far as it comes: what it does to the disk and the
    /// processors meanwhile is no part of another run. The connection, if it is to hang.
    fn sent(&self, home: &Path) -> Option<TcpStream> {
        if let Some(listener) = self.hanging {
            return listener.accept().ok().map(|it| it.0);
        }
        let deadline = Instant::now() + Duration::from_secs(120);
        while !(has_proved_itself(home) && home.join("deliveries").exists()) {
            assert!(Instant::now() < deadline, "the sender left no mark, or no outcome");
            std::thread::sleep(Duration::from_millis(1));
        }
        None
    }

    /// The same, whose vendor is not waited for.
    fn as_answering(&self) -> Self {
        Case { hanging: None, ..*self }
    }

    /// A home with a machine's id, which is made with the yes and not by each run, and a journal.
    fn recorded(&self, home: PathBuf) -> PathBuf {
        run(&home, true, "never", self.vendor.1);
        home
    }

    /// Says yes, which leaves a new journal.
    fn agreed(&self, home: &Path) {
        let mut says = command(home, true, "never", self.vendor.1);
        assert!(says.env(YES, "1").status().expect("it can be run again").success());
        assert!(home.join("journal").exists(), "a yes makes a journal");
    }

    /// A home in which a sender was started that proved itself, and that has ended.
    fn settled(&self, home: &Path) -> PathBuf {
        run(home, true, "detached", self.vendor.1);
        // One that hangs gives up, and is then where the others are.
        let connection = self.sent(home);
        self.as_answering().sent(home);
        drop(connection);
        let outcome = std::fs::read_to_string(home.join("deliveries")).unwrap_or_default();
        assert_eq!(outcome.contains("\"delivered\""), self.vendor.0 == "answers", "{outcome}");
        home.to_owned()
    }
}

/// Answers every request with 200.
fn answering() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let address = listener.local_addr().expect("it has an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = answer(stream);
        }
    });
    address
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = Vec::new();
    // What is left unread when the connection is closed would reset it.
    while !is_whole(&request) {
        let mut part = [0; 4096];
        let read = stream.read(&mut part)?;
        if read == 0 {
            break;
        }
        request.extend_from_slice(&part[..read]);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

fn is_whole(request: &[u8]) -> bool {
    let Some(head) = request.windows(4).position(|it| it == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    request.len() >= head + 4 + length.unwrap_or(0)
}

fn main() -> ExitCode {
    if let Some(home) = std::env::var_os(HOME) {
        tool(&home);
        return ExitCode::SUCCESS;
    }
    let asked = std::env::args().skip(1).find_map(|it| it.parse().ok()).unwrap_or(LEAST_RUNS);
    let healthy = answering();
    let refused = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
        listener.local_addr().expect("it has an address")
    };
    let hanging = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let never_says = hanging.local_addr().expect("it has an address");
    let vendors =
        [("answers", healthy, None), ("refuses", refused, None), ("hangs", never_says, Some(&hanging))];
    let linked = if cfg!(feature = "bundled") { "the component linked in" } else { "a backend in Rust" };
    let mut judge = Judge::default();
    let temporary = tempfile::tempdir().expect("a temporary directory can be made");
    let mut cases = 0..;
    let quiet = {
        let home = tempfile::tempdir().expect("a temporary directory can be made");
        let mut asks = command(home.path(), true, "auto", healthy);
        let output = asks.env(ASKS, "1").stdout(Stdio::piped()).output().expect("it can be run again");
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        println!("left to itself, a sender here is: {said}");
        // Where the tool would not detach by itself (in CI, say), it is told to; then it looks at less.
        if said.starts_with("a process of its own") { "auto" } else { "detached" }
    };
    println!(
        "a tool with {linked} that records one event, against the same with telemetry off, {asked} pairs:"
    );
    println!("mode \"{quiet}\" where no sender is due, mode \"detached\" where one is started");
    for due in [false, true] {
        for (name, address, hanging) in vendors {
            for fresh in [true, false] {
                let mode = if due { "detached" } else { quiet };
                let own = temporary.path().join(cases.next().unwrap_or(0).to_string());
                std::fs::create_dir(&own).expect("a directory can be made");
                Case { mode, vendor: (name, address), hanging, due, fresh }.compare(asked, &mut judge, &own);
            }
        }
    }
    judge.must("as many pairs as the target asks for", asked >= LEAST_RUNS);
    judge.end()
}
