//! Receivers that are smart pointers, in plain and in asynchronous methods.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use crate::seen::{succeeds, wait, yields};

#[derive(Default)]
struct Tool {
    runs: u8,
}

impl Tool {
    #[telemetry::command]
    fn shared(self: Arc<Self>) -> usize {
        Arc::strong_count(&self)
    }

    #[telemetry::command]
    fn pinned_box(mut self: Pin<Box<Self>>) -> Pin<Box<Self>> {
        self.runs += 1;
        self
    }

    #[telemetry::command(metadata(runs = self.runs))]
    fn changed_box(mut self: Box<Self>) -> u8 {
        self.runs += 1;
        self.runs
    }

    #[telemetry::command]
    fn pinned_and_shared(self: Pin<Arc<Self>>) -> u8 {
        self.runs
    }

    #[telemetry::command]
    fn doubly_boxed(self: &mut Box<Self>) -> &mut u8 {
        self.runs += 1;
        &mut self.runs
    }

    #[telemetry::command]
    async fn awaited_shared(self: Arc<Self>, other: &Arc<Self>) -> bool {
        yields().await;
        Arc::ptr_eq(&self, other)
    }

    #[telemetry::command(metadata(runs = self.runs))]
    async fn awaited_box(mut self: Box<Self>) -> u8 {
        yields().await;
        self.runs += 1;
        self.runs
    }

    #[telemetry::command]
    async fn awaited_counted(self: Rc<Self>) -> usize {
        yields().await;
        Rc::strong_count(&self)
    }

    #[telemetry::command]
    async fn awaited_pinned(mut self: Pin<&mut Self>) -> u8 {
        yields().await;
        self.runs += 1;
        self.runs
    }

    #[telemetry::command]
    async fn awaited_pinned_box(mut self: Pin<Box<Self>>) -> u8 {
        self.runs += 1;
        yields().await;
        self.runs
    }

    #[telemetry::command]
    fn returned_shared(self: Arc<Self>) -> impl Future<Output = u8> + Send {
        async move {
            yields().await;
            self.runs
        }
    }
}

#[test]
fn self_in_an_arc() {
    succeeds("shared", 1, || Arc::new(Tool::default()).shared());
    succeeds("pinned-and-shared", 0, || Arc::pin(Tool::default()).pinned_and_shared());
}

#[test]
fn self_in_a_pinned_box() {
    succeeds("pinned-box", 1, || Box::pin(Tool::default()).pinned_box().runs);
}

#[test]
fn self_in_a_box_that_changes() {
    succeeds("changed-box", 1, || Box::new(Tool::default()).changed_box());
    let mut tool = Box::new(Tool::default());
    succeeds("doubly-boxed", 1, || *tool.doubly_boxed());
}

#[test]
fn self_in_a_smart_pointer_across_an_await() {
    let tool = Arc::new(Tool::default());
    succeeds("awaited-shared", true, || wait(Arc::clone(&tool).awaited_shared(&tool)));
    succeeds("awaited-box", 1, || wait(Box::new(Tool::default()).awaited_box()));
    succeeds("awaited-counted", 1, || wait(Rc::new(Tool::default()).awaited_counted()));
    succeeds("awaited-pinned-box", 1, || wait(Box::pin(Tool::default()).awaited_pinned_box()));
    let mut tool = Tool::default();
    succeeds("awaited-pinned", 1, || wait(Pin::new(&mut tool).awaited_pinned()));
    succeeds("returned-shared", 0, || wait(Arc::new(Tool::default()).returned_shared()));
}
