//! Methods, with every receiver, in every place.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use crate::seen::{one, succeeds, value};

#[derive(Default, Debug, PartialEq)]
struct Tool {
    runs: u8,
    names: Vec<String>,
}

impl Tool {
    #[telemetry::command]
    fn associated(runs: u8) -> Self {
        Self { runs, ..Self::default() }
    }

    #[telemetry::command]
    fn by_value(self) -> u8 {
        self.runs
    }

    #[telemetry::command]
    fn by_mutable_value(mut self) -> Self {
        self.runs += 1;
        self
    }

    #[telemetry::command]
    fn by_reference(&self) -> &[String] {
        &self.names
    }

    #[telemetry::command]
    fn by_mutable_reference(&mut self, name: &str) -> Option<&mut String> {
        self.names.push(name.to_owned());
        self.names.last_mut()
    }

    #[telemetry::command]
    fn boxed(self: Box<Self>) -> u8 {
        self.runs
    }

    #[telemetry::command]
    fn counted(self: Rc<Self>) -> usize {
        Rc::strong_count(&self)
    }

    #[telemetry::command]
    fn shared(self: &Arc<Self>) -> Arc<Self> {
        Arc::clone(self)
    }

    #[telemetry::command]
    fn pinned(self: Pin<&mut Self>) -> u8 {
        let tool = self.get_mut();
        tool.runs += 1;
        tool.runs
    }

    #[telemetry::command]
    fn explicit<'a>(self: &'a Self, other: &'a str) -> &'a str {
        if self.runs == 0 { other } else { "ran" }
    }

    #[telemetry::command(name = "tool/both", metadata(runs = self.runs, named = !self.names.is_empty()))]
    fn two_borrows(&mut self, other: &mut Self) -> u8 {
        std::mem::swap(self, other);
        self.runs
    }

    #[telemetry::command]
    fn matches(&mut self) -> &mut u8 {
        match self {
            Self { runs, names } => {
                names.clear();
                runs
            }
        }
    }
}

#[test]
fn an_associated_function_and_self_as_a_type() {
    let (tool, event) = one(|| Tool::associated(2));
    assert_eq!((tool.runs, &*event.name), (2, "associated"));
}

#[test]
fn self_by_value() {
    succeeds("by-value", 2, || Tool { runs: 2, names: vec![] }.by_value());
}

#[test]
fn self_by_mutable_value() {
    succeeds("by-mutable-value", 3, || {
        let tool = Tool { runs: 2, names: vec![] };
        tool.by_mutable_value().runs
    });
}

#[test]
fn self_by_reference_with_an_elided_lifetime() {
    let tool = Tool { runs: 0, names: vec!["a".into()] };
    succeeds("by-reference", 1, || tool.by_reference().len());
}

#[test]
fn self_by_mutable_reference_that_is_returned_in_part() {
    let mut tool = Tool::default();
    succeeds("by-mutable-reference", true, || tool.by_mutable_reference("b").is_some());
}

#[test]
fn self_in_a_box() {
    succeeds("boxed", 2, || Box::new(Tool { runs: 2, names: vec![] }).boxed());
}

#[test]
fn self_in_an_rc() {
    let tool = Rc::new(Tool::default());
    succeeds("counted", 2, || Rc::clone(&tool).counted());
}

#[test]
fn self_behind_a_borrowed_arc() {
    let tool = Arc::new(Tool::default());
    succeeds("shared", tool.clone(), || tool.shared());
}

#[test]
fn self_pinned() {
    let mut tool = Tool::default();
    succeeds("pinned", 1, || Pin::new(&mut tool).pinned());
}

#[test]
fn self_with_a_written_type_and_a_named_lifetime() {
    let tool = Tool::default();
    succeeds("explicit", "x", || tool.explicit("x"));
}

#[test]
fn facts_are_read_from_self_before_the_body_runs() {
    let (mut one_tool, mut other) = (Tool { runs: 1, names: vec![] }, Tool { runs: 2, names: vec![] });
    let (returned, event) = one(|| one_tool.two_borrows(&mut other));
    assert_eq!((returned, &*event.name), (2, "tool/both"));
    assert_eq!(value(&event, "runs"), Some(&1_u8.into()));
    assert_eq!(value(&event, "named"), Some(&false.into()));
}

#[test]
fn self_matched_by_its_parts() {
    let mut tool = Tool { runs: 4, names: vec![] };
    succeeds("matches", 4, || *tool.matches());
}

trait Runs {
    fn run(&self) -> Result<u8, String>;

    #[telemetry::command(name = "default")]
    fn by_default(&self) -> u8 {
        self.run().unwrap_or(0)
    }

    fn made() -> Self
    where
        Self: Sized;
}

impl Runs for Tool {
    #[telemetry::command(name = "trait/run")]
    fn run(&self) -> Result<u8, String> {
        if self.runs == 0 { Err("never ran".into()) } else { Ok(self.runs) }
    }

    #[telemetry::command]
    fn made() -> Self
    where
        Self: Sized,
    {
        Self::default()
    }
}

#[test]
fn a_trait_implementation() {
    let (_, event) = one(|| Tool::default().run());
    assert_eq!((&*event.name, event.exit_code), ("trait/run", Some(1)));
}

#[test]
fn a_trait_implementation_through_an_object() {
    let tool = Tool { runs: 1, names: vec![] };
    let object: &dyn Runs2 = &tool;
    succeeds("object", 1, || object.through());
}

trait Runs2 {
    fn through(&self) -> u8;
}

impl Runs2 for Tool {
    #[telemetry::command(name = "object")]
    fn through(&self) -> u8 {
        self.runs
    }
}

#[test]
fn a_default_function_of_a_trait() {
    struct Quiet;
    impl Runs for Quiet {
        fn run(&self) -> Result<u8, String> {
            Ok(5)
        }
        fn made() -> Self {
            Self
        }
    }
    succeeds("default", 5, || Quiet::made().by_default());
}

#[test]
fn an_associated_function_of_a_trait_with_a_condition() {
    succeeds("made", Tool::default(), <Tool as Runs>::made);
}

enum Step {
    First,
    Last,
}

impl Iterator for Step {
    type Item = u8;

    #[telemetry::command(name = "step")]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::First => {
                *self = Self::Last;
                Some(1)
            }
            Self::Last => None,
        }
    }
}

#[test]
fn a_function_of_a_foreign_trait_with_an_associated_type() {
    succeeds("step", Some(1), || Step::First.next());
}
