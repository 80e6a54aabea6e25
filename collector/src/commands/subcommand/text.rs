//! What the commands found, as text for a person.

use std::io::{self, Write};

use super::style::Style;
use crate::backend::preview::{Of, Preview, Request};
use crate::commands::{Diagnosis, Disabled, Enabled, Flushed, Log, Outcome, Reset, Status};
use crate::erasure::Progress;

/// A body without text is shown so many bytes far.
const DUMPED: usize = 4 * 1024;

pub(super) fn enabled(enabled: &Enabled, to: &mut Vec<u8>) -> io::Result<()> {
    match &enabled.overruled {
        None if enabled.local && enabled.erasing => writeln!(
            to,
            "Telemetry enabled, local only. Nothing leaves this machine but your request to erase what was sent before."
        ),
        None if enabled.local => {
            writeln!(to, "Telemetry enabled, local only. Nothing leaves this machine.")
        }
        None => writeln!(to, "Telemetry enabled. Pseudonymous usage events go to {}.", enabled.destination),
        Some(overruled) if enabled.enabled => {
            writeln!(to, "Telemetry enabled. Your choice is stored; for now telemetry is {overruled}.")
        }
        Some(overruled) => writeln!(to, "Your yes is stored, but telemetry is {overruled}."),
    }
}

pub(super) fn disabled(disabled: &Disabled, to: &mut Vec<u8>) -> io::Result<()> {
    let no = match (&disabled.overruled, disabled.stored) {
        (None, _) => "Telemetry disabled.",
        (Some(_), true) => "Your no is stored.",
        (Some(_), false) => "Telemetry is not disabled.",
    };
    writeln!(to, "{no} All pending events have been discarded ({}).", events(disabled.discarded))?;
    if let Some(overruled) = &disabled.overruled {
        writeln!(to, "Telemetry is still {overruled}.")?;
    }
    notes(&disabled.warnings, to)
}

pub(super) fn reset(reset: &Reset, to: &mut Vec<u8>) -> io::Result<()> {
    writeln!(to, "Local telemetry data cleared ({} discarded).", events(reset.discarded))?;
    match &reset.overruled {
        None => writeln!(to, "Telemetry disabled.")?,
        Some(overruled) => writeln!(to, "Telemetry is still {overruled}.")?,
    }
    if reset.new_id {
        writeln!(to, "The machine id is forgotten; a new one is made when it is needed.")?;
    } else {
        writeln!(
            to,
            "The machine id is none that can be forgotten: the author chose one made of the machine's own signals, or none."
        )?;
    }
    erasure(&reset.erasure, to)?;
    notes(&reset.warnings, to)
}

fn erasure(progress: &Progress, to: &mut Vec<u8>) -> io::Result<()> {
    match progress {
        Progress::NothingSent => {
            writeln!(to, "Nothing was ever sent under a machine id, so there is nothing to ask back.")
        }
        Progress::Accepted { receipt } => writeln!(to, "Erasure of what was sent: accepted ({receipt})."),
        Progress::Unsupported { instead } => {
            writeln!(to, "Erasure of what was sent is not possible from here: {instead}.")
        }
        Progress::Mail { to: address, link, opened: true } => {
            writeln!(to, "Erasure of what was sent: your mail program has a message to {address}. Send it.")?;
            writeln!(to, "If none opened, use this link: {link}")
        }
        Progress::Mail { to: address, link, opened: false } => {
            writeln!(to, "Erasure of what was sent: write to {address}. This link has the message: {link}")
        }
        Progress::Waiting { reason, next } => {
            let next = next.as_ref().map(|at| format!(", next attempt after {at}")).unwrap_or_default();
            writeln!(to, "Erasure of what was sent is asked for and not confirmed yet ({reason}{next}).")?;
            writeln!(to, "Later runs carry it on; `status` shows how it goes.")
        }
        Progress::Paused { reason } => writeln!(
            to,
            "Erasure of what was sent is noted and not asked for yet: {reason}. A later run without that asks."
        ),
        Progress::Unconfirmed { instead } => writeln!(to, "Erasure of what was sent: {instead}."),
    }
}

pub(super) fn flushed(flushed: &Flushed, to: &mut Vec<u8>) -> io::Result<()> {
    if let Some(progress) = &flushed.erasure {
        erasure(progress, to)?;
    }
    writeln!(to, "{} delivered.", events(flushed.delivered))?;
    match &flushed.left {
        Some(left) => writeln!(to, "Events are left: {left}"),
        None => Ok(()),
    }
}

/// What `status` says where there is none.
pub(super) fn no_status(error: &str, json: bool, to: &mut Vec<u8>) {
    let _ = if json {
        let it = serde_json::json!({ "telemetry": "off", "error": error });
        serde_json::to_writer_pretty(&mut *to, &it).map_err(io::Error::other).and_then(|()| writeln!(to))
    } else {
        writeln!(to, "Telemetry:      off: {error}")
    };
}

pub(super) fn status(status: &Status, style: Style, to: &mut Vec<u8>) -> io::Result<()> {
    let mut line = |name: &str, value: &str| writeln!(to, "{} {value}", style.bold(&format!("{name:<15}")));
    let telemetry = match status.telemetry.as_str() {
        "on" => style.good("on"),
        "off" => style.faint("off"),
        other => style.doubtful(other),
    };
    line("Telemetry:", &format!("{telemetry}: {}", status.decided_by))?;
    match &status.decided_at {
        Some(at) => line("Decision:", &format!("{}, at {at}", status.decision))?,
        None => line("Decision:", &status.decision)?,
    }
    line("To change it:", &status.advice)?;
    line("Sends to:", &status.destination)?;
    for (endpoint, proxy) in &status.proxies {
        line(
            "Proxy:",
            &format!("{endpoint} goes through {proxy}, which judges names in place of this tool"),
        )?;
    }
    if let Some(id) = &status.machine_id {
        line("Machine ID:", id)?;
    }
    if status.machine_id.is_none() && !status.sent_under.is_empty() {
        line("Sent under:", &status.sent_under.join(", "))?;
    }
    if status.extended {
        line("Extended:", "arguments and error texts are recorded too, redacted")?;
    }
    for (kind, share) in &status.sampling {
        line("Sampled:", &format!("{kind}: {share} of all machines"))?;
    }
    if let Some(most) = status.ceiling {
        line("At most:", &format!("{most} events a run"))?;
    }
    if status.interval_seconds > 0.0 {
        let (every, jitter) = (status.interval_seconds, status.jitter * 100.0);
        line("Sends:", &format!("every {every} seconds at most, up to {jitter:.0} % later"))?;
    }
    line("Pending:", &format!("{}, {} bytes", events(status.pending_events), status.pending_bytes))?;
    line(
        "Delivered:",
        &format!("{}, last {}", events(status.delivered), status.last_delivery.as_deref().unwrap_or("never")),
    )?;
    if let Some(why) = &status.held {
        line("Held:", &style.bad(why))?;
    }
    for (name, value) in [
        ("Last attempt:", &status.last_attempt),
        ("Next attempt:", &status.next_attempt),
        ("Erasure:", &status.erasure),
        ("Support:", &status.support),
    ] {
        if let Some(value) = value {
            line(name, value)?;
        }
    }
    for (cause, count) in &status.losses {
        line("Lost:", &format!("{}: {cause}", events(*count)))?;
    }
    if status.set_aside > 0 {
        let because = status.set_aside_because.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        // The quarantine is bounded: the oldest of it are gone.
        let kept = match status.set_aside_kept {
            kept if kept < status.set_aside => format!(" ({kept} still kept)"),
            _ => String::new(),
        };
        line("Set aside:", &format!("{}{kept}{because}", events(status.set_aside)))?;
    }
    line("Sender:", &format!("{}{}", status.sender, if status.sending { " (running)" } else { "" }))?;
    line("Kept in:", &status.directory)?;
    status.warnings.iter().try_for_each(|warning| line("Note:", &style.doubtful(warning)))
}

pub(super) fn preview(preview: &Preview, style: Style, to: &mut Vec<u8>) -> io::Result<()> {
    let count = preview.events;
    let what = match preview.of {
        Of::Pending if count == 1 => "1 pending event".to_owned(),
        Of::Pending => format!("{count} pending events"),
        Of::Samples => format!("{count} samples, since no event is waiting to be sent"),
    };
    writeln!(to, "Nothing is sent by this. Telemetry is {}.", preview.telemetry)?;
    writeln!(to, "To {} would go, with {what}:", preview.destination)?;
    let mut readable = !preview.requests.is_empty();
    for request in &preview.requests {
        writeln!(to)?;
        readable &= body(request, style, to)?;
    }
    if !readable {
        writeln!(to, "\n{}", style.bold("Its events, as they are recorded:"))?;
        preview.lines.iter().try_for_each(|line| writeln!(to, "{line}"))?;
    }
    if preview.more > 0 {
        writeln!(to, "\n{} more would follow.", events(preview.more))?;
    }
    Ok(())
}

/// Shows a request; says whether its body is text.
fn body(request: &Request, style: Style, to: &mut Vec<u8>) -> io::Result<bool> {
    writeln!(to, "{}", style.bold(&format!("{} {}", request.method, request.url)))?;
    for (name, value) in &request.headers {
        writeln!(to, "{name}: {value}")?;
    }
    writeln!(to)?;
    let plain = &request.body_before_coding;
    if request.body != *plain {
        writeln!(
            to,
            "{}",
            style.faint(&format!("(before its coding; {} bytes on the wire)", request.body.len()))
        )?;
    }
    // A body of JSON escapes control characters itself; any other text is shown as bytes.
    match std::str::from_utf8(plain) {
        Ok(text) if !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) => {
            writeln!(to, "{text}").map(|()| true)
        }
        _ => dump(plain, to).map(|()| false),
    }
}

/// Bytes in hexadecimal, with what is text beside them.
fn dump(bytes: &[u8], to: &mut Vec<u8>) -> io::Result<()> {
    for (row, chunk) in bytes.chunks(16).take(DUMPED / 16).enumerate() {
        write!(to, "{:08x} ", row * 16)?;
        for at in 0..16 {
            match chunk.get(at) {
                Some(byte) => write!(to, " {byte:02x}")?,
                None => write!(to, "   ")?,
            }
        }
        let text: String = chunk
            .iter()
            .map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' })
            .collect();
        writeln!(to, "  {text}")?;
    }
    if bytes.len() > DUMPED {
        writeln!(to, "… {} bytes in all; --json has them", bytes.len())?;
    }
    Ok(())
}

pub(super) fn log(log: &Log, style: Style, to: &mut Vec<u8>) -> io::Result<()> {
    if log.events.is_empty() && log.deliveries.is_empty() {
        return writeln!(to, "Nothing is recorded, and nothing was sent.");
    }
    writeln!(to, "{}", style.bold("Events as recorded (delivered ones are not kept):"))?;
    for event in &log.events {
        writeln!(to, "{:<8} {}", event.state.as_str(), event.json)?;
    }
    writeln!(to, "{}", style.bold("Sent:"))?;
    for it in &log.deliveries {
        let (count, bytes) = (events(it.events), it.bytes);
        writeln!(to, "{} {count}, {bytes} bytes, to {}: {}", it.time, it.destination, it.outcome)?;
    }
    Ok(())
}

pub(super) fn diagnosis(diagnosis: &Diagnosis, style: Style, to: &mut Vec<u8>) -> io::Result<()> {
    for check in &diagnosis.checks {
        let word = check.outcome.as_str();
        let word = match check.outcome {
            Outcome::Skip => style.faint(word),
            Outcome::Pass => style.good(word),
            Outcome::Warn => style.doubtful(word),
            Outcome::Fail => style.bad(word),
        };
        writeln!(to, "{word}  {}: {}", style.bold(&check.name), check.detail)?;
    }
    Ok(())
}

fn notes(warnings: &[String], to: &mut Vec<u8>) -> io::Result<()> {
    warnings.iter().try_for_each(|warning| writeln!(to, "Note: {warning}"))
}

fn events(count: u64) -> String {
    if count == 1 { "1 event".into() } else { format!("{count} events") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_no_text_is_shown_as_bytes_and_never_as_control_characters() {
        let request = Request {
            method: "POST".into(),
            url: "https://example.com/".into(),
            headers: vec![("host".into(), "example.com".into())],
            body: b"x\x1b[2J".to_vec(),
            body_before_coding: b"x\x1b[2J".to_vec(),
        };
        let mut text = Vec::new();
        assert!(!body(&request, Style::PLAIN, &mut text).unwrap());
        let text = String::from_utf8(text).unwrap();
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert!(text.contains("78 1b 5b 32 4a") && text.contains("x.[2J"), "{text}");
    }
}
