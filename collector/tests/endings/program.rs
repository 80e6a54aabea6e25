//! A tool whose commands end in every way: run by `endings.rs`, with the way as its argument and the
//! directory for its state in `ENDINGS`.

use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

use telemetry::backend::Stdout;
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
    let Some(state) = std::env::var_os("ENDINGS").map(std::path::PathBuf::from) else {
        return ExitCode::FAILURE;
    };
    let way = std::env::args().nth(1).unwrap_or_default();
    let delivery = std::env::var("ENDINGS_DELIVERY").unwrap_or_else(|_| "interval = \"0s\"".into());
    let mut toml = format!(
        "[tool]\nid = \"com.example.endings\"\nforce = true\nsend_from_tests = true\nsend_from_debug_builds = true\n\
         [delivery]\n{delivery}\n"
    );
    let own = std::env::var_os("ENDINGS_OWN").map(std::path::PathBuf::from);
    if own.is_none() {
        toml.push_str("[backend]\nuse = \"file\"\n");
    }
    let mut tool = telemetry::Tool::from_toml("1.0.0", toml).data_directory(state);
    if let Some(file) = own {
        tool = tool.backend("a file at home", move || {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(&file);
            Stdout::new(file.expect("the test's file can be opened"))
        });
    }
    let telemetry = telemetry::start!(tool);
    match &*way {
        "nothing" => {}
        "future" => exit_beside_a_future(),
        "serve" => serve(&telemetry),
        "wait" => std::thread::sleep(Duration::from_secs(600)),
        way => outer(way),
    }
    ExitCode::SUCCESS
}
