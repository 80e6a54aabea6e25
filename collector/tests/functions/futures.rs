//! Functions that return a future without being `async`.

use std::future::{Future, Ready};
use std::pin::Pin;

use crate::seen::{all, ended, one, succeeds, wait, yields};

#[telemetry::command]
fn block(n: u8) -> impl Future<Output = Result<u8, String>> {
    async move {
        yields().await;
        if n == 0 { Err("none".to_owned()) } else { Ok(n) }
    }
}

#[test]
fn a_block_that_is_returned_is_what_is_measured() {
    succeeds("block", Ok(1), || wait(block(1)));
    let (_, event) = one(|| wait(block(0)));
    assert_eq!(event.exit_code, Some(1));
}

#[test]
fn a_returned_future_begins_when_it_is_polled() {
    let (_, events) = all(|| drop(block(1)));
    assert!(events.is_empty());
}

#[telemetry::command(record(n))]
fn prepared(n: u8, text: String) -> impl Future<Output = usize> + Send {
    let length = text.len() + usize::from(n);
    async move {
        let text = text;
        yields().await;
        length + text.len()
    }
}

#[test]
fn statements_before_the_block_run_at_the_call() {
    let (returned, event) = one(|| wait(prepared(1, "ab".into())));
    assert_eq!((returned, event.attributes.len()), (5, 1));
}

#[telemetry::command]
fn not_a_block(n: u8) -> impl Future<Output = u8> {
    std::future::ready(n)
}

#[test]
fn any_other_future_is_measured_too() {
    succeeds("not-a-block", 1, || wait(not_a_block(1)));
}

#[telemetry::command]
fn borrowed<'a>(text: &'a str) -> impl Future<Output = &'a str> + use<'a> {
    async move { text.trim() }
}

#[test]
fn a_returned_future_borrows() {
    succeeds("borrowed", "a", || wait(borrowed(" a ")));
}

#[telemetry::command]
fn boxed(n: u8) -> Pin<Box<dyn Future<Output = u8> + Send>> {
    Box::pin(async move {
        yields().await;
        n
    })
}

#[test]
fn a_boxed_block() {
    succeeds("boxed", 1, || wait(boxed(1)));
}

#[telemetry::command]
fn boxed_by_case<'a>(n: u8, text: &'a str) -> Pin<Box<dyn Future<Output = usize> + Send + 'a>> {
    if n == 0 {
        return Box::pin(std::future::ready(0));
    }
    Box::pin(async move {
        yields().await;
        text.len()
    })
}

#[test]
fn boxed_futures_of_several_kinds() {
    succeeds("boxed-by-case", 0, || wait(boxed_by_case(0, "a")));
    succeeds("boxed-by-case", 1, || wait(boxed_by_case(1, "a")));
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[telemetry::command]
fn by_the_usual_name(n: &u8) -> BoxFuture<'_, u8> {
    Box::pin(async move { *n })
}

#[test]
fn a_boxed_future_under_its_usual_name() {
    succeeds("by-the-usual-name", 1, || wait(by_the_usual_name(&1)));
}

type Later = Pin<Box<dyn Future<Output = Result<u8, u8>>>>;

#[telemetry::command(future)]
fn by_another_name(n: u8) -> Later {
    Box::pin(async move { Err(n) })
}

#[test]
fn a_boxed_future_under_a_name_of_the_authors() {
    let (_, event) = one(|| wait(by_another_name(3)));
    assert_eq!(event.exit_code, Some(1));
}

#[telemetry::command]
fn named_future(n: u8) -> Ready<u8> {
    std::future::ready(n)
}

#[test]
fn a_future_that_is_a_value_is_returned_as_it_is() {
    let (_, event) = one(|| named_future(1));
    assert_eq!((&*event.name, event.exit_code), ("named-future", Some(0)));
}

#[async_trait::async_trait]
trait Service {
    async fn call(&self, name: &str, count: u8) -> Result<usize, String>;
    async fn by_default(&mut self) -> u8 {
        1
    }
}

struct Local(usize);

#[async_trait::async_trait]
impl Service for Local {
    #[telemetry::command(name = "service/call", record(count), metadata(size = self.0))]
    async fn call(&self, name: &str, count: u8) -> Result<usize, String> {
        yields().await;
        if count == 0 {
            return Err("nothing to do".into());
        }
        let parsed: usize = name.parse().map_err(|_| "no number".to_owned())?;
        Ok(self.0 + parsed + usize::from(count))
    }

    #[telemetry::command]
    async fn by_default(&mut self) -> u8 {
        self.0 += 1;
        yields().await;
        2
    }
}

#[test]
fn what_async_trait_writes_is_measured() {
    let (returned, event) = one(|| wait(Local(1).call("2", 3)));
    assert_eq!((returned, event.exit_code), (Ok(6), Some(0)));
    assert_eq!((&*event.name, event.attributes.len()), ("service/call", 2));
    let (_, event) = one(|| wait(Local(1).call("2", 0)));
    assert_eq!(event.exit_code, Some(1));
    succeeds("by-default", 2, || wait(Local(1).by_default()));
}

trait Native {
    fn run(&self) -> impl Future<Output = u8> + Send;
    async fn go(&self) -> u8;
}

impl Native for Local {
    #[telemetry::command(name = "native/run")]
    async fn run(&self) -> u8 {
        yields().await;
        1
    }

    #[telemetry::command(name = "native/go")]
    async fn go(&self) -> u8 {
        2
    }
}

#[test]
fn futures_of_the_languages_own_traits() {
    succeeds("native/run", 1, || wait(Local(0).run()));
    succeeds("native/go", 2, || wait(Local(0).go()));
}

#[test]
fn a_boxed_future_that_is_dropped_is_cancelled() {
    #[telemetry::command]
    fn endless() -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move { std::future::pending().await })
    }
    let ((), event) = one(|| {
        let mut future = endless();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
    });
    assert_eq!(ended(&event), "cancelled");
}
