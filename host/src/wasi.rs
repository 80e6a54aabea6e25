//! WASI that does nothing: what components of ordinary toolchains import and a backend must not need.
//!
//! No environment, no arguments, no directory, closed standard input; standard output and error go to
//! the debug log. Clocks and randomness are real. Sockets are not here at all: an import of them is
//! refused when the component is loaded.

use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiView};

use crate::log::{Level, LogBook, Stream};
use crate::state::State;

/// The most randomness in one call.
const RANDOM_BYTES: u64 = 64 << 10;

struct HasIo;

impl HasData for HasIo {
    type Data<'a> = &'a mut ResourceTable;
}

/// A context that holds nothing.
pub(crate) fn context(log: &LogBook) -> WasiCtx {
    WasiCtxBuilder::new()
        .stdout(Captured::new(log, Stream::Stdout))
        .stderr(Captured::new(log, Stream::Stderr))
        .max_random_size(RANDOM_BYTES)
        .socket_addr_check(|_, _| Box::pin(async { false }))
        .allow_ip_name_lookup(false)
        .allow_tcp(false)
        .allow_udp(false)
        .build()
}

/// Links the inert interfaces and no other, and of those only the packages that are asked for by the beginning of
/// their names: what a component does not import it need not wait for.
pub(crate) fn link(l: &mut Linker<State>, asked: impl Fn(&str) -> bool) -> wasmtime::Result<()> {
    use wasmtime_wasi_io::bindings::wasi::io;
    if asked("wasi:io/") {
        io::error::add_to_linker::<State, HasIo>(l, |t| t.ctx().table)?;
        io::poll::add_to_linker::<State, HasIo>(l, |t| t.ctx().table)?;
        io::streams::add_to_linker::<State, HasIo>(l, |t| t.ctx().table)?;
    }
    if asked("wasi:clocks/") {
        clocks::wall_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
        clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    }
    if asked("wasi:random/") {
        random::random::add_to_linker::<State, WasiRandom>(l, |t| t.wasi.random())?;
        random::insecure::add_to_linker::<State, WasiRandom>(l, |t| t.wasi.random())?;
        random::insecure_seed::add_to_linker::<State, WasiRandom>(l, |t| t.wasi.random())?;
    }
    if asked("wasi:filesystem/") {
        filesystem::types::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
        filesystem::preopens::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    }
    if asked("wasi:cli/") {
        cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
        cli::environment::add_to_linker::<State, WasiCli>(l, State::cli)?;
        cli::stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
        cli::stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
        cli::stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
        cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
        cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
        cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
        cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
        cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    }
    Ok(())
}

/// Standard output or error, into the log line by line.
#[derive(Clone)]
struct Captured {
    log: LogBook,
    stream: Stream,
    line: Vec<u8>,
}

impl Captured {
    /// A line that never ends is cut here.
    const LINE_BYTES: usize = 4 << 10;

    fn new(log: &LogBook, stream: Stream) -> Self {
        Self { log: log.clone(), stream, line: Vec::new() }
    }

    fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            let room = Self::LINE_BYTES.saturating_sub(self.line.len());
            self.line.extend_from_slice(piece.get(..room.min(piece.len())).unwrap_or_default());
            if piece.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        self.log.write(Level::Debug, self.stream, text.trim_end_matches(['\r', '\n']));
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
    }
}

impl IsTerminal for Captured {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Captured {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Captured {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Captured {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok::<(), StreamError>(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(Self::LINE_BYTES)
    }
}

impl AsyncWrite for Captured {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
