//! Loading: the cache, precompiled components, and looking without running.

#[path = "loading/cache.rs"]
mod cache;
mod support;

use std::path::{Path, PathBuf};

use support::{batch, context, grant, load};
use telemetry_guests::Guest;
use telemetry_host::types::Outcome;
use telemetry_host::{
    Backend, Component, Door, ImportClass, Inspection, LoadError, LoadOptions, Offence, Recorder, Setup,
    Source, inspect,
};

fn delivers(component: &Component) {
    let setup = Setup::new("{}", Door::Record(Recorder::default())).grant(grant(
        "intake",
        "https://vendor.example",
        &[],
    ));
    let mut backend = Backend::start(component, setup).unwrap();
    assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
}

mod precompiled {
    use super::*;
    use telemetry_host::{CompileFor, precompile, precompile_bundle};

    /// Where an artefact of one part has its checksum, the number of parts, the length of the name, the target,
    /// the code's length, and the packed code.
    const SUM: std::ops::Range<usize> = 8..24;
    const PARTS: std::ops::Range<usize> = 24..32;
    const NAME: std::ops::Range<usize> = 32..40;
    const TARGET: std::ops::Range<usize> = 40..48;
    const FILTER: std::ops::Range<usize> = 48..56;
    const LENGTH: std::ops::Range<usize> = 88..96;
    const PACKED: std::ops::RangeFrom<usize> = 96..;

    fn triple() -> String {
        let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        if cfg!(target_os = "macos") {
            triple.replace("unknown-linux-gnu", "apple-darwin")
        } else if cfg!(windows) {
            triple.replace("unknown-linux-gnu", "pc-windows-msvc")
        } else {
            triple
        }
    }

    fn native() -> CompileFor {
        CompileFor::Native(triple())
    }

    /// The artefact with other bytes at one place, and with a checksum that vouches for them.
    fn vouched(artefact: &[u8], at: std::ops::Range<usize>, bytes: &[u8]) -> Vec<u8> {
        let mut artefact = artefact.to_vec();
        artefact[at].copy_from_slice(bytes);
        let sum = xxhash_rust::xxh3::xxh3_128(&artefact[SUM.end..]);
        artefact[SUM].copy_from_slice(&sum.to_le_bytes());
        artefact
    }

    fn number(artefact: &[u8], at: std::ops::Range<usize>) -> u64 {
        u64::from_le_bytes(artefact[at].try_into().unwrap())
    }

    #[track_caller]
    fn refused(artefact: &'static [u8]) -> String {
        match Component::load(Source::Precompiled(artefact), &LoadOptions::default()) {
            Err(error @ LoadError::Precompiled(_)) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    /// As if it were embedded.
    fn embed(artefact: Vec<u8>) -> Source<'static> {
        Source::Precompiled(artefact.leak())
    }

    fn made(target: &CompileFor) -> Vec<u8> {
        precompile(Source::Bytes(&Guest::default().component()), &LoadOptions::default(), target).unwrap()
    }

    #[test]
    fn a_precompiled_component_is_the_same_component() {
        let component = Component::load(embed(made(&native())), &LoadOptions::default()).unwrap();
        delivers(&component);
        assert!(!component.is_interpreted());
        assert_eq!(
            component.sha256(),
            load(&Guest::default().component()).unwrap().sha256(),
            "a pin is of the file"
        );
    }

    #[cfg(feature = "pulley-compiler")]
    #[test]
    fn an_interpreted_component_delivers_and_is_held_to_its_limits() {
        let component = Component::load(embed(made(&CompileFor::Pulley)), &LoadOptions::default()).unwrap();
        assert!(component.is_interpreted());
        delivers(&component);
        let forever = Guest::sending("(loop $l (br $l)) (unreachable)");
        let artefact =
            precompile(Source::Bytes(&forever), &LoadOptions::default(), &CompileFor::Pulley).unwrap();
        let mut options = LoadOptions::default();
        options.limits.cpu_time = std::time::Duration::from_millis(100);
        let component = Component::load(embed(artefact), &options).unwrap();
        let setup = Setup::new("{}", Door::Record(Recorder::default())).grant(grant(
            "intake",
            "https://v.example",
            &[],
        ));
        let error = Backend::start(&component, setup).unwrap().send(&batch(1), &context()).unwrap_err();
        assert!(error.to_string().contains("processor time"), "{error}");
    }

    #[cfg(not(feature = "pulley"))]
    #[test]
    fn an_artefact_for_the_interpreter_says_which_feature_is_missing() {
        let artefact = vouched(&made(&native()), TARGET, b"pulley\0\0");
        let text = refused(artefact.leak());
        assert!(text.contains("feature `pulley`"), "{text}");
    }

    #[test]
    fn what_is_cut_short_anywhere_does_not_run() {
        let honest: &'static [u8] = made(&native()).leak();
        for end in 0..honest.len() {
            let text = refused(&honest[..end]);
            assert!(text.contains("too short") || text.contains("damaged"), "{end}: {text}");
        }
    }

    #[test]
    fn what_is_damaged_anywhere_does_not_run() {
        let honest = made(&native());
        let places = (0..PACKED.start).chain((PACKED.start..honest.len()).step_by(honest.len() / 100));
        for place in places {
            let mut artefact = honest.clone();
            artefact[place] ^= 1 << (place % 8);
            refused(artefact.leak());
        }
    }

    #[test]
    fn what_was_made_for_something_else_does_not_run() {
        refused(Guest::default().component().leak());
        let honest = made(&native());
        let text = refused(vouched(&honest, TARGET, b"toaster\0").leak());
        assert!(text.contains("for something unknown"), "{text}");
        let text = refused(vouched(&honest, FILTER, b"toaster\0").leak());
        assert!(text.contains("packed in a way unknown"), "{text}");
        let text = refused(vouched(&honest, PARTS, &0_u64.to_le_bytes()).leak());
        assert!(text.contains("no component"), "{text}");
    }

    #[test]
    fn a_length_that_lies_is_found_before_it_costs_memory() {
        let honest = made(&native());
        let length = number(&honest, LENGTH);
        for lie in [0, length - 1, length + 1, length * 2, 511 << 20, 513 << 20, 1 << 40, u64::MAX] {
            refused(vouched(&honest, LENGTH, &lie.to_le_bytes()).leak());
        }
        for place in [PARTS, NAME] {
            for lie in [2, 1_000, 1 << 40, u64::MAX] {
                refused(vouched(&honest, place.clone(), &lie.to_le_bytes()).leak());
            }
        }
    }

    /// Two components in one piece, as the names `first` and `second`.
    fn bundled() -> (&'static [u8], [Vec<u8>; 2]) {
        let dir = tempfile::tempdir().unwrap();
        let guests = ["/first", "/second"].map(|path| Guest::with(|guest| guest.path = path.into()));
        let files = ["first", "second"].map(|name| dir.path().join(name));
        for (file, guest) in files.iter().zip(&guests) {
            std::fs::write(file, guest).unwrap();
        }
        let components = [("first", files[0].as_path()), ("second", files[1].as_path())];
        (precompile_bundle(&components, &triple()).unwrap().leak(), guests)
    }

    #[test]
    fn of_a_bundle_each_component_is_found_by_its_name() {
        let (bundle, guests) = bundled();
        for (name, guest) in ["first", "second"].into_iter().zip(&guests) {
            let source = Source::Bundled { bundle, name };
            let component = Component::load(source, &LoadOptions::default()).unwrap();
            assert_eq!(component.sha256(), load(guest).unwrap().sha256(), "{name}");
            assert!(!component.is_interpreted());
            delivers(&component);
            let mut options = LoadOptions::default();
            options.pin = Some("0".repeat(64));
            assert!(matches!(Component::load(source, &options), Err(LoadError::Pin { .. })));
        }
    }

    #[test]
    fn of_a_bundle_a_name_that_it_has_not_is_refused_with_those_that_it_has() {
        let (bundle, _) = bundled();
        let third = Source::Bundled { bundle, name: "third" };
        let text = Component::load(third, &LoadOptions::default()).unwrap_err().to_string();
        assert!(text.contains("`third`") && text.contains("first") && text.contains("second"), "{text}");
        assert!(refused(bundle).contains("first"), "without a name there is none to choose");
    }

    #[test]
    fn components_that_share_code_are_smaller_together() {
        let (bundle, guests) = bundled();
        let apart =
            |guest| precompile(Source::Bytes(guest), &LoadOptions::default(), &native()).unwrap().len();
        // The bundle has the interpreter's code too, where that is compiled.
        let most = guests.iter().map(|guest| apart(guest)).sum::<usize>();
        let most = if cfg!(feature = "pulley-compiler") { most * 3 / 2 } else { most * 2 / 3 };
        assert!(bundle.len() < most, "{} of {most}", bundle.len());
    }

    #[test]
    fn native_code_is_never_taken_from_a_path_or_from_bytes() {
        let artefact = made(&native());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("acme.wasm");
        // With and without this package's own header, and as the compiler wrote it.
        let packed = &artefact[PACKED];
        let mut code = Vec::new();
        let unpacked = lzma_rust2::Lzma2Reader::new(packed, 64 << 20, None);
        std::io::Read::read_to_end(&mut { unpacked }, &mut code).unwrap();
        assert!(code.starts_with(b"\x7fELF"));
        for code in [artefact.as_slice(), packed, code.as_slice()] {
            std::fs::write(&path, code).unwrap();
            for source in [Source::Path(&path), Source::Bytes(code)] {
                assert!(matches!(
                    Component::load(source, &LoadOptions::default()),
                    Err(LoadError::NotAComponent(_))
                ));
            }
        }
    }
}

/// Everything that is refused in a component of these imports, and what is seen of it.
fn offences(imports: &str) -> (Vec<Offence>, Inspection) {
    let bytes = wat::parse_str(format!("(component {imports})")).unwrap();
    let seen = inspect(Source::Bytes(&bytes), &LoadOptions::default()).unwrap();
    match load(&bytes) {
        Err(LoadError::Refused(offences)) => (offences, seen),
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_a_million_offences_the_first_fifty_are_named() {
    const MANY: usize = 10_000;
    let functions: String = (0..MANY).map(|at| format!("(export \"f{at}\" (func))")).collect();
    let one = format!("(import \"wasi:cli/exit@0.2.3\" (instance {functions}))");
    // As many instances as a component may have; of functions it may have a million.
    const INSTANCES: usize = 900;
    let each = |count: usize, import: &dyn Fn(usize) -> String| (0..count).map(import).collect::<String>();
    let unknown = each(MANY, &|at| format!("(import \"acme:a{at}/b\" (func))"));
    let bare = each(MANY, &|at| format!("(import \"wasi:cli/exit@0.2.{at}\" (func))"));
    let missing = each(INSTANCES, &|at| {
        format!("(import \"wasi:cli/exit@0.2.{at}\" (instance (export \"explode\" (func))))")
    });
    for (imports, count, first, last) in [
        (one, 1, "wasi:cli/exit@0.2.3#f0", "wasi:cli/exit@0.2.3#f49"),
        (unknown, MANY, "acme:a0/b", "acme:a49/b"),
        (bare, MANY, "wasi:cli/exit@0.2.0", "wasi:cli/exit@0.2.49"),
        (missing, INSTANCES, "wasi:cli/exit@0.2.0#explode", "wasi:cli/exit@0.2.49#explode"),
    ] {
        let (offences, seen) = offences(&imports);
        assert_eq!(offences.len(), 51);
        assert_eq!((offences[0].import.as_str(), offences[49].import.as_str()), (first, last));
        let rest = Offence { import: "and so on".into(), cause: "there are more than these 50".into() };
        assert_eq!(offences[50], rest);
        assert_eq!(seen.imports.len(), count);
        assert!(seen.imports.iter().all(|import| matches!(import.class, ImportClass::Refused(_))));
        assert!(seen.refused.is_some_and(|why| why.len() < 20_000));
    }
}

#[test]
fn as_many_offences_as_are_named_are_all_of_them() {
    let imports =
        |count| (0..count).map(|at| format!("(import \"acme:a{at}/b\" (instance))")).collect::<String>();
    let (fifty, _) = offences(&imports(50));
    assert_eq!(fifty.len(), 50);
    assert_eq!(fifty[49].import, "acme:a49/b");
    assert_eq!(offences(&imports(51)).0.len(), 51);
}

#[test]
fn a_function_that_is_missing_is_missing_from_each_version_and_one_that_is_there_from_none() {
    let function = |name: &str| format!("(export \"{name}\" (func (param \"status\" (result))))");
    let of = |version: &str, names: &[&str]| {
        let functions: String = names.iter().map(|name| function(name)).collect();
        format!("(import \"wasi:cli/exit@{version}\" (instance {functions}))")
    };
    let imports = [
        of("0.2.3", &["exit", "explode"]),
        of("0.2.4", &["explode", "exit"]),
        of("0.2.5", &["exit"]),
        of("0.2.6", &["explode"]),
    ];
    let (offences, seen) = offences(&imports.concat());
    let names: Vec<&str> = offences.iter().map(|offence| offence.import.as_str()).collect();
    assert_eq!(names, ["0.2.3", "0.2.4", "0.2.6"].map(|version| format!("wasi:cli/exit@{version}#explode")));
    let inert: Vec<bool> = seen.imports.iter().map(|import| import.class == ImportClass::Inert).collect();
    assert_eq!(inert, [false, false, true, false]);
}

#[test]
fn a_version_without_end_is_not_shown_to_its_end() {
    let version = format!("0.7.0+{}", "x".repeat(50_000));
    let (offences, seen) = offences(&format!("(import \"telemetry:backend/http@{version}\" (instance))"));
    assert!(offences[0].import.len() <= 200 && offences[0].cause.len() < 300, "{offences:?}");
    assert!(seen.refused.is_some_and(|why| why.len() < 1_000));
}

mod inspection {
    use super::*;

    #[test]
    fn an_honest_component_is_looked_at_and_asked_what_it_wants() {
        let bytes = Guest::default().component();
        let seen = inspect(Source::Bytes(&bytes), &LoadOptions::default()).unwrap();
        assert_eq!(seen.size, bytes.len() as u64);
        assert_eq!(seen.track.as_deref(), Some("0.1.0"));
        assert_eq!(seen.refused, None);
        assert!(seen.imports.iter().all(|import| import.class == ImportClass::Granted), "{:?}", seen.imports);
        assert_eq!(seen.description.unwrap().unwrap().endpoints[0].name, "intake");
    }

    #[test]
    fn a_refused_component_is_looked_at_and_not_run() {
        let wat = r#"(component
            (import "wasi:sockets/tcp@0.2.0" (instance))
            (import "wasi:cli/environment@0.2.3" (instance))
            (import "wasi:cli/exit@0.2.3" (instance (export "explode" (func)))))"#;
        let seen = inspect(Source::Bytes(&wat::parse_str(wat).unwrap()), &LoadOptions::default()).unwrap();
        assert!(seen.refused.unwrap().contains("wasi:sockets"));
        assert!(seen.description.is_none());
        let class =
            |name: &str| seen.imports.iter().find(|import| import.name == name).unwrap().class.clone();
        assert!(matches!(class("wasi:sockets/tcp@0.2.0"), ImportClass::Refused(_)));
        assert_eq!(class("wasi:cli/environment@0.2.3"), ImportClass::Inert);
        assert!(matches!(class("wasi:cli/exit@0.2.3"), ImportClass::Refused(_)));
    }

    #[test]
    fn a_component_that_traps_when_it_is_asked_is_shown_all_the_same() {
        let bytes = Guest::with(|guest| guest.in_describe = "(unreachable)".into());
        let seen = inspect(Source::Bytes(&bytes), &LoadOptions::default()).unwrap();
        assert!(seen.description.unwrap().unwrap_err().contains("describe"));
    }

    #[cfg(feature = "wat")]
    #[test]
    fn text_is_read_as_well() {
        let seen = inspect(Source::Bytes(b";; nothing\n(component)"), &LoadOptions::default()).unwrap();
        assert!(seen.refused.is_some());
        assert!(inspect(Source::Bytes(b"(component"), &LoadOptions::default()).is_err());
        assert!(inspect(Source::Bytes(b"(module)"), &LoadOptions::default()).is_err());
    }
}
