//! IP addresses and ranges of them.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::config::CidrRange;

/// Addresses that share their leading bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    address: IpAddr,
    bits: u8,
}

impl Range {
    /// The range of a `CidrRange`; `None` where that is none.
    #[must_use]
    pub fn new(range: &CidrRange<'_>) -> Option<Self> {
        Some(Self { address: parse_ip(&range.address_prefix)?, bits: range.prefix_len })
    }

    /// Whether an address is in it; one of the other family never is.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let rest = 32_u32.saturating_sub(self.bits.into());
                (own.to_bits() ^ other.to_bits()).checked_shr(rest).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let rest = 128_u32.saturating_sub(self.bits.into());
                (own.to_bits() ^ other.to_bits()).checked_shr(rest).unwrap_or(0) == 0
            }
            _ => false,
        }
    }

    /// How many leading bits count.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.bits
    }
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.bits)
    }
}

/// An address, in brackets or without; one of IPv4 in IPv6 is one of IPv4.
#[must_use]
pub fn parse_ip(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match bare {
        Some(text) => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_bits_decide() {
        let range = |address, bits| Range { address: parse_ip(address).unwrap(), bits };
        let is_in = |range: Range, address| range.contains(parse_ip(address).unwrap());
        assert!(is_in(range("10.1.0.0", 16), "10.1.255.3") && !is_in(range("10.1.0.0", 16), "10.2.0.0"));
        assert!(is_in(range("0.0.0.0", 0), "8.8.8.8") && !is_in(range("0.0.0.0", 0), "::1"));
        assert!(is_in(range("10.1.2.3", 32), "10.1.2.3") && !is_in(range("10.1.2.3", 32), "10.1.2.2"));
        assert!(is_in(range("fd00::", 8), "[fd12::1]") && !is_in(range("fd00::", 8), "fe80::1"));
    }
}
