//! Components compiled when the tool is built, so that the tool needs no compiler.
//!
//! An artefact is one or more parts, each for another way to run the same component, the better one first: a
//! magic, what it was compiled for, the SHA-256 of the component, a checksum of what follows, the code's length,
//! its length when it is packed, and the packed code. The checksum is against accidents: whoever can change an
//! artefact inside a program can change the program. The code is packed (deflate) because it is most of what a
//! backend adds to a tool and shrinks to a third; unpacking takes milliseconds of a sender that nobody waits for.

use std::io::Read;

use crate::engine::Target;
use crate::error::LoadError;

const MAGIC: &[u8; 8] = b"TLMPREC3";
const HEAD: usize = 8 + 8 + 32 + 16 + 8 + 8;

/// One part of an artefact, read.
pub(crate) struct Part<'a> {
    pub(crate) target: Target,
    pub(crate) digest: String,
    /// Bytes of its code.
    pub(crate) length: u64,
    packed: &'a [u8],
}

/// All parts of an artefact; at least one.
pub(crate) fn read(mut bytes: &[u8]) -> Result<Vec<Part<'_>>, LoadError> {
    let mut parts = Vec::new();
    while parts.is_empty() || !bytes.is_empty() {
        let (part, rest) = Part::read(bytes)?;
        parts.push(part);
        bytes = rest;
    }
    Ok(parts)
}

impl<'a> Part<'a> {
    fn read(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), LoadError> {
        let not = |why: &str| LoadError::Precompiled(why.to_owned());
        let (head, rest) = bytes.split_at_checked(HEAD).ok_or_else(|| not("it is too short"))?;
        let (magic, head) = head.split_at(8);
        let (target, head) = head.split_at(8);
        let (source, head) = head.split_at(32);
        let (checksum, lengths) = head.split_at(16);
        if magic != MAGIC {
            return Err(not("it was not made by this version of this package"));
        }
        let target = match target {
            b"native\0\0" => Target::Native,
            b"pulley\0\0" => Target::Pulley,
            _ => return Err(not("it is for something unknown")),
        };
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
        let (length, packed) = lengths.split_at(8);
        let (packed, rest) = usize::try_from(number(packed))
            .ok()
            .and_then(|packed| rest.split_at_checked(packed))
            .ok_or_else(|| not("it is damaged"))?;
        let length = number(length);
        // Deflate packs a thousand bytes and some into one, and no more: what claims more is not unpacked.
        if checksum_of(packed) != checksum || length / 1_032 > packed.len() as u64 {
            return Err(not("it is damaged"));
        }
        let digest = source.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok((Self { target, digest, length, packed }, rest))
    }

    /// Its code, as the compiler wrote it.
    pub(crate) fn code(&self) -> Result<Vec<u8>, LoadError> {
        let mut code = Vec::with_capacity(usize::try_from(self.length).unwrap_or_default());
        let unpacked =
            flate2::read::DeflateDecoder::new(self.packed).take(self.length).read_to_end(&mut code);
        match unpacked {
            Ok(length) if length as u64 == self.length => Ok(code),
            _ => Err(LoadError::Precompiled("it is damaged".to_owned())),
        }
    }
}

fn checksum_of(packed: &[u8]) -> [u8; 16] {
    xxhash_rust::xxh3::xxh3_128(packed).to_le_bytes()
}

#[cfg(feature = "compiler")]
pub use with_compiler::{CompileFor, precompile, precompile_for_tool, precompile_in_build_script};

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
        /// Both, for a tool with the feature `pulley`: native code where the system lets it run, the
        /// interpreter where it refuses executable memory.
        #[cfg(feature = "pulley-compiler")]
        Both(String),
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
            Source::Bytes(bytes) => read::of_bytes(bytes.into(), options)?,
            Source::Precompiled(_) => {
                return Err(LoadError::NotAComponent("it is precompiled already".to_owned()));
            }
        };
        let (word, engine): (&[u8; 8], wasmtime::Result<Engine>) = match target {
            CompileFor::Native(triple) => (b"native\0\0", engine_for(Target::Native, Some(triple))),
            #[cfg(feature = "pulley-compiler")]
            CompileFor::Pulley => (b"pulley\0\0", engine_for(Target::Pulley, None)),
            #[cfg(feature = "pulley-compiler")]
            CompileFor::Both(triple) => {
                let native = CompileFor::Native(triple.clone());
                let mut artefact = precompile(source, options, &native)?;
                artefact.extend(precompile(source, options, &CompileFor::Pulley)?);
                return Ok(artefact);
            }
        };
        let engine =
            engine.map_err(|error| LoadError::Compile(crate::text::reason(&format!("{error:#}"))))?;
        let code = within_time(&engine, binary.bytes.into_owned(), options.limits.compile_time)?;
        let packed = pack(&code);
        let mut artefact = Vec::with_capacity(HEAD + packed.len());
        artefact.extend_from_slice(MAGIC);
        artefact.extend_from_slice(word);
        artefact.extend(unhex(&binary.digest));
        artefact.extend_from_slice(&checksum_of(&packed));
        artefact.extend_from_slice(&(code.len() as u64).to_le_bytes());
        artefact.extend_from_slice(&(packed.len() as u64).to_le_bytes());
        artefact.extend_from_slice(&packed);
        Ok(artefact)
    }

    fn pack(code: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        // A `Vec` takes all that is written to it, and reading the bytes in memory does not fail either.
        let _ = flate2::read::DeflateEncoder::new(code, flate2::Compression::best()).read_to_end(&mut packed);
        packed
    }

    /// Compiles a file for the machine that a tool is built for, by Rust's name for it: native code, and (with
    /// the feature `pulley-compiler`) code for the interpreter, which serves where the system refuses
    /// executable memory; that alone where this compiler makes no code for the machine.
    ///
    /// Native code comes first because it is the better one for authors: it runs a call several times faster
    /// than the interpreter (`host/benches/component.rs` shows both), while one portable artefact is worth nothing
    /// to a build that knows its target. The second part costs the tool its bytes and nothing at run time.
    pub fn precompile_for_tool(component: &Path, target: &str) -> Result<Vec<u8>, LoadError> {
        let options = LoadOptions::default();
        let compiled = |target: &CompileFor| precompile(Source::Path(component), &options, target);
        let native = compiled(&CompileFor::Native(target.to_owned()));
        #[cfg(feature = "pulley-compiler")]
        return match native {
            Ok(mut artefact) => {
                artefact.extend(compiled(&CompileFor::Pulley)?);
                Ok(artefact)
            }
            Err(LoadError::Compile(_)) => compiled(&CompileFor::Pulley),
            Err(error) => Err(error),
        };
        #[cfg(not(feature = "pulley-compiler"))]
        native
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
        let artefact = precompile_for_tool(component, &target)?;
        if read(&artefact)?.iter().all(|part| part.target == Target::Pulley) {
            let name = component.display();
            println!(
                "cargo::warning={name}: no machine code can be made for {target} here: it will be interpreted"
            );
        }
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
