//! How much space is left on the disk.

use std::io;
use std::path::Path;

/// The space of a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// The space that this user can still write to.
    pub free: u64,
    /// All space for files of this user, used or free.
    pub total: u64,
}

/// The space of the file system on which `path` is.
pub(super) fn space(path: &Path) -> io::Result<DiskSpace> {
    let of = rustix::fs::statvfs(path)?;
    let used = of.f_blocks.saturating_sub(of.f_bfree);
    Ok(DiskSpace {
        free: of.f_bavail.saturating_mul(of.f_frsize),
        total: used.saturating_add(of.f_bavail).saturating_mul(of.f_frsize),
    })
}

/// Free space that is plenty, however large the disk is: room for half a million long
/// messages.
const PLENTY: u64 = 1 << 30;

/// The free space, in bytes, below which a disk of this size is nearly full.
fn low(total: u64) -> u64 {
    (total / 10).min(PLENTY)
}

/// Reports once that the disk is nearly full: that less than a tenth of it is free, and
/// less than 1 GiB. Reports again only after a quarter more than that was free in
/// between, so that a disk at the limit does not cause one report after the other.
#[derive(Debug, Default)]
pub struct SpaceWatch {
    is_low: bool,
}

impl SpaceWatch {
    /// Whether to report this now.
    pub fn is_news(&mut self, space: DiskSpace) -> bool {
        let low = low(space.total);
        if space.free < low {
            !std::mem::replace(&mut self.is_low, true)
        } else {
            self.is_low &= space.free < low + low / 4;
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_once_for_each_time_that_it_becomes_full() {
        let mut watch = SpaceWatch::default();
        let mut look = |free| watch.is_news(DiskSpace { free, total: 1_000 });
        assert_eq!(
            [200, 100, 99, 50, 99].map(&mut look),
            [false, false, true, false, false]
        );
        // A disk at the limit causes one report only.
        assert_eq!([101, 99, 110, 98].map(&mut look), [false; 4]);
        assert_eq!([125, 99, 0].map(&mut look), [false, true, false]);
    }

    #[test]
    fn a_large_disk_with_plenty_of_space_is_not_full() {
        let total = 100 << 30;
        for (free, is_news) in [(PLENTY, false), (PLENTY - 1, true)] {
            let mut watch = SpaceWatch::default();
            assert_eq!(watch.is_news(DiskSpace { free, total }), is_news, "{free}");
        }
    }

    #[test]
    fn the_disk_of_a_file_has_space() {
        let folder = tempfile::tempdir().unwrap();
        let space = space(folder.path()).unwrap();
        assert!(space.total > 0 && space.free <= space.total, "{space:?}");
    }
}
