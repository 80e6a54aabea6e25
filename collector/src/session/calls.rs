//! What a tool may call by itself on the handle, beside the attributes: as in the ancestor.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::{LOCAL, Leaving, May, Telemetry};
use crate::delivery::start;
use crate::event::{Attribute, Ended, Event, kind};
use crate::{journal, recorder};

/// Records an event, if the user consented. The same as [`Telemetry::track`], for code that does not have
/// the handle.
#[inline]
pub fn track(kind: &str, name: &str, attributes: &[Attribute<'_>]) {
    if recorder::enabled() {
        record(kind, name, attributes);
    }
}

#[cold]
fn record(kind: &str, name: &str, attributes: &[Attribute<'_>]) {
    let mut event = Event::new(kind, name);
    event.attributes = attributes.into();
    // All of it is borrowed: there is nothing to drop, and each of its parts would be asked.
    recorder::record(&std::mem::ManuallyDrop::new(event));
}

fn command<'a>(name: &'a str, took: Duration, code: i32, attributes: &'a [Attribute<'a>]) -> Event<'a> {
    let mut event = Event::new(kind::COMMAND_INVOCATION, name);
    event.duration = Some(took);
    event.exit_code = Some(code);
    event.ended = Some(Ended::Finished);
    event.attributes = attributes.into();
    event
}

impl Telemetry {
    /// Records an event of this kind and name with these attributes, if the user consented.
    ///
    /// ```
    /// use telemetry::event::{Attribute, kind};
    /// # let ((), events) = telemetry::capture(false, || {
    /// # let telemetry = telemetry::start(telemetry::Tool::from_toml("1.0.0", "[tool]\nid = \"com.example.greet\""));
    /// telemetry.track(kind::FEATURE_USED, "cache", &[Attribute::new("hit", true)]);
    /// # });
    /// # assert_eq!(events[0].name, "cache");
    /// ```
    #[inline]
    pub fn track(&self, kind: &str, name: &str, attributes: &[Attribute<'_>]) {
        track(kind, name, attributes);
    }

    /// Records a command that has ended, for a tool that measures by itself. (The attribute and
    /// [`begin`](crate::begin) also notice a command that is killed.)
    ///
    /// ```
    /// use std::time::Duration;
    /// use telemetry::event::Attribute;
    /// # let ((), events) = telemetry::capture(false, || {
    /// # let telemetry = telemetry::start(telemetry::Tool::from_toml("1.0.0", "[tool]\nid = \"com.example.greet\""));
    /// telemetry.track_command("build", Duration::from_millis(1500), 0, &[Attribute::new("release", true)]);
    /// # });
    /// # assert_eq!((events[0].exit_code, events[0].args.len()), (Some(0), 0));
    /// ```
    pub fn track_command(&self, name: &str, took: Duration, exit_code: i32, attributes: &[Attribute<'_>]) {
        if recorder::enabled() {
            recorder::record(&command(name, took, exit_code, attributes));
        }
    }

    /// [`track_command`](Self::track_command), with the arguments and the text of the error. Both are
    /// recorded only where the author has switched extended collection on, and redacted always.
    pub fn track_command_extended(
        &self,
        name: &str,
        arguments: &[&str],
        took: Duration,
        exit_code: i32,
        error: Option<&str>,
        attributes: &[Attribute<'_>],
    ) {
        if !recorder::enabled() {
            return;
        }
        let mut event = command(name, took, exit_code, attributes);
        if recorder::extended() {
            event.args = arguments.iter().map(|it| (*it).into()).collect();
            event.error = error.map(Into::into);
        }
        recorder::record(&event);
    }

    /// Makes what was recorded survive a loss of power. (A crash it survives anyway.)
    ///
    /// # Errors
    /// What the system says; events may then be lost with the power, and only then.
    pub fn sync(&self) -> io::Result<()> {
        self.recorder.as_ref().map_or(Ok(()), |recorder| recorder.sync())
    }

    /// Gives up what was recorded and starts a sender where one is due, as the end of the session does;
    /// recording goes on. It does not wait for a network unless `[delivery] mode` is `bounded`.
    ///
    /// With `durable` what was recorded survives a loss of power from when this returns `Ok`, if the
    /// disk keeps what it says it has written; without, it survives the end of every process.
    ///
    /// # Errors
    /// As [`sync`](Self::sync), and only with `durable`.
    pub fn flush(&self, durable: bool) -> io::Result<()> {
        let (Some(session), Some(recorder)) = (&self.session, &self.recorder) else { return Ok(()) };
        let synced = if durable { recorder.sync() } else { Ok(()) };
        recorder.seal();
        start::at_start(session);
        start::if_due(session, self.may, Leaving::Exec);
        synced
    }

    /// Discards everything that is pending, of earlier runs too. Nothing is sent, and recording goes on.
    /// Returns how many events it was.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub fn discard(&self) -> io::Result<u64> {
        let Some(session) = &self.session else { return Ok(0) };
        let directory = session.journal_directory();
        let pending = journal::survey(&directory).events;
        journal::purge(&directory)?;
        // Afterwards, so that no sender finds it in between. This process would go on holding a file without a
        // name, and the room that it takes, until its next event; and what is in memory only goes, too.
        if let Some(recorder) = &self.recorder {
            recorder.seal();
        }
        journal::purge(&directory).map(|_| pending)
    }

    /// The machine id that this run's events carry, as `status` shows it. None while nothing is recorded
    /// (before a yes there is no id, and asking makes none), and where the author chose none.
    ///
    /// ```
    /// # let directory = tempfile::tempdir()?;
    /// # let tool = telemetry::Tool::from_toml("1.0.0", "[tool]\nid = \"com.example.greet\"").data_directory(directory.path());
    /// let telemetry = telemetry::start(tool);
    /// match telemetry.machine_id() {
    ///     Some(id) => println!("support: my machine id is {id}"),
    ///     None => println!("support: this tool records nothing"),
    /// }
    /// # assert_eq!(telemetry.machine_id(), None, "nobody has said yes");
    /// # assert_eq!(std::fs::read_dir(directory.path())?.count(), 0, "and asking made nothing");
    /// # std::io::Result::Ok(())
    /// ```
    #[must_use]
    pub fn machine_id(&self) -> Option<String> {
        self.session.as_ref().filter(|_| self.enabled())?.machine_id()
    }

    /// The directory in which everything is kept: the decision, the journal, the local log. It need not
    /// exist. None where the configuration cannot be used, or the system names no place.
    ///
    /// ```
    /// # let directory = tempfile::tempdir()?;
    /// let tool = telemetry::Tool::from_toml("1.0.0", "[tool]\nid = \"com.example.greet\"");
    /// # let tool = tool.data_directory(directory.path());
    /// let telemetry = telemetry::start(tool);
    /// if let Some(directory) = telemetry.data_directory() {
    ///     println!("telemetry keeps its files in {}", directory.display());
    /// }
    /// # assert_eq!(telemetry.data_directory(), Some(directory.path()));
    /// # std::io::Result::Ok(())
    /// ```
    #[must_use]
    pub fn data_directory(&self) -> Option<&Path> {
        Some(self.session.as_ref()?.place.directory())
    }

    /// The name of the backend that the author chose, and what the user consents to, as in
    /// `otlp at otel.example.com`. None where the configuration cannot be used.
    #[must_use]
    pub fn backend(&self) -> Option<(&str, &str)> {
        let selected = &self.session.as_ref()?.selected;
        Some(match self.may {
            May::Local => ("file", LOCAL),
            May::Off | May::Send => (&selected.name, &selected.destination),
        })
    }
}
