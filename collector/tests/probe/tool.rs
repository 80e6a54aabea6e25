//! A tool for the process-level tests beside it: what it does is its argument, and the directory for its
//! state is in `PROBE`.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use telemetry::backend::{Backend, Batch, Outcome, SendContext};
use telemetry::event::Attribute;

#[telemetry::command(metadata(where_to = way))]
fn outer(way: &str) {
    inner(way);
}

#[telemetry::command]
fn inner(way: &str) {
    match way {
        "returns" => {}
        "exit" => std::process::exit(3),
        "our-exit" => telemetry::exit(4),
        "exit-of-another-thread" => {
            std::thread::spawn(|| std::process::exit(5));
            std::thread::park();
        }
        "panic" => panic!("the way was panic"),
        "kill" => {
            let me = rustix::process::getpid();
            let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
        }
        "announced-exec" => {
            telemetry::before_exec();
            replace();
        }
        "exec" => replace(),
        "fork" => fork(),
        other => eprintln!("no such way: {other}"),
    }
}

/// A vendor on the loopback: gets a request for each batch, with the number that each event carries.
struct Server(std::net::SocketAddr);

impl Backend for Server {
    fn limits(&self) -> telemetry::backend::Limits {
        let mut limits = telemetry::backend::Limits::default();
        limits.events = 10;
        limits
    }

    fn send(&mut self, batch: &Batch, _: &SendContext) -> Outcome {
        let ask = || {
            let mut stream = std::net::TcpStream::connect(self.0)?;
            let ids: String =
                batch.events.iter().map(|event| format!("{} {}\n", event.name, event.id)).collect();
            let length = ids.len();
            write!(stream, "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{ids}")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok::<_, std::io::Error>(answer)
        };
        match ask() {
            Ok(answer) if answer.starts_with("HTTP/1.1 200") => Outcome::Delivered,
            Ok(answer) => Outcome::Retry { reason: answer, after: None },
            Err(error) => Outcome::Retry { reason: error.to_string(), after: None },
        }
    }
}

/// Records much, says something on both streams, and ends with a code of its own.
fn speak(telemetry: &telemetry::Telemetry, many: u32) -> ExitCode {
    println!("said");
    for number in 0..many {
        telemetry.track("feature.used", "spoke", &[Attribute::new("number", number)]);
    }
    eprintln!("complained");
    ExitCode::from(3)
}

/// What the user is shown.
fn status() -> ExitCode {
    match telemetry::commands::status() {
        Ok(status) => {
            println!("{}", serde_json::to_string(&status).unwrap_or_default());
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A vendor at home: a file that gets a line for each event, its name and its id, in one write for a batch.
/// Where `PROBE_GATE` names a file, nothing is written before that file exists; a sender that outlives its test
/// and its home waits no longer. What is more than `PROBE_MOST` events is too large for it: a line says so. Files that the author opened before `start!` get a line for each batch.
struct Vendor {
    file: PathBuf,
    gate: Option<PathBuf>,
    most: usize,
    logs: Arc<[std::fs::File]>,
}

impl Backend for Vendor {
    fn send(&mut self, batch: &Batch, _: &SendContext) -> Outcome {
        for mut log in &*self.logs {
            let _ = log.write_all(b"the author's own line\n");
        }
        let home = |gate: &PathBuf| gate.parent().is_some_and(std::path::Path::exists);
        while self.gate.as_ref().is_some_and(|gate| !gate.exists() && home(gate)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let is_too_large = batch.events.len() > self.most;
        let lines: String = if is_too_large {
            format!("refused {}\n", batch.events.len())
        } else {
            batch.events.iter().map(|event| format!("{} {}\n", event.name, event.id)).collect()
        };
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&self.file);
        match file.and_then(|mut file| file.write_all(lines.as_bytes())) {
            Ok(()) if is_too_large => Outcome::TooLarge,
            Ok(()) => Outcome::Delivered,
            Err(error) => Outcome::Retry { reason: error.to_string(), after: None },
        }
    }
}

/// Only ever returns if the system has no `true`.
fn replace() {
    use std::os::unix::process::CommandExt;
    let error = std::process::Command::new("true").exec();
    eprintln!("true: {error}");
}

/// The child exits inside of its parent's commands, and must not end them.
#[allow(unsafe_code)]
fn fork() {
    // SAFETY: the process has one thread, and the child only exits.
    match unsafe { libc::fork() } {
        0 => std::process::exit(7),
        child => {
            let mut status = 0;
            // SAFETY: `status` outlives the call.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
        }
    }
}

/// Polled once and never again: its frame is in the future, not on a stack.
fn exit_beside_a_future() {
    let mut future = std::pin::pin!(telemetry::command::future("waiting", std::future::pending::<()>()));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
    std::process::exit(6);
}

/// Lives until its standard input is closed; records something for each byte that it reads.
fn serve(telemetry: &telemetry::Telemetry) {
    telemetry.keep_sending();
    let mut byte = [0];
    while std::io::stdin().read(&mut byte).is_ok_and(|read| read == 1) {
        telemetry.track("feature.used", "served", &[Attribute::new("byte", byte[0])]);
    }
}

fn main() -> ExitCode {
    let Some(state) = std::env::var_os("PROBE").map(PathBuf::from) else {
        return ExitCode::FAILURE;
    };
    let way = std::env::args().nth(1).unwrap_or_default();
    let delivery = std::env::var("PROBE_DELIVERY").unwrap_or_else(|_| "interval = \"0s\"".into());
    let mut toml = format!(
        "[tool]\nid = \"com.example.probe\"\nforce = true\nsend_from_tests = true\nsend_from_debug_builds = true\n\
         [delivery]\n{delivery}\n"
    );
    let path = |name| std::env::var_os(name).map(PathBuf::from);
    let (vendor, gate) = (path("PROBE_VENDOR"), path("PROBE_GATE"));
    let most = std::env::var("PROBE_MOST").ok().and_then(|most| most.parse().ok()).unwrap_or(usize::MAX);
    // So many that a file of the library's would have one of their numbers.
    let log = || path("PROBE_LOG").and_then(|path| std::fs::File::create(path).ok());
    let logs: Arc<[_]> = (0..16).map_while(|_| log()).collect();
    if vendor.is_none() {
        toml.push_str("[backend]\nuse = \"file\"\n");
    }
    let mut tool = telemetry::Tool::from_toml("1.0.0", toml).data_directory(state);
    if let Some(file) = vendor {
        let server: Option<std::net::SocketAddr> = file.to_str().and_then(|place| place.parse().ok());
        tool = tool.backend("a vendor at home", move || match server {
            Some(server) => Box::new(Server(server)) as Box<dyn Backend>,
            None => {
                Box::new(Vendor { file: file.clone(), gate: gate.clone(), most, logs: Arc::clone(&logs) })
            }
        });
    }
    let telemetry = telemetry::start!(tool);
    match &*way {
        "nothing" => {}
        "future" => exit_beside_a_future(),
        "serve" => serve(&telemetry),
        "speak" => return speak(&telemetry, 200),
        "one" => return speak(&telemetry, 1),
        "status" => return status(),
        "flush" => {
            if let Err(error) = telemetry::commands::flush() {
                println!("{error}");
            }
        }
        "five" => {
            for _ in 0..5 {
                telemetry.track("feature.used", "five", &[]);
            }
        }
        "durable" | "volatile" => {
            telemetry.track("feature.used", "flushed", &[]);
            if telemetry.flush(way == "durable").is_err() {
                return ExitCode::FAILURE;
            }
        }
        "discard" => {
            telemetry.track("feature.used", "gone", &[]);
            telemetry.track("feature.used", "gone", &[]);
            println!("{}", telemetry.discard().map_or_else(|error| error.to_string(), |it| it.to_string()));
            telemetry.track("feature.used", "kept", &[]);
        }
        "close" => {
            telemetry.track("feature.used", "closed", &[]);
            telemetry.close();
            // The tool goes on, for as long as its input is open.
            let _ = std::io::stdin().read(&mut [0]);
        }
        "large" => {
            // As a tool that has a gibibyte resident, to its very end: the sender is started after this.
            std::mem::forget(std::hint::black_box(vec![1u8; 1 << 30]));
            outer("returns");
        }
        way => outer(way),
    }
    ExitCode::SUCCESS
}
