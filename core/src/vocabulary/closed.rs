//! How a closed set of words is declared.

/// Declares the enumeration, all its members, and the text that each stands for.
#[macro_export]
macro_rules! words {
    ($(#[$about:meta])* pub enum $name:ident { $($(#[$doc:meta])* $word:ident = $text:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $word,)* }

        impl $name {
            /// All of them, in this order.
            pub const ALL: &'static [Self] = &[$(Self::$word,)*];

            /// The text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)* }
            }
        }
    };
}
