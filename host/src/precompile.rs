//! Compiling components when a tool is built: how an artefact of [`precompiled`](crate::precompiled) is made.

use std::io::Write;
use std::path::{Path, PathBuf};

use lzma_rust2::filter::bcj::BcjWriter;
use lzma_rust2::{Lzma2Options, Lzma2Writer};

use crate::compile::within_time;
use crate::component::{LoadOptions, Source};
use crate::engine::{Target, engine_for};
use crate::error::LoadError;
use crate::precompiled::{Artefact, Filter, seal, window};
use crate::read::{self, Binary};

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
        Source::Embedded { wasm, sha256 } => read::of_embedded(wasm, sha256, options)?,
        Source::Precompiled(_) | Source::Bundled { .. } => {
            return Err(LoadError::NotAComponent("it is precompiled already".to_owned()));
        }
    };
    let parts = match target {
        CompileFor::Native(triple) => vec![Part::native("", &binary, options, triple)?],
        #[cfg(feature = "pulley-compiler")]
        CompileFor::Pulley => vec![Part::pulley("", &binary, options)?],
        #[cfg(feature = "pulley-compiler")]
        CompileFor::Both(triple) => {
            vec![Part::native("", &binary, options, triple)?, Part::pulley("", &binary, options)?]
        }
    };
    pack(parts)
}

/// Compiles a file for the machine that a tool is built for, by Rust's name for it: native code, and (with
/// the feature `pulley-compiler`) code for the interpreter, which serves where the system refuses
/// executable memory; that alone where this compiler makes no code for the machine.
///
/// Native code comes first because it is the better one for authors: it runs a call several times faster
/// than the interpreter (`host/benches/component.rs` shows both), while one portable artefact is worth nothing
/// to a build that knows its target. The second part costs the tool its bytes and nothing at run time.
pub fn precompile_for_tool(component: &Path, target: &str) -> Result<Vec<u8>, LoadError> {
    pack(for_tool("", component, target)?)
}

/// Does the same for several files, each with the name by which [`Source::Bundled`] finds it. Together they are a
/// good deal smaller than one by one, as components share much of their code.
pub fn precompile_bundle(components: &[(&str, &Path)], target: &str) -> Result<Vec<u8>, LoadError> {
    let mut parts = Vec::new();
    for (name, component) in components {
        parts.extend(for_tool(name, component, target)?);
    }
    pack(parts)
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
    if Artefact::read(&artefact)?.parts.iter().all(|part| part.target == Target::Pulley) {
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

fn for_tool(name: &str, component: &Path, target: &str) -> Result<Vec<Part>, LoadError> {
    let options = LoadOptions::default();
    let binary = read::of_path(component, &options)?;
    let native = Part::native(name, &binary, &options, target);
    #[cfg(feature = "pulley-compiler")]
    return match native {
        Ok(native) => Ok(vec![native, Part::pulley(name, &binary, &options)?]),
        Err(LoadError::Compile(_)) => Ok(vec![Part::pulley(name, &binary, &options)?]),
        Err(error) => Err(error),
    };
    #[cfg(not(feature = "pulley-compiler"))]
    Ok(vec![native?])
}

/// One part, compiled and not yet packed.
struct Part {
    name: String,
    target: Target,
    filter: Filter,
    digest: String,
    code: Vec<u8>,
}

impl Part {
    fn native(
        name: &str,
        binary: &Binary<'_>,
        options: &LoadOptions,
        triple: &str,
    ) -> Result<Self, LoadError> {
        let filter = match triple.split('-').next() {
            Some("x86_64" | "i686" | "i586") => Filter::X86,
            Some("aarch64") => Filter::Arm64,
            _ => Filter::None,
        };
        Self::compile(name, binary, options, Target::Native, Some(triple), filter)
    }

    #[cfg(feature = "pulley-compiler")]
    fn pulley(name: &str, binary: &Binary<'_>, options: &LoadOptions) -> Result<Self, LoadError> {
        Self::compile(name, binary, options, Target::Pulley, None, Filter::None)
    }

    fn compile(
        name: &str,
        binary: &Binary<'_>,
        options: &LoadOptions,
        target: Target,
        triple: Option<&str>,
        filter: Filter,
    ) -> Result<Self, LoadError> {
        let engine = engine_for(target, triple)
            .map_err(|error| LoadError::Compile(crate::text::reason(&format!("{error:#}"))))?;
        let code = within_time(&engine, binary.bytes.to_vec(), options.limits.compile_time)?;
        Ok(Self { name: name.to_owned(), target, filter, digest: binary.digest.clone(), code })
    }

    /// Its entry in the index.
    fn entry(&self) -> Vec<u8> {
        let mut entry = (self.name.len() as u64).to_le_bytes().to_vec();
        entry.extend_from_slice(self.name.as_bytes());
        entry.extend_from_slice(match self.target {
            Target::Native => b"native\0\0",
            Target::Pulley => b"pulley\0\0",
        });
        entry.extend_from_slice(match self.filter {
            Filter::None => b"none\0\0\0\0",
            Filter::X86 => b"x86\0\0\0\0\0",
            Filter::Arm64 => b"arm64\0\0\0",
        });
        entry.extend(unhex(&self.digest));
        entry.extend_from_slice(&(self.code.len() as u64).to_le_bytes());
        entry
    }

    fn write_filtered(&self, to: &mut impl Write) -> std::io::Result<()> {
        let mut filtered = match self.filter {
            Filter::None => return to.write_all(&self.code),
            Filter::X86 => BcjWriter::new_x86(to, 0),
            Filter::Arm64 => BcjWriter::new_arm64(to, 0),
        };
        filtered.write_all(&self.code)?;
        filtered.finish().map(drop)
    }
}

fn pack(mut parts: Vec<Part>) -> Result<Vec<u8>, LoadError> {
    // The sort is stable: within each half the order stays.
    parts.sort_by_key(|part| part.target == Target::Pulley);
    let mut rest = (parts.len() as u64).to_le_bytes().to_vec();
    for part in &parts {
        rest.extend(part.entry());
    }
    let failed = |error: std::io::Error| LoadError::Host(format!("the code cannot be packed: {error}"));
    let mut options = Lzma2Options::with_preset(9);
    options.lzma_options.dict_size = window(parts.iter().map(|part| part.code.len() as u64).sum());
    let mut packed = Lzma2Writer::new(rest, options);
    for part in &parts {
        part.write_filtered(&mut packed).map_err(failed)?;
    }
    Ok(seal(&packed.finish().map_err(failed)?))
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
