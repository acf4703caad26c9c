//! The reader's language.

/// Text in the reader's language; both take values from around them.
macro_rules! say {
    ($lang:expr, $en:literal, $zh:literal) => {
        match $lang {
            meshwhy_core::Lang::En => format!($en),
            meshwhy_core::Lang::Zh => format!($zh),
        }
    };
}

pub(crate) use say;
