//! The kinds of entries.

use crate::platform::systemd::journal::Priority;

/// A kind of log entry. Its id never changes: administrators search by it, and
/// data/chatroom.catalog explains it.
#[derive(Debug)]
pub struct Kind {
    pub id: &'static str,
    pub priority: Priority,
    /// The parameter of its style on a terminal (ECMA-48, SGR).
    pub colour: &'static str,
}

const fn kind(id: &'static str, priority: Priority, colour: &'static str) -> Kind {
    Kind {
        id,
        priority,
        colour,
    }
}

const BOLD: &str = "1";
const FAINT: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

/// The room is open.
pub static OPENED: Kind = kind("2304c291b5df4b75be98c45d7c14c4d0", Priority::Notice, BOLD);
/// The room is closed.
pub static CLOSED: Kind = kind("74b089a777a14351a823b42b53d780c0", Priority::Notice, BOLD);
/// A member joined.
pub static JOINED: Kind = kind("7aa3937bfd7e423d98400bf7ed1f25d5", Priority::Info, GREEN);
/// A member left.
pub static LEFT: Kind = kind("ba62cb238285453e94cc87bb7e5339ce", Priority::Info, FAINT);
/// A member lost its connection.
pub static AWAY: Kind = kind("8dc00d2fc9dc47b3a87437002c7573dd", Priority::Info, FAINT);
/// A member came back.
pub static BACK: Kind = kind("051a1d33df134fb19ed2f149ffd50bd6", Priority::Info, GREEN);
/// The server refused a connection.
pub static REFUSED: Kind = kind("0c7927015bac4432b17c568d823ac809", Priority::Notice, YELLOW);
/// A member read too slowly.
pub static FELL_BEHIND: Kind = kind("0f7691106ead492b9f24f5b28bce27dd", Priority::Notice, YELLOW);
/// No one can join.
pub static STALLED: Kind = kind("ec9985ad74474fa09a10fd1256c634b0", Priority::Warning, RED);
/// Others can join at other addresses.
pub static ADDRESSES: Kind = kind("068f6d6d8e62416d8f81098bf35455fb", Priority::Notice, BOLD);
/// The server cannot read the store.
pub static UNREAD: Kind = kind("168f51d72bf642a388a1452abc1d2009", Priority::Error, RED);
/// Messages wait for the store.
pub static DELAYED: Kind = kind(
    "7af2916a8bc4487b9edbc1c05c7b73e8",
    Priority::Warning,
    YELLOW,
);
/// Messages no longer wait for the store.
pub static RESUMED: Kind = kind("266b7c9f52134e748b0b356490ddf6a0", Priority::Notice, GREEN);
/// The store doubts the clock, or believes it again.
pub static CLOCK: Kind = kind(
    "6e57458c79e942fb8102a29ec5506e79",
    Priority::Warning,
    YELLOW,
);
/// The disk of the store is nearly full.
pub static DISK_LOW: Kind = kind("61f4a665acee4107b8429a4776bee919", Priority::Warning, RED);
/// The log has a hole.
pub static MISSED: Kind = kind(
    "ba7a9725c46542cc96337c10de2272e1",
    Priority::Warning,
    YELLOW,
);
/// The settings changed.
pub static CHANGED: Kind = kind("1511e81d219c45d8a94bf883035a342a", Priority::Notice, BOLD);
/// The new configuration is wrong.
pub static UNCHANGED: Kind = kind("aa346b426e14468ba2dd6a1032e1cf8a", Priority::Error, RED);
/// Someone sent a key that is not the room's.
pub static WRONG_KEY: Kind = kind("af84bd2c26414413b198d24416c20094", Priority::Notice, YELLOW);
/// A member was removed.
pub static REMOVED: Kind = kind("447f84d0e223412ab88f6fdd745c2da8", Priority::Notice, YELLOW);
/// An address may join again.
pub static UNBANNED: Kind = kind("6351b0a8d8cd483f82860dfdc0681187", Priority::Notice, BOLD);
/// A member was muted, or is no longer.
pub static MUTED: Kind = kind("a59e83ba0e614d6e9ab07760088d89e0", Priority::Notice, YELLOW);
/// The time between two messages of each member was set.
pub static SLOW: Kind = kind("045c21767b2f40b8bea2a62230b00568", Priority::Notice, BOLD);
/// A message was erased.
pub static ERASED: Kind = kind("5346cbaafbe944f696cc4e7016f2ffcc", Priority::Notice, BOLD);
/// A member is a host now.
pub static HOST: Kind = kind("ba027df6a53e4eca83650d1e7d5db18a", Priority::Notice, BOLD);
/// The room has another key.
pub static KEY_REPLACED: Kind = kind("c5a9afd521524487b83134b57d0747c8", Priority::Notice, BOLD);
/// The administrator's new certificate is in use.
pub static CERTIFICATE: Kind = kind("181a71666fc24c83ba20b617d5a5c459", Priority::Notice, BOLD);
/// The administrator's new certificate cannot be used.
pub static CERTIFICATE_KEPT: Kind = kind("43171fcd66ab471fb57aeaadf077bda3", Priority::Error, RED);
/// The administrator should know something.
pub static WARNED: Kind = kind(
    "bac4aa59782848d9b18c993465c01a1c",
    Priority::Warning,
    YELLOW,
);
/// The program cannot start, or cannot go on.
pub static FAILED: Kind = kind("8a44676136eb4ad6aeb87fe6f96d82b9", Priority::Error, RED);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalog_explains_every_kind() {
        let catalog = include_str!("../../../data/systemd/chatroom.catalog");
        for kind in [
            &OPENED,
            &CLOSED,
            &JOINED,
            &LEFT,
            &AWAY,
            &BACK,
            &REFUSED,
            &FELL_BEHIND,
            &STALLED,
            &UNREAD,
            &DELAYED,
            &RESUMED,
            &CLOCK,
            &DISK_LOW,
            &ADDRESSES,
            &MISSED,
            &CHANGED,
            &UNCHANGED,
            &WRONG_KEY,
            &REMOVED,
            &UNBANNED,
            &MUTED,
            &SLOW,
            &ERASED,
            &HOST,
            &KEY_REPLACED,
            &CERTIFICATE,
            &CERTIFICATE_KEPT,
            &WARNED,
            &FAILED,
        ] {
            assert_eq!(
                catalog.matches(&format!("-- {}\n", kind.id)).count(),
                1,
                "{kind:?}"
            );
        }
    }
}
