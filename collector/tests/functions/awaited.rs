//! `async` functions.

use std::cell::Cell;
use std::num::ParseIntError;
use std::sync::mpsc;

use crate::seen::{all, ended, one, succeeds, value, wait, yields};

#[telemetry::command]
async fn nothing() {}

#[test]
fn an_async_function_is_a_command() {
    succeeds("nothing", (), || wait(nothing()));
}

#[test]
fn a_future_that_is_never_polled_is_not_recorded() {
    let (_, events) = all(|| drop(nothing()));
    assert!(events.is_empty());
}

#[telemetry::command]
async fn across_waits(text: &str) -> Result<i32, ParseIntError> {
    yields().await;
    let number = text.parse::<i32>()?;
    yields().await;
    Ok(number)
}

#[test]
fn a_question_mark_between_waits_leaves_the_body() {
    succeeds("across-waits", Ok(1), || wait(across_waits("1")));
    let (_, event) = one(|| wait(across_waits("x")));
    assert_eq!(event.exit_code, Some(1));
}

#[telemetry::command]
async fn early(stop: bool) -> u8 {
    if stop {
        return 1;
    }
    yields().await;
    2
}

#[test]
fn an_early_return_from_a_future_is_its_end() {
    succeeds("early", 1, || wait(early(true)));
    succeeds("early", 2, || wait(early(false)));
}

#[telemetry::command]
async fn forever() -> u8 {
    std::future::pending().await
}

#[test]
fn a_future_that_is_dropped_is_cancelled() {
    let ((), event) = one(|| {
        let mut future = Box::pin(forever());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
    });
    assert_eq!((ended(&event), event.exit_code), ("cancelled", None));
}

#[telemetry::command]
async fn panics() -> Result<u8, String> {
    yields().await;
    panic!("inside")
}

#[test]
fn a_panic_inside_of_a_poll_is_recorded() {
    let (caught, event) = one(|| std::panic::catch_unwind(|| wait(panics())).is_err());
    assert!(caught);
    assert_eq!((ended(&event), event.exit_code), ("panicked", Some(101)));
}

struct Tool(Vec<String>);

impl Tool {
    #[telemetry::command]
    async fn borrowed(&mut self, name: &str) -> &mut String {
        yields().await;
        self.0.push(name.to_owned());
        self.0.last_mut().expect("it was just pushed")
    }

    #[telemetry::command]
    async fn consumed(self) -> usize {
        yields().await;
        self.0.len()
    }
}

#[test]
fn an_async_method_returns_what_it_borrows() {
    let mut tool = Tool(vec![]);
    succeeds("borrowed", "a".to_owned(), || wait(tool.borrowed("a")).clone());
}

#[test]
fn an_async_method_consumes_self() {
    succeeds("consumed", 0, || wait(Tool(vec![]).consumed()));
}

#[telemetry::command(record(count), metadata(length = text.len()))]
async fn recorded(count: u8, text: String) -> String {
    yields().await;
    text
}

#[test]
fn parameters_are_recorded_before_the_future_takes_them() {
    let (_, event) = one(|| wait(recorded(2, "abc".into())));
    assert_eq!(
        (value(&event, "count"), value(&event, "length")),
        (Some(&2_u8.into()), Some(&3_usize.into()))
    );
}

#[telemetry::command]
async fn generic<T: Clone, const N: usize>(it: &[T; N]) -> Vec<T>
where
    T: Send,
{
    yields().await;
    it.to_vec()
}

#[test]
fn a_generic_future() {
    succeeds("generic", vec![1, 2], || wait(generic(&[1, 2])));
}

#[telemetry::command]
async fn impl_parameters(mut items: impl Iterator<Item = u8>, (a, b): (u8, u8)) -> impl Iterator<Item = u8> {
    yields().await;
    std::iter::once(items.next().unwrap_or(a + b))
}

#[test]
fn impl_trait_and_patterns_in_a_future() {
    succeeds("impl-parameters", vec![3], || {
        wait(impl_parameters(std::iter::empty(), (1, 2))).collect::<Vec<_>>()
    });
}

#[telemetry::command]
async fn send_but_not_sync(receiver: mpsc::Receiver<u8>, cell: Cell<u8>) -> u8 {
    yields().await;
    cell.set(1);
    receiver.recv().unwrap_or(0) + cell.get()
}

fn is_send<T: Send>(it: T) -> T {
    it
}

#[test]
fn a_future_stays_send_also_with_what_is_not_sync() {
    let (sender, receiver) = mpsc::channel();
    sender.send(4).expect("the receiver is there");
    succeeds("send-but-not-sync", 5, || wait(is_send(send_but_not_sync(receiver, Cell::new(0)))));
}

#[telemetry::command]
async fn not_send(shared: std::rc::Rc<u8>) -> u8 {
    yields().await;
    *shared
}

#[test]
fn a_future_that_is_not_send_is_none_the_worse() {
    succeeds("not-send", 1, || wait(not_send(std::rc::Rc::new(1))));
}

#[telemetry::command]
async fn recursive(n: u8) -> u8 {
    if n == 0 { 0 } else { 1 + Box::pin(recursive(n - 1)).await }
}

#[test]
fn a_boxed_recursion() {
    let (returned, events) = all(|| wait(recursive(12)));
    assert_eq!((returned, events.len()), (12, 13));
}

#[telemetry::command]
async fn aborts() -> ! {
    std::panic::panic_any("over")
}

#[test]
fn a_future_that_never_returns() {
    let (_, event) = one(|| std::panic::catch_unwind(|| wait(aborts())).is_err());
    assert_eq!(ended(&event), "panicked");
}

#[test]
fn a_future_by_hand() {
    let (_, event) =
        one(|| wait(is_send(telemetry::command::future("by-hand", async { Err::<u8, _>("x") }))));
    assert_eq!((&*event.name, event.exit_code), ("by-hand", Some(1)));
}
