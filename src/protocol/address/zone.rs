//! IPv6 addresses with their zones (RFC 4007, section 11), as `fe80::1%eth0`.

use std::borrow::Cow;
use std::net::Ipv6Addr;

/// The most bytes of the name of a network interface (`IFNAMSIZ` of Linux, without
/// the NUL).
const ZONE_LIMIT: usize = 15;

/// The address and its zone, if `written` is an IPv6 address with or without one.
pub(super) fn split(written: &str) -> Option<(Ipv6Addr, Option<&str>)> {
    let (ip, zone) = match written.split_once('%') {
        Some((ip, zone)) => (ip, Some(zone)),
        None => (written, None),
    };
    let ip = ip.parse().ok()?;
    zone.is_none_or(is_zone).then_some((ip, zone))
}

/// `written` with `%` where a link has `%25` before a zone (RFC 6874). Outside of a link,
/// `%25` with digits after it is the number of an interface.
pub(super) fn decoded(written: &str, is_link: bool) -> Cow<'_, str> {
    match written.split_once("%25") {
        Some((ip, zone)) if !zone.is_empty() && (is_link || !starts_with_digit(zone)) => {
            format!("{ip}%{zone}").into()
        }
        _ => written.into(),
    }
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether `zone` can be the name or the number of a network interface. Neither contains
/// characters that act on a terminal, or that a link would have to encode.
fn is_zone(zone: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    (1..=ZONE_LIMIT).contains(&zone.len()) && zone.bytes().all(fits)
}
