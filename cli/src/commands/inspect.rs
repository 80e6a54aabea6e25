//! `inspect FILE`: what a component is, for an author who has to decide whether to ship it.
//!
//! One that the host would refuse is looked at and not run, and the exit code is 1.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value as Json, json};
use telemetry_host::types::{Description, Placement};
use telemetry_host::{ImportClass, Inspection, LoadOptions, Source, inspect};

use crate::{component, show};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The component
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, String> {
    let progress = show::progress("compiling the component");
    let found = inspect(Source::Path(&args.file), &LoadOptions::default())
        .map_err(|error| component::said(&args.file, &error))?;
    drop(progress);
    if args.json {
        show::json(&as_json(&args.file.display().to_string(), &found));
    } else {
        print(&args.file.display().to_string(), &found);
    }
    let usable = found.refused.is_none() && matches!(found.description, Some(Ok(_)));
    Ok(if usable { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(file: &str, found: &Inspection) {
    show::title(file);
    show::fact("size", &format!("{} bytes", found.size));
    show::fact("sha256", &found.sha256);
    show::fact("track", found.track.as_deref().unwrap_or("none: it exports no telemetry:backend/exporter"));
    for (title, class) in [("granted", 0), ("inert", 1), ("refused", 2)] {
        let of_class = found.imports.iter().filter(|import| number(&import.class) == class);
        for (at, import) in of_class.enumerate() {
            let label = if at == 0 { title } else { "" };
            match &import.class {
                ImportClass::Refused(why) => show::bad_fact(label, &format!("{}: {why}", import.name)),
                _ => show::fact(label, &import.name),
            }
        }
    }
    if found.imports.is_empty() {
        show::fact("imports", "nothing");
    }
    for (at, export) in found.exports.iter().enumerate() {
        show::fact(if at == 0 { "exports" } else { "" }, export);
    }
    match &found.description {
        Some(Ok(description)) => describe(description),
        Some(Err(why)) => show::bad(&format!("`describe` failed ({SANDBOX}): {why}")),
        None => show::note("not run: it would be refused"),
    }
    if let Some(why) = &found.refused {
        show::bad(&format!("a tool would not load it: {why}"));
    }
}

/// How its description was had. Who looks at a file of a stranger's must know that it was run, and with what.
const SANDBOX: &str = "run in the sandbox without any grant: no endpoint, no file, no environment";

fn number(class: &ImportClass) -> u8 {
    match class {
        ImportClass::Granted => 0,
        ImportClass::Inert => 1,
        ImportClass::Refused(_) => 2,
    }
}

fn describe(it: &Description) {
    show::title(&format!("{} {}", it.name, it.version));
    show::note(&it.summary);
    show::fact("said", &format!("by its `describe`, {SANDBOX}"));
    for setting in &it.settings {
        let marks = match (&setting.default, setting.required) {
            (_, true) => " (required)".to_owned(),
            (Some(default), _) => format!(" (default {default})"),
            (None, false) => String::new(),
        };
        show::fact("setting", &format!("{}{marks}: {}", setting.key, setting.summary));
    }
    for endpoint in &it.endpoints {
        let marks = if endpoint.required { " (required)" } else { "" };
        show::fact("endpoint", &format!("{}{marks}: {}", endpoint.name, endpoint.summary));
        if let Some(credential) = &endpoint.credential {
            let marks = if credential.required { "required" } else { "optional" };
            let place = placement(&credential.placement);
            show::fact("", &format!("credential ({marks}, {place}): {}", credential.summary));
        }
        for site in &endpoint.sites {
            show::fact("", &format!("{}: {}", site.name, site.url));
        }
    }
    let limits = it.limits;
    show::fact(
        "limits",
        &format!("{} events, {} bytes, {} bytes an event", limits.events, limits.bytes, limits.event_bytes),
    );
    show::fact("erases", if it.erases { "yes" } else { "no" });
}

/// As `telemetry.toml` has it.
fn placement(placement: &Placement) -> String {
    match placement {
        Placement::Header(name) => format!("header = {name:?}"),
        Placement::Bearer => "bearer = true".into(),
        Placement::Basic => "basic_user = \"...\"".into(),
        Placement::Query(name) => format!("query = {name:?}"),
        Placement::Other(what) => what.clone(),
    }
}

fn as_json(file: &str, found: &Inspection) -> Json {
    let imports: Vec<Json> = found
        .imports
        .iter()
        .map(|import| match &import.class {
            ImportClass::Granted => json!({"name": import.name, "class": "granted"}),
            ImportClass::Inert => json!({"name": import.name, "class": "inert"}),
            ImportClass::Refused(why) => json!({"name": import.name, "class": "refused", "why": why}),
        })
        .collect();
    let (description, failure) = match &found.description {
        Some(Ok(description)) => (described(description), Json::Null),
        Some(Err(why)) => (Json::Null, json!(why)),
        None => (Json::Null, Json::Null),
    };
    json!({
        "file": file,
        "size": found.size,
        "sha256": found.sha256,
        "track": found.track,
        "imports": imports,
        "exports": found.exports,
        "refused": found.refused,
        "describe_run": found.description.is_some().then_some(SANDBOX),
        "describe_failed": failure,
        "description": description,
    })
}

fn described(it: &Description) -> Json {
    let settings: Vec<Json> = it
        .settings
        .iter()
        .map(|setting| {
            json!({
                "key": setting.key,
                "summary": setting.summary,
                "required": setting.required,
                "default": setting.default.as_deref().map(|text| {
                    serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.to_owned()))
                }),
            })
        })
        .collect();
    let endpoints: Vec<Json> = it
        .endpoints
        .iter()
        .map(|endpoint| {
            let sites: serde_json::Map<_, _> =
                endpoint.sites.iter().map(|site| (site.name.clone(), json!(site.url))).collect();
            json!({
                "name": endpoint.name,
                "summary": endpoint.summary,
                "required": endpoint.required,
                "credential": endpoint.credential.as_ref().map(|credential| json!({
                    "placement": placement(&credential.placement),
                    "required": credential.required,
                    "summary": credential.summary,
                })),
                "sites": sites,
            })
        })
        .collect();
    json!({
        "name": it.name,
        "version": it.version,
        "summary": it.summary,
        "settings": settings,
        "endpoints": endpoints,
        "limits": {
            "events": it.limits.events,
            "bytes": it.limits.bytes,
            "event_bytes": it.limits.event_bytes,
        },
        "erases": it.erases,
    })
}
