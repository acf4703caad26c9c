//! Envoy's response flags: one table serves every Envoy from 1.24 to 1.40, since no bit ever moved.
//!
//! Source: Envoy `source/common/stream_info/utility.h`, 1.24–1.40.

use std::{fmt, iter};

macro_rules! flags {
    ($($short:ident = $bit:literal, $long:literal;)*) => {
        /// One response flag, named as access logs print it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the long name beside each is Envoy's own description")]
        pub enum Flag { $($short = $bit,)* }

        impl Flag {
            /// All flags in the order of their bits.
            pub const ALL: &'static [Self] = &[$(Self::$short,)*];

            /// The name in `%RESPONSE_FLAGS%`.
            #[must_use]
            pub const fn short(self) -> &'static str {
                match self { $(Self::$short => stringify!($short),)* }
            }

            /// The name in `%RESPONSE_FLAGS_LONG%`.
            #[must_use]
            pub const fn long(self) -> &'static str {
                match self { $(Self::$short => $long,)* }
            }
        }
    };
}

flags! {
    LH = 0, "FailedLocalHealthCheck";
    UH = 1, "NoHealthyUpstream";
    UT = 2, "UpstreamRequestTimeout";
    LR = 3, "LocalReset";
    UR = 4, "UpstreamRemoteReset";
    UF = 5, "UpstreamConnectionFailure";
    UC = 6, "UpstreamConnectionTermination";
    UO = 7, "UpstreamOverflow";
    NR = 8, "NoRouteFound";
    DI = 9, "DelayInjected";
    FI = 10, "FaultInjected";
    RL = 11, "RateLimited";
    UAEX = 12, "UnauthorizedExternalService";
    RLSE = 13, "RateLimitServiceError";
    DC = 14, "DownstreamConnectionTermination";
    URX = 15, "UpstreamRetryLimitExceeded";
    SI = 16, "StreamIdleTimeout";
    IH = 17, "InvalidEnvoyRequestHeaders";
    DPE = 18, "DownstreamProtocolError";
    UMSDR = 19, "UpstreamMaxStreamDurationReached";
    RFCF = 20, "ResponseFromCacheFilter";
    NFCF = 21, "NoFilterConfigFound";
    DT = 22, "DurationTimeout";
    UPE = 23, "UpstreamProtocolError";
    NC = 24, "NoClusterFound";
    OM = 25, "OverloadManagerTerminated";
    DF = 26, "DnsResolutionFailed";
    DO = 27, "DropOverload";
    DR = 28, "DownstreamRemoteReset";
    UDO = 29, "UnconditionalDropOverload";
}

/// A set of response flags.
///
/// # Units
/// Bit mask of the attribute `response.flags`: bit `n` is the flag whose discriminant is `n`. Bits that this version
/// does not know are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ResponseFlags(pub u64);

impl Flag {
    /// The flag's bit in `response.flags`.
    #[must_use]
    pub const fn mask(self) -> u64 {
        1 << (self as u32)
    }

    /// Finds a flag by its short or long name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|flag| flag.short() == name || flag.long() == name)
    }
}

impl ResponseFlags {
    /// Reads what an access log prints: `-`, short or long names separated by commas in any order, or the mask in decimal.
    ///
    /// # Errors
    /// `None` when any part is not a known flag.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text == "-" {
            return Some(Self::default());
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().map(Self);
        }
        text.split(',').try_fold(Self::default(), |set, name| Flag::parse(name).map(|flag| Self(set.0 | flag.mask())))
    }

    /// Whether `flag` is in the set.
    #[must_use]
    pub const fn contains(self, flag: Flag) -> bool {
        self.0 & flag.mask() != 0
    }

    /// Whether no flag is set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The known flags of the set, in the order of their bits.
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        let mut left = self.0;
        let bits = iter::from_fn(move || {
            let bit = (left != 0).then(|| left.trailing_zeros());
            left &= left.wrapping_sub(1);
            bit
        });
        bits.filter_map(|bit| Flag::ALL.get(bit as usize).copied())
    }
}

impl FromIterator<Flag> for ResponseFlags {
    fn from_iter<T: IntoIterator<Item = Flag>>(flags: T) -> Self {
        Self(flags.into_iter().fold(0, |mask, flag| mask | flag.mask()))
    }
}

impl fmt::Display for ResponseFlags {
    /// Writes short names separated by commas, or `-` for none.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.iter().fold(0, |known, flag| known | flag.mask());
        if known != self.0 {
            // A flag of a later Envoy has no name here; the number says all of them.
            return write!(out, "{}", self.0);
        }
        if self.is_empty() {
            return out.write_str("-");
        }
        for (at, flag) in self.iter().enumerate() {
            if at > 0 {
                out.write_str(",")?;
            }
            out.write_str(flag.short())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_flag_gives_its_bit() {
        for (bit, flag) in Flag::ALL.iter().enumerate() {
            assert_eq!(*flag as usize, bit, "flags are looked up by their bits");
            let alone = ResponseFlags(flag.mask());
            assert_eq!(ResponseFlags::parse(flag.short()), Some(alone));
            assert_eq!(ResponseFlags::parse(flag.long()), Some(alone));
            assert_eq!(ResponseFlags::parse(&flag.mask().to_string()), Some(alone));
        }
    }

    #[test]
    fn order_does_not_matter() {
        assert_eq!(ResponseFlags::parse("URX,UF"), ResponseFlags::parse("UF,URX"));
        assert_eq!(ResponseFlags::parse("URX,UF").map(|set| set.to_string()).as_deref(), Some("UF,URX"));
    }

    #[test]
    fn unknown_names_are_refused_and_unknown_bits_kept() {
        assert_eq!(ResponseFlags::parse("UF,XX"), None);
        assert_eq!(ResponseFlags::parse("4611686018427387904"), Some(ResponseFlags(1 << 62)));
        assert_eq!(ResponseFlags(1 << 62 | 1).to_string(), "4611686018427387905");
    }
}
