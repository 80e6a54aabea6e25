//! The backends that come with the project, as WebAssembly components, embedded.
//!
//! ```
//! let http = telemetry_backends::get("http").expect("the feature `http` is on");
//! assert!(http.wasm.starts_with(b"\0asm"));
//! assert!(telemetry_backends::get("carrier-pigeon").is_none());
//! ```
//!
//! The build script builds them where their sources are beside this package, and takes the prebuilt
//! ones of a published package where they are not. Which are embedded is chosen by features.

#![forbid(unsafe_code)]

/// A component and its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bundled {
    /// What `use =` in `telemetry.toml` calls it.
    pub name: &'static str,
    /// The component's file.
    pub wasm: &'static [u8],
    /// The file's SHA-256, in hexadecimal.
    pub sha256: &'static str,
}

impl std::fmt::Debug for Bundled {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Bundled").field("name", &self.name).field("bytes", &self.wasm.len()).finish()
    }
}

macro_rules! bundled {
    ($($name:literal)*) => {
        &[$(
            #[cfg(feature = $name)]
            Bundled {
                name: $name,
                wasm: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".wasm")),
                sha256: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".sha256")),
            },
        )*]
    };
}

/// Every component that is embedded, by the features that are on.
pub const ALL: &[Bundled] = bundled!("http" "datadog" "posthog" "otlp");

/// The names of what is embedded.
pub const NAMES: &[&str] = &[
    #[cfg(feature = "http")]
    "http",
    #[cfg(feature = "datadog")]
    "datadog",
    #[cfg(feature = "posthog")]
    "posthog",
    #[cfg(feature = "otlp")]
    "otlp",
];

/// All that are embedded, as code for the machine that this was built for: what `telemetry_host::Source::Bundled`
/// takes, with one of [`NAMES`].
#[cfg(feature = "precompiled")]
pub static PRECOMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/bundle.precompiled"));

/// The component of this name, if it is embedded.
#[must_use]
pub fn get(name: &str) -> Option<Bundled> {
    ALL.iter().find(|it| it.name == name).copied()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    /// The layer and version that a component has after `\0asm`; a core module has `01 00 00 00`.
    const COMPONENT: [u8; 8] = *b"\0asm\x0d\0\x01\0";

    #[test]
    fn every_bundled_file_is_a_component_under_its_own_name() {
        for bundled in ALL {
            assert_eq!(&bundled.wasm[..8], COMPONENT, "{}", bundled.name);
            assert_eq!(get(bundled.name), Some(*bundled));
        }
        assert!(ALL.iter().map(|bundled| bundled.name).eq(NAMES.iter().copied()));
    }

    #[test]
    fn the_digest_of_a_component_is_its_own() {
        for bundled in ALL {
            let digest: String =
                Sha256::digest(bundled.wasm).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(bundled.sha256, digest, "{}", bundled.name);
        }
    }

    #[test]
    fn a_component_is_small_enough_to_ship_in_any_tool() {
        for bundled in ALL {
            let most = if bundled.name == "otlp" { 250_000 } else { 150_000 };
            assert!(bundled.wasm.len() <= most, "{bundled:?} has more than {most} bytes");
        }
    }

    #[test]
    fn only_the_component_with_the_opentelemetry_crates_imports_wasi() {
        for bundled in ALL {
            let wasi = bundled.wasm.windows(5).any(|it| it == b"wasi:");
            assert_eq!(wasi, bundled.name == "otlp", "{bundled:?}");
        }
    }

    #[test]
    fn a_component_names_no_directory_of_the_machine_that_built_it() {
        let home = std::env::var("HOME").unwrap_or_else(|_| "/home/".into());
        for bundled in ALL {
            for directory in [env!("CARGO_MANIFEST_DIR"), home.as_str()] {
                let found = bundled.wasm.windows(directory.len()).any(|it| it == directory.as_bytes());
                assert!(directory.len() < 2 || !found, "{bundled:?} names {directory}");
            }
        }
    }
}
