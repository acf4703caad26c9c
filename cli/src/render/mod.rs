//! Where reports go: one file per form, bytes out.

pub(crate) mod causes;
pub(crate) mod check;
mod decoded;
pub(crate) mod diagnosis;
pub(crate) mod doctor;
pub(crate) mod install;
pub(crate) mod json;
pub(crate) mod markdown;
pub(crate) mod page;
pub(crate) mod plan;
pub(crate) mod probe;
pub(crate) mod route;
pub(crate) mod rules;
mod sarif;
#[cfg(feature = "schemas")]
pub(crate) mod schemas;
pub(crate) mod search;
pub(crate) mod survey;
pub(crate) mod table;
pub(crate) mod text;

pub(crate) use meshwhy_report::Labels;
