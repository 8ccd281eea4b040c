//! Public: which addresses are somebody's on the Internet, and nobody's at home.
//!
//! `std`'s `is_global` is not stable. The crates that have such tables describe the registries, and do not
//! promise to keep a request out of a network; this one does, so it is stricter: what is in doubt is not
//! public. After IANA's registries of special-purpose addresses (RFC 6890), of 2026.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is not public in IPv4.
const SPECIAL_V4: [(Ipv4Addr, u32); 17] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),  // this network: RFC 791, section 3.2
    (Ipv4Addr::new(10, 0, 0, 0), 8), // private: RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10), // a carrier's own (CGNAT): RFC 6598
    (Ipv4Addr::new(127, 0, 0, 0), 8), // loopback: RFC 1122, section 3.2.1.3
    (Ipv4Addr::new(168, 63, 129, 16), 32), // Azure's host, as its machines see it
    (Ipv4Addr::new(169, 254, 0, 0), 16), // link-local, and clouds' metadata: RFC 3927
    (Ipv4Addr::new(172, 16, 0, 0), 12), // private: RFC 1918
    (Ipv4Addr::new(192, 0, 0, 0), 24), // protocol assignments: RFC 6890, section 2.1
    (Ipv4Addr::new(192, 0, 2, 0), 24), // documentation: RFC 5737
    (Ipv4Addr::new(192, 88, 99, 0), 24), // 6to4 relays: RFC 7526
    (Ipv4Addr::new(192, 168, 0, 0), 16), // private: RFC 1918
    (Ipv4Addr::new(198, 18, 0, 0), 15), // benchmarks: RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation: RFC 5737
    (Ipv4Addr::new(203, 0, 113, 0), 24), // documentation: RFC 5737
    (Ipv4Addr::new(224, 0, 0, 0), 4), // multicast: RFC 5771
    (Ipv4Addr::new(240, 0, 0, 0), 4), // reserved: RFC 1112, section 4
    (Ipv4Addr::BROADCAST, 32),       // everybody here: RFC 919
];

/// The only part of IPv6 that is given to anybody: RFC 4291, section 2.4, and IANA's list of it. Outside are
/// loopback, unspecified, IPv4-mapped and -compatible (`::/96`), NAT64 (64:ff9b::/96, 64:ff9b:1::/48),
/// discard-only (100::/64), unique local (fc00::/7), link- and site-local (fe80::/10, fec0::/10), segment
/// routing (5f00::/16) and multicast (ff00::/8).
const GIVEN_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What is not public within.
const SPECIAL_V6: [(Ipv6Addr, u32); 5] = [
    // Protocol assignments: Teredo (RFC 4380), benchmarks (RFC 5180), ORCHID (RFC 4843, RFC 7343), ..
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation: RFC 3849
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),     // 6to4, any IPv4 address inside: RFC 3056
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16),     // given back: RFC 3701
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),     // documentation: RFC 9637
];

/// Whether an address may be asked.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let is_in = |(net, bits): &(Ipv4Addr, u32)| {
                let differ = u32::from(address) ^ u32::from(*net);
                differ.leading_zeros() >= *bits
            };
            !SPECIAL_V4.iter().any(is_in)
        }
        IpAddr::V6(address) => {
            let is_in = |(net, bits): &(Ipv6Addr, u32)| {
                let differ = u128::from(address) ^ u128::from(*net);
                differ.leading_zeros() >= *bits
            };
            is_in(&GIVEN_V6) && !SPECIAL_V6.iter().any(is_in)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(address: &str) -> bool {
        is_public(address.parse().expect("an address"))
    }

    #[test]
    fn what_is_somebodys_is_public() {
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2001:db7:ffff::1",
            "2001:db9::1",
            "2003::1",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "3ffd:ffff::1",
            "3fff:1000::1",
        ];
        for address in public {
            assert!(is(address), "{address}");
        }
    }

    #[test]
    fn what_is_special_is_not() {
        let special = [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.0.0",
            "169.254.169.254",
            "169.254.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.0",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::1",
            "100::1",
            "100:0:0:1::1",
            "1fff:ffff::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:1ff:ffff::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:808:808::1",
            "3ffe::1",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for address in special {
            assert!(!is(address), "{address}");
        }
    }

    #[test]
    fn the_tables_hold_whole_networks() {
        for (net, bits) in SPECIAL_V4 {
            let host = u32::MAX.checked_shr(bits).unwrap_or(0);
            assert_eq!(u32::from(net) & host, 0, "{net}/{bits}");
        }
        for (net, bits) in SPECIAL_V6.into_iter().chain([GIVEN_V6]) {
            let host = u128::MAX.checked_shr(bits).unwrap_or(0);
            assert_eq!(u128::from(net) & host, 0, "{net}/{bits}");
        }
    }
}
