//! Memory, tables, stack and handles without end.

use super::{Guest, case, contained, crashed};

const MEMORY: &str = "after it asked for more memory than 134217728 bytes";
const ELEMENTS: &str = "after it asked for more table elements than 200000";

#[test]
fn a_component_that_takes_all_memory() {
    let in_turn: String = (1..5)
        .map(|number| format!("(br_if $more (i32.ne (memory.grow {number} (i32.const 256)) (i32.const -1)))"))
        .collect();
    contained([
        case(
            Guest::sending(
                "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 512)) (i32.const -1)))) (unreachable)",
            ),
            format!("crashed: the component failed in `send` {MEMORY}"),
        ),
        case(
            Guest::with(|it| it.memory = "(memory (export \"memory\") 16384)".into()),
            format!("held: the component failed in `instantiation` {MEMORY}"),
        ),
        case(
            Guest::with(|it| {
                it.memory = "(memory (export \"memory\") 4)".to_owned() + &"(memory 500)".repeat(8)
            }),
            format!("held: the component failed in `instantiation` {MEMORY}"),
        ),
        case(
            Guest::with(|it| {
                it.memory = "(memory (export \"memory\") 4)".to_owned() + &"(memory 1)".repeat(4);
                it.send = Some(format!("(loop $more {in_turn}) (unreachable)"));
            }),
            format!("crashed: the component failed in `send` {MEMORY}"),
        ),
    ]);
}

#[test]
fn a_component_that_takes_all_table_elements() {
    contained([
        case(
            Guest::with(|it| {
                it.items = "(table $t 1 funcref)".into();
                it.send = Some(
                    "(loop $more (br_if $more
                       (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1)))) (unreachable)"
                        .into(),
                );
            }),
            format!("crashed: the component failed in `send` {ELEMENTS}"),
        ),
        case(
            Guest::with(|it| it.items = "(table 100000000 funcref)".into()),
            format!("held: the component failed in `instantiation` {ELEMENTS}"),
        ),
    ]);
}

#[test]
fn a_component_that_recurses_for_ever() {
    let guest = Guest::with(|it| {
        it.items =
            "(func $deep (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))".into();
        it.send = Some("(call $deep (i32.const 0))".into());
    });
    contained([case(guest, crashed("wasm trap: call stack exhausted"))]);
}

#[test]
fn a_component_that_takes_all_handles() {
    let resources = Guest::with(|it| {
        it.world = "package test:handles;
            interface things { resource thing { constructor(); } }
            world test { include telemetry:backend/backend@0.1.0; export things; }"
            .into();
        it.imports = "(import \"[export]test:handles/things\" \"[resource-new]thing\" (func $new (param i32) (result i32)))".into();
        it.items = "(func (export \"test:handles/things#[constructor]thing\") (result i32) (call $new (i32.const 1)))".into();
        it.send = Some("(loop $more (drop (call $new (i32.const 1))) (br $more)) (unreachable)".into());
    });
    let timers = Guest::importing(
        "wasi:clocks/monotonic-clock@0.2.3",
        "(import \"wasi:clocks/monotonic-clock@0.2.3\" \"subscribe-duration\" (func $sleep (param i64) (result i32)))",
        "(loop $more (drop (call $sleep (i64.const 1))) (br $more)) (unreachable)",
    );
    contained([
        case(resources, crashed("cannot allocate another handle: store handle limit exceeded")),
        case(timers, crashed("resource table has no free keys")),
    ]);
}
