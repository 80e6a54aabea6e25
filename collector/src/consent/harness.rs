//! Is this a test? A tool's own tests must neither record nor send nor ask.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

/// The variable that makes a run under test an ordinary one.
const IN_TESTS: &str = "TELEMETRY_IN_TESTS";
/// What cargo tells each program that it runs.
const CARGO: &str = "CARGO_MANIFEST_DIR";
/// What cargo tells integration tests and benches, with a program's name after it.
const BUILT_FOR_TESTS: &str = "CARGO_BIN_EXE_";
/// Runners that name themselves.
const RUNNERS: [(&str, &str); 3] =
    [("NEXTEST", "cargo-nextest"), ("PYTEST_CURRENT_TEST", "pytest"), ("BATS_TEST_FILENAME", "Bats")];

/// How we know that this is a test.
///
/// `cfg!(test)` cannot tell: it is about the library's own build. What can, cheapest first:
///
/// 1. Test runners that name themselves in the environment: cargo-nextest (`NEXTEST`), pytest and
///    Bats, with which command-line tools are often tested.
/// 2. The executable is itself a test or a bench: cargo builds those as `deps/<name>-<16 hex
///    digits>` (or `examples/…`), which is also how a test that uses the library directly looks. A
///    documentation test lies in a directory that begins with `rustdoctest`.
/// 3. The tool was started by a test (`assert_cmd`, `trycmd`): cargo tells every program that it
///    runs its `CARGO_MANIFEST_DIR`, which a child inherits, but that is also so under `cargo run`,
///    in which a developer wants to see telemetry work. So it only makes worthwhile to look further:
///    cargo 1.94 and later give integration tests and benches `CARGO_BIN_EXE_<name>` at run time,
///    and never `cargo run`; and on Linux the ancestors' executables are looked at as in 2.
///
/// A user's run pays for three look-ups in the environment and one `readlink`, and only if it would
/// otherwise record.
///
/// Two ways lead past this, for tests of telemetry itself: `TELEMETRY_IN_TESTS=1` in the environment
/// (it lifts this step and is never a yes), and the author's setting. A tool started by a test with
/// a cleared environment is, apart from 2, an ordinary run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Harness {
    /// A test runner said so in the environment.
    Runner(&'static str),
    /// The executable is a test.
    TestBinary,
    /// The executable is a documentation test.
    DocumentationTest,
    /// A test started this program.
    StartedByTest,
}

impl fmt::Display for Harness {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runner(name) => write!(out, "{name} runs it"),
            Self::TestBinary => out.write_str("the program is a test"),
            Self::DocumentationTest => out.write_str("the program is a documentation test"),
            Self::StartedByTest => out.write_str("a test started it"),
        }
    }
}

/// What detection looks at.
pub(crate) struct Facts<'a> {
    pub(crate) variable: &'a dyn Fn(&str) -> Option<OsString>,
    pub(crate) variable_names: &'a dyn Fn() -> Vec<OsString>,
    pub(crate) executable: &'a dyn Fn() -> Option<PathBuf>,
    pub(crate) ancestors: &'a dyn Fn() -> Vec<PathBuf>,
}

impl Harness {
    /// The harness that this process runs in.
    #[must_use]
    pub fn detect() -> Option<Self> {
        Self::among(&Facts {
            variable: &|name| std::env::var_os(name),
            variable_names: &|| std::env::vars_os().map(|(name, _)| name).collect(),
            executable: &|| std::env::current_exe().ok(),
            ancestors: &crate::platform::process::ancestors,
        })
    }

    pub(crate) fn among(facts: &Facts<'_>) -> Option<Self> {
        let says = |name| (facts.variable)(name).is_some_and(|value| !value.is_empty());
        if (facts.variable)(IN_TESTS).is_some_and(|value| !value.is_empty() && value != "0") {
            return None;
        }
        if let Some((_, runner)) = RUNNERS.iter().find(|(name, _)| says(name)) {
            return Some(Self::Runner(runner));
        }
        if let Some(executable) = (facts.executable)() {
            if is_test_binary(&executable) {
                return Some(Self::TestBinary);
            }
            if is_documentation_test(&executable) {
                return Some(Self::DocumentationTest);
            }
        }
        if !says(CARGO) {
            return None;
        }
        let for_tests = |name: &OsString| name.to_str().is_some_and(|name| name.starts_with(BUILT_FOR_TESTS));
        let started_by_test = (facts.variable_names)().iter().any(for_tests)
            || (facts.ancestors)().iter().any(|path| is_test_binary(path) || is_documentation_test(path));
        started_by_test.then_some(Self::StartedByTest)
    }
}

fn is_test_binary(path: &Path) -> bool {
    let hashed = path.file_stem().and_then(OsStr::to_str).and_then(|stem| stem.rsplit_once('-')).is_some_and(
        |(name, hash)| {
            !name.is_empty()
                && hash.len() == 16
                && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        },
    );
    // `out` is where cargo's newer directory layout has them.
    hashed
        && path
            .parent()
            .and_then(Path::file_name)
            .is_some_and(|name| ["deps", "examples", "out"].iter().any(|known| name == *known))
}

fn is_documentation_test(path: &Path) -> bool {
    path.parent().is_some_and(|directory| {
        directory.iter().any(|name| name.to_str().is_some_and(|name| name.starts_with("rustdoctest")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOL: &str = "/src/greet/target/debug/greet";
    const TEST: &str = "/src/greet/target/debug/deps/cli-0d180f9a239ca6e0";

    fn detect(variables: &[(&str, &str)], executable: &str, ancestors: &[&str]) -> Option<Harness> {
        Harness::among(&Facts {
            variable: &|name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            },
            variable_names: &|| variables.iter().map(|(name, _)| name.into()).collect(),
            executable: &|| Some(executable.into()),
            ancestors: &|| ancestors.iter().map(PathBuf::from).collect(),
        })
    }

    #[test]
    fn a_users_run_is_no_test() {
        assert_eq!(detect(&[], "/usr/bin/greet", &["/usr/bin/bash", TEST]), None);
        assert_eq!(detect(&[("RUST_TEST_THREADS", "1")], "/usr/bin/greet", &[]), None);
        assert_eq!(detect(&[], "/opt/deps/greet-1.2.3", &[]), None);
        assert_eq!(detect(&[], "/opt/deps/greet-0d180f9a239ca6e", &[]), None);
        assert_eq!(detect(&[], "/home/u/bin/greet-0d180f9a239ca6e0", &[]), None);
    }

    #[test]
    fn cargo_run_is_no_test() {
        let cargo = [("CARGO_MANIFEST_DIR", "/src/greet"), ("CARGO_PKG_NAME", "greet")];
        assert_eq!(detect(&cargo, TOOL, &["/usr/bin/bash", "/usr/bin/tmux"]), None);
        assert_eq!(detect(&cargo, "/src/greet/target/debug/examples/greet", &["/usr/bin/bash"]), None);
    }

    #[test]
    fn the_test_itself_is_recognised_by_where_cargo_builds_it() {
        for test in [
            TEST,
            "/t/x86_64-unknown-linux-gnu/release/deps/bench-00000000deadbeef",
            "/t/debug/examples/greet-0123456789abcdef",
            "/t/debug/build/greet/0123456789abcdef/out/cli-0123456789abcdef",
        ] {
            assert_eq!(detect(&[], test, &[]), Some(Harness::TestBinary), "{test}");
        }
        let documentation = "/tmp/rustdoctestA7x2/rust_out";
        assert_eq!(detect(&[], documentation, &[]), Some(Harness::DocumentationTest));
    }

    #[test]
    fn a_tool_that_a_test_started_is_recognised_by_what_cargo_told_the_test() {
        let integration = [("CARGO_MANIFEST_DIR", "/src"), ("CARGO_BIN_EXE_greet", TOOL)];
        assert_eq!(detect(&integration, TOOL, &[]), Some(Harness::StartedByTest));
        let older = [("CARGO_MANIFEST_DIR", "/src")];
        assert_eq!(detect(&older, TOOL, &["/usr/bin/dash", TEST]), Some(Harness::StartedByTest));
    }

    #[test]
    fn runners_that_name_themselves_are_believed() {
        assert_eq!(detect(&[("NEXTEST", "1")], TOOL, &[]), Some(Harness::Runner("cargo-nextest")));
        assert_eq!(detect(&[("BATS_TEST_FILENAME", "a.bats")], TOOL, &[]), Some(Harness::Runner("Bats")));
        assert_eq!(detect(&[("NEXTEST", "")], TOOL, &[]), None);
    }

    #[test]
    fn a_test_of_telemetry_itself_can_lift_this_step() {
        assert_eq!(detect(&[("NEXTEST", "1"), (IN_TESTS, "1")], TEST, &[]), None);
        for not_lifted in ["", "0"] {
            assert_eq!(detect(&[(IN_TESTS, not_lifted)], TEST, &[]), Some(Harness::TestBinary));
        }
    }

    #[test]
    fn this_very_test_is_recognised() {
        assert!(matches!(Harness::detect(), Some(Harness::TestBinary | Harness::Runner(_))));
    }
}
