//! The contract exists once; the packages that need it hold copies, because a published package holds its
//! own files only.

use std::fs;
use std::path::Path;

#[test]
fn every_copy_of_the_contract_is_the_contract() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let contract = fs::read_to_string(top.join("wit/backend.wit")).expect("the contract");
    for copy in ["host/wit/backend.wit", "backends-wasm/sdk/wit/backend.wit"] {
        let text = fs::read_to_string(top.join(copy)).expect("a copy");
        assert!(text == contract, "{copy} differs from wit/backend.wit: copy the contract over it");
    }
}
