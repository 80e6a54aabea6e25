//! Commands that run commands, by attribute and by hand.

use telemetry::event::{Event, Value};

use crate::seen::{all, ended, everywhere, value, wait, yields};

fn parent<'a>(event: &'a Event<'_>) -> Option<&'a str> {
    match value(event, "parent") {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn named<'a, 'b>(events: &'a [Event<'b>], name: &str) -> &'a Event<'b> {
    events.iter().find(|it| it.name == name).expect("it was recorded")
}

#[telemetry::command]
fn outer() -> Result<(), String> {
    middle();
    inner()
}

#[telemetry::command]
fn middle() {
    let _ = inner();
}

#[telemetry::command]
fn inner() -> Result<(), String> {
    Err("x".into())
}

#[test]
fn a_command_names_the_one_that_ran_it() {
    let (_, events) = all(outer);
    let names: Vec<&str> = events.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["inner", "middle", "inner", "outer"]);
    let (outer, middle) = (events[3].id.to_string(), events[1].id.to_string());
    assert_eq!(parent(&events[0]), Some(&*middle));
    assert_eq!(parent(&events[1]), Some(&*outer));
    assert_eq!(parent(&events[2]), Some(&*outer));
    assert_eq!(parent(&events[3]), None);
}

#[telemetry::command]
async fn waits(child: bool) {
    yields().await;
    if child {
        let _ = inner();
    }
    yields().await;
}

#[test]
fn futures_that_take_turns_do_not_become_each_others_children() {
    let ((), events) = all(|| {
        wait(async {
            let (mut one, mut two) = (Box::pin(waits(true)), Box::pin(waits(false)));
            let mut done = (false, false);
            std::future::poll_fn(|context| {
                done.0 = done.0 || one.as_mut().poll(context).is_ready();
                done.1 = done.1 || two.as_mut().poll(context).is_ready();
                if done == (true, true) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            })
            .await;
        });
    });
    let roots: Vec<&Event<'_>> = events.iter().filter(|it| it.name == "waits").collect();
    assert_eq!(roots.iter().filter_map(|it| parent(it)).count(), 0);
    let child = parent(named(&events, "inner")).expect("it has a parent").to_owned();
    assert_eq!(roots.iter().filter(|it| it.id.to_string() == child).count(), 1);
}

#[test]
fn a_future_polled_on_two_threads_keeps_its_children() {
    type Waits = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
    fn poll_elsewhere(mut future: Waits) -> (Waits, bool) {
        let polled = std::thread::spawn(move || {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let ready = future.as_mut().poll(&mut context).is_ready();
            (future, ready)
        });
        polled.join().expect("the thread ends")
    }
    let ((), events) = everywhere(|| {
        let (future, first) = poll_elsewhere(Box::pin(waits(true)));
        let (future, second) = poll_elsewhere(future);
        let (_, third) = poll_elsewhere(future);
        assert_eq!([first, second, third], [false, false, true]);
    });
    assert_eq!(parent(named(&events, "inner")), Some(&*named(&events, "waits").id.to_string()));
}

#[test]
fn another_threads_command_is_no_child() {
    let ((), events) = everywhere(|| {
        let _outer = telemetry::begin("by-hand");
        std::thread::scope(|scope| {
            let _ = scope.spawn(|| inner().is_err()).join();
        });
    });
    assert_eq!(parent(named(&events, "inner")), None);
}

#[test]
fn a_guard_by_hand_is_the_parent_of_what_runs_under_it() {
    let ((), events) = all(|| {
        let mut command = telemetry::begin("by-hand");
        command.metadata("fast", &true);
        command.metadata("fast", &false);
        command.metadata("missing", &None::<String>);
        let result = inner();
        command.finish(&result);
        let _ = inner();
    });
    let names: Vec<(&str, Option<i32>)> = events.iter().map(|it| (&*it.name, it.exit_code)).collect();
    assert_eq!(names, [("inner", Some(1)), ("by-hand", Some(1)), ("inner", Some(1))]);
    assert_eq!(value(&events[1], "fast"), Some(&false.into()), "the last one counts");
    assert_eq!(events[1].attributes.len(), 1);
    assert_eq!(parent(&events[0]), Some(&*events[1].id.to_string()));
    assert_eq!(parent(&events[2]), None);
}

#[test]
fn guards_that_end_out_of_order_leave_no_parent_behind() {
    let ((), events) = all(|| {
        let (first, second) = (telemetry::begin("first"), telemetry::begin("second"));
        drop(first);
        let _ = inner();
        drop(second);
        let _ = inner();
    });
    assert_eq!(parent(&events[1]), Some(&*events[2].id.to_string()));
    assert_eq!(parent(&events[3]), None);
}

#[test]
fn a_guard_that_is_dropped_by_a_panic_says_so() {
    let (_, events) = all(|| {
        std::panic::catch_unwind(|| {
            let _command = telemetry::begin("by-hand");
            panic!("inside");
        })
        .is_err()
    });
    assert_eq!((ended(&events[0]), events[0].exit_code), ("panicked", Some(101)));
}

#[test]
fn commands_nested_beyond_the_threads_room_are_recorded_too() {
    fn nest(depth: u8) {
        if depth > 0 {
            let mut command = telemetry::begin("deep");
            command.metadata("depth", &depth);
            nest(depth - 1);
        }
    }
    let ((), events) = all(|| nest(40));
    assert_eq!(events.len(), 40);
    assert!(events.iter().all(|it| value(it, "depth").is_some()));
    for pair in events.windows(2) {
        assert_eq!(parent(&pair[0]), Some(&*pair[1].id.to_string()));
    }
    assert_eq!(parent(&events[39]), None);
    let ((), events) = all(|| nest(1));
    assert_eq!(parent(&events[0]), None, "the stack is empty again");
}

/// What is inside is a command of its own, and does not see what is outside.
#[telemetry::command]
fn around(n: u8) -> Result<u8, String> {
    struct Local(u8);

    impl Local {
        #[telemetry::command(name = "inside/method", record(n))]
        fn run(&self, n: u8) -> u8 {
            self.0 + n
        }
    }

    #[telemetry::command(name = "inside/function")]
    fn within<T: Into<u8>>(n: T) -> Result<u8, String> {
        #[telemetry::command(name = "inside/innermost")]
        fn innermost() {}
        innermost();
        Ok(n.into())
    }

    within(Local(1).run(n))
}

#[test]
fn a_command_inside_of_a_commands_body() {
    let (returned, events) = all(|| around(2));
    assert_eq!(returned, Ok(3));
    let names: Vec<&str> = events.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["inside/method", "inside/innermost", "inside/function", "around"]);
    let ids: Vec<String> = events.iter().map(|it| it.id.to_string()).collect();
    let parents: Vec<Option<&str>> = events.iter().map(parent).collect();
    assert_eq!(parents, [Some(&*ids[3]), Some(&*ids[2]), Some(&*ids[3]), None]);
}

#[telemetry::command]
async fn around_waiting() -> u8 {
    #[telemetry::command(name = "inside/waiting")]
    async fn within() -> u8 {
        yields().await;
        1
    }
    within().await + within().await
}

#[test]
fn an_asynchronous_command_inside_of_anothers_body() {
    let (returned, events) = all(|| wait(around_waiting()));
    assert_eq!(returned, 2);
    assert_eq!(events.iter().filter(|it| parent(it) == Some(&*events[2].id.to_string())).count(), 2);
}

#[test]
fn guards_beyond_the_threads_room_may_end_in_any_order() {
    let ((), events) = all(|| {
        let mut guards: Vec<_> = (0..20).map(|_| telemetry::begin("deep")).collect();
        // From the middle, from the top, from the bottom: what is left is the parent of what comes.
        for place in [10, 18, 0, 8] {
            drop(guards.remove(place));
        }
        let _ = inner();
        while guards.len() > 3 {
            drop(guards.remove(0));
        }
        let _ = inner();
        guards.pop();
        let _ = inner();
        guards.clear();
        let _ = inner();
    });
    assert_eq!(events.len(), 24);
    let inners: Vec<usize> = (0..24).filter(|at| events[*at].name == "inner").collect();
    let innermost = |at: usize| {
        let parent = parent(&events[inners[at]])?;
        // Ids of a capture count up, so the innermost of those that run has the greatest.
        let running = events.iter().skip(inners[at] + 1).filter(|it| it.name == "deep");
        Some(running.map(|it| it.id.to_string()).max().as_deref() == Some(parent))
    };
    assert_eq!([0, 1, 2, 3].map(innermost), [Some(true), Some(true), Some(true), None]);
}
