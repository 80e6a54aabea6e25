//! `receive`: a loopback receiver that answers everything with success, for an author who wants to
//! see what a tool or a backend sends.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use crate::decode::{self, Body};
use crate::receiver::{Receiver, Request};
use crate::{recognise, show};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The port; 0 for a free one
    #[arg(short, long, default_value_t = 4318)]
    port: u16,
    /// End after this many requests
    #[arg(short = 'n', long, value_name = "COUNT")]
    count: Option<u64>,
    /// Print a line for each event in place of whole requests
    #[arg(short, long)]
    brief: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, String> {
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), args.port);
    let receiver = Receiver::start_at(address).map_err(|error| {
        format!("cannot listen on {address}: {error}; choose another port with --port, or 0 for a free one")
    })?;
    show::line(&format!("receiving at {}", receiver.url()));
    show::aside("in telemetry.toml: this url, and allow = [\"http\", \"loopback\"]. End with Ctrl-C");
    let mut left = args.count;
    while left != Some(0) {
        let Some(request) = receiver.next(Duration::from_secs(3600)) else { continue };
        print(&request, args.brief);
        left = left.map(|left| left - 1);
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows a request; one that cannot be decoded is shown as far as it can be.
pub(crate) fn print(request: &Request, brief: bool) {
    let known = match decode::body(request) {
        Ok(Body::Json(json)) => recognise::recognise(request, &json),
        _ => None,
    };
    match &known {
        Some(it) => {
            let events = if it.events.len() == 1 { "event" } else { "events" };
            show::title(&format!("{}: {} {events}", it.vendor, it.events.len()));
        }
        None => show::title("a request that is none of the four vendors'"),
    }
    if brief && let Some(it) = &known {
        show::note(&it.events.join("\n"));
        return;
    }
    if let Err(reason) = show::request(request) {
        show::bad(&reason);
    }
}
