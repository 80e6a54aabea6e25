//! What an author's build script does with a component of their own, so that the tool needs no compiler.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "embedded")]
    {
        // An author writes `Path::new("acme.wasm")`. This one is built by the test.
        println!("cargo::rerun-if-env-changed=ACME_WASM");
        let component = std::env::var_os("ACME_WASM").expect("ACME_WASM names the component to embed");
        if let Err(error) = telemetry_host::precompile_in_build_script(component.as_ref()) {
            println!("cargo::error={error}");
        }
    }
}
