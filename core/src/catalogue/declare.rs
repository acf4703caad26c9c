//! What declarations of causes and of rules have in common.

/// The [`Entry`](super::Entry) of the folder that the declaring `mod.rs` is in.
#[cfg(feature = "texts")]
#[macro_export]
macro_rules! entry {
    (
        code: $code:literal,
        slug: $slug:literal,
        since: $since:literal,
        $(former_slugs: $former_slugs:expr,)?
        $(status: $status:ident { $($detail:tt)* },)?
        confirm: $confirm:expr,
        fixes: $fixes:expr,
        sources: $sources:expr
    ) => {
        $crate::catalogue::Entry {
            code: $code,
            slug: $slug,
            former_slugs: $crate::first!($($former_slugs,)? &[]),
            since: $since,
            status: $crate::first!($($crate::catalogue::Status::$status { $($detail)* },)? $crate::catalogue::Status::Stable),
            files: $crate::catalogue::Files { en: include_str!("en.md"), zh: include_str!("zh.md") },
            confirm: $confirm,
            fixes: $fixes,
            sources: $sources,
        }
    };
}

/// The [`Entry`](super::Entry) of a folder, without all that only a person reads: none of it is in the module.
#[cfg(not(feature = "texts"))]
#[macro_export]
macro_rules! entry {
    (code: $code:literal, slug: $slug:literal, $($for_readers:tt)*) => {
        $crate::catalogue::Entry { code: $code, slug: $slug }
    };
}

/// The first of some expressions: a value that may be left out, then its default.
#[macro_export]
macro_rules! first {
    ($first:expr $(, $other:expr)*) => {
        $first
    };
}

/// Lets what a folder declares read like its [`Entry`](super::Entry). Each is there once, so two are equal when they are the same.
#[macro_export]
macro_rules! reads_like_its_entry {
    ($kind:ty) => {
        impl std::ops::Deref for $kind {
            type Target = $crate::catalogue::Entry;

            fn deref(&self) -> &Self::Target {
                &self.entry
            }
        }

        impl PartialEq for $kind {
            fn eq(&self, other: &Self) -> bool {
                std::ptr::eq(self, other)
            }
        }

        impl Eq for $kind {}
    };
}
