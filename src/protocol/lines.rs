//! Splits a stream of bytes into lines, none longer than a limit.

use std::borrow::Cow;

use memchr::memchr;

/// Splits a stream of bytes, which arrives in pieces of any size, into lines.
///
/// Holds no more than one unfinished line, and nothing at all between lines.
#[derive(Debug)]
pub struct Lines {
    limit: usize,
    /// The start of the unfinished line.
    begun: Vec<u8>,
    /// Whether the current line is already too long, so that the rest of it is skipped.
    overlong: bool,
}

/// A line, or the fact that one exceeded the limit.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line without its `\n`, and without a `\r` before it.
    Whole(Cow<'a, [u8]>),
    /// A line longer than the limit. Returned once, as soon as the line is too long; the
    /// rest of its bytes is skipped.
    TooLong,
}

impl Lines {
    /// The number of bytes held of the unfinished line.
    #[must_use]
    pub const fn held_bytes(&self) -> usize {
        self.begun.capacity()
    }

    /// A splitter for lines of at most `limit` bytes, not counting the line break.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            begun: Vec::new(),
            overlong: false,
        }
    }

    /// Removes the bytes up to the end of the next line from the front of `piece`, and
    /// returns that line. If the line does not end in `piece`, removes all bytes and
    /// returns `None`.
    pub fn next<'a>(&mut self, piece: &mut &'a [u8]) -> Option<Line<'a>> {
        while !piece.is_empty() {
            let Some(end) = memchr(b'\n', piece) else {
                return self.begin(std::mem::take(piece));
            };
            let line = &piece[..end];
            *piece = &piece[end + 1..];
            if std::mem::take(&mut self.overlong) {
                continue;
            }
            if self.begun.is_empty() {
                return Some(self.checked(Cow::Borrowed(line)));
            }
            let mut whole = std::mem::take(&mut self.begun);
            whole.extend_from_slice(line);
            return Some(self.checked(Cow::Owned(whole)));
        }
        None
    }

    /// Keeps the start of a line, unless it is already too long.
    fn begin<'a>(&mut self, start: &[u8]) -> Option<Line<'a>> {
        if self.overlong {
            return None;
        }
        // One more, for a `\r` that may turn out to belong to the line break.
        if self.begun.len() + start.len() > self.limit + 1 {
            self.overlong = true;
            self.begun = Vec::new();
            return Some(Line::TooLong);
        }
        self.begun.extend_from_slice(start);
        None
    }

    fn checked<'a>(&self, mut line: Cow<'a, [u8]>) -> Line<'a> {
        if line.ends_with(b"\r") {
            match &mut line {
                Cow::Borrowed(line) => *line = &line[..line.len() - 1],
                Cow::Owned(line) => line.truncate(line.len() - 1),
            }
        }
        if line.len() > self.limit {
            Line::TooLong
        } else {
            Line::Whole(line)
        }
    }

    /// The start of the unfinished line, if it is not too long.
    #[must_use]
    pub fn begun(&self) -> &[u8] {
        &self.begun
    }

    /// The last line of a stream that ended without a line break, if there is one that is
    /// not too long.
    pub fn finish(&mut self) -> Option<Vec<u8>> {
        let begun = std::mem::take(&mut self.begun);
        (!begun.is_empty()).then_some(begun)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(limit: usize, pieces: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        let mut lines = Lines::new(limit);
        let mut found = Vec::new();
        for piece in pieces {
            let mut piece = *piece;
            while let Some(line) = lines.next(&mut piece) {
                found.push(match line {
                    Line::Whole(line) => Some(line.into_owned()),
                    Line::TooLong => None,
                });
            }
            assert!(lines.begun.len() <= limit + 1);
        }
        found
    }

    #[test]
    fn a_line_too_long_is_told_once_and_the_next_is_whole() {
        let long = Some(b"12345".to_vec());
        assert_eq!(
            lines(5, &[b"12345\r\n", b"12345\n"]),
            [long.clone(), long.clone()]
        );
        assert_eq!(lines(5, &[b"123456\n12345\n"]), [None, long.clone()]);
        assert_eq!(
            lines(5, &[b"1234", b"567", b"89\n12345\n"]),
            [None, long.clone()]
        );
        assert_eq!(lines(5, &[b"12345\r", b"\n"]), [long]);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_lines(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200),
            cuts in proptest::collection::vec(0_usize..200, 0..20),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < bytes.len()).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut start = 0;
            for cut in cuts.into_iter().chain([bytes.len()]) {
                pieces.push(&bytes[start..cut]);
                start = cut;
            }
            // A line without its end may already be too long, or not yet.
            let whole = lines(20, &[&bytes, b"\n"]);
            pieces.push(b"\n");
            prop_assert_eq!(lines(20, &pieces), whole);
        }
    }
}
