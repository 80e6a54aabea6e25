//! Can somebody be asked here?

use std::io::IsTerminal;

/// Whether stdin is a terminal that this process may read from. A job in the background may not:
/// reading would stop it.
pub(crate) fn can_read() -> bool {
    std::io::stdin().is_terminal() && in_foreground()
}

/// Whether stderr is a terminal.
pub(crate) fn can_show() -> bool {
    std::io::stderr().is_terminal()
}

#[cfg(unix)]
fn in_foreground() -> bool {
    rustix::termios::tcgetpgrp(std::io::stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
}

#[cfg(not(unix))]
fn in_foreground() -> bool {
    true
}

/// Forgets what was typed before: it was no answer to a question that nobody had seen.
#[cfg(feature = "prompt")]
pub(crate) fn discard_typed() {
    #[cfg(unix)]
    let _ = rustix::termios::tcflush(std::io::stdin(), rustix::termios::QueueSelector::IFlush);
}
