//! A sender in a process of its own, from both sides.

use crate::{ROLE, decide};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use telemetry::consent::{Place, Refused, SendPermit};

/// A sender in a process of its own.
pub(crate) struct Sender {
    pub(crate) child: Child,
    tell: ChildStdin,
    told: BufReader<ChildStdout>,
    listener: TcpListener,
}

impl Sender {
    pub(crate) fn start(place: &Place, in_tool: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut child = again(if in_tool { "guest" } else { "sender" })
            .env("PLACE", place.directory())
            .env("PORT", listener.local_addr().unwrap().port().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, told) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, tell, told, listener }
    }

    pub(crate) fn tell(&mut self, what: &str) {
        writeln!(self.tell, "{what}").unwrap();
    }

    /// The next word that the sender says.
    pub(crate) fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.told.read_line(&mut line).unwrap(), 0, "the sender is gone");
            // The test runner talks on the same line.
            if let Some((_, word)) = line.split_once("SENDER ") {
                return word.trim().to_owned();
            }
        }
    }

    /// Asks it to take a permit; says what came of it.
    pub(crate) fn ask_permit(&mut self) -> String {
        self.tell("take");
        self.hear()
    }

    /// Lets it make the request that it has a permit for, to its end.
    pub(crate) fn finish(&mut self) {
        self.tell("request");
        assert_eq!(self.hear(), "done");
    }

    pub(crate) fn requests(&self) -> usize {
        std::iter::from_fn(|| self.listener.accept().ok()).count()
    }

    /// Stops it, and waits until it has stopped.
    pub(crate) fn stop(&self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::STOP).unwrap();
        let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped());
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program again, as something else.
pub(crate) fn again(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "what_a_sender_does", "--nocapture", "--test-threads=1"]).env(ROLE, role);
    command
}

pub(crate) fn run_sender(in_tool: bool) {
    let place = Place::new(std::env::var_os("PLACE").unwrap());
    let port: u16 = std::env::var("PORT").unwrap().parse().unwrap();
    let mut permit = None;
    for line in std::io::stdin().lines() {
        let word = match line.unwrap().as_str() {
            "take" => match SendPermit::take(&place, in_tool, decide) {
                Ok(taken) => {
                    permit = Some(taken);
                    "permitted".to_owned()
                }
                Err(Refused::BeingDenied) => "being denied".to_owned(),
                Err(refused) => refused.to_string(),
            },
            "request" => {
                assert!(permit.is_some());
                drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
                permit = None;
                "done".to_owned()
            }
            // As often as it may, for as long as it may.
            "all" => {
                while let Ok(_permit) = SendPermit::take(&place, in_tool, decide) {
                    drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
                }
                "refused".to_owned()
            }
            other => panic!("{other}"),
        };
        println!("SENDER {word}");
    }
}
