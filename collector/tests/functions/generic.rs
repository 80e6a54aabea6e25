//! Type, lifetime and constant parameters, and their conditions.

use std::borrow::Cow;
use std::fmt::{Debug, Display};
use std::str::FromStr;

use crate::seen::{all, one, succeeds, value};

#[telemetry::command]
fn of_a_type<T: Clone>(it: &T) -> (T, T) {
    (it.clone(), it.clone())
}

#[test]
fn a_type_parameter_is_one_command_for_all_types() {
    succeeds("of-a-type", (1, 1), || of_a_type(&1));
    succeeds("of-a-type", ("a", "a"), || of_a_type(&"a"));
}

#[telemetry::command]
fn with_conditions<T>(text: &str) -> Result<T, T::Err>
where
    T: FromStr,
    T::Err: Debug,
{
    text.parse()
}

#[test]
fn an_associated_error_type_is_read_without_a_bound_of_ours() {
    let (returned, event) = one(|| with_conditions::<u8>("x"));
    assert!(returned.is_err());
    assert_eq!(event.error_kind.as_deref(), Some("core::num::error::ParseIntError"));
}

#[telemetry::command]
fn of_a_constant<const N: usize>(list: [u8; N]) -> [u8; N] {
    list
}

#[test]
fn a_constant_parameter() {
    succeeds("of-a-constant", [1, 2], || of_a_constant([1, 2]));
}

#[telemetry::command]
fn of_lifetimes<'a, 'b: 'a>(short: &'a str, long: &'b str, pick: bool) -> Cow<'a, str> {
    Cow::Borrowed(if pick { short } else { long })
}

#[test]
fn lifetimes_that_outlive_one_another() {
    succeeds("of-lifetimes", Cow::Borrowed("b"), || of_lifetimes("a", "b", false));
}

#[telemetry::command]
fn late<'a>(text: &'a mut String) -> Box<dyn FnMut(&str) + 'a> {
    Box::new(|more| text.push_str(more))
}

#[test]
fn a_returned_object_borrows_a_parameter() {
    let mut text = String::new();
    let (_, event) = one(|| late(&mut text)("a"));
    assert_eq!((text.as_str(), &*event.name), ("a", "late"));
}

#[telemetry::command]
fn impl_in_and_out(items: impl IntoIterator<Item = impl Into<u32>>) -> impl Iterator<Item = u32> {
    items.into_iter().map(|it| it.into() + 1)
}

#[test]
fn impl_trait_in_both_positions() {
    succeeds("impl-in-and-out", vec![2, 3], || impl_in_and_out([1_u8, 2]).collect::<Vec<_>>());
}

#[telemetry::command]
fn impl_inside(fail: bool) -> Result<impl Display, impl Debug> {
    if fail { Err("an error") } else { Ok(1) }
}

#[test]
fn impl_trait_inside_of_a_result() {
    let (returned, event) = one(|| impl_inside(true).is_err());
    assert!(returned);
    assert_eq!((event.exit_code, event.error_kind.as_deref()), (Some(1), Some("str")));
}

#[telemetry::command]
fn impl_with_captures<'a>(words: &'a [String], with: &'a str) -> impl Iterator<Item = &'a String> + use<'a> {
    words.iter().filter(move |it| it.contains(with))
}

#[test]
fn impl_trait_that_says_what_it_captures() {
    let words = ["ab".to_owned(), "c".to_owned()];
    succeeds("impl-with-captures", 1, || impl_with_captures(&words, "a").count());
}

#[telemetry::command]
fn default_of<T: Default>() -> T {
    Default::default()
}

#[test]
fn the_return_type_still_decides_inference_inside() {
    let (returned, _) = one(|| {
        let it: u64 = default_of();
        it
    });
    assert_eq!(returned, 0);
}

#[telemetry::command]
fn collected(words: &[&str]) -> Result<Vec<u8>, std::num::ParseIntError> {
    words.iter().map(|it| it.parse()).collect()
}

#[test]
fn a_tail_expression_is_inferred_from_the_return_type() {
    succeeds("collected", Ok(vec![1, 2]), || collected(&["1", "2"]));
}

#[telemetry::command]
fn coerced(which: bool) -> Box<dyn Display> {
    if which { Box::new(1) } else { Box::new("a") }
}

#[test]
fn a_tail_expression_is_coerced_to_the_return_type() {
    succeeds("coerced", "1".to_owned(), || coerced(true).to_string());
}

#[telemetry::command]
fn coerced_pointer(n: u8) -> fn(u8) -> u8 {
    fn up(n: u8) -> u8 {
        n + 1
    }
    match n {
        0 => up,
        _ => |n| n - 1,
    }
}

#[test]
fn different_functions_are_coerced_to_one_pointer() {
    succeeds("coerced-pointer", 0, || coerced_pointer(1)(1));
}

#[telemetry::command(record(it))]
fn recorded_generic<T: telemetry::command::Recordable>(it: T) -> T {
    it
}

#[test]
fn a_type_parameter_that_is_recordable_can_be_recorded() {
    let (_, event) = one(|| recorded_generic(4_u8));
    assert_eq!(value(&event, "it"), Some(&4_u8.into()));
}

struct Holder<'a, T: ?Sized>(&'a T);

impl<'a, T: Debug + ?Sized> Holder<'a, T> {
    #[telemetry::command]
    fn held(&self) -> &'a T {
        self.0
    }

    #[telemetry::command]
    fn with_its_own<U>(&self, make: impl FnOnce(&'a T) -> U) -> U {
        make(self.0)
    }
}

#[test]
fn parameters_of_the_implementation_and_of_the_function() {
    succeeds("held", "a", || Holder("a").held());
    succeeds("with-its-own", 1, || Holder("a").with_its_own(str::len));
}

struct Local<E>(E);

#[telemetry::command]
fn unbounded<E>(error: E) -> Result<(), Local<E>> {
    Err(Local(error))
}

#[test]
fn an_error_without_any_bound_is_named_by_its_type_alone() {
    let (_, event) = one(|| unbounded("secret").map_err(|it| it.0));
    assert!(event.error_kind.as_deref().is_some_and(|it| it.ends_with("::Local")), "{event:?}");
    assert_eq!(event.error, None);
}

#[test]
fn what_is_generic_is_registered_once() {
    let (_, events) = all(|| (of_a_type(&1), of_a_type(&"a")));
    assert_eq!(events.len(), 2);
    let found = telemetry::schema::Schema::gather();
    assert_eq!(found.commands().iter().filter(|it| it.name == "of-a-type").count(), 1);
}
