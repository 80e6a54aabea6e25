//! Memory, tables, stack and handles without end.

use super::*;

#[test]
fn recursion_without_end_is_stopped() {
    let guest = Guest::with(|guest| {
        guest.items =
            "(func $deep (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))".into();
        guest.send = Some("(call $deep (i32.const 0))".into());
    });
    assert_eq!(stopped(&guest), failed("wasm trap: call stack exhausted"));
}

#[test]
fn growing_one_memory_without_end_is_stopped() {
    let text = stopped(&Guest::sending(
        "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 512)) (i32.const -1)))) (unreachable)",
    ));
    assert_eq!(text, format!("the component failed in `send` {NO_MORE_MEMORY}"));
}

#[test]
fn a_memory_that_begins_too_big_is_not_made() {
    let guest = Guest::with(|guest| guest.memory = "(memory (export \"memory\") 16384)".into());
    assert_eq!(not_started(&guest), format!("the component failed in `instantiation` {NO_MORE_MEMORY}"));
}

#[test]
fn many_memories_are_counted_together() {
    let guest = Guest::with(|guest| {
        guest.memory = "(memory (export \"memory\") 4)".to_owned() + &"(memory 500)".repeat(8);
    });
    assert_eq!(not_started(&guest), format!("the component failed in `instantiation` {NO_MORE_MEMORY}"));
}

#[test]
fn growing_many_memories_in_turn_is_stopped() {
    let grow: String = (1..5)
        .map(|n| format!("(br_if $l (i32.ne (memory.grow {n} (i32.const 256)) (i32.const -1)))"))
        .collect();
    let guest = Guest::with(|guest| {
        guest.memory = "(memory (export \"memory\") 4)".to_owned() + &"(memory 1)".repeat(4);
        guest.send = Some(format!("(loop $l {grow}) (unreachable)"));
    });
    assert_eq!(stopped(&guest), format!("the component failed in `send` {NO_MORE_MEMORY}"));
}

#[test]
fn growing_a_table_without_end_is_stopped() {
    let guest = Guest::with(|guest| {
        guest.items = "(table $t 1 funcref)".into();
        guest.send = Some(
            "(loop $l (br_if $l (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1)))) (unreachable)"
                .into(),
        );
    });
    assert_eq!(stopped(&guest), format!("the component failed in `send` {NO_MORE_ELEMENTS}"));
}

#[test]
fn a_table_that_begins_too_big_is_not_made() {
    let guest = Guest::with(|guest| guest.items = "(table 4000000000 funcref)".into());
    assert_eq!(not_started(&guest), format!("the component failed in `instantiation` {NO_MORE_ELEMENTS}"));
}

#[test]
fn a_failed_growth_does_not_use_up_the_allowance() {
    // Asked for too much a thousand times, then for what there is.
    let code = "(local $n i32)
        (loop $l
          (drop (memory.grow (i32.const 60000)))
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (br_if $l (i32.lt_u (local.get $n) (i32.const 1000))))
        (if (i32.eq (memory.grow (i32.const 100)) (i32.const -1)) (then (unreachable)))
        (call $request) (call $answer)";
    assert_eq!(send(&Guest::sending(code)), Ok(Outcome::Delivered));
}

#[test]
fn a_growth_that_no_memory_could_have_gives_no_allowance_back() {
    // After each growth one beyond what can be addressed, 256 MiB in all.
    let guest = Guest::sending(
        "(local $n i32)
         (loop $l
           (if (i32.eq (memory.grow (i32.const 256)) (i32.const -1)) (then (unreachable)))
           (drop (memory.grow (i32.const 65535)))
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $l (i32.lt_u (local.get $n) (i32.const 16))))
         (unreachable)",
    );
    assert_eq!(stopped(&guest), format!("the component failed in `send` {NO_MORE_MEMORY}"));
}

#[test]
fn an_instance_that_has_grown_is_replaced_after_its_call() {
    let guest = Guest::with(|guest| {
        guest.items = "(global $calls (mut i32) (i32.const 0))".into();
        // Traps if it is called a second time in the same instance.
        guest.send = Some(
            "(if (global.get $calls) (then (unreachable)))
             (global.set $calls (i32.const 1))
             (drop (memory.grow (i32.const 1100)))
             (call $request) (call $answer)"
                .into(),
        );
    });
    let mut backend = start(&guest).unwrap();
    for _ in 0..3 {
        assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
    }
}

#[test]
fn handles_without_end_are_stopped() {
    let guest = Guest::with(|guest| {
        guest.world = "package test:handles;
            interface things { resource thing { constructor(); } }
            world test { include telemetry:backend/backend@0.1.0; export things; }"
            .into();
        guest.imports =
            "(import \"[export]test:handles/things\" \"[resource-new]thing\" (func $new (param i32) (result i32)))".into();
        guest.items = "(func (export \"test:handles/things#[constructor]thing\") (result i32) (call $new (i32.const 1)))".into();
        guest.send = Some("(loop $l (drop (call $new (i32.const 1))) (br $l)) (unreachable)".into());
    });
    assert_eq!(stopped(&guest), failed("cannot allocate another handle: store handle limit exceeded"));
}
