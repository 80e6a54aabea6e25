//! The corpus of the tests from outside, for the unit tests here.

#[path = "../../tests/redaction/look_alikes.rs"]
pub(super) mod look_alikes;
#[path = "../../tests/redaction/shapes.rs"]
pub(super) mod shapes;
#[path = "../../tests/redaction/texts.rs"]
pub(super) mod texts;
