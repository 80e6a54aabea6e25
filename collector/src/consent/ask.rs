//! Asking the user.
//!
//! Only where the author calls for it, and never where nobody could answer: stdin or stderr is no
//! terminal, the process is in the background, this is CI or a test, stdio speaks a protocol, or
//! anything but an open question has decided. An answer is stored; Enter means no; a skip stores only
//! that the question was put, so that the same question is not put again by itself.
//!
//! There is no prompt crate below [`Terminal`]: it needs one line of text and one answer, and those crates
//! put the terminal into raw mode, which an interrupt leaves behind, read single keys, which may have been
//! typed ahead, and take an empty line for a default of theirs. An author who wants one implements [`Asker`]
//! with it, by a closure.
//!
//! Whatever text the author chooses, the user reads the word *pseudonymous*, who gets the data, which
//! host it goes to, and the command that says no: what the text leaves out is added.

use crate::consent::{Author, Denial, Inputs, Place, SystemWait, Verdict, allow, deny, file, resolve};
use crate::event::Timestamp;
use crate::platform::{private, terminal};
use std::io;

/// What the user is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question<'a> {
    /// The tool's name.
    pub tool: &'a str,
    /// Who gets the data.
    pub vendor: &'a str,
    /// The host that it is sent to.
    pub host: &'a str,
    /// The tool's subcommand, as in `greet telemetry`.
    pub command: &'a str,
    /// The author's own text. `{tool}`, `{vendor}`, `{host}` and `{command}` stand for the above.
    pub text: Option<&'a str>,
}

const TEXT: &str = "{tool} would like to send pseudonymous usage data to {vendor} ({host}): which commands are used, \
                    how long they take and whether they fail. `{command} preview` shows exactly what would be sent, \
                    and `{command} disable` says no at any time.";

impl Question<'_> {
    /// The text that the user reads.
    #[must_use]
    pub fn text(&self) -> String {
        let no = format!("{} disable", self.command);
        let mut text = self.text.unwrap_or(TEXT).trim_end().to_owned();
        for (name, value) in [
            ("{tool}", self.tool),
            ("{vendor}", self.vendor),
            ("{host}", self.host),
            ("{command}", self.command),
        ] {
            text = text.replace(name, value);
        }
        let has = |part: &str| text.to_lowercase().contains(&part.to_lowercase());
        if !(has("pseudonymous") && has(self.vendor) && has(self.host) && has(&no)) {
            let Self { tool, vendor, host, .. } = self;
            text.push_str(&format!(
                "\n{tool} would send pseudonymous data to {vendor} ({host}); `{no}` says no at any time."
            ));
        }
        text
    }
}

/// What the user answered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Not now.
    Skip,
}

/// What puts a question: `Terminal` (feature `prompt`), or the author's own prompt.
pub trait Asker {
    /// Puts the question and waits for the answer. Nothing is stored on an error, as on a skip.
    ///
    /// # Errors
    /// What kept it from asking.
    fn ask(&mut self, text: &str) -> io::Result<Answer>;
}

impl<F: FnMut(&str) -> io::Result<Answer>> Asker for F {
    fn ask(&mut self, text: &str) -> io::Result<Answer> {
        self(text)
    }
}

/// Where and how a question would be put.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Occasion {
    /// Stdin is a terminal that may be read from.
    pub can_read: bool,
    /// Stderr is a terminal.
    pub can_show: bool,
    /// The CI system, where this is one.
    pub ci: Option<&'static str>,
    /// The tool speaks a protocol on stdio now (a language server, `--porcelain`, …).
    pub protocol: bool,
    /// The user started something that may ask again although the question was skipped before, like
    /// the tool's `init`.
    pub again: bool,
}

impl Occasion {
    /// This process as it is; `protocol` and `again` are the author's to say.
    #[must_use]
    pub fn here(protocol: bool, again: bool) -> Self {
        Self {
            can_read: terminal::can_read(),
            can_show: terminal::can_show(),
            ci: crate::platform::ci::ci_system(&|name| std::env::var_os(name)),
            protocol,
            again,
        }
    }
}

/// Why the user was not asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Unasked {
    /// It is decided already, or what is stored cannot be read and may be a decision.
    Decided,
    /// The tool speaks a protocol on stdio.
    Protocol,
    /// This is a CI system.
    Ci(&'static str),
    /// Stdin or stderr is no terminal, or this is a job in the background.
    NoTerminal,
    /// The same question was skipped before.
    SkippedBefore,
    /// The user wants to get on: `--skip-telemetry`. Nothing is stored.
    SkippedNow,
}

/// What came of asking.
#[derive(Debug)]
#[non_exhaustive]
pub enum Asked {
    /// The user was not asked.
    Not(Unasked),
    /// Yes, and it is stored.
    Yes,
    /// No, and it is stored.
    No(Denial),
    /// Not now. That the question was put is stored.
    Skipped,
    /// Somebody decided in another process while the question stood. That decision holds.
    DecidedMeanwhile,
}

/// Puts the question where it may be put, and stores the answer. What `inputs` reads as stored is to
/// be what is stored at `place`.
///
/// # Errors
/// An answer that could not be stored. It is then as if nothing had been said.
pub fn ask(
    place: &Place,
    inputs: &Inputs<'_>,
    question: &Question<'_>,
    occasion: Occasion,
    asker: &mut dyn Asker,
    now: Timestamp,
) -> io::Result<Asked> {
    let author = inputs.author;
    let before = file::read(place);
    // Not `at_start`, which need not notice that this is a test where nothing would be recorded.
    if let Some(why) = unasked(&resolve(inputs), occasion, &|| was_skipped(place, author)) {
        return Ok(Asked::Not(why));
    }
    // Whoever cannot be asked has not answered.
    let answer = asker.ask(&question.text()).unwrap_or(Answer::Skip);
    if file::read(place) != before {
        return Ok(Asked::DecidedMeanwhile);
    }
    match answer {
        Answer::Yes => {
            allow(place, true, author.policy, author.destination, now)?;
            let _ = private::remove(&place.asked());
            Ok(Asked::Yes)
        }
        Answer::No => {
            deny(place, author.policy, now, &SystemWait::default()).map(Asked::No).map_err(io::Error::other)
        }
        Answer::Skip => {
            // If it cannot be stored the question comes again: a nuisance, and no decision.
            let _ = private::make_directory(place.directory())
                .and_then(|()| private::replace(&place.asked(), asked_mark(author).as_bytes()));
            Ok(Asked::Skipped)
        }
    }
}

/// Why the question may not be put, in the order of cost.
pub(super) fn unasked(
    verdict: &Verdict,
    occasion: Occasion,
    skipped_before: &dyn Fn() -> bool,
) -> Option<Unasked> {
    if !verdict.is_open_question() {
        Some(Unasked::Decided)
    } else if occasion.protocol {
        Some(Unasked::Protocol)
    } else if let Some(name) = occasion.ci {
        Some(Unasked::Ci(name))
    } else if !(occasion.can_read && occasion.can_show) {
        Some(Unasked::NoTerminal)
    } else if !occasion.again && skipped_before() {
        Some(Unasked::SkippedBefore)
    } else {
        None
    }
}

/// A question is the same while policy and destination are.
fn asked_mark(author: &Author<'_>) -> String {
    format!("telemetry asked 1\n{}\n{}\n", author.policy, author.destination)
}

fn was_skipped(place: &Place, author: &Author<'_>) -> bool {
    let mark = asked_mark(author);
    private::open(&place.asked(), false)
        .and_then(|(file, about)| private::read_open(&file, &about, mark.len()))
        .is_ok_and(|bytes| bytes == mark.as_bytes())
}

/// Asks at the terminal: the text on stderr, a line from stdin.
///
/// A line and not a key, and whole words and not letters in it: prompts that take the last `y` typed
/// read "nay" as a yes, and those that take the first key read what was typed ahead. What was typed
/// before the question is discarded. There is no raw mode to be left behind by an interrupt.
#[cfg(feature = "prompt")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal;

#[cfg(feature = "prompt")]
impl Asker for Terminal {
    fn ask(&mut self, text: &str) -> io::Result<Answer> {
        terminal::discard_typed();
        dialogue(text, &mut io::stdin().lock(), &mut io::stderr().lock())
    }
}

/// How often an answer that is not understood is asked for again.
#[cfg(any(feature = "prompt", test))]
const ATTEMPTS: usize = 3;

#[cfg(any(feature = "prompt", test))]
fn dialogue(text: &str, from: &mut dyn io::BufRead, to: &mut dyn io::Write) -> io::Result<Answer> {
    use io::{BufRead, Read};
    writeln!(to, "{text}")?;
    for _ in 0..ATTEMPTS {
        write!(to, "Send pseudonymous usage data? yes, no or skip [no] ")?;
        to.flush()?;
        let mut line = Vec::new();
        // Nobody types more, and a terminal that is none must not fill memory.
        if Read::take(&mut *from, 1024).read_until(b'\n', &mut line)? == 0 {
            writeln!(to)?;
            return Ok(Answer::Skip);
        }
        match String::from_utf8_lossy(&line).trim().to_lowercase().as_str() {
            "y" | "yes" => return Ok(Answer::Yes),
            "" | "n" | "no" => return Ok(Answer::No),
            "s" | "skip" | "later" => return Ok(Answer::Skip),
            _ => writeln!(to, "Please answer yes, no or skip.")?,
        }
    }
    Ok(Answer::Skip)
}

#[cfg(test)]
#[path = "ask_tests.rs"]
mod tests;
