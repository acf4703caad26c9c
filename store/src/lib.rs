//! The conditions of the causes as queries: a store that keeps the logs of a whole fleet names the causes itself.
//!
//! Pure: nothing here asks a store. A query is compiled from the same conditions and the same tables of words that `judge` evaluates, so
//! that it gives the same cause with the same confidence for every row.

mod column;
mod dialect;
mod layout;
mod member;
mod predicate;
mod query;
mod text;
mod transport;
mod verdict;

pub use dialect::Dialect;
pub use layout::Layout;
pub use query::Query;
