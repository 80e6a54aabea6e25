//! Thirty asynchronous commands in a row: each is the child of the one before, the future of all grows by
//! the same step with each, and it stays `Send`.
//!
//! The compiler follows a chain 128 steps deep unless `recursion_limit` says otherwise. To see that it is
//! `Send` takes three steps a plain `async fn` and five an annotated one, and to lay it out two and four: so
//! without the line below it would be 25 in a row here, and not 42.
#![forbid(unsafe_code)]
#![recursion_limit = "256"]

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

macro_rules! chain {
    ($last:ident) => {
        #[telemetry::command]
        async fn $last(n: u32) -> Result<u32, String> {
            std::future::ready(()).await;
            if n > 1_000 { Err("too far".to_owned()) } else { Ok(n) }
        }
    };
    ($name:ident $next:ident $($rest:ident)*) => {
        #[telemetry::command]
        async fn $name(n: u32) -> Result<u32, String> {
            let kept = n.to_string();
            let reached = $next(n + 1).await?;
            assert_eq!(kept, n.to_string());
            Ok(reached)
        }

        chain!($next $($rest)*);
    };
}

chain!(
    a01 a02 a03 a04 a05 a06 a07 a08 a09 a10 a11 a12 a13 a14 a15
    a16 a17 a18 a19 a20 a21 a22 a23 a24 a25 a26 a27 a28 a29 a30
);

fn is_send<T: Send>(it: T) -> T {
    it
}

#[test]
fn each_is_the_child_of_the_one_before() {
    let (out, events) = telemetry::capture(false, || {
        let mut future: Pin<Box<dyn Future<Output = _>>> = Box::pin(is_send(a01(1)));
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(out) => out,
            Poll::Pending => panic!("nothing here waits"),
        }
    });
    assert_eq!((out, events.len()), (Ok(30), 30));
    assert_eq!((&*events[0].name, &*events[29].name), ("a30", "a01"));
    // Deeper than a thread has room for, a command is the child of the innermost that had some.
    for pair in events.windows(2).rev().take(7) {
        let parent = pair[0].attributes.iter().find(|it| it.key == "parent").map(|it| it.value.clone());
        assert_eq!(parent, Some(pair[1].id.to_string().into()));
    }
}

#[test]
fn the_future_of_all_grows_by_the_same_with_each() {
    let (ten, twenty, thirty) = (size_of_val(&a21(1)), size_of_val(&a11(1)), size_of_val(&a01(1)));
    assert_eq!(thirty - twenty, twenty - ten, "{ten}, {twenty}, {thirty} bytes");
}
