//! What the tests of long chains have in common.

use telemetry::event::Event;

/// Asynchronous commands, each of which awaits the next.
macro_rules! asynchronous {
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

        asynchronous!($next $($rest)*);
    };
}

/// Commands that return the future of the next one as it is, or inside of a block of their own.
macro_rules! returned {
    ($last:ident) => {
        #[telemetry::command]
        fn $last(n: u32) -> impl Future<Output = u32> {
            std::future::ready(n)
        }
    };
    (as it is: $name:ident $next:ident $($rest:ident)*) => {
        #[telemetry::command]
        fn $name(n: u32) -> impl Future<Output = u32> {
            $next(n + 1)
        }

        returned!(as it is: $next $($rest)*);
    };
    (in a block: $name:ident $next:ident $($rest:ident)*) => {
        #[telemetry::command]
        fn $name(n: u32) -> impl Future<Output = u32> {
            async move { $next(n + 1).await }
        }

        returned!(in a block: $next $($rest)*);
    };
    ($($how:ident)+: $last:ident) => {
        returned!($last);
    };
}

/// What a spawn asks for.
pub(crate) fn is_send<T: Send>(it: T) -> T {
    it
}

/// Runs a future that does not wait: what it resolves to, and that each of its commands is the child of the
/// one that is recorded after it, and the last one nobody's.
pub(crate) fn run<F: Future>(commands: usize, future: impl FnOnce() -> F) -> F::Output {
    let (out, events) = telemetry::capture(false, || {
        let mut future = std::pin::pin!(future());
        match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
            std::task::Poll::Ready(out) => out,
            std::task::Poll::Pending => panic!("nothing here waits"),
        }
    });
    assert_eq!(events.len(), commands);
    for (at, pair) in events.windows(2).enumerate() {
        assert_eq!(parent(&pair[0]), Some(pair[1].id.to_string().into()), "{at}: {}", pair[0].name);
    }
    assert_eq!(events.last().and_then(parent), None);
    out
}

fn parent(event: &Event<'_>) -> Option<telemetry::event::Value<'static>> {
    let value = event.attributes.iter().find(|it| it.key == "parent").map(|it| it.value.clone());
    value.map(|it| match it {
        telemetry::event::Value::Text(text) => text.into_owned().into(),
        other => panic!("the parent is not an id: {other:?}"),
    })
}
