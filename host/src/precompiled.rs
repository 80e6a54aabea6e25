//! Components compiled when the tool is built, so that the tool needs no compiler.
//!
//! An artefact is a magic, what it was compiled for, the SHA-256 of the component that it was made of,
//! the SHA-256 of the code, and the code. The checksum is against accidents: whoever can change an
//! artefact inside a program can change the program.

use crate::engine::Target;
use crate::error::LoadError;

const MAGIC: &[u8; 8] = b"TLMPREC1";
const HEAD: usize = 8 + 8 + 32 + 32;

/// An artefact, read.
pub(crate) struct Artefact {
    pub(crate) target: Target,
    pub(crate) digest: String,
    pub(crate) code: &'static [u8],
}

impl Artefact {
    pub(crate) fn read(bytes: &'static [u8]) -> Result<Self, LoadError> {
        let not = |why: &str| LoadError::Precompiled(why.to_owned());
        let (head, code) = bytes.split_at_checked(HEAD).ok_or_else(|| not("it is too short"))?;
        let (magic, head) = head.split_at(8);
        let (target, head) = head.split_at(8);
        let (source, checksum) = head.split_at(32);
        if magic != MAGIC {
            return Err(not("it was not made by this package"));
        }
        let target = match target {
            b"native\0\0" => Target::Native,
            b"pulley\0\0" => Target::Pulley,
            _ => return Err(not("it is for something unknown")),
        };
        use sha2::Digest;
        if sha2::Sha256::digest(code).as_slice() != checksum {
            return Err(not("it is damaged"));
        }
        let digest = source.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { target, digest, code })
    }
}

#[cfg(feature = "compiler")]
pub use with_compiler::{CompileFor, precompile, precompile_in_build_script};

#[cfg(feature = "compiler")]
mod with_compiler {
    use std::path::{Path, PathBuf};

    use wasmtime::Engine;

    use super::*;
    use crate::compile::within_time;
    use crate::component::{LoadOptions, Source};
    use crate::engine::engine_for;
    use crate::read;

    /// What to compile for.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum CompileFor {
        /// A processor and system, by Rust's name for it, as in `x86_64-unknown-linux-gnu`. Uses what every
        /// such processor has, so that it runs on all of them.
        Native(String),
        /// The interpreter: one artefact for every 64-bit little-endian machine, and no executable memory.
        #[cfg(feature = "pulley-compiler")]
        Pulley,
    }

    /// Compiles a component into an artefact for [`Source::Precompiled`]. It is not run, and checked only
    /// when it is loaded.
    pub fn precompile(
        source: Source<'_>,
        options: &LoadOptions,
        target: &CompileFor,
    ) -> Result<Vec<u8>, LoadError> {
        let binary = match source {
            Source::Path(path) => read::of_path(path, options)?,
            Source::Bytes(bytes) => read::of_bytes(bytes.to_vec(), options)?,
            Source::Precompiled(_) => {
                return Err(LoadError::NotAComponent("it is precompiled already".to_owned()));
            }
        };
        let (word, engine): (&[u8; 8], wasmtime::Result<Engine>) = match target {
            CompileFor::Native(triple) => (b"native\0\0", engine_for(Target::Native, Some(triple))),
            #[cfg(feature = "pulley-compiler")]
            CompileFor::Pulley => (b"pulley\0\0", engine_for(Target::Pulley, None)),
        };
        let engine =
            engine.map_err(|error| LoadError::Compile(crate::text::reason(&format!("{error:#}"))))?;
        let code = within_time(&engine, binary.bytes, options.limits.compile_time)?;
        let mut artefact = Vec::with_capacity(HEAD + code.len());
        artefact.extend_from_slice(MAGIC);
        artefact.extend_from_slice(word);
        artefact.extend(unhex(&binary.digest));
        use sha2::Digest;
        artefact.extend_from_slice(&sha2::Sha256::digest(&code));
        artefact.extend_from_slice(&code);
        Ok(artefact)
    }

    /// For a build script: compiles a file for the tool's target and writes it into `OUT_DIR` under the
    /// file's own name with `.precompiled` after it. Embed it with
    /// `include_bytes!(concat!(env!("OUT_DIR"), "/acme.wasm.precompiled"))`.
    ///
    /// Prints the line that makes cargo watch the file.
    pub fn precompile_in_build_script(component: &Path) -> Result<PathBuf, LoadError> {
        let failed = |path: &Path, why: &str| LoadError::Read {
            path: path.to_owned(),
            error: std::io::Error::other(why.to_owned()),
        };
        let variable = |name: &str| {
            std::env::var(name)
                .map_err(|_| failed(component, &format!("{name} is not set: this is for build scripts")))
        };
        let (out, target) = (variable("OUT_DIR")?, variable("TARGET")?);
        let name = component.file_name().ok_or_else(|| failed(component, "it has no name"))?;
        let artefact =
            precompile(Source::Path(component), &LoadOptions::default(), &CompileFor::Native(target))?;
        let mut name = name.to_owned();
        name.push(".precompiled");
        let path = Path::new(&out).join(name);
        std::fs::write(&path, artefact).map_err(|error| LoadError::Read { path: path.clone(), error })?;
        println!("cargo::rerun-if-changed={}", component.display());
        Ok(path)
    }

    fn unhex(digest: &str) -> Vec<u8> {
        let bytes = digest.as_bytes().chunks(2);
        bytes
            .map(|pair| {
                std::str::from_utf8(pair)
                    .ok()
                    .and_then(|hex| u8::from_str_radix(hex, 16).ok())
                    .unwrap_or_default()
            })
            .collect()
    }
}
