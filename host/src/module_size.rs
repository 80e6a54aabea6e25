//! What an instance takes of the host's own memory, beside its memories and tables: its globals, and a record for
//! each function that comes into it or can leave it. A few megabytes of file can ask for thousands of those, in
//! each of many instances, and no limiter of the engine is asked about them.

use wasmparser::{ElementItems, Parser, Payload};

use crate::limits::INSTANCE_BYTES;

/// A global is as big as the biggest value.
const GLOBAL: u64 = 16;
/// A function that is imported, exported or in an element segment: four pointers.
const FUNCTION: u64 = 32;

/// Checks each module of a component that the engine has found to be valid. The error says what is too big.
pub(crate) fn check(component: &[u8]) -> Result<(), String> {
    // The sizes of the modules that are open: one, or none between them.
    let mut size = 0_u64;
    for payload in Parser::new(0).parse_all(component) {
        let more = match payload.map_err(|error| error.to_string())? {
            Payload::Version { .. } => {
                size = 0;
                0
            }
            Payload::GlobalSection(globals) => GLOBAL * u64::from(globals.count()),
            Payload::ImportSection(imports) => FUNCTION * imports.into_imports().count() as u64,
            Payload::ExportSection(exports) => FUNCTION * u64::from(exports.count()),
            Payload::ElementSection(segments) => {
                let items = segments.into_iter().map(|segment| match segment.map(|it| it.items) {
                    Ok(ElementItems::Functions(items)) => u64::from(items.count()),
                    Ok(ElementItems::Expressions(_, items)) => u64::from(items.count()),
                    Err(_) => 0,
                });
                FUNCTION * items.sum::<u64>()
            }
            _ => 0,
        };
        size = size.saturating_add(more);
        if size > INSTANCE_BYTES {
            return Err(format!(
                "one instance of a module in it takes {size} bytes beside its memories, more than {INSTANCE_BYTES}: it \
                 has too many globals, or too many functions that are imported, exported or called by reference"
            ));
        }
    }
    Ok(())
}
