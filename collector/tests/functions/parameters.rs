//! What parameters may be.

use std::cell::RefCell;
use std::rc::Rc;

use crate::seen::{one, succeeds, wait};

#[telemetry::command]
fn by_reference(text: &str) -> &str {
    text.trim()
}

#[test]
fn a_borrow_is_returned_with_its_own_lifetime() {
    let owned = " a ".to_owned();
    succeeds("by-reference", "a", || by_reference(&owned));
}

#[telemetry::command]
fn by_mutable_reference(list: &mut Vec<u8>) -> &mut u8 {
    list.push(1);
    list.last_mut().expect("it was just pushed")
}

#[test]
fn a_mutable_borrow_is_returned_out_of_the_body() {
    let mut list = Vec::new();
    let (_, _) = one(|| *by_mutable_reference(&mut list) = 9);
    assert_eq!(list, [9]);
}

#[telemetry::command]
fn mutable(mut count: u8, mut text: String) -> String {
    count += 1;
    text.push_str(&count.to_string());
    text
}

#[test]
fn a_mutable_parameter_is_changed_in_place() {
    succeeds("mutable", "a2".to_owned(), || mutable(1, "a".to_owned()));
}

struct Point {
    x: i32,
    y: i32,
}

#[telemetry::command]
fn patterns((a, [b, ..]): (i32, [i32; 3]), Point { x, y: renamed }: Point, &c: &i32, _: u8) -> i32 {
    a + b + x + renamed + c
}

#[test]
fn patterns_bind_what_they_did() {
    succeeds("patterns", 15, || patterns((1, [2, 0, 0]), Point { x: 3, y: 4 }, &5, 0));
}

#[telemetry::command(record(a, x))]
fn recorded_patterns((a, _): (i32, i32), Point { x, y: _ }: Point) -> i32 {
    a + x
}

#[test]
fn a_name_that_a_pattern_binds_can_be_recorded() {
    let (_, event) = one(|| recorded_patterns((1, 2), Point { x: 3, y: 4 }));
    assert_eq!(event.attributes.len(), 2);
}

#[telemetry::command]
fn unused(_first: Vec<u8>, second: Vec<u8>) -> usize {
    second.len()
}

#[test]
fn an_unused_parameter_stays_unused() {
    succeeds("unused", 1, || unused(vec![], vec![1]));
}

#[derive(Clone)]
struct Noisy(&'static str, Rc<RefCell<Vec<&'static str>>>);

impl Drop for Noisy {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

fn plain_order(first: Noisy, second: Noisy) -> Result<usize, ()> {
    let local = Noisy("local", first.1.clone());
    Ok(second.0.len() + local.0.len())
}

#[telemetry::command]
fn measured_order(first: Noisy, second: Noisy) -> Result<usize, ()> {
    let local = Noisy("local", first.1.clone());
    Ok(second.0.len() + local.0.len())
}

#[test]
fn parameters_and_locals_are_dropped_in_the_order_they_were() {
    let order = |run: fn(Noisy, Noisy) -> Result<usize, ()>| {
        let log = Rc::new(RefCell::new(Vec::new()));
        let _ = run(Noisy("first", log.clone()), Noisy("second", log.clone()));
        let order = log.borrow().clone();
        order
    };
    let (measured, _) = one(|| order(measured_order));
    assert_eq!(measured, order(plain_order));
}

#[telemetry::command]
fn higher_ranked(act: impl Fn(&str) -> &str, other: &dyn Fn(u8) -> u8) -> u8 {
    other(u8::try_from(act("abc").len()).unwrap_or(0))
}

#[test]
fn closures_and_trait_objects_are_parameters() {
    succeeds("higher-ranked", 4, || higher_ranked(|it| it, &|it| it + 1));
}

#[telemetry::command]
fn consumed(text: String, list: Vec<String>) -> Vec<String> {
    let mut list = list;
    list.push(text);
    list
}

#[test]
fn a_parameter_is_moved_out_of() {
    succeeds("consumed", vec!["a".to_owned()], || consumed("a".to_owned(), vec![]));
}

#[telemetry::command(record(text(path)), metadata(length = path.len()))]
fn recorded_and_consumed(path: String) -> String {
    path
}

#[test]
fn a_parameter_is_recorded_and_then_moved() {
    let (returned, event) = one(|| recorded_and_consumed("a/b".to_owned()));
    assert_eq!((returned.as_str(), event.attributes.len()), ("a/b", 2));
}

#[telemetry::command]
async fn attributes_on_parameters(#[allow(unused_variables)] n: u8, #[cfg(any())] gone: u8) -> u8 {
    1
}

#[test]
fn parameters_may_have_attributes_of_their_own() {
    succeeds("attributes-on-parameters", 1, || wait(attributes_on_parameters(1)));
}
