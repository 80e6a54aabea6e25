//! What a component is, for an author who has to decide whether to trust it.

use crate::check::{self, Class};
use crate::component::{Compiled, Component, LoadOptions, Source, linker};
use crate::error::LoadError;
use crate::track::{self, Spoken};
use crate::types::Description;

/// One import and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// As the component names it.
    pub name: String,
    /// Granted, inert, or refused and why.
    pub class: Class,
}

/// What was found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// Bytes of the file.
    pub size: u64,
    /// SHA-256 of the file, in hexadecimal: what `sha256` under `[backend]` pins.
    pub sha256: String,
    /// Everything that it imports.
    pub imports: Vec<Import>,
    /// Everything that it exports.
    pub exports: Vec<String>,
    /// The version of the contract that it speaks, as in `0.1.0`: of several the newest that this host speaks too.
    pub track: Option<String>,
    /// Why it would not be loaded.
    pub refused: Option<String>,
    /// What it said of itself: `describe` was run, in the sandbox and with no grants. None where it was
    /// refused, and so not run at all.
    pub description: Option<Result<Description, String>>,
}

/// Reads a component and says what it is. One that would be refused is looked at but not run; an error
/// means that it is no component that could be looked at.
pub fn inspect(source: Source<'_>, options: &LoadOptions) -> Result<Inspection, LoadError> {
    let compiled = Compiled::load(source, options)?;
    let engine = compiled.engine.clone();
    let mut found = check::Found::new(&linker(&engine, &compiled.component)?);
    let whole = compiled.component.component_type();
    let tidy = |name: &str| crate::text::tidy(name, 200);
    let imports = whole
        .imports(&engine)
        .map(|(name, item)| {
            // Of an interface that is there, a function may not be: the first such is cause enough.
            let offence = found.offences(&engine, name, &item.ty).next();
            let class = offence.map_or_else(|| check::classify(name), |it| Class::Refused(it.cause));
            Import { name: tidy(name), class }
        })
        .collect();
    let exports: Vec<String> = whole.exports(&engine).map(|(name, _)| tidy(name)).collect();
    let track = match track::spoken(&engine, &compiled.component) {
        Spoken::Known(version, _) | Spoken::Unknown(version) => Some(tidy(&version)),
        Spoken::None => None,
    };
    let (sha256, size) = (compiled.digest.clone(), compiled.size);
    let (refused, description) = match Component::check(compiled, options) {
        Err(error) => (Some(error.to_string()), None),
        Ok(component) => (None, Some(component.describe().map_err(|error| error.to_string()))),
    };
    Ok(Inspection { size, sha256, imports, exports, track, refused, description })
}
