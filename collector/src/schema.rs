//! What a tool records: the list that its own code makes when it is linked.

mod declared;

pub use declared::{Declared, Field};
