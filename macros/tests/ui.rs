//! What the compiler says where an attribute is used wrongly: each message, and that it points at the
//! author's own tokens. `TRYBUILD=overwrite` writes the messages instead.

#[test]
fn each_wrong_use_is_reported_where_it_is_written() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
